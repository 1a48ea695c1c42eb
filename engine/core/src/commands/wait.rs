//! WAIT and WAITAOF: until so many replicas, or the append-only file here, have a client's writes. There are no replicas, so whoever
//! asks for one waits until the time is up, and whoever asks for none does not.

use crate::blocked::{Block, Run, Timeout};
use crate::call::{Call, Outcome};
use crate::error::ErrorReply;

/// Whether the time is up, or may not be waited for; otherwise the command waits.
fn is_over(call: &mut Call<'_>, timeout: Timeout) -> bool {
    if call.run == Run::TimeIsUp || !call.may_block() {
        return true;
    }
    call.block(Block::until(timeout));
    false
}

/// WAIT numreplicas timeout
pub fn wait(call: &mut Call<'_>) -> Outcome {
    let (replicas, timeout) = (call.integer(1)?, Timeout::millis(call, 2)?);
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
    let timeout = Timeout::millis(call, 3)?;
    let has_file = call.state.config.persistence.appendonly;
    if local > 0 && !has_file {
        // Whoever has waited until now hears of it, too.
        return Err(ErrorReply::new(NO_FILE));
    }
    let is_durable = has_file && call.state.persistence.is_durable(call.session.written_to);
    let is_enough = replicas == 0 && (local == 0 || is_durable);
    if is_enough || is_over(call, timeout) {
        let mut reply = call.reply();
        reply.array(2);
        reply.integer(i64::from(is_durable));
        reply.integer(0);
        return Ok(());
    }
    if local > 0 {
        // Replicas that never come are not made up for by the file: such a client waits to hear that there is none.
        let position = if replicas > 0 { u64::MAX } else { call.session.written_to };
        call.state.persistence.await_durable(position, call.session.handle);
    }
    Ok(())
}
