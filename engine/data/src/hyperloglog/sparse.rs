//! Registers as runs, each in one byte or two:
//!
//! ```text
//! 00llllll            l+1 registers (1 to 64) are zero
//! 01llllll llllllll   l+1 registers (1 to 16,384) are zero, high bits first
//! 1vvvvvll            l+1 registers (1 to 4) hold v+1 (1 to 32)
//! ```
//!
//! Which runs stand for given registers depends on the order in which they were raised. The steps here are those of Redis, so
//! that the bytes are the same.

use super::estimate::Histogram;
use super::{Corrupted, HEADER_BYTES, REGISTERS};

/// Registers that a byte can say to be zero.
const SHORT_ZEROS_MAX: usize = 64;

/// Registers that a byte can give a value.
const VALUES_MAX: usize = 4;

/// The highest value that a byte can give.
const VALUE_MAX: u8 = 32;

/// How many runs are looked at, from the one before a change on, for such as can be joined.
const JOIN_RUNS_MAX: usize = 5;

/// Registers in a row that hold the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Run {
    /// Zero, in one byte.
    Zeros(usize),
    /// Zero, in two bytes.
    ManyZeros(usize),
    /// This value.
    Values(u8, usize),
}

impl Run {
    /// The run at the beginning of `bytes`. A second byte that is missing counts as zero: the run is found to be one too many then,
    /// or too long.
    #[inline]
    fn first(bytes: &[u8]) -> Option<Run> {
        let first = *bytes.first()?;
        let low = usize::from(first & 0x3f);
        Some(match first >> 6 {
            0 => Run::Zeros(low + 1),
            1 => Run::ManyZeros((low << 8 | usize::from(bytes.get(1).copied().unwrap_or(0))) + 1),
            _ => Run::Values((first >> 2 & 0x1f) + 1, (low & 3) + 1),
        })
    }

    /// How many registers.
    #[inline]
    fn registers(self) -> usize {
        match self {
            Run::Zeros(count) | Run::ManyZeros(count) | Run::Values(_, count) => count,
        }
    }

    /// How many bytes.
    #[inline]
    fn bytes(self) -> usize {
        if matches!(self, Run::ManyZeros(_)) { 2 } else { 1 }
    }

    fn value(self) -> u8 {
        match self {
            Run::Values(value, _) => value,
            _ => 0,
        }
    }
}

/// The byte of a run of values.
fn values_byte(value: u8, count: usize) -> u8 {
    0x80 | (value - 1) << 2 | (count - 1) as u8
}

/// The bytes of a run of zeros, in its shortest form.
pub(super) fn zeros_bytes(count: usize) -> impl Iterator<Item = u8> {
    let last = count - 1;
    let high = (count > SHORT_ZEROS_MAX).then_some(0x40 | (last >> 8) as u8);
    high.into_iter().chain([last as u8])
}

/// All runs, in their order.
pub(super) fn runs(mut bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    std::iter::from_fn(move || {
        let run = Run::first(bytes)?;
        bytes = &bytes[run.bytes().min(bytes.len())..];
        Some(run)
    })
}

/// Raises registers to those of the runs.
pub(super) fn merge(bytes: &[u8], registers: &mut [u8; REGISTERS]) -> Result<(), Corrupted> {
    let mut at = 0;
    for run in runs(bytes) {
        let end = at + run.registers();
        let covered = registers.get_mut(at..end).ok_or(Corrupted)?;
        if let Run::Values(value, _) = run {
            covered.iter_mut().for_each(|register| *register = (*register).max(value));
        }
        at = end;
    }
    if at == REGISTERS { Ok(()) } else { Err(Corrupted) }
}

/// How many registers hold each value.
pub(super) fn histogram(bytes: &[u8]) -> Result<Histogram, Corrupted> {
    // Counts of their own for neighbours, so that the next run need not wait for the last one's.
    let mut lanes = [[0u16; VALUE_MAX as usize + 1]; 4];
    let (mut at, mut covered) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let registers = match SHORT_RUNS[usize::from(*byte)] {
            0 => {
                at += 1;
                (usize::from(byte & 0x3f) << 8 | usize::from(bytes.get(at).copied().unwrap_or(0))) + 1
            }
            short => usize::from(short),
        };
        covered += registers;
        if covered > REGISTERS {
            return Err(Corrupted);
        }
        lanes[at % 4][usize::from(VALUES[usize::from(*byte)])] += registers as u16;
        at += 1;
    }
    let mut histogram = [0; 64];
    for lane in lanes {
        histogram.iter_mut().zip(lane).for_each(|(sum, count)| *sum += u32::from(count));
    }
    if covered == REGISTERS { Ok(histogram) } else { Err(Corrupted) }
}

/// Where a search for a register may begin: a run, its first register, and the run before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    at: usize,
    first: usize,
    before: Option<usize>,
}

impl Place {
    /// The first run.
    pub(super) const FIRST: Place = Place { at: HEADER_BYTES, first: 0, before: None };

    /// The place behind the run here.
    #[inline]
    fn following(self, bytes: &[u8]) -> Option<Place> {
        let (registers, len) = match SHORT_RUNS[usize::from(*bytes.get(self.at)?)] {
            0 => (Run::first(&bytes[self.at..])?.registers(), 2),
            short => (usize::from(short), 1),
        };
        Some(Place { at: self.at + len, first: self.first + registers, before: Some(self.at) })
    }

