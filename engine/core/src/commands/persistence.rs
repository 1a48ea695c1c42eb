//! SAVE, BGSAVE, LASTSAVE, BGREWRITEAOF.

use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::persistence::{Ask, Begun, Purpose};

/// A second snapshot while one is under way.
const SAVING: ErrorReply = ErrorReply::new("ERR Background save already in progress");

/// SAVE: everything stands still until it is done.
pub fn save(call: &mut Call<'_>) -> Outcome {
    if call.state.persistence.is_saving_for_clients() {
        return Err(SAVING);
    }
    call.stand_still(Ask::Save { client: call.session.handle })?;
    call.state.note_save();
    Ok(())
}

/// BGSAVE [SCHEDULE]
pub fn bgsave(call: &mut Call<'_>) -> Outcome {
    const REWRITING: ErrorReply = ErrorReply::new(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE \
         whenever possible.",
    );
    let may_wait = match call.args.len() {
        1 => call.session.in_exec(),
        2 if call.args.is(1, "SCHEDULE") => true,
        _ => return Err(SYNTAX),
    };
    if call.state.persistence.is_saving_for_clients() {
        return Err(SAVING);
    }
    if call.state.persistence.is_busy_for_clients() && !may_wait {
        return Err(REWRITING);
    }
    let in_exec = call.session.in_exec();
    let text = match call.state.wish_save(in_exec) {
        Begun::Now => "Background saving started",
        Begun::Later => "Background saving scheduled",
    };
    call.reply().simple(text);
    Ok(())
}

/// BGREWRITEAOF
pub fn bgrewriteaof(call: &mut Call<'_>) -> Outcome {
    if call.state.persistence.is_going_on(Purpose::Rewrite) {
        return Err(ErrorReply::new("ERR Background append only file rewriting already in progress"));
    }
    let in_exec = call.session.in_exec();
    let text = match call.state.wish_rewrite(in_exec) {
        Begun::Now => "Background append only file rewriting started",
        Begun::Later => "Background append only file rewriting scheduled",
    };
    call.reply().simple(text);
    Ok(())
}

/// LASTSAVE: the start counts as a save, for what was there then is what a crash leaves.
pub fn lastsave(call: &mut Call<'_>) -> Outcome {
    let saved = call.state.persistence.last_save_unix_s();
    call.reply().integer(i64::try_from(saved).unwrap_or(i64::MAX));
    Ok(())
}
