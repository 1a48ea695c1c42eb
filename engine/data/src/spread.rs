//! Searches among ascending hashes, which are evenly spread: where one is can be told from its value, nearly.
//!
//! A binary search looks at a line of memory after another, and waits for each; a guess looks at one or two. Hashes that are
//! not spread (tests have such) are found as well, in logarithmic time.

/// Steps from the guess before it is given up as a bad one.
const STEPS_MAX: usize = 16;

/// Where a hash between `low` and `high` is or would be among `len` hashes, if they are spread evenly.
#[inline(always)]
pub(crate) fn guess(len: usize, (low, high): (u32, u32), hash: u32) -> usize {
    let above = u64::from(hash - low);
    let width = u64::from(high - low).max(1);
    (above * (len as u64 - 1) / width) as usize
}

/// How many of `len` ascending hashes, the first of which is `low` and the last `high`, are at or below `hash`.
#[inline]
pub(crate) fn count_up_to(len: usize, (low, high): (u32, u32), at: impl Fn(usize) -> u32, hash: u32) -> usize {
    if len == 0 || hash < low {
        return 0;
    }
    if hash >= high {
        return len;
    }
    let guess = guess(len, (low, high), hash);
    if at(guess) <= hash {
        // The last hash is above, so there is an end to it.
        for index in guess + 1..=guess + STEPS_MAX {
            if at(index) > hash {
                return index;
            }
        }
        partition(guess + STEPS_MAX + 1, len, at, hash)
    } else {
        for index in (guess.saturating_sub(STEPS_MAX)..guess).rev() {
            if at(index) <= hash {
                return index + 1;
            }
        }
        partition(0, guess.saturating_sub(STEPS_MAX), at, hash)
    }
}

/// The last of ascending hashes that is at or before `hash`, otherwise the first: what a tree asks of its pages.
#[inline]
pub(crate) fn last_at_or_before(len: usize, at: impl Fn(usize) -> u32, hash: u32) -> usize {
    let ends = (at(0), at(len - 1));
    count_up_to(len, ends, at, hash).saturating_sub(1)
}

#[cold]
fn partition(mut low: usize, mut high: usize, at: impl Fn(usize) -> u32, hash: u32) -> usize {
    while low < high {
        let middle = low.midpoint(high);
        if at(middle) <= hash {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::count_up_to;

    fn agrees(mut hashes: Vec<u32>, sought: Vec<u32>) -> bool {
        hashes.sort_unstable();
        let ends = (hashes.first().copied().unwrap_or(9), hashes.last().copied().unwrap_or(9));
        let near = hashes.iter().flat_map(|hash| [hash.wrapping_sub(1), *hash, hash.wrapping_add(1)]);
        near.chain(sought).all(|hash| {
            count_up_to(hashes.len(), ends, |index| hashes[index], hash)
                == hashes.partition_point(|other| *other <= hash)
        })
    }

    quickcheck! {
        fn spread_hashes_are_found(hashes: Vec<u32>, sought: Vec<u32>) -> bool {
            agrees(hashes, sought)
        }

        fn crowded_hashes_are_found(hashes: Vec<u8>, far: u32, sought: Vec<u8>) -> bool {
            let hashes = hashes.into_iter().map(u32::from).chain([far]).collect();
            agrees(hashes, sought.into_iter().map(u32::from).collect())
        }
    }
}
