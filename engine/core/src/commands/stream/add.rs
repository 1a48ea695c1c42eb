//! XADD.

use refrain_data::stream::{Log, Stream, StreamBody, StreamId, StreamLimits};

use super::id::{self, NewId};
use super::producers::limits_of;
use super::references::Trimmed;
use super::sender::{self, Message, Sender, configured};
use super::trim::{Trim, TrimOptions};
use crate::call::{Call, Outcome};
use crate::error::ErrorReply;
use crate::hooks::Bug;
use crate::notify::NotifyClass;

const ZERO: ErrorReply = ErrorReply::new("ERR The ID specified in XADD must be greater than 0-0");
const EXHAUSTED: ErrorReply =
    ErrorReply::new("ERR The stream has exhausted the last possible ID, unable to add more items");
const TOO_SMALL: ErrorReply =
    ErrorReply::new("ERR The ID specified in XADD is equal or smaller than the target stream top item");
const TOO_LARGE: ErrorReply = ErrorReply::new("ERR Elements are too large to be stored");

/// What XADD is asked for.
struct Addition {
    id: NewId,
    id_at: usize,
    only_existing: bool,
    sender: Option<Sender>,
    trim: Option<Trim>,
}

impl Addition {
    fn parse(call: &Call<'_>) -> Result<Addition, ErrorReply> {
        if call.args.at(2) == b"*" {
            return Ok(Addition { id: NewId::Auto, id_at: 2, only_existing: false, sender: None, trim: None });
        }
        let mut options = TrimOptions::default();
        let (mut only_existing, mut sender) = (false, None);
        let (mut i, mut new_id) = (2, NewId::Auto);
        while i < call.args.len() && call.args.at(i) != b"*" {
            if let Some(next) = options.read(call, i)? {
                i = next;
            } else if call.args.is(i, "NOMKSTREAM") {
                only_existing = true;
                i += 1;
            } else if let Some(next) = Sender::read(call, i, &mut sender)? {
                i = next;
            } else {
                new_id = id::new(call.args.at(i))?;
                // What is repeated from a file has the id that it got.
                if sender.is_some() && !call.state.persistence.is_loading() {
                    return Err(sender::ONLY_AUTO);
                }
                break;
            }
        }
        let trim = options.finish(call, false)?;
        Ok(Addition { id: new_id, id_at: i, only_existing, sender, trim })
    }
}

/// What has become of an addition.
enum Addend {
    /// There is a new entry.
    New(Added),
    /// It had come before, and got this id, if that is known.
    Known(Option<StreamId>),
}

/// A new entry.
struct Added {
    id: StreamId,
    trimmed: Option<Trimmed>,
}

