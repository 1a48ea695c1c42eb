//! CLIENT LIST and INFO: connections as lines of fields.
//!
//! Names and meanings are Redis's. Where our structure differs from Redis's (input is read into an arena that all
//! connections share, replies lie in one buffer), a field says what its reader wants to know: how much, held by whom.

use std::fmt::Write as _;

use refrain_resp::{Protocol, parse_i64};

use super::tracking::redirection;
use crate::acl::Acl;
use crate::call::{Call, Outcome};
use crate::config::ClientClass;
use crate::error::{ErrorReply, SYNTAX};
use crate::pubsub::Kind;
use crate::session::{Closing, Session};
use crate::state::State;
use crate::tracking::{Tracker, Tracking};

/// Redis's names of client types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientType {
    Normal,
    Master,
    Replica,
    Pubsub,
}

impl ClientType {
    pub(super) fn parse(word: &[u8]) -> Result<ClientType, ErrorReply> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(ClientType::Normal),
            b"master" => Ok(ClientType::Master),
            b"slave" | b"replica" => Ok(ClientType::Replica),
            b"pubsub" => Ok(ClientType::Pubsub),
            _ => Err(ErrorReply::quoting("ERR Unknown client type '", word, "'")),
        }
    }

    pub(super) fn of(session: &Session) -> ClientType {
        match session.class() {
            ClientClass::Normal => ClientType::Normal,
            ClientClass::Replica => ClientType::Replica,
            ClientClass::Pubsub => ClientType::Pubsub,
        }
    }
}

/// CLIENT LIST [TYPE type] [ID id [id ...]]
pub fn list(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let (mut kind, mut ids) = (None, None);
    if args.len() == 4 && args.is(2, "TYPE") {
        kind = Some(ClientType::parse(args.at(3))?);
    } else if args.len() > 3 && args.is(2, "ID") {
        let parse = |text: &[u8]| parse_i64(text).ok_or(ErrorReply::new("ERR Invalid client ID"));
        ids = Some(args.iter().skip(3).map(parse).collect::<Result<Vec<i64>, _>>()?);
    } else if args.len() != 2 {
        return Err(SYNTAX);
    }
    let mut all: Vec<&Session> = call.state.sessions.iter().chain([&*call.session]).collect();
    all.sort_unstable_by_key(|s| s.id);
    let mut lines = Lines::of(call);
    match ids {
        // In the order in which they were named, as often as they were.
        Some(ids) => {
            for id in ids {
                let named = u64::try_from(id).ok().and_then(|id| all.binary_search_by_key(&id, |s| s.id).ok());
                named.into_iter().for_each(|at| lines.push(all[at]));
            }
        }
        None => all.into_iter().filter(|s| kind.is_none_or(|k| k == ClientType::of(s))).for_each(|s| lines.push(s)),
    }
    let text = lines.text;
    call.session.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// CLIENT INFO
pub fn info(call: &mut Call<'_>) -> Outcome {
    let mut lines = Lines::of(call);
    lines.push(call.session);
    let text = lines.text;
    call.session.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

impl State {
    /// A client that is not executing, as CLIENT LIST shows it: for the log.
    pub(crate) fn client_line(&self, session: &Session) -> String {
        let mut line = String::new();
        describe(session, &self.acl, &self.tracking, self.now.mono_us, waiting_arguments(session), &mut line);
        line
    }
}

/// The lines, and what must be known beside a session to write one.
struct Lines<'a> {
    text: String,
    acl: &'a Acl,
    tracking: &'a Tracking,
    now_us: u64,
    /// Who asks: its command is being executed, so its arguments are in use.
    asking: u64,
    asking_arguments: usize,
}

impl<'a> Lines<'a> {
    fn of(call: &'a Call<'_>) -> Lines<'a> {
        Lines {
            text: String::new(),
            acl: &call.state.acl,
            tracking: &call.state.tracking,
            now_us: call.state.now.mono_us,
            asking: call.session.id,
            asking_arguments: call.args.iter().map(<[u8]>::len).sum(),
        }
    }

    fn push(&mut self, session: &Session) {
        let arguments = match session.id == self.asking {
            true => self.asking_arguments,
            false => waiting_arguments(session),
        };
        describe(session, self.acl, self.tracking, self.now_us, arguments, &mut self.text);
        self.text.push('\n');
    }
}

/// Bytes of arguments that a client has sent and that wait: for the rest of their command, or with it to be served.
fn waiting_arguments(session: &Session) -> usize {
    session.parser.arguments_len() + session.blocked.as_ref().map_or(0, |blocked| blocked.arguments_len())
}

/// One client in one line, as CLIENT LIST prints it.
pub(crate) fn describe(s: &Session, acl: &Acl, tracking: &Tracking, now_us: u64, arguments: usize, out: &mut String) {
    let tracker = tracking.of(s.handle);
    let seconds = |since: u64| now_us.saturating_sub(since) / 1_000_000;
    let queued = s.queued();
    let output = s.output_figures();
    write!(
        out,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub={} psub={} ssub={} multi={} qbuf={} \
         qbuf-free={} argv-mem={arguments} multi-mem={} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={} cmd={} \
         user={} redir={} resp={} lib-name={} lib-ver={} watch={} capa={}",
        s.id,
        s.origin.remote,
        s.origin.local,
        s.origin.descriptor,
        String::from_utf8_lossy(&s.name),
        seconds(s.connected_us),
        seconds(s.active_us),
        Flags(s, tracker),
        s.db,
        s.subscribed(Kind::Channel),
        s.subscribed(Kind::Pattern),
        s.subscribed(Kind::Shard),
        queued.map_or(-1, |q| q.commands as i64),
        s.input_len(),
        s.input_room(now_us),
        queued.map_or(0, |q| q.arguments_len),
        output.room,
        output.peak,
        output.in_buffer,
        output.blocks,
        output.beyond_buffer,
        s.memory(),
        if s.output.is_empty() { "r" } else { "rw" },
        s.last_command.map_or("NULL", |c| c.name),
        String::from_utf8_lossy(acl.name(s.user)),
        redirection(tracker),
        if s.protocol == Protocol::Resp3 { 3 } else { 2 },
        String::from_utf8_lossy(&s.library.name),
        String::from_utf8_lossy(&s.library.version),
        s.watch.keys.len(),
        if s.follows_redirects { "r" } else { "" },
    )
    .expect("writing to a string does not fail");
}

/// The letters of the field `flags`.
struct Flags<'a>(&'a Session, Option<&'a Tracker>);

impl std::fmt::Display for Flags<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Flags(s, tracker) = *self;
        let letters = [
            (s.monitors, 'O'),
            (s.class() == ClientClass::Pubsub, 'P'),
            (s.in_transaction() || s.in_exec(), 'x'),
            (s.is_held_back() || s.is_blocked(), 'b'),
            (tracker.is_some(), 't'),
            (tracker.is_some_and(|t| t.broken), 'R'),
            (tracker.is_some_and(|t| t.options.broadcast), 'B'),
            (s.watch.broken, 'd'),
            (s.closing == Closing::AfterReplies, 'c'),
            (s.closing == Closing::Now, 'A'),
            (s.origin.is_unix, 'U'),
            (s.no_evict, 'e'),
            (s.no_touch, 'T'),
        ];
        let mut none = true;
        for (_, letter) in letters.into_iter().filter(|(set, _)| *set) {
            none = false;
            f.write_char(letter)?;
        }
        if none { f.write_char('N') } else { Ok(()) }
    }
}
