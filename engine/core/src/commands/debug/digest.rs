//! DEBUG DIGEST: a digest by which data sets are compared, also with those of Redis: it must be the same for the same data.
//!
//! A key and its value are mixed in order; keys are combined by exclusive or, so that their order does not matter.

use refrain_data::stream::{StreamBody, StreamId};
use refrain_data::{Entry, Hash, IntBuffer, Kind, List, Set, SortedSet};

use crate::hooks::Hooks;
use crate::sha1::{Digest, sha1};
use crate::state::State;

/// The numbers by which digests name types.
const fn number(kind: Kind) -> u32 {
    match kind {
        Kind::String => 0,
        Kind::List => 1,
        Kind::Set => 2,
        Kind::SortedSet => 3,
        Kind::Hash => 4,
        Kind::Stream => 6,
    }
}

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

/// A number as C's `%.17g` prints it.
fn in_17_digits(number: f64) -> String {
    if !number.is_finite() {
        return if number > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{number:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("a finite number is printed with an exponent");
    let exponent: i32 = exponent.parse().expect("an exponent is a number");
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..17).contains(&exponent) {
        trimmed(&format!("{number:.*}", usize::try_from(16 - exponent).unwrap_or(0)))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
    }
}

/// Combines several parts, in their order, without order among others.
fn combine_parts(digest: &mut Digest, parts: &[&[u8]]) {
    let mut whole = [0; 20];
    for part in parts {
        mix(&mut whole, part);
    }
    combine(digest, &whole);
}

/// `digest` with an entry's value and whether it has a deadline.
pub fn of_value(mut digest: Digest, entry: Entry<'_>) -> Digest {
    const VIEWED: &str = "an entry of a type is viewed as one";
    mix(&mut digest, &number(entry.kind()).to_be_bytes());
    let (mut one, mut other) = (IntBuffer::new(), IntBuffer::new());
    match entry.kind() {
        Kind::String => mix(&mut digest, entry.value().bytes(&mut one)),
        Kind::List => entry.view::<List>().expect(VIEWED).visit(0, |element| {
            mix(&mut digest, element.bytes(&mut one));
            true
        }),
        Kind::Set => {
            for member in entry.view::<Set>().expect(VIEWED).iter() {
                combine(&mut digest, member.bytes(&mut one));
            }
        }
        Kind::SortedSet => entry.view::<SortedSet>().expect(VIEWED).for_each(|member, score| {
            let score = in_17_digits(score);
            combine_parts(&mut digest, &[member.bytes(&mut one), score.as_bytes()]);
        }),
        Kind::Hash => {
            for field in entry.view::<Hash>().expect(VIEWED).iter() {
                let deadline: &[u8] = if field.deadline.is_some() { b"!!hexpire!!" } else { b"" };
                let parts = [field.name.bytes(&mut one), field.value.bytes(&mut other), deadline];
                combine_parts(&mut digest, if deadline.is_empty() { &parts[..2] } else { &parts });
            }
        }
        Kind::Stream => {
            let stream = entry.view::<StreamBody>().expect(VIEWED);
            for entry in stream.log.range(StreamId::MIN, StreamId::MAX) {
                mix(&mut digest, format!("{}.{}", entry.id.ms, entry.id.seq).as_bytes());
                for (field, value) in entry.fields() {
                    mix(&mut digest, field.bytes(&mut one));
                    mix(&mut digest, value.bytes(&mut other));
                }
            }
        }
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
