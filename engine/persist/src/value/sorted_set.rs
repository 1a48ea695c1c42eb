//! Sorted sets: packed members with their scores, or members with scores one by one, the greatest first.

use refrain_data::{Collection, PackedList, Scored, SortedSet, SortedSetRef};

use super::ziplist::ziplist;
use super::{Limits, number, read_blob, read_count, read_packed, write_count, write_packed};
use crate::string::{Compressor, read_string, write_string};
use crate::{Input, Malformed};

const BROKEN: &str = "Zset listpack integrity check failed.";
const BROKEN_ZIPLIST: &str = "Zset ziplist integrity check failed.";

/// Scores that the oldest encoding has no text for.
const NAN: u8 = 253;
const INFINITE: u8 = 254;
const NEGATIVE_INFINITE: u8 = 255;

pub(super) fn write(out: &mut Vec<u8>, set: SortedSetRef<'_>, compressor: &mut Compressor) {
    if let SortedSetRef::Packed(list) = set {
        write_packed(out, list, compressor);
        return;
    }
    write_count(out, set.len());
    set.visit(0..set.len(), true, |member, score| {
        write_string(out, member, compressor);
        out.extend_from_slice(&score.to_le_bytes());
        true
    });
}

pub(super) fn read(value_type: u8, input: &mut Input<'_>, limits: &Limits) -> Result<SortedSet, Malformed> {
    match value_type {
        number::SORTED_SET_PACKED => {
            let list = read_packed(input, limits, BROKEN)?;
            if list.is_empty() {
                return Ok(SortedSet::empty());
            }
            SortedSet::from_packed(list, &limits.sorted_set).ok_or_else(|| input.complain(BROKEN))
        }
        number::SORTED_SET_ZIPLIST => {
            // The same pairs in the same order, in an older frame.
            let mut list = PackedList::new();
            let mut fits = true;
            let read = ziplist(&read_blob(input, limits)?, &mut |element| {
                fits &= list.has_room_for(element.len() + 16);
                if fits {
                    list.push_back_value(element);
                }
            });
            if read.is_err() || !fits {
                return Err(input.complain(BROKEN_ZIPLIST));
            }
            if list.is_empty() {
                return Ok(SortedSet::empty());
            }
            SortedSet::from_packed(list, &limits.sorted_set).ok_or_else(|| input.complain(BROKEN_ZIPLIST))
        }
        _ => {
            let mut members = Vec::new();
            for _ in 0..read_count(input)? {
                let member = read_string(input, limits.string_bytes)?;
                let score = match value_type {
                    number::SORTED_SET_2 => f64::from_le_bytes(input.take_array()?),
                    _ => read_text_score(input)?,
                };
                if score.is_nan() {
                    return Err(input.complain("Zset with NAN score detected"));
                }
                members.push((member, score));
            }
            // They were written from the last to the first, mostly.
            let scored =
                members.iter().rev().map(|(member, score)| Scored { member: member.as_value(), score: *score });
            let mut scored: Vec<Scored<'_>> = scored.collect();
            SortedSet::of_distinct(&mut scored, &limits.sorted_set)
                .ok_or_else(|| input.complain("Duplicate zset fields detected"))
        }
    }
}

fn read_text_score(input: &mut Input<'_>) -> Result<f64, Malformed> {
    match input.take_array()? {
        [NAN] => Err(Malformed),
        [INFINITE] => Ok(f64::INFINITY),
        [NEGATIVE_INFINITE] => Ok(f64::NEG_INFINITY),
        [len] => {
            let text = std::str::from_utf8(input.take(u64::from(len))?).map_err(|_| Malformed)?;
            text.parse().map_err(|_| Malformed)
        }
    }
}
