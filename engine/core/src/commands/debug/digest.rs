//! DEBUG DIGEST: a digest by which data sets are compared, also with those of Redis: it must be the same for the same data.
//!
//! A key and its value are mixed in order; keys are combined by exclusive or, so that their order does not matter.

use refrain_data::{Entry, IntBuffer, Kind};

use crate::hooks::Hooks;
use crate::sha1::{Digest, sha1};
use crate::state::State;

/// The type of strings, as digests name types.
const STRING: u32 = 0;

/// Keys between two reports of work.
const KEYS_PER_WORK: usize = 4;

/// Combines without order.
fn combine(digest: &mut Digest, bytes: &[u8]) {
    for (byte, other) in digest.iter_mut().zip(sha1(bytes)) {
        *byte ^= other;
    }
}

/// Combines in order.
fn mix(digest: &mut Digest, bytes: &[u8]) {
    combine(digest, bytes);
    *digest = sha1(digest);
}

/// `digest` with an entry's value and whether it has a deadline.
pub fn of_value(mut digest: Digest, entry: Entry<'_>) -> Digest {
    if entry.kind() == Kind::String {
        mix(&mut digest, &STRING.to_be_bytes());
        mix(&mut digest, entry.value().bytes(&mut IntBuffer::new()));
    }
    if entry.deadline().is_some() {
        combine(&mut digest, b"!!expire!!");
    }
    digest
}

/// The digest of everything, keys that have expired and are still there included.
pub fn of_all(state: &State, hooks: &dyn Hooks) -> Digest {
    let mut all = [0; 20];
    for number in 0..state.keyspace.len() {
        let database = state.keyspace.db(number);
        if database.is_empty() {
            continue;
        }
        mix(&mut all, &(number as u32).to_be_bytes());
        let mut cursor = 0;
        loop {
            let mut seen = 0;
            cursor = database.scan(cursor, 1024, &mut |entry| {
                let mut digest = [0; 20];
                mix(&mut digest, entry.key());
                combine(&mut all, &of_value(digest, entry));
                seen += 1;
            });
            hooks.work((seen / KEYS_PER_WORK) as u64);
            if cursor == 0 {
                break;
            }
        }
    }
    all
}
