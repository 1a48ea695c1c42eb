//! Commands on hashes.
//!
//! Two doors lead to a hash: a view, of which due fields are left out, and [`change`], which removes them before the command
//! changes anything. Through neither has a field whose deadline has come any effect.

mod change;
mod counter;
mod deadlines;
mod options;
mod random;
mod read;
mod scan;
mod timed;
mod write;

pub use counter::{hincrby, hincrbyfloat};
pub use deadlines::{hexpire, hexpireat, hexpiretime, hpersist, hpexpire, hpexpireat, hpexpiretime, hpttl, httl};
pub use random::hrandfield;
pub use read::{hexists, hget, hgetall, hkeys, hlen, hmget, hstrlen, hvals};
pub use scan::hscan;
pub use timed::{hgetdel, hgetex, hsetex};
pub use write::{hdel, hmset, hset, hsetnx};

use change::{Changed, change};
use refrain_data::{Kind, Value};
use refrain_resp::Encoder;

use crate::call::{Call, Key};
use crate::error::{ErrorReply, WRONG_TYPE};

#[inline]
fn reply_value(reply: &mut Encoder<'_>, value: Value<'_>) {
    match value {
        Value::Int(number) => reply.bulk_int(number),
        Value::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// Refuses another type before the arguments are looked at. Tells whether the key exists.
fn exists_as_hash(call: &mut Call<'_>, key: &Key<'_>) -> Result<bool, ErrorReply> {
    match call.state.peek(key).map(|entry| entry.kind()) {
        None => Ok(false),
        Some(Kind::Hash) => Ok(true),
        Some(_) => Err(WRONG_TYPE),
    }
}
