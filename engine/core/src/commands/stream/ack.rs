//! XACK.

use refrain_data::stream::StreamBody;

use super::delete::ids;
use super::edit;
use crate::call::{Call, Outcome};

/// XACK key group id …
pub fn xack(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let group = call.args.at(2);
    let found = call.state.view::<StreamBody>(&key)?.is_some_and(|stream| stream.group(group).is_some());
    if !found {
        call.reply().integer(0);
        return Ok(());
    }
    let ids = ids(call, 3, call.args.len())?;
    let acknowledged = edit(call, &key, |stream| {
        stream.edit_group(group, |group, _| ids.iter().filter(|id| group.acknowledge(**id).is_some()).count())
    })?;
    let acknowledged = acknowledged.flatten().unwrap_or(0);
    if acknowledged > 0 {
        call.state.modified_aside();
    }
    call.reply().integer(acknowledged as i64);
    Ok(())
}
