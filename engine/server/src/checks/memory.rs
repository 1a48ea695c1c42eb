//! `--test-memory <megabytes>`: writes patterns over much memory and reads them back, to find chips that forget.
//!
//! It knows nothing of the server. Every pass fills the memory with each word's own address, with pseudo-random words, and
//! with alternating bits both ways, so that neighbouring bits are told apart and every bit is 0 and 1.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io;

/// Passes of a whole test.
const PASSES: u32 = 50;

/// Tests this much memory. True when every word was read as it was written.
///
/// # Errors
/// When there is not that much memory, with the text for the operator.
pub fn test(megabytes: usize, out: &mut impl io::Write) -> Result<bool, String> {
    let words = megabytes
        .checked_mul((1 << 20) / size_of::<u64>())
        .filter(|words| *words > 0)
        .ok_or_else(|| "The amount of memory must be a number of megabytes above 0.".to_owned())?;
    let mut memory: Vec<u64> = Vec::new();
    memory.try_reserve_exact(words).map_err(|_| format!("Unable to allocate {megabytes} megabytes."))?;
    memory.resize(words, 0);
    let mut bad = 0;
    for pass in 1..=PASSES {
        bad += PATTERNS.iter().map(|(_, pattern)| check(&mut memory, u64::from(pass), *pattern)).sum::<u64>();
        let mut line = String::new();
        let _ = writeln!(line, "Pass {pass} of {PASSES}: {bad} errors");
        // A report that nobody reads is no reason to stop.
        let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
    }
    let verdict = match bad {
        0 => "Your memory passed this test. For certainty, run memtest86 for a night.\n",
        _ => "Your memory did NOT pass this test: words were read that had not been written. Replace it.\n",
    };
    let _ = out.write_all(verdict.as_bytes());
    Ok(bad == 0)
}

/// The word for a place, a pass, and an address.
type Pattern = fn(place: u64, pass: u64, address: u64) -> u64;

const PATTERNS: [(&str, Pattern); 5] = [
    ("addresses", |_, _, address| address),
    ("inverted addresses", |_, _, address| !address),
    ("pseudo-random words", |place, pass, _| scramble(place ^ pass << 48)),
    (
        "alternating bits",
        |place, pass, _| if (place ^ pass) & 1 == 0 { 0x5555_5555_5555_5555 } else { 0xaaaa_aaaa_aaaa_aaaa },
    ),
    ("all bits", |place, pass, _| if (place ^ pass) & 1 == 0 { 0 } else { u64::MAX }),
];

/// Fills the memory and counts the words that come back otherwise.
fn check(memory: &mut [u64], pass: u64, pattern: Pattern) -> u64 {
    let base = memory.as_ptr().addr() as u64;
    let word = |i: usize| pattern(i as u64, pass, base + (i * size_of::<u64>()) as u64);
    for (i, place) in memory.iter_mut().enumerate() {
        *place = word(i);
    }
    // What was written must really be read again, and not be known from having been written.
    let memory = black_box(memory);
    memory.iter().enumerate().filter(|(i, place)| **place != word(*i)).count() as u64
}

/// The finaliser of SplitMix64: neighbours become unrelated words.
fn scramble(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sound_memory_passes_and_none_is_refused() {
        let mut out = Vec::new();
        assert_eq!(test(1, &mut out), Ok(true));
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), PASSES as usize + 1, "{text}");
        assert!(text.contains("Your memory passed this test"), "{text}");
        assert!(test(0, &mut Vec::new()).is_err());
        assert!(test(usize::MAX, &mut Vec::new()).is_err());
    }

    #[test]
    fn every_bit_is_both() {
        for (name, pattern) in &PATTERNS[2..] {
            let words: Vec<u64> = (0..64).flat_map(|place| [1, 2].map(|pass| pattern(place, pass, 0))).collect();
            assert_eq!(words.iter().fold(u64::MAX, |all, word| all & word), 0, "{name} leaves bits set");
            assert_eq!(words.iter().fold(0, |any, word| any | word), u64::MAX, "{name} leaves bits clear");
        }
    }

    #[test]
    fn a_word_that_changed_is_found() {
        // A pattern that answers otherwise when it is read than when it was written stands for memory that forgets.
        use std::cell::Cell;
        thread_local!(static ASKED: Cell<u64> = const { Cell::new(0) });
        let forgets: Pattern = |place, _, _| {
            ASKED.set(ASKED.get() + 1);
            if place == 5 && ASKED.get() > 16 { 1 } else { 0 }
        };
        assert_eq!(check(&mut [0; 16], 1, forgets), 1);
    }
}
