//! XDEL, XDELEX and XACKDEL: entries that go by their ids.

use refrain_data::stream::{Stream, StreamBody, StreamId};

use super::references::{Deletion, References};
use super::{edit, id};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// XDEL key id …
pub fn xdel(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    if call.state.view::<StreamBody>(&key)?.is_none() {
        call.reply().integer(0);
        return Ok(());
    }
    let ids = ids(call, 2, call.args.len())?;
    let deleted = edit(call, &key, |stream| ids.iter().filter(|id| stream.log.delete(**id)).count())?.unwrap_or(0);
    if deleted > 0 {
        call.state.notify(NotifyClass::STREAM, "xdel", &key);
        call.state.modified(&key);
    }
    call.reply().integer(deleted as i64);
    Ok(())
}

/// All ids at these arguments; one that is none spoils them all.
pub(super) fn ids(call: &Call<'_>, from: usize, to: usize) -> Result<Vec<StreamId>, ErrorReply> {
    (from..to).map(|i| id::strict(call.args.at(i))).collect()
}

/// `[KEEPREF | DELREF | ACKED] IDS numids id …`, in any order, from argument `i` on.
fn options(call: &Call<'_>, mut i: usize) -> Result<(References, Vec<StreamId>), ErrorReply> {
    const NUMBER: ErrorReply = ErrorReply::new("ERR Number of IDs must be a positive integer");
    const MISMATCH: ErrorReply = ErrorReply::new("ERR The `numids` parameter must match the number of arguments");
    let (mut references, mut span) = (None, None);
    while i < call.args.len() {
        if let Some(found) = References::of(call.args.at(i)) {
            if references.replace(found).is_some() {
                return Err(SYNTAX);
            }
            i += 1;
        } else if call.args.is(i, "IDS") && i + 1 < call.args.len() {
            let count = call.integer(i + 1).ok().and_then(|count| usize::try_from(count).ok());
            let count = count.filter(|count| *count > 0).ok_or(NUMBER)?;
            let first = i + 2;
            if count > call.args.len() - first {
                return Err(MISMATCH);
            }
            span = Some(first..first + count);
            i = first + count;
        } else {
            return Err(SYNTAX);
        }
    }
    let span = span.ok_or(SYNTAX)?;
    Ok((references.unwrap_or_default(), ids(call, span.start, span.end)?))
}

/// XDELEX key [KEEPREF | DELREF | ACKED] IDS numids id …
pub fn xdelex(call: &mut Call<'_>) -> Outcome {
    let (references, ids) = options(call, 2)?;
    let key = call.key(1);
    let deletions = edit(call, &key, |stream| ids.iter().map(|id| references.delete(stream, *id)).collect::<Vec<_>>())?;
    finish(call, &key, deletions, ids.len(), 0)
}

/// XACKDEL key group [KEEPREF | DELREF | ACKED] IDS numids id …
pub fn xackdel(call: &mut Call<'_>) -> Outcome {
    let (references, ids) = options(call, 3)?;
    let key = call.key(1);
    let group = call.args.at(2);
    let mut acknowledged = 0;
    let mut one = |stream: &mut Stream, id: StreamId| {
        match stream.edit_group(group, |group, _| group.acknowledge(id).is_some()) {
            Some(true) => acknowledged += 1,
            _ => return Deletion::Missing,
        }
        match references.delete(stream, id) {
            // It was acknowledged, whether or not there was something left to delete.
            Deletion::Missing | Deletion::Forgotten => Deletion::Deleted,
            other => other,
        }
    };
    let deletions = edit(call, &key, |stream| ids.iter().map(|id| one(stream, *id)).collect::<Vec<_>>())?;
    finish(call, &key, deletions, ids.len(), acknowledged)
}

/// Says what was done, and replies with what has become of each id.
fn finish(
    call: &mut Call<'_>,
    key: &Key<'_>,
    deletions: Option<Vec<Deletion>>,
    count: usize,
    acknowledged: usize,
) -> Outcome {
    let deletions = deletions.unwrap_or_else(|| vec![Deletion::Missing; count]);
    let deleted = deletions.contains(&Deletion::Deleted);
    if deleted {
        call.state.notify(NotifyClass::STREAM, "xdel", key);
    }
    // Redis keeps it to itself when nothing but references went; its replicas have them still.
    if deleted {
        call.state.modified(key);
    } else if acknowledged > 0 || deletions.contains(&Deletion::Forgotten) {
        call.state.modified_aside();
    }
    let mut reply = call.reply();
    reply.array(deletions.len());
    for deletion in deletions {
        reply.integer(deletion.code());
    }
    Ok(())
}
