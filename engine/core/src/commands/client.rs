//! CLIENT: who is connected, under which name, and whether it stays.

use std::fmt::Write as _;

use refrain_resp::{Protocol, parse_i64};

use super::connection::valid_name;
use crate::acl::{Acl, UserId};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::pubsub::Kind;
use crate::session::{Closing, ReplyMode, Session};

/// CLIENT ID
pub fn id(call: &mut Call<'_>) -> Outcome {
    let id = call.session.id;
    call.reply().integer(id as i64);
    Ok(())
}

/// CLIENT SETNAME connection-name; an empty one takes the name away.
pub fn setname(call: &mut Call<'_>) -> Outcome {
    let name = valid_name(call.args.at(2))?;
    call.session.name = name.into();
    call.reply().ok();
    Ok(())
}

/// CLIENT GETNAME
pub fn getname(call: &mut Call<'_>) -> Outcome {
    if call.session.name.is_empty() {
        call.reply().null();
    } else {
        let name = call.session.name.clone();
        call.reply().bulk(&name);
    }
    Ok(())
}

/// CLIENT REPLY ON | OFF | SKIP: only ON is answered.
pub fn reply(call: &mut Call<'_>) -> Outcome {
    if call.args.is(2, "ON") {
        call.session.reply_mode = ReplyMode::On;
        call.reply().ok();
    } else if call.args.is(2, "OFF") {
        call.session.reply_mode = ReplyMode::Off;
    } else if call.args.is(2, "SKIP") {
        // With replies off already there is nothing to skip.
        if call.session.reply_mode != ReplyMode::Off {
            call.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(SYNTAX);
    }
    Ok(())
}

/// Redis's names of client types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClientType {
    Normal,
    Master,
    Replica,
    Pubsub,
}

impl ClientType {
    fn parse(word: &[u8]) -> Result<ClientType, ErrorReply> {
        match word.to_ascii_lowercase().as_slice() {
            b"normal" => Ok(ClientType::Normal),
            b"master" => Ok(ClientType::Master),
            b"slave" | b"replica" => Ok(ClientType::Replica),
            b"pubsub" => Ok(ClientType::Pubsub),
            _ => Err(ErrorReply::quoting("ERR Unknown client type '", word, "'")),
        }
    }

    /// What a session is.
    fn of(session: &Session) -> ClientType {
        match session.subscriptions {
            Some(_) => ClientType::Pubsub,
            None => ClientType::Normal,
        }
    }
}

/// CLIENT LIST [TYPE type] [ID id [id ...]]
pub fn list(call: &mut Call<'_>) -> Outcome {
    let mut kind = None;
    let mut ids: Option<Vec<i64>> = None;
    if call.args.len() > 2 {
        if call.args.is(2, "TYPE") && call.args.len() == 4 {
            kind = Some(ClientType::parse(call.args.at(3))?);
        } else if call.args.is(2, "ID") && call.args.len() > 3 {
            let parse = |text: &[u8]| parse_i64(text).ok_or(ErrorReply::new("ERR Invalid client ID"));
            ids = Some(call.args.iter().skip(3).map(parse).collect::<Result<_, _>>()?);
        } else {
            return Err(SYNTAX);
        }
    }
    let mut text = String::new();
    let now_us = call.state.now.mono_us;
    let mut all: Vec<&Session> = call.state.sessions.iter().chain([&*call.session]).collect();
    all.sort_unstable_by_key(|s| s.id);
    for session in all {
        let listed = kind.is_none_or(|k| k == ClientType::of(session))
            && ids.as_ref().is_none_or(|ids| ids.contains(&(session.id as i64)));
        if listed {
            describe(session, &call.state.acl, now_us, &mut text);
            text.push('\n');
        }
    }
    call.session.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// One client in one line, as CLIENT LIST prints it.
pub(crate) fn describe(s: &Session, acl: &Acl, now_us: u64, out: &mut String) {
    let seconds = |since: u64| now_us.saturating_sub(since) / 1_000_000;
    let mut flags = String::new();
    for (set, flag) in [
        (s.subscriptions.is_some(), 'P'),
        (s.in_transaction(), 'x'),
        (s.watch.broken, 'd'),
        (s.closing == Closing::AfterReplies, 'c'),
        (s.closing == Closing::Now, 'A'),
        (s.origin.is_unix, 'U'),
    ] {
        if set {
            flags.push(flag);
        }
    }
    if flags.is_empty() {
        flags.push('N');
    }
    let queue = s.transaction.as_ref();
    let pending = s.pending.len() - s.pending_from;
    write!(
        out,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={flags} db={} sub={} psub={} ssub={} multi={} watch={} \
         qbuf={pending} qbuf-free={} argv-mem=0 multi-mem={} rbs={} rbp={} obl={} oll=0 omem={} tot-mem={} events={} cmd={} \
         user={} redir=-1 resp={} lib-name= lib-ver=",
        s.id,
        s.origin.remote,
        s.origin.local,
        s.handle.slot,
        String::from_utf8_lossy(&s.name),
        seconds(s.connected_us),
        seconds(s.active_us),
        s.db,
        s.subscribed(Kind::Channel),
        s.subscribed(Kind::Pattern),
        s.subscribed(Kind::Shard),
        queue.map_or(-1, |t| t.queue.len() as i64),
        s.watch.keys.len(),
        s.pending.capacity() - s.pending.len(),
        queue.map_or(0, |t| t.memory()),
        s.output.memory(),
        s.output.memory(),
        s.output.len(),
        s.output.memory(),
        s.memory() + size_of::<Session>(),
        if s.output.is_empty() { "r" } else { "rw" },
        s.last_command.map_or("NULL", |c| c.name),
        String::from_utf8_lossy(acl.name(s.user)),
        if s.protocol == Protocol::Resp3 { 3 } else { 2 },
    )
    .expect("writing to a string does not fail");
}

/// Whom CLIENT KILL ends: all conditions must hold.
#[derive(Default)]
struct KillFilter<'a> {
    id: Option<u64>,
    kind: Option<ClientType>,
    addr: Option<&'a [u8]>,
    laddr: Option<&'a [u8]>,
    user: Option<UserId>,
    max_age_s: Option<u64>,
    /// SKIPME no.
    itself: bool,
}

