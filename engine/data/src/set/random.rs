//! Random choices among so many things, from bits that the caller brings. Every choice is equally likely.

/// A number below `len`, which is not 0. Some are more likely than others by 2^-64 of `len`: nobody can tell.
#[inline]
#[must_use]
pub fn uniform_index(bits: u64, len: usize) -> usize {
    ((u128::from(bits) * len as u128) >> 64) as usize
}

/// `count` different numbers below `len`, or all if there are no more, in ascending order.
pub fn distinct_indexes(count: usize, len: usize, bits: &mut dyn FnMut() -> u64) -> Vec<usize> {
    if count >= len {
        return (0..len).collect();
    }
    let mut chosen = Vec::with_capacity(count);
    if count > len / 4 {
        // Each is chosen with the chance that leaves all choices of the rest equally likely (Knuth, volume 2, algorithm S).
        for index in 0..len {
            if uniform_index(bits(), len - index) < count - chosen.len() {
                chosen.push(index);
            }
        }
        return chosen;
    }
    // Drawn and drawn again until enough are different: never more than are wanted at a time, so none is dropped.
    while chosen.len() < count {
        for _ in chosen.len()..count {
            chosen.push(uniform_index(bits(), len));
        }
        chosen.sort_unstable();
        chosen.dedup();
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(mut state: u64) -> impl FnMut() -> u64 {
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ (mixed >> 31)
        }
    }

    #[test]
    fn each_number_is_chosen_as_often_as_any_other() {
        let mut bits = generator(7);
        for (count, len) in [(1, 10), (2, 10), (5, 10), (9, 10), (10, 10), (3, 64)] {
            let mut times = vec![0u32; len];
            const ROUNDS: u32 = 20_000;
            for _ in 0..ROUNDS {
                let chosen = distinct_indexes(count, len, &mut bits);
                assert_eq!(chosen.len(), count);
                assert!(chosen.is_sorted_by(|low, high| low < high));
                chosen.iter().for_each(|index| times[*index] += 1);
            }
            let expected = f64::from(ROUNDS) * count as f64 / len as f64;
            // Six standard deviations.
            let tolerance = 6.0 * (expected * (1.0 - count as f64 / len as f64)).sqrt() + 0.5;
            assert!(times.iter().all(|times| (f64::from(*times) - expected).abs() < tolerance), "{times:?}");
        }
    }

    #[test]
    fn more_than_there_are_is_all() {
        assert_eq!(distinct_indexes(7, 3, &mut || unreachable!()), [0, 1, 2]);
        assert_eq!(distinct_indexes(0, 3, &mut || unreachable!()), []);
    }
}
