//! SHUTDOWN.

use crate::call::{Call, Outcome};
use crate::effects::{Level, Shutdown};
use crate::error::{ErrorReply, SYNTAX};
use crate::session::Closing;

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. Without error there is no reply: the connection ends.
pub fn shutdown(call: &mut Call<'_>) -> Outcome {
    let (mut save, mut nosave, mut now, mut force, mut abort) = (false, false, false, false, false);
    for i in 1..call.args.len() {
        let flag = match () {
            () if call.args.is(i, "SAVE") => &mut save,
            () if call.args.is(i, "NOSAVE") => &mut nosave,
            () if call.args.is(i, "NOW") => &mut now,
            () if call.args.is(i, "FORCE") => &mut force,
            () if call.args.is(i, "ABORT") => &mut abort,
            () => return Err(SYNTAX),
        };
        *flag = true;
    }
    if (save && nosave) || (abort && (save || nosave || now || force)) {
        return Err(SYNTAX);
    }
    if abort {
        return Err(ErrorReply::new("ERR No shutdown in progress."));
    }
    if save && !force {
        call.state.effects.log(Level::Warning, "SHUTDOWN SAVE refused: this server keeps its data in memory only.");
        return Err(ErrorReply::new("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    call.state.effects.log(Level::Warning, "User requested shutdown...");
    call.state.effects.shutdown = Some(Shutdown { now, force });
    // Nothing that this client has sent behind it may be executed, let alone answered.
    call.session.closing = Closing::AfterReplies;
    Ok(())
}