impl<'a> KillFilter<'a> {
    fn parse(call: &Call<'a>) -> Result<KillFilter<'a>, ErrorReply> {
        let mut filter = KillFilter::default();
        let mut i = 2;
        while i < call.args.len() {
            let Some(value) = call.args.get(i + 1) else { return Err(SYNTAX) };
            if call.args.is(i, "ID") {
                let id = parse_i64(value).and_then(|id| u64::try_from(id).ok()).filter(|id| *id > 0);
                filter.id = Some(id.ok_or(ErrorReply::new("ERR client-id should be greater than 0"))?);
            } else if call.args.is(i, "MAXAGE") {
                let age = parse_i64(value).ok_or(ErrorReply::new("ERR maxage is not an integer or out of range"))?;
                let age = u64::try_from(age).ok().filter(|age| *age > 0);
                filter.max_age_s = Some(age.ok_or(ErrorReply::new("ERR maxage should be greater than 0"))?);
            } else if call.args.is(i, "TYPE") {
                filter.kind = Some(ClientType::parse(value)?);
            } else if call.args.is(i, "ADDR") {
                filter.addr = Some(value);
            } else if call.args.is(i, "LADDR") {
                filter.laddr = Some(value);
            } else if call.args.is(i, "USER") {
                let found = call.state.acl.find(value);
                filter.user = Some(found.ok_or_else(|| ErrorReply::quoting("ERR No such user '", value, "'"))?);
            } else if call.args.is(i, "SKIPME") {
                filter.itself = match value.to_ascii_lowercase().as_slice() {
                    b"yes" => false,
                    b"no" => true,
                    _ => return Err(SYNTAX),
                };
            } else {
                return Err(SYNTAX);
            }
            i += 2;
        }
        Ok(filter)
    }

    fn meets(&self, s: &Session, now_us: u64) -> bool {
        self.id.is_none_or(|id| s.id == id)
            && self.kind.is_none_or(|kind| ClientType::of(s) == kind)
            && self.addr.is_none_or(|addr| s.origin.remote.as_bytes() == addr)
            && self.laddr.is_none_or(|laddr| s.origin.local.as_bytes() == laddr)
            && self.user.is_none_or(|user| s.user == user)
            && self.max_age_s.is_none_or(|age| now_us.saturating_sub(s.connected_us) / 1_000_000 >= age)
    }
}

/// CLIENT KILL addr:port | filters. The old form ends one client, itself too, or says that there is none.
pub fn kill(call: &mut Call<'_>) -> Outcome {
    let old_form = call.args.len() == 3;
    let filter = if old_form {
        KillFilter { addr: Some(call.args.at(2)), itself: true, ..KillFilter::default() }
    } else {
        KillFilter::parse(call)?
    };
    let now_us = call.state.now.mono_us;
    let mut killed = 0;
    let effects = &mut call.state.effects;
    for session in call.state.sessions.iter_mut().filter(|s| filter.meets(s, now_us)) {
        if session.closing != Closing::Now {
            session.closing = Closing::Now;
            killed += 1;
            effects.attend(session);
        }
    }
    if filter.itself && filter.meets(call.session, now_us) {
        killed += 1;
        call.session.closing = Closing::AfterReplies;
    }
    match (old_form, killed) {
        (true, 0) => return Err(ErrorReply::new("ERR No such client")),
        (true, _) => call.reply().ok(),
        (false, _) => call.reply().integer(killed),
    }
    Ok(())
}

/// CLIENT HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}
