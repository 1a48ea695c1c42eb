//! WAIT and WAITAOF: until so many replicas have a client's writes. There are no replicas, so whoever asks for one waits until the
//! time is up, and whoever asks for none does not.

use refrain_resp::parse_i64;

use crate::call::{Call, Outcome, Request};
use crate::error::ErrorReply;

/// A time to wait in milliseconds; 0 for no end.
fn timeout(text: &[u8]) -> Result<u64, ErrorReply> {
    let millis = parse_i64(text).ok_or(ErrorReply::new("ERR timeout is not an integer or out of range"))?;
    u64::try_from(millis).map_err(|_| ErrorReply::new("ERR timeout is negative"))
}

/// Whether the time is up; otherwise the command is held back until then, and comes here again.
fn is_over(call: &mut Call<'_>, timeout_ms: u64) -> bool {
    let now_us = call.state.now.mono_us;
    let end_us = match timeout_ms {
        0 => u64::MAX,
        ms => now_us.saturating_add(ms.saturating_mul(1000)),
    };
    let end_us = *call.session.waits_until_us.get_or_insert(end_us);
    // A transaction does not wait.
    if call.session.in_exec || end_us <= now_us {
        call.session.waits_until_us = None;
        return true;
    }
    call.request = Some(Request::HoldUntil(end_us));
    false
}

/// WAIT numreplicas timeout
pub fn wait(call: &mut Call<'_>) -> Outcome {
    let (replicas, timeout) = (call.integer(1)?, timeout(call.args.at(2))?);
    if replicas <= 0 || is_over(call, timeout) {
        call.reply().integer(0);
    }
    Ok(())
}

/// WAITAOF numlocal numreplicas timeout
pub fn waitaof(call: &mut Call<'_>) -> Outcome {
    const LOCAL: ErrorReply = ErrorReply::new("ERR value is out of range, value must between 0 and 1");
    const REPLICAS: ErrorReply = ErrorReply::new("ERR value is out of range, must be positive");
    const NO_FILE: &str = "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
    let local = Some(call.integer(1)?).filter(|n| (0..=1).contains(n)).ok_or(LOCAL)?;
    let replicas = Some(call.integer(2)?).filter(|n| *n >= 0).ok_or(REPLICAS)?;
    let timeout = timeout(call.args.at(3))?;
    if local > 0 {
        return Err(ErrorReply::new(NO_FILE));
    }
    if replicas == 0 || is_over(call, timeout) {
        let mut reply = call.reply();
        reply.array(2);
        reply.integer(0);
        reply.integer(0);
    }
    Ok(())
}
