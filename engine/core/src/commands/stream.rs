//! Streams, and the groups of consumers that share the work on them.
//!
//! Whatever a command decides by the clock, by the state of a group or by how entries are packed, the propagation stream gets as
//! it came out: an entry with its id, a trim with what is left, a delivery with its time and count.

mod ack;
mod add;
mod claim;
mod consumer;
mod delete;
mod group;
mod id;
mod info;
mod pending;
mod producers;
mod range;
mod read;
mod references;
mod reply;
mod sender;
mod set_id;
mod trim;

pub use ack::xack;
pub use add::xadd;
pub use claim::{xautoclaim, xclaim};
pub use delete::{xackdel, xdel, xdelex};
pub use group::{xgroup_create, xgroup_createconsumer, xgroup_delconsumer, xgroup_destroy, xgroup_help, xgroup_setid};
pub use info::{xinfo_consumers, xinfo_groups, xinfo_help, xinfo_stream};
pub use pending::xpending;
pub use producers::{xcfgset, xidmprecord};
pub use range::{xlen, xrange, xrevrange};
pub use read::{xread, xreadgroup};
pub use set_id::xsetid;
pub use trim::xtrim;

use refrain_data::stream::{Stream, StreamBody, StreamId};

use crate::call::{Call, Key};
use crate::error::{ErrorReply, printable};
use crate::notify::NotifyClass;

/// Now, as streams keep it.
fn now_ms(call: &Call<'_>) -> i64 {
    i64::try_from(call.state.now.unix_ms()).unwrap_or(i64::MAX)
}

/// There is no such group, or no key to have it.
fn no_group(key: &[u8], group: &[u8], after: &str) -> ErrorReply {
    let parts =
        [b"NOGROUP No such key '", printable(key), b"' or consumer group '", printable(group), b"'", after.as_bytes()];
    ErrorReply::owned(parts.concat())
}

/// There is no such group in a stream that is there.
fn no_group_of(key: &[u8], group: &[u8]) -> ErrorReply {
    let parts =
        [b"NOGROUP No such consumer group '", printable(group), b"' for key name '", printable(key), b"'".as_slice()];
    ErrorReply::owned(parts.concat())
}

/// Checks that a key holds a stream with this group, for a command that is about to change it.
fn expect_group(call: &mut Call<'_>, key: &Key<'_>, group: &[u8]) -> Result<(), ErrorReply> {
    match call.state.view::<StreamBody>(key)? {
        Some(stream) if stream.group(group).is_some() => Ok(()),
        _ => Err(no_group(key.name, group, "")),
    }
}

/// Changes a stream that is known to be there.
fn edit<R>(call: &mut Call<'_>, key: &Key<'_>, change: impl FnOnce(&mut Stream) -> R) -> Result<Option<R>, ErrorReply> {
    let edited = call.state.edit::<StreamBody, _>(key, |stream| change(stream))?;
    Ok(edited.map(|edited| edited.result))
}

/// A delivery to be told to whoever repeats it.
struct Delivery {
    id: StreamId,
    delivered_ms: i64,
    deliveries: u64,
}

/// Propagates deliveries to a consumer; `last_id` is how far the group has come.
fn propagate_deliveries(
    call: &mut Call<'_>,
    key: &Key<'_>,
    names: [&[u8]; 2],
    last_id: StreamId,
    deliveries: &[Delivery],
) {
    let [group, consumer] = names;
    let last_id = last_id.text();
    for delivery in deliveries {
        let id = delivery.id.text();
        let (mut time, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        call.propagate(&[
            b"XCLAIM",
            key.name,
            group,
            consumer,
            b"0",
            id.as_bytes(),
            b"TIME",
            time.format(delivery.delivered_ms).as_bytes(),
            b"RETRYCOUNT",
            count.format(delivery.deliveries).as_bytes(),
            b"FORCE",
            b"JUSTID",
            b"LASTID",
            last_id.as_bytes(),
        ]);
    }
}

/// Propagates how far a group has come.
fn propagate_position(call: &mut Call<'_>, key: &Key<'_>, group: &[u8], last_id: StreamId, read: Option<u64>) {
    let last_id = last_id.text();
    let read = read.map_or_else(|| "-1".to_owned(), |read| read.to_string());
    call.propagate(&[b"XGROUP", b"SETID", key.name, group, last_id.as_bytes(), b"ENTRIESREAD", read.as_bytes()]);
}

/// Propagates that a consumer has come into being, and says so.
fn consumer_was_added(call: &mut Call<'_>, key: &Key<'_>, names: [&[u8]; 2]) {
    let [group, consumer] = names;
    call.propagate(&[b"XGROUP", b"CREATECONSUMER", key.name, group, consumer]);
    call.state.has_had_consumers = true;
    call.state.notify(NotifyClass::STREAM, "xgroup-createconsumer", key);
    call.state.modified_aside();
}
