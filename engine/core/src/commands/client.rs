//! CLIENT: what a connection says of itself and wants for itself. Lists, kills and pauses have files of their own.

use crate::blocked::Ending;
use crate::call::{Args, Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::session::ReplyMode;

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

/// CLIENT SETINFO LIB-NAME name | LIB-VER version; an empty one takes it away.
pub fn setinfo(call: &mut Call<'_>) -> Outcome {
    let (attribute, value) = (call.args.at(2), call.args.at(3));
    let library = &mut call.session.library;
    let place = match attribute.to_ascii_lowercase().as_slice() {
        b"lib-name" => &mut library.name,
        b"lib-ver" => &mut library.version,
        _ => return Err(ErrorReply::quoting("ERR Unrecognized option '", attribute, "'")),
    };
    if !can_be_listed(value) {
        let why = " cannot contain spaces, newlines or special characters.";
        return Err(ErrorReply::quoting("ERR ", attribute, why));
    }
    *place = value.into();
    call.reply().ok();
    Ok(())
}

/// CLIENT CAPA capability [capability ...]: those that we don't know are none of our business.
pub fn capa(call: &mut Call<'_>) -> Outcome {
    for i in 2..call.args.len() {
        call.session.follows_redirects |= call.args.is(i, "REDIRECT");
    }
    call.reply().ok();
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

/// CLIENT NO-EVICT ON | OFF
pub fn no_evict(call: &mut Call<'_>) -> Outcome {
    call.session.no_evict = on_or_off(call.args, 2)?;
    call.reply().ok();
    Ok(())
}

/// CLIENT NO-TOUCH ON | OFF
pub fn no_touch(call: &mut Call<'_>) -> Outcome {
    call.session.no_touch = on_or_off(call.args, 2)?;
    call.state.touches = !call.session.no_touch;
    call.reply().ok();
    Ok(())
}

fn on_or_off(args: Args<'_>, i: usize) -> Result<bool, ErrorReply> {
    match (args.is(i, "ON"), args.is(i, "OFF")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(SYNTAX),
    }
}

/// CLIENT UNBLOCK client-id [TIMEOUT | ERROR]: 1 if that client waited in a blocking command. A paused one is not released,
/// for its command has not begun.
pub fn unblock(call: &mut Call<'_>) -> Outcome {
    if call.args.len() > 4 {
        return Err(ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1)));
    }
    let ending = match call.args.len() {
        4 if call.args.is(3, "ERROR") => Ending::Error,
        4 if !call.args.is(3, "TIMEOUT") => {
            return Err(ErrorReply::new("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR"));
        }
        _ => Ending::TimeIsUp,
    };
    let id = u64::try_from(call.integer(2)?).ok();
    let unblocked = id.is_some_and(|id| call.state.end_wait(id, ending));
    call.reply().integer(i64::from(unblocked));
    Ok(())
}

/// CLIENT HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}

/// A name that can stand in CLIENT LIST.
///
/// # Errors
/// For any other.
pub(crate) fn valid_name(name: &[u8]) -> Result<&[u8], ErrorReply> {
    if can_be_listed(name) {
        Ok(name)
    } else {
        Err(ErrorReply::new("ERR Client names cannot contain spaces, newlines or special characters."))
    }
}

/// Whether a line of CLIENT LIST stays one line of fields with this in it: printable, without blanks.
fn can_be_listed(text: &[u8]) -> bool {
    text.iter().all(|b| (b'!'..=b'~').contains(b))
}
