//! CLIENT PAUSE and UNPAUSE.

use refrain_resp::parse_i64;

use crate::call::{Call, Outcome, Request};
use crate::error::ErrorReply;
use crate::pause::Held;

/// CLIENT PAUSE timeout [WRITE | ALL]: milliseconds.
pub fn pause(call: &mut Call<'_>) -> Outcome {
    let held = match call.args.len() {
        3 => Held::Everything,
        4 if call.args.is(3, "WRITE") => Held::Writes,
        4 if call.args.is(3, "ALL") => Held::Everything,
        4 => return Err(ErrorReply::new("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1))),
    };
    let timeout = parse_i64(call.args.at(2));
    let timeout = timeout.ok_or(ErrorReply::new("ERR timeout is not an integer or out of range"))?;
    let timeout = u64::try_from(timeout).map_err(|_| ErrorReply::new("ERR timeout is negative"))?;
    if timeout > i64::MAX as u64 - call.state.now.unix_ms() {
        return Err(ErrorReply::new("ERR timeout is out of range"));
    }
    let now_us = call.state.now.mono_us;
    call.state.pause.extend(held, now_us.saturating_add(timeout.saturating_mul(1000)), now_us);
    call.reply().ok();
    Ok(())
}

/// CLIENT UNPAUSE
pub fn unpause(call: &mut Call<'_>) -> Outcome {
    call.request = Some(Request::EndPause);
    call.reply().ok();
    Ok(())
}
