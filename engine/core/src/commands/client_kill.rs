//! CLIENT KILL: connections ended by an operator.

use refrain_resp::parse_i64;

use super::client_list::ClientType;
use crate::acl::UserId;
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::session::{Closing, Session};

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
