//! SLOWLOG and COMMANDLOG: remarkable commands. The slow log is the first kind of the command log, under its old name.

use crate::call::{Call, Outcome};
use crate::commandlog::LogKind;
use crate::error::ErrorReply;

/// Entries that SLOWLOG GET shows unless told otherwise.
const SHOWN: usize = 10;

const COUNT: ErrorReply = ErrorReply::new("ERR count should be greater than or equal to -1");

/// SLOWLOG GET [count]
pub fn get(call: &mut Call<'_>) -> Outcome {
    match call.args.len() {
        2 => show(call, LogKind::Slow, SHOWN),
        3 => {
            let count = count(call)?;
            show(call, LogKind::Slow, count);
        }
        _ => return Err(ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1))),
    }
    Ok(())
}

/// SLOWLOG LEN
pub fn len(call: &mut Call<'_>) -> Outcome {
    let len = call.state.observer.log(LogKind::Slow).len();
    call.reply().integer(len as i64);
    Ok(())
}

/// SLOWLOG RESET
pub fn reset(call: &mut Call<'_>) -> Outcome {
    call.state.observer.log_mut(LogKind::Slow).reset();
    call.reply().ok();
    Ok(())
}

/// SLOWLOG HELP, COMMANDLOG HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}

/// COMMANDLOG GET count type
pub fn get_kind(call: &mut Call<'_>) -> Outcome {
    let kind = kind(call.args.at(3))?;
    let count = count(call)?;
    show(call, kind, count);
    Ok(())
}

/// COMMANDLOG LEN type
pub fn len_of_kind(call: &mut Call<'_>) -> Outcome {
    let len = call.state.observer.log(kind(call.args.at(2))?).len();
    call.reply().integer(len as i64);
    Ok(())
}

/// COMMANDLOG RESET type
pub fn reset_kind(call: &mut Call<'_>) -> Outcome {
    let kind = kind(call.args.at(2))?;
    call.state.observer.log_mut(kind).reset();
    call.reply().ok();
    Ok(())
}

fn kind(name: &[u8]) -> Result<LogKind, ErrorReply> {
    LogKind::ALL
        .into_iter()
        .find(|kind| kind.name().as_bytes().eq_ignore_ascii_case(name))
        .ok_or(ErrorReply::new("ERR type should be one of the following: slow, large-request, large-reply"))
}

/// How many entries argument 2 asks for; -1 means all.
fn count(call: &Call<'_>) -> Result<usize, ErrorReply> {
    match call.integer(2) {
        Ok(-1) => Ok(usize::MAX),
        Ok(count) => usize::try_from(count).map_err(|_| COUNT),
        Err(_) => Err(COUNT),
    }
}

fn show(call: &mut Call<'_>, kind: LogKind, count: usize) {
    let log = call.state.observer.log(kind);
    let mut reply = call.session.reply();
    reply.array(log.len().min(count));
    let integer = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    for entry in log.iter().take(count) {
        reply.array(6);
        reply.integer(integer(entry.id));
        reply.integer(integer(entry.unix_s));
        reply.integer(integer(entry.amount));
        reply.array(entry.args.len());
        for arg in &entry.args {
            reply.bulk(arg);
        }
        reply.bulk(entry.address.as_bytes());
        reply.bulk(&entry.client);
    }
}
