//! HRANDFIELD: fields drawn by lot, each as likely as any other.

use std::collections::BTreeSet;

use refrain_data::{Field, Hash, HashRef};
use refrain_resp::{Encoder, Protocol};

use super::reply_value;
use crate::call::{Call, Key, Outcome};
use crate::commands::draws;
use crate::error::{ErrorReply, SYNTAX};

/// A stream of random numbers that begins with a drawn one: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
/// number generators", 2014).
struct Lot(u64);

impl Lot {
    /// A number below `bound`, which is above 0. The bias is below one in 2^32 for any hash that fits into memory.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((u128::from(z) * bound as u128) >> 64) as usize
    }
}

/// HRANDFIELD key [count [WITHVALUES]]
pub fn hrandfield(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let now = call.state.fields_now();
    let mut lot = Lot(call.hooks.entropy());
    if call.args.len() == 2 {
        let field = call.state.view::<Hash>(&key)?.and_then(|hash| draw(hash, now, &mut lot));
        let mut reply = call.session.reply();
        match field {
            Some(field) => reply_value(&mut reply, field.name),
            None => reply.null(),
        }
        return Ok(());
    }
    let (count, with_values) = parse(call)?;
    let wanted = count.unsigned_abs();
    let (is_limited, end) = (call.reply_is_limited(), call.reply_end());
    let hash = call.state.view::<Hash>(&key)?;
    let mut reply = call.session.reply();
    let live = hash.map_or(0, |hash| hash.len() - hash.due(now));
    let Some(hash) = hash.filter(|_| live > 0 && count != 0) else {
        reply.array(0);
        return Ok(());
    };
    if count < 0 {
        draws::check_repetitions(wanted, is_limited)?;
        header(&mut reply, wanted as usize, with_values);
        return draw_with_repetition(call, &key, wanted, with_values, lot);
    }
    let chosen = usize::try_from(wanted).unwrap_or(usize::MAX).min(live);
    header(&mut reply, chosen, with_values);
    // Due fields come first in a packed hash; in a large one they are few, or about to be removed.
    if live == hash.len() && chosen < live {
        for index in distinct(chosen, live, &mut lot) {
            let field = hash.at(index).expect("the index is below the length");
            show(&mut call.session.reply(), &field, with_values);
            if call.session.output.len() >= end {
                break;
            }
        }
        call.work(chosen as u64 / 8);
    } else {
        let mut left = live;
        let mut missing = chosen;
        for field in hash.iter().filter(|field| !field.is_due(now)) {
            if lot.below(left) < missing {
                show(&mut call.session.reply(), &field, with_values);
                missing -= 1;
            }
            left -= 1;
            if call.session.output.len() >= end {
                break;
            }
        }
        call.work(live as u64 / 64);
    }
    Ok(())
}

/// Draws the same hash over and over; a long reply stops growing when nobody will read it.
fn draw_with_repetition(call: &mut Call<'_>, key: &Key<'_>, count: u64, with_values: bool, mut lot: Lot) -> Outcome {
    let now = call.state.fields_now();
    let end = call.reply_end();
    let entry = call.state.keyspace.db(key.db).get(key.hash, key.name);
    let Some(hash) = entry.and_then(|entry| entry.view::<Hash>()) else { return Ok(()) };
    let mut drawn = 0;
    while drawn < count && call.session.output.len() < end {
        if let Some(field) = draw(hash, now, &mut lot) {
            show(&mut call.session.reply(), &field, with_values);
        }
        drawn += 1;
    }
    // Bytes of the reply are charged by themselves.
    call.work(drawn / 8);
    Ok(())
}

/// The count, and whether values are wanted.
fn parse(call: &Call<'_>) -> Result<(i64, bool), ErrorReply> {
    let count = draws::count(call)?;
    let with_values = match call.args.len() {
        3 => false,
        4 if call.args.is(3, "WITHVALUES") => true,
        _ => return Err(SYNTAX),
    };
    if with_values {
        draws::check_pairs(count)?;
    }
    Ok((count, with_values))
}

/// A field that is not due.
fn draw<'a>(hash: HashRef<'a>, now: u64, lot: &mut Lot) -> Option<Field<'a>> {
    const DRAWS: usize = 32;
    let len = hash.len();
    let live = len - hash.due(now);
    if live == 0 {
        return None;
    }
    for _ in 0..DRAWS {
        let field = hash.at(lot.below(len))?;
        if !field.is_due(now) {
            return Some(field);
        }
    }
    hash.iter().filter(|field| !field.is_due(now)).nth(lot.below(live))
}

/// `count` different numbers below `len`, in their order: Floyd's way (Bentley, "Programming pearls: a sample of brilliance",
/// 1987), or by what is left out if that is less.
fn distinct(count: usize, len: usize, lot: &mut Lot) -> Vec<usize> {
    let mut sample = |count: usize| {
        let mut chosen = BTreeSet::new();
        for last in len - count..len {
            let number = lot.below(last + 1);
            if !chosen.insert(number) {
                chosen.insert(last);
            }
        }
        chosen
    };
    if count <= len / 2 {
        return sample(count).into_iter().collect();
    }
    let left_out = sample(len - count);
    (0..len).filter(|number| !left_out.contains(number)).collect()
}

fn header(reply: &mut Encoder<'_>, fields: usize, with_values: bool) {
    let flat = with_values && reply.protocol() == Protocol::Resp2;
    reply.array(if flat { 2 * fields } else { fields });
}

fn show(reply: &mut Encoder<'_>, field: &Field<'_>, with_values: bool) {
    if with_values && reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    reply_value(reply, field.name);
    if with_values {
        reply_value(reply, field.value);
    }
}
