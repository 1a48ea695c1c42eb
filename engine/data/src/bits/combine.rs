//! Strings combined bit by bit: BITOP.

use super::wide::widened;

/// How bits of several strings become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitOperation {
    /// Set in all.
    And,
    /// Set in at least one.
    Or,
    /// Set in an odd number.
    Xor,
    /// Clear in the first, which is the only one that counts.
    Not,
    /// Set in the first and in none of the others.
    Diff,
    /// Set in at least one of the others and not in the first.
    Diff1,
    /// Set in the first and in at least one of the others.
    AndOr,
    /// Set in exactly one.
    One,
}

impl BitOperation {
    /// Every operation.
    pub const ALL: [BitOperation; 8] = [
        BitOperation::And,
        BitOperation::Or,
        BitOperation::Xor,
        BitOperation::Not,
        BitOperation::Diff,
        BitOperation::Diff1,
        BitOperation::AndOr,
        BitOperation::One,
    ];
}

/// What is worked on at a time: small enough for the nearest cache, whatever the number of sources.
const PIECE: usize = 4096;

/// `sources` combined, as long as the longest; shorter ones count as if zeros followed.
#[must_use]
pub fn combine(operation: BitOperation, sources: &[&[u8]]) -> Vec<u8> {
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let mut result = Vec::with_capacity(len);
    let mut piece = [0; PIECE];
    while result.len() < len {
        let start = result.len();
        let piece = &mut piece[..PIECE.min(len - start)];
        combine_piece(operation, sources, start, piece);
        result.extend_from_slice(piece);
    }
    result
}

widened! {
    /// The bytes of the result from `start` on, as many as `out` takes.
    fn combine_piece(operation: BitOperation, sources: &[&[u8]], start: usize, out: &mut [u8]) = combine_into;
}

#[inline(always)]
fn combine_into(operation: BitOperation, sources: &[&[u8]], start: usize, out: &mut [u8]) {
    let Some((first, others)) = sources.split_first() else { return };
    let len = out.len();
    let first = part(first, start, len);
    let others = others.iter().map(|source| part(source, start, len));
    match operation {
        BitOperation::Not => {
            out.fill(0xff);
            each(out, first, |_, bits| !bits);
        }
        BitOperation::And => {
            load(out, first);
            for source in others {
                each(out, source, |all, bits| all & bits);
                out[source.len()..].fill(0);
            }
        }
        BitOperation::Or => {
            load(out, first);
            others.for_each(|source| each(out, source, |any, bits| any | bits));
        }
        BitOperation::Xor => {
            load(out, first);
            others.for_each(|source| each(out, source, |odd, bits| odd ^ bits));
        }
        BitOperation::Diff => {
            load(out, first);
            others.for_each(|source| each(out, source, |left, bits| left & !bits));
        }
        BitOperation::Diff1 => {
            out.fill(0);
            others.for_each(|source| each(out, source, |any, bits| any | bits));
            each(out, first, |any, bits| any & !bits);
        }
        BitOperation::AndOr => {
            out.fill(0);
            others.for_each(|source| each(out, source, |any, bits| any | bits));
            each(out, first, |any, bits| any & bits);
            out[first.len()..].fill(0);
        }
        BitOperation::One => {
            let mut twice = [0; PIECE];
            load(out, first);
            for source in others {
                each_of_two(&mut twice, out, source);
            }
            each(out, &twice[..len], |any, twice| any & !twice);
        }
    }
}

/// At most `len` bytes of `source` from `start` on.
#[inline(always)]
fn part(source: &[u8], start: usize, len: usize) -> &[u8] {
    let rest = source.get(start..).unwrap_or_default();
    &rest[..rest.len().min(len)]
}

/// `source`, and zeros behind it.
#[inline(always)]
fn load(out: &mut [u8], source: &[u8]) {
    let (with, without) = out.split_at_mut(source.len());
    with.copy_from_slice(source);
    without.fill(0);
}

#[inline(always)]
fn each(out: &mut [u8], source: &[u8], join: impl Fn(u8, u8) -> u8) {
    for (out, bits) in out.iter_mut().zip(source) {
        *out = join(*out, *bits);
    }
}

#[inline(always)]
fn each_of_two(twice: &mut [u8], any: &mut [u8], source: &[u8]) {
    for ((twice, any), bits) in twice.iter_mut().zip(any).zip(source) {
        *twice |= *any & *bits;
        *any |= *bits;
    }
}
