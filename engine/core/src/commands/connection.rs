//! The connection itself: PING, ECHO, SELECT, HELLO, AUTH, QUIT, RESET.

use refrain_resp::{Protocol, parse_i64};

use super::client::valid_name;
use super::transaction::forget_watches;
use crate::REDIS_VERSION;
use crate::acl::{Context, DEFAULT, Reason, UserId};
use crate::call::{Call, Outcome, Request};
use crate::effects::Level;
use crate::error::{DB_OUT_OF_RANGE, ErrorReply, SYNTAX, WRONGPASS};
use crate::session::{Closing, ReplyMode};

/// PING [message]
pub fn ping(call: &mut Call<'_>) -> Outcome {
    match call.args.len() {
        1 | 2 if call.session.is_subscriber_only() => {
            let message = call.args.get(1).unwrap_or_default();
            let mut reply = call.reply();
            reply.array(2);
            reply.bulk(b"pong");
            reply.bulk(message);
        }
        1 => call.reply().simple("PONG"),
        2 => {
            let message = call.args.at(1);
            call.reply().bulk(message);
        }
        _ => return Err(ErrorReply::arity("ping")),
    }
    Ok(())
}

/// ECHO message
pub fn echo(call: &mut Call<'_>) -> Outcome {
    let message = call.args.at(1);
    call.reply().bulk(message);
    Ok(())
}

/// SELECT index
pub fn select(call: &mut Call<'_>) -> Outcome {
    let index = i32::try_from(call.integer(1)?)
        .map_err(|_| ErrorReply::new("ERR value is out of range, value must between -2147483648 and 2147483647"))?;
    let index = usize::try_from(index).map_err(|_| DB_OUT_OF_RANGE)?;
    if index >= call.state.keyspace.len() {
        return Err(DB_OUT_OF_RANGE);
    }
    call.session.db = index;
    call.reply().ok();
    Ok(())
}

/// QUIT
pub fn quit(call: &mut Call<'_>) -> Outcome {
    call.reply().ok();
    call.session.closing = Closing::AfterReplies;
    Ok(())
}

/// RESET: the connection as it was when it was new.
pub fn reset(call: &mut Call<'_>) -> Outcome {
    call.session.transaction = None;
    forget_watches(call.state, call.session);
    call.state.unsubscribe_from_all(call.session);
    call.state.untrack(call.session);
    call.state.stop_monitoring(call.session);
    call.session.db = 0;
    call.session.protocol = Protocol::Resp2;
    call.state.executing_changed(call.session);
    call.session.name = Box::default();
    // CLIENT REPLY SKIP was about this very reply.
    if call.session.reply_mode != ReplyMode::SkipThis {
        call.session.reply_mode = ReplyMode::On;
    }
    call.state.acl.greet(call.session);
    call.session.no_evict = false;
    call.session.no_touch = false;
    call.state.touches = true;
    call.reply().simple("RESET");
    Ok(())
}

/// AUTH [username] password
pub fn auth(call: &mut Call<'_>) -> Outcome {
    let (user, password) = match call.args.len() {
        2 => (DEFAULT, call.args.at(1)),
        3 => (call.args.at(1), call.args.at(2)),
        _ => return Err(SYNTAX),
    };
    if call.args.len() == 2 && call.state.acl.user(UserId::DEFAULT).needs_no_password() {
        return Err(ErrorReply::new(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        ));
    }
    if log_in(call, user, password)? {
        call.reply().ok();
    }
    Ok(())
}

/// Checks a name and a password, and counts what fails. False when it is not looked at yet, for too many failed from there:
/// the command is then to end without a reply.
fn log_in(call: &mut Call<'_>, name: &[u8], password: &[u8]) -> Result<bool, ErrorReply> {
    let now_us = call.state.now.mono_us;
    if let Some(until_us) = call.state.acl.attempts.slowed_until(&call.session.origin, now_us) {
        if call.session.in_exec() {
            return Err(ErrorReply::new(
                "ERR Too many failed logins from this address: AUTH has to wait, which it can't inside a transaction",
            ));
        }
        call.request = Some(Request::HoldUntil(until_us));
        return Ok(false);
    }
    call.session.turn = None;
    let delay_max_us = u64::try_from(call.state.config.acl.login_delay_max).expect("its range is not negative") * 1000;
    let acl = &mut call.state.acl;
    if let Some(id) = acl.find(name).filter(|id| acl.user(*id).accepts(password)) {
        acl.attempts.succeeded(&call.session.origin, name);
        acl.log_in(call.session, id);
        return Ok(true);
    }
    if let Some(report) = acl.attempts.failed(&call.session.origin, name, now_us, delay_max_us) {
        let text = format!(
            "{} failed logins in a row from {}, the last by client id={} addr={}. Further ones from there are answered late.",
            report.failures, report.address, call.session.id, call.session.origin.remote
        );
        call.state.effects.log(Level::Warning, text);
    }
    call.state.stats.access_denied_auth += 1;
    let in_transaction = call.session.in_exec() || call.session.in_transaction();
    let context = if in_transaction { Context::Multi } else { Context::TopLevel };
    call.state.log_refusal(call.session, (Reason::Auth, context), call.args.at(0), name);
    Err(WRONGPASS)
}

/// HELLO [protover [AUTH username password] [SETNAME clientname]]
pub fn hello(call: &mut Call<'_>) -> Outcome {
    let mut protocol = call.session.protocol;
    if let Some(version) = call.args.get(1) {
        protocol = match parse_i64(version) {
            Some(2) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Err(ErrorReply::new("NOPROTO unsupported protocol version")),
            None => return Err(ErrorReply::new("ERR Protocol version is not an integer or out of range")),
        };
    }
    let (mut credentials, mut name) = (None, None);
    let mut i = 2;
    while i < call.args.len() {
        let left = call.args.len() - i - 1;
        if call.args.is(i, "AUTH") && left >= 2 {
            credentials = Some((call.args.at(i + 1), call.args.at(i + 2)));
            i += 3;
        } else if call.args.is(i, "SETNAME") && left >= 1 {
            name = Some(valid_name(call.args.at(i + 1))?);
            i += 2;
        } else {
            return Err(ErrorReply::quoting("ERR Syntax error in HELLO option '", call.args.at(i), "'"));
        }
    }
    if let Some((user, password)) = credentials
        && !log_in(call, user, password)?
    {
        return Ok(());
    }
    if !call.session.authenticated {
        return Err(ErrorReply::new(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> \
             <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
        ));
    }
    if let Some(name) = name {
        call.session.name = name.into();
    }
    call.session.protocol = protocol;
    call.state.executing_changed(call.session);
    let id = call.session.id;
    let mut reply = call.reply();
    reply.map(7);
    reply.bulk(b"server");
    reply.bulk(b"redis");
    reply.bulk(b"version");
    reply.bulk(REDIS_VERSION.as_bytes());
    reply.bulk(b"proto");
    reply.integer(if protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(id as i64);
    reply.bulk(b"mode");
    reply.bulk(b"standalone");
    reply.bulk(b"role");
    reply.bulk(b"master");
    reply.bulk(b"modules");
    reply.array(0);
    Ok(())
}