/// XADD key [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO pid | IDMP pid iid] [MAXLEN | MINID [= | ~] threshold [LIMIT count]]
/// * | id field value …
pub fn xadd(call: &mut Call<'_>) -> Outcome {
    let addition = Addition::parse(call)?;
    let (args, first) = (call.args, addition.id_at + 1);
    let count = args.len().saturating_sub(first);
    if count < 2 || !count.is_multiple_of(2) {
        return Err(ErrorReply::arity(call.command.name));
    }
    if addition.id == NewId::Given(StreamId::MIN) {
        return Err(ZERO);
    }
    let pairs = (first..args.len()).step_by(2).map(|i| (args.at(i), args.at(i + 1)));
    let config = &call.state.config;
    let limits = StreamLimits {
        node_max_bytes: config.encodings.stream_node_max_bytes,
        node_max_entries: u64::try_from(config.encodings.stream_node_max_entries).unwrap_or(0),
    };
    let usual = configured(config);
    let now_ms = call.state.now.unix_ms();
    let trim = addition.trim;
    let message = addition.sender.map(|sender| sender.message(call, first));
    // In a file only what had come before has no id. It may be forgotten here, where less is remembered than was then.
    let repeated = message.is_some() && addition.id == NewId::Auto && call.state.persistence.is_loading();
    let forgetful = message.is_some() && call.hooks.planted(Bug::AddedAgain);
    let storable = Log::is_storable((first..args.len()).map(|i| args.at(i).len()).sum());
    let add = |stream: &mut Stream| {
        if let Some(message) = &message
            && addition.id == NewId::Auto
        {
            let known = message.find(stream).filter(|_| !forgetful);
            if known.is_some() || repeated {
                Message::count_duplicate(stream);
                return Ok(Addend::Known(known));
            }
        }
        let id = next_id(&stream.log, addition.id, now_ms)?;
        if !storable {
            return Err(TOO_LARGE);
        }
        stream.log.append(id, pairs.clone(), limits);
        let kept = limits_of(stream, usual);
        if let Some(message) = &message {
            message.record(stream, id, kept);
        }
        Ok(Addend::New(Added { id, trimmed: trim.map(|trim| trim.apply(stream)) }))
    };
    let key = call.key(1);
    let addend = if addition.only_existing || repeated || !storable {
        match call.state.edit::<StreamBody, _>(&key, |stream| add(stream))? {
            Some(edited) => edited.result?,
            None if storable => {
                call.reply().null();
                return Ok(());
            }
            None => return Err(TOO_LARGE),
        }
    } else {
        call.state.edit_or_create::<StreamBody, _>(&key, |stream| add(stream))?.result?
    };
    call.state.has_had_producers |= message.is_some();
    let added = match addend {
        Addend::New(added) => added,
        Addend::Known(id) => {
            // Nobody who looks at the entries sees a difference; but it was counted.
            call.state.modified_aside();
            match id {
                Some(id) => call.reply().bulk(id.text().as_bytes()),
                None => call.reply().null(),
            }
            return Ok(());
        }
    };
    let text = added.id.text();
    call.reply().bulk(text.as_bytes());
    call.state.notify(NotifyClass::STREAM, "xadd", &key);
    let gone = added.trimmed.map_or(0, |trimmed| trimmed.gone);
    if gone > 0 {
        call.state.notify(NotifyClass::STREAM, "xtrim", &key);
        call.work(gone / 64);
    }
    call.state.modified(&key);
    if call.state.effects.stream.is_enabled() {
        propagate(call, &addition, &added);
    }
    Ok(())
}

/// The id of the new entry.
fn next_id(log: &Log, wanted: NewId, now_ms: u64) -> Result<StreamId, ErrorReply> {
    let last = log.last_id();
    let after = last.next().ok_or(EXHAUSTED)?;
    let id = match wanted {
        NewId::Auto if now_ms > last.ms => StreamId::new(now_ms, 0),
        NewId::Auto => after,
        NewId::At(ms) if ms == last.ms => StreamId { ms, seq: last.seq.checked_add(1).ok_or(TOO_SMALL)? },
        NewId::At(ms) => StreamId::new(ms, 0),
        NewId::Given(id) => id,
    };
    if id > last { Ok(id) } else { Err(TOO_SMALL) }
}

/// The entry as it was added: with its id, and with a bound that leaves as many entries as were left.
fn propagate(call: &mut Call<'_>, addition: &Addition, added: &Added) {
    let exact = addition.trim.is_none_or(|trim| !trim.depends_on_blocks());
    if exact && matches!(addition.id, NewId::Given(_)) {
        return;
    }
    let args = call.args;
    let id = added.id.text();
    let mut command: Vec<&[u8]> = Vec::with_capacity(args.len() + 2);
    command.extend([b"XADD", args.at(1)]);
    command.extend(addition.sender.into_iter().flat_map(|sender| sender.words(call)));
    let words = addition.trim.zip(added.trimmed).map(|(trim, trimmed)| {
        let bound = if trim.depends_on_blocks() { trimmed.left } else { trim.to };
        (trim.references.word(), Trim::words(bound))
    });
    if let Some((references, (name, threshold))) = &words {
        command.extend(*references);
        command.extend([*name, b"=", threshold]);
    }
    command.push(id.as_bytes());
    command.extend((addition.id_at + 1..args.len()).map(|i| args.at(i)));
    call.propagate(&command);
}