    /// A place some runs before the one that covers a register, found in steps of several.
    fn near(self, bytes: &[u8], index: usize) -> Place {
        let (mut here, mut back) = (self, self);
        while let Some(step) = bytes.get(here.at..here.at + STEP) {
            let end = here.at + STEP;
            let word = u64::from_le_bytes(step.try_into().expect("a step is as long as a word"));
            let mut next = here;
            match short_runs(word) {
                Some(registers) => {
                    next = Place { at: end, first: here.first + registers, before: Some(end - 1) };
                }
                None => {
                    while next.at < end {
                        let Some(following) = next.following(bytes) else { return back };
                        next = following;
                    }
                }
            }
            if next.first > index {
                break;
            }
            (back, here) = (here, next);
        }
        back
    }

    /// The run that covers a register, from this place on, and the run before that, from which to go on once the found one may
    /// have changed.
    fn find(self, bytes: &[u8], index: usize) -> Result<(Place, Place), Corrupted> {
        let mut here = self.near(bytes, index);
        // Of the run before the first one only the beginning is known.
        let mut back = Place::FIRST;
        loop {
            let next = here.following(bytes).ok_or(Corrupted)?;
            if index < next.first {
                return Ok((here, back));
            }
            (back, here) = (here, next);
        }
    }
}

/// Bytes that are stepped over together.
const STEP: usize = size_of::<u64>();

/// How many registers the runs in these bytes have; `None` if one of them has two bytes.
#[inline]
fn short_runs(word: u64) -> Option<usize> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let values = word & EACH << 7;
    if word & !(values >> 1) & EACH << 6 != 0 {
        return None;
    }
    // The length less one: six bits of zeros, two of values.
    let lengths = word & ((EACH * 0x3f) ^ ((values >> 7) * 0x3c));
    let pairs = (lengths & 0x00ff_00ff_00ff_00ff) + (lengths >> 8 & 0x00ff_00ff_00ff_00ff);
    let sum = pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48;
    Some(sum as usize + STEP)
}

/// How many registers the run of each byte has; 0 for those of two bytes.
const SHORT_RUNS: [u8; 256] = {
    let mut registers = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        registers[byte] = match byte >> 6 {
            0 => byte as u8 + 1,
            1 => 0,
            _ => (byte as u8 & 3) + 1,
        };
        byte += 1;
    }
    registers
};

/// The value of the run of each byte; 0 for zeros.
const VALUES: [u8; 256] = {
    let mut values = [0; 256];
    let mut byte = 128;
    while byte < 256 {
        values[byte] = (byte as u8 >> 2 & 0x1f) + 1;
        byte += 1;
    }
    values
};

/// What has become of a register that was to be raised.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Raised {
    Yes,
    /// It is no lower already.
    AlreadyThere,
    /// Runs can't say so, or not within the bytes allowed. Nothing was changed.
    NoRoom,
}

/// What becomes of one run when a register in it changes.
#[derive(Default)]
struct Parts {
    bytes: [u8; 5],
    len: usize,
}

impl Parts {
    fn push(&mut self, value: u8, count: usize) {
        let mut push = |byte| {
            self.bytes[self.len] = byte;
            self.len += 1;
        };
        match (value, count) {
            (_, 0) => {}
            (0, count) => zeros_bytes(count).for_each(push),
            (value, count) => push(values_byte(value, count)),
        }
    }
}

/// Raises a register in the bytes of a whole HyperLogLog, looking for it from `place` on, which must not be behind it. `place` is
/// moved near it, so that registers raised in their order are found without beginning anew.
pub(super) fn raise(
    bytes: &mut Vec<u8>,
    place: &mut Place,
    index: usize,
    value: u8,
    bytes_max: u64,
) -> Result<Raised, Corrupted> {
    if value > VALUE_MAX {
        return Ok(Raised::NoRoom);
    }
    let (found, back) = place.find(bytes, index)?;
    *place = back;
    let run = Run::first(&bytes[found.at..]).ok_or(Corrupted)?;
    let old = run.value();
    if old >= value {
        return Ok(Raised::AlreadyThere);
    }
    if run.registers() == 1 && run.bytes() == 1 {
        bytes[found.at] = values_byte(value, 1);
    } else {
        let mut parts = Parts::default();
        parts.push(old, index - found.first);
        parts.push(value, 1);
        parts.push(old, found.first + run.registers() - 1 - index);
        let parts = &parts.bytes[..parts.len];
        if parts.len() > run.bytes() && (bytes.len() + parts.len() - run.bytes()) as u64 > bytes_max {
            return Ok(Raised::NoRoom);
        }
        let end = bytes.len().min(found.at + run.bytes());
        bytes.splice(found.at..end, parts.iter().copied());
    }
    join(bytes, found.before.unwrap_or(HEADER_BYTES));
    Ok(Raised::Yes)
}

/// Joins runs of the same value, from the run at `at` on, as far as a byte can say them.
fn join(bytes: &mut Vec<u8>, mut at: usize) {
    for _ in 0..JOIN_RUNS_MAX {
        let Some(run) = bytes.get(at..).and_then(Run::first) else { return };
        if let Run::Values(value, count) = run
            && let Some(Run::Values(next_value, next_count)) = Run::first(&bytes[at + 1..])
            && value == next_value
            && count + next_count <= VALUES_MAX
        {
            bytes[at + 1] = values_byte(value, count + next_count);
            bytes.remove(at);
        } else {
            at += run.bytes();
        }
    }
}
