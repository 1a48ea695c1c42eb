//! XSETID.

use refrain_data::stream::{Stream, StreamBody};

use super::id;
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, NO_SUCH_KEY, SYNTAX};
use crate::notify::NotifyClass;

/// XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]
pub fn xsetid(call: &mut Call<'_>) -> Outcome {
    const NEGATIVE: ErrorReply = ErrorReply::new("ERR entries_added must be positive");
    const BELOW_GIVEN: &str = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
    let last_id = id::strict(call.args.at(2))?;
    let (mut added, mut max_deleted) = (None, None);
    let mut i = 3;
    while i < call.args.len() {
        let more = i + 1 < call.args.len();
        if more && call.args.is(i, "ENTRIESADDED") {
            added = Some(u64::try_from(call.integer(i + 1)?).map_err(|_| NEGATIVE)?);
        } else if more && call.args.is(i, "MAXDELETEDID") {
            let id = id::strict(call.args.at(i + 1))?;
            if last_id < id {
                return Err(ErrorReply::new(BELOW_GIVEN));
            }
            max_deleted = Some(id);
        } else {
            return Err(SYNTAX);
        }
        i += 2;
    }
    let set = |stream: &mut Stream| {
        const BELOW_DELETED: &str = "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
        const BELOW_TOP: &str = "ERR The ID specified in XSETID is smaller than the target stream top item";
        const TOO_FEW: &str = "ERR The entries_added specified in XSETID is smaller than the target stream length";
        let log = &mut stream.log;
        if last_id < log.max_deleted_id() {
            return Err(ErrorReply::new(BELOW_DELETED));
        }
        if let Some(top) = log.last_entry_id() {
            if last_id < top {
                return Err(ErrorReply::new(BELOW_TOP));
            }
            if added.is_some_and(|added| added < log.len() as u64) {
                return Err(ErrorReply::new(TOO_FEW));
            }
        }
        log.set_last_id(last_id);
        if let Some(added) = added {
            log.set_entries_added(added);
        }
        if let Some(id) = max_deleted.filter(|id| !id.is_zero()) {
            log.set_max_deleted_id(id);
        }
        Ok(())
    };
    let key = call.key(1);
    call.state.edit::<StreamBody, _>(&key, |stream| set(stream))?.ok_or(NO_SUCH_KEY)?.result?;
    call.state.notify(NotifyClass::STREAM, "xsetid", &key);
    call.state.modified_aside();
    call.reply().ok();
    Ok(())
}
