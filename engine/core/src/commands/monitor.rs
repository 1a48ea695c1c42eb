//! MONITOR

use crate::call::{Call, Outcome};
use crate::error::ErrorReply;

/// MONITOR: a client that monitors already gets no answer, for it could not tell it from what it is shown.
pub fn monitor(call: &mut Call<'_>) -> Outcome {
    if call.session.in_exec() {
        return Err(ErrorReply::new("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    if !call.session.monitors {
        call.state.monitor(call.session);
        call.reply().ok();
    }
    Ok(())
}
