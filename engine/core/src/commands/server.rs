//! What the server is, in a word or a number: TIME, ROLE; and what only a node of a cluster would do.

use crate::call::{Call, Outcome};
use crate::error::ErrorReply;

/// TIME
pub fn time(call: &mut Call<'_>) -> Outcome {
    let unix_us = call.state.now.unix_us;
    let mut reply = call.reply();
    reply.array(2);
    for part in [unix_us / 1_000_000, unix_us % 1_000_000] {
        reply.bulk(itoa::Buffer::new().format(part).as_bytes());
    }
    Ok(())
}

/// ROLE: a primary that has written nothing into a replication stream and has no replicas.
pub fn role(call: &mut Call<'_>) -> Outcome {
    let mut reply = call.reply();
    reply.array(3);
    reply.bulk(b"master");
    reply.integer(0);
    reply.array(0);
    Ok(())
}

/// READONLY, READWRITE, ASKING, CLUSTER: refused outside of a cluster.
pub fn only_in_cluster(_: &mut Call<'_>) -> Outcome {
    Err(ErrorReply::new("ERR This instance has cluster support disabled"))
}
