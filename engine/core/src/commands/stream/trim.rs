//! XTRIM, and the options about trimming that XADD takes as well.

use refrain_data::stream::{Stream, StreamBody, TrimTo};

use super::id;
use super::references::{References, Trimmed};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// How far a stream is to be trimmed, and how exactly.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trim {
    pub(super) to: TrimTo,
    pub(super) approximate: bool,
    pub(super) limit: u64,
    pub(super) references: References,
}

impl Trim {
    /// Trims a stream.
    pub(super) fn apply(&self, stream: &mut Stream) -> Trimmed {
        self.references.trim(stream, self.to, self.approximate, self.limit)
    }

    /// Whether what goes depends on how entries are packed, so that whoever repeats it must be told how far it came.
    pub(super) fn depends_on_blocks(&self) -> bool {
        self.approximate || self.references == References::Acked && matches!(self.to, TrimTo::Length(_))
    }

    /// The option's name and its threshold as text.
    pub(super) fn words(to: TrimTo) -> (&'static [u8], Vec<u8>) {
        match to {
            TrimTo::Length(most) => (b"MAXLEN", most.to_string().into_bytes()),
            TrimTo::Id(id) => (b"MINID", id.text().as_bytes().to_vec()),
        }
    }
}

/// Options of XADD and XTRIM while they are read.
#[derive(Default)]
pub(super) struct TrimOptions {
    strategy: Option<(TrimTo, bool)>,
    limit: Option<u64>,
    references: Option<References>,
}

impl TrimOptions {
    /// Reads the option at argument `i`, if it is one of these, and returns where the next one is.
    pub(super) fn read(&mut self, call: &Call<'_>, i: usize) -> Result<Option<usize>, ErrorReply> {
        let more = call.args.len() - 1 - i;
        let is_length = call.args.is(i, "MAXLEN");
        if more >= 1 && (is_length || call.args.is(i, "MINID")) {
            return self.read_strategy(call, i, is_length).map(Some);
        }
        if more >= 1 && call.args.is(i, "LIMIT") {
            let limit = call.integer(i + 1)?;
            let limit = u64::try_from(limit).map_err(|_| ErrorReply::new("ERR The LIMIT argument must be >= 0."))?;
            self.limit = Some(limit);
            return Ok(Some(i + 2));
        }
        match References::of(call.args.at(i)) {
            Some(references) if self.references.is_none() => {
                self.references = Some(references);
                Ok(Some(i + 1))
            }
            _ => Ok(None),
        }
    }

    fn read_strategy(&mut self, call: &Call<'_>, i: usize, is_length: bool) -> Result<usize, ErrorReply> {
        const BOTH: &str = "ERR syntax error, MAXLEN and MINID options at the same time are not compatible";
        if self.strategy.is_some() {
            return Err(ErrorReply::new(BOTH));
        }
        let (mut at, mut approximate) = (i + 1, false);
        if at + 1 < call.args.len() && matches!(call.args.at(at), b"~" | b"=") {
            approximate = call.args.at(at) == b"~";
            at += 1;
        }
        let to = if is_length {
            let most = u64::try_from(call.integer(at)?);
            TrimTo::Length(most.map_err(|_| ErrorReply::new("ERR The MAXLEN argument must be >= 0."))?)
        } else {
            TrimTo::Id(id::strict(call.args.at(at))?)
        };
        self.strategy = Some((to, approximate));
        Ok(at + 1)
    }

    /// What the options come to.
    pub(super) fn finish(self, call: &Call<'_>, required: bool) -> Result<Option<Trim>, ErrorReply> {
        const ALONE: &str = "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy";
        const MISSING: &str = "ERR syntax error, XTRIM must be called with a trimming strategy";
        const EXACT: &str = "ERR syntax error, LIMIT cannot be used without the special ~ option";
        let Some((to, approximate)) = self.strategy else {
            if self.limit.is_some_and(|limit| limit > 0) {
                return Err(ErrorReply::new(ALONE));
            }
            return if required {
                Err(ErrorReply::new(MISSING))
            } else if self.limit.is_some() {
                Err(ErrorReply::new(EXACT))
            } else {
                Ok(None)
            };
        };
        let limit = match self.limit {
            Some(_) if !approximate => return Err(ErrorReply::new(EXACT)),
            Some(limit) => limit,
            None if approximate => default_limit(call),
            None => 0,
        };
        Ok(Some(Trim { to, approximate, limit, references: self.references.unwrap_or_default() }))
    }
}

/// So many entries go at once at the most, unless the client says otherwise: a hundred full blocks.
fn default_limit(call: &Call<'_>) -> u64 {
    match call.state.config.encodings.stream_node_max_entries.saturating_mul(100) {
        ..=0 => 10_000,
        limit => u64::try_from(limit).unwrap_or(0).min(1_000_000),
    }
}

/// XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count] [KEEPREF | DELREF | ACKED]
pub fn xtrim(call: &mut Call<'_>) -> Outcome {
    let mut options = TrimOptions::default();
    let mut i = 2;
    while i < call.args.len() {
        i = options.read(call, i)?.ok_or(SYNTAX)?;
    }
    let Some(trim) = options.finish(call, true)? else { return Err(SYNTAX) };
    let key = call.key(1);
    if let Some(stream) = call.state.peek(&key).and_then(|entry| entry.view::<StreamBody>()) {
        let going = match trim.to {
            TrimTo::Length(most) => stream.len().saturating_sub(usize::try_from(most).unwrap_or(usize::MAX)),
            TrimTo::Id(_) => stream.len(),
        };
        let bound = if trim.limit == 0 { usize::MAX } else { usize::try_from(trim.limit).unwrap_or(usize::MAX) };
        call.state.set_aside(&key, going.min(bound));
    }
    let edited = call.state.edit::<StreamBody, _>(&key, |stream| trim.apply(stream))?;
    let Some(Trimmed { gone, left }) = edited.map(|edited| edited.result) else {
        call.reply().integer(0);
        return Ok(());
    };
    if gone > 0 {
        call.state.notify(NotifyClass::STREAM, "xtrim", &key);
        call.state.modified(&key);
        call.work(gone / 64);
        if trim.depends_on_blocks() {
            let (name, threshold) = Trim::words(left);
            let mut command: Vec<&[u8]> = vec![b"XTRIM", key.name, name, b"=", &threshold];
            command.extend(trim.references.word());
            call.propagate(&command);
        }
    }
    call.reply().integer(gone as i64);
    Ok(())
}
