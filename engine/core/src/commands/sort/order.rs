//! The order of the elements.

use std::cmp::Ordering;
use std::ops::Range;

use refrain_data::{IntBuffer, Value};

use super::elements::{Elements, Sortable};
use super::options::Options;
use super::pattern::Pattern;
use super::{COPIES_PER_WORK, LOOKUPS_PER_WORK};
use crate::call::Call;
use crate::double::parse_weight;
use crate::error::ErrorReply;

/// Comparisons in about a microsecond.
const COMPARISONS_PER_WORK: usize = 64;

/// The elements of the first key, and which of them are asked for, in their order.
pub(super) fn arranged(call: &mut Call<'_>, options: &Options<'_>) -> Result<(Elements, Vec<usize>), ErrorReply> {
    let key = call.key(1);
    let Some(entry) = call.state.read(&key) else { return Ok((Elements::default(), Vec::new())) };
    let collection = Sortable::of(entry)?;
    let window = options.window(collection.len());
    let unordered = collection.is_unordered();
    // What has no order gets one when it is stored, or the result would depend on how it happens to be kept.
    let by_bytes_at_least = unordered && options.store.is_some();
    if options.unsorted && !by_bytes_at_least {
        let elements = collection.copy(window, options.descending);
        call.work((elements.len() / COPIES_PER_WORK) as u64);
        let all = (0..elements.len()).collect();
        return Ok((elements, all));
    }
    let elements = collection.copy(0..collection.len(), false);
    let rounds = elements.len().checked_ilog2().unwrap_or(0) as usize;
    call.work((elements.len() / COPIES_PER_WORK + elements.len() * rounds / COMPARISONS_PER_WORK) as u64);
    let by = options.by.filter(|_| !options.unsorted);
    if by.is_some() {
        call.work((elements.len() / LOOKUPS_PER_WORK) as u64);
    }
    let order = match by {
        _ if !options.alphabetic && !options.unsorted => by_numbers(call, options, &elements, by, window)?,
        Some(by) => by_texts(call, options, &elements, by, window, unordered),
        None => {
            let compare = |a: &usize, b: &usize| {
                directed(compare_values(elements.get(*a), elements.get(*b)), options).then(a.cmp(b))
            };
            pick((0..elements.len()).collect(), window, compare)
        }
    };
    Ok((elements, order))
}

/// By the numbers that the elements are, or that keys hold; where there is none by 0. Equal ones by the elements' bytes.
fn by_numbers(
    call: &mut Call<'_>,
    options: &Options<'_>,
    elements: &Elements,
    by: Option<Pattern<'_>>,
    window: Range<usize>,
) -> Result<Vec<usize>, ErrorReply> {
    const NO_NUMBER: ErrorReply = ErrorReply::new("ERR One or more scores can't be converted into double");
    let number = |value: Value<'_>| match value {
        Value::Int(number) => Ok(number as f64),
        Value::Bytes(bytes) => parse_weight(bytes).ok_or(NO_NUMBER),
    };
    let mut weighted = Vec::with_capacity(elements.len());
    let mut name = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let value = match by {
            Some(by) => by.value(call.state, call.session.db, element, &mut name),
            None => Some(element),
        };
        weighted.push((value.map_or(Ok(0.0), number)?, index));
    }
    let compare = |a: &(f64, usize), b: &(f64, usize)| {
        let by_number = a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal);
        let order = by_number.then_with(|| compare_values(elements.get(a.1), elements.get(b.1)));
        directed(order, options).then(a.1.cmp(&b.1))
    };
    Ok(pick(weighted, window, compare).into_iter().map(|(_, index)| index).collect())
}

/// By the bytes that keys hold; those for which there are none come first. Equal ones stay as they are, or follow their bytes if
/// there is no such thing.
fn by_texts(
    call: &mut Call<'_>,
    options: &Options<'_>,
    elements: &Elements,
    by: Pattern<'_>,
    window: Range<usize>,
    unordered: bool,
) -> Vec<usize> {
    let mut texts = Elements::default();
    let mut weighted = Vec::with_capacity(elements.len());
    let mut name = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let text = by.value(call.state, call.session.db, element, &mut name).map(|text| {
            texts.push(text);
            texts.len() - 1
        });
        weighted.push((text, index));
    }
    let compare = |a: &(Option<usize>, usize), b: &(Option<usize>, usize)| {
        let order = match (a.0, b.0) {
            (Some(a), Some(b)) => compare_values(texts.get(a), texts.get(b)),
            (a, b) => a.is_some().cmp(&b.is_some()),
        };
        let equals = || match unordered {
            true => compare_values(elements.get(a.1), elements.get(b.1)),
            false => a.1.cmp(&b.1),
        };
        directed(order, options).then_with(equals)
    };
    pick(weighted, window, compare).into_iter().map(|(_, index)| index).collect()
}

fn directed(order: Ordering, options: &Options<'_>) -> Ordering {
    if options.descending { order.reverse() } else { order }
}

fn compare_values(a: Value<'_>, b: Value<'_>) -> Ordering {
    a.bytes(&mut IntBuffer::new()).cmp(b.bytes(&mut IntBuffer::new()))
}

/// Those of `items` that are in the window once all are sorted, sorted. No two may compare as equal.
fn pick<T>(mut items: Vec<T>, window: Range<usize>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    if window.is_empty() {
        return Vec::new();
    }
    // What is beyond either end of the window need not be sorted.
    if window.end < items.len() {
        items.select_nth_unstable_by(window.end - 1, &compare);
        items.truncate(window.end);
    }
    if window.start > 0 {
        items.select_nth_unstable_by(window.start, &compare);
        items.drain(..window.start);
    }
    items.sort_unstable_by(compare);
    items
}

#[cfg(test)]
mod tests {
    use super::pick;
    use quickcheck::quickcheck;

    quickcheck! {
        fn a_window_is_a_part_of_all(items: Vec<u8>, start: usize, end: usize) -> bool {
            let numbered: Vec<(u8, usize)> = items.iter().enumerate().map(|(i, item)| (*item, i)).collect();
            let mut sorted = numbered.clone();
            sorted.sort_unstable();
            let end = end % (items.len() + 1);
            let window = start % (end + 1)..end;
            pick(numbered, window.clone(), Ord::cmp) == sorted[window]
        }
    }
}
