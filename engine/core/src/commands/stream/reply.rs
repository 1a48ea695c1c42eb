//! Entries and ids in replies.

use refrain_data::Value;
use refrain_data::stream::{Entry, Log, StreamBody, StreamId};
use refrain_resp::Encoder;

use crate::call::{Call, Key};

/// So much of a long reply is written before it is asked whether the client is still to get it.
const PIECE_BYTES: usize = 256 * 1024;

/// An id.
pub(super) fn id(reply: &mut Encoder<'_>, id: StreamId) {
    reply.bulk(id.text().as_bytes());
}

fn value(reply: &mut Encoder<'_>, value: Value<'_>) {
    match value {
        Value::Int(number) => reply.bulk_int(number),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Fields and values of an entry.
pub(super) fn fields(reply: &mut Encoder<'_>, entry: &Entry<'_>) {
    let fields = entry.fields();
    reply.array(2 * fields.len());
    for (field, its_value) in fields {
        value(reply, field);
        value(reply, its_value);
    }
}

/// An entry: its id, and its fields and values.
pub(super) fn entry(reply: &mut Encoder<'_>, entry: &Entry<'_>) {
    reply.array(2);
    id(reply, entry.id);
    fields(reply, entry);
}

/// An entry that may be gone: its fields are null then.
pub(super) fn entry_or_id(reply: &mut Encoder<'_>, log: &Log, of: StreamId) -> bool {
    match log.get(of) {
        Some(found) => {
            entry(reply, &found);
            true
        }
        None => {
            reply.array(2);
            id(reply, of);
            reply.null_array();
            false
        }
    }
}

/// Which entries of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: StreamId,
    pub(super) end: StreamId,
    /// As many as there are if it is 0.
    pub(super) count: u64,
    /// The last one first.
    pub(super) back: bool,
}

/// Replies with an array of entries, as long as the client is to get it. False when it is not to get more.
pub(super) fn span(call: &mut Call<'_>, key: &Key<'_>, mut span: Span) -> bool {
    let begun = call.reply().deferred_array();
    let mut total = 0;
    loop {
        let Call { state, session, .. } = call;
        let stream = state.peek(key).and_then(|entry| entry.view::<StreamBody>());
        let until = session.output.len() + PIECE_BYTES;
        let mut last = None;
        if let Some(stream) = stream {
            let (mut forth, mut back);
            let entries: &mut dyn Iterator<Item = Entry<'_>> = if span.back {
                back = stream.log.range_back(span.start, span.end);
                &mut back
            } else {
                forth = stream.log.range(span.start, span.end);
                &mut forth
            };
            for found in entries {
                entry(&mut session.reply(), &found);
                total += 1;
                if span.count == total {
                    break;
                }
                if session.output.len() > until {
                    last = Some(found.id);
                    break;
                }
            }
        }
        let rest = match last {
            Some(last) if span.back => last.previous().map(|end| Span { end, ..span }),
            Some(last) => last.next().map(|start| Span { start, ..span }),
            None => None,
        };
        match rest {
            Some(rest) if call.reply_may_grow() => span = rest,
            Some(_) => return false,
            None => break,
        }
    }
    call.reply().finish_array(begun, total as usize);
    true
}

/// Replies with entries by their ids, in pieces as well. Entries that are gone are left out: there were none when the ids were
/// gathered.
pub(super) fn entries(call: &mut Call<'_>, key: &Key<'_>, ids: &[StreamId]) {
    const PIECE_ENTRIES: usize = 128;
    call.reply().array(ids.len());
    for piece in ids.chunks(PIECE_ENTRIES) {
        let Call { state, session, .. } = call;
        if let Some(stream) = state.peek(key).and_then(|entry| entry.view::<StreamBody>()) {
            for found in piece.iter().filter_map(|id| stream.log.get(*id)) {
                entry(&mut session.reply(), &found);
            }
        }
        if !call.reply_may_grow() {
            return;
        }
    }
}

/// Replies with ids, in pieces as well.
pub(super) fn ids(call: &mut Call<'_>, ids: &[StreamId]) {
    call.reply().array(ids.len());
    for each in ids {
        id(&mut call.reply(), *each);
        if !call.reply_may_grow() {
            return;
        }
    }
}
