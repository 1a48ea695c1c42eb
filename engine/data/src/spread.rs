//! Searches among what ascends and is more or less evenly spread, hashes above all: where one is can be told from its value, nearly.
//!
//! A binary search looks at a line of memory after another, and waits for each; a guess looks at one or two. Hashes that are
//! not spread (tests have such) are found as well, in logarithmic time, and so are scores, of which nobody knows how they are spread.

/// Steps from the guess before it is given up as a bad one.
const STEPS_MAX: usize = 16;

/// What a search has learnt on its way down a tree: the hash that is sought lies between these two, both included, and so do
/// nearly all of the node that the search has come to. With them a guess needs no look at the node's ends.
#[derive(Clone, Copy, Debug)]
pub struct Between {
    low: u32,
    high: u32,
}

impl Default for Between {
    fn default() -> Self {
        Between { low: 0, high: u32::MAX }
    }
}

impl Between {
    /// Where among the `len` children of a node the one is whose part of the hashes has `hash` in it, if they are spread evenly.
    #[inline(always)]
    pub(crate) fn guess(self, len: usize, hash: u32) -> usize {
        let above = u64::from(hash - self.low);
        let width = u64::from(self.high - self.low) + 1;
        (above * len as u64 / width) as usize
    }

    /// The last of `len` ascending hashes that is at or before `hash`, otherwise the first: what a tree asks of its pages. The search
    /// goes on between that one and the next.
    #[inline]
    pub(crate) fn narrow(&mut self, len: usize, at: impl Fn(usize) -> u32, hash: u32) -> usize {
        let guess = self.guess(len, hash);
        let mut index = guess;
        if at(guess) <= hash {
            let end = (guess + STEPS_MAX).min(len - 1);
            while index < end && at(index + 1) <= hash {
                index += 1;
            }
            if index == guess + STEPS_MAX {
                index = partition(index, len, &at, hash) - 1;
            }
        } else {
            let end = guess.saturating_sub(STEPS_MAX);
            while index > end && at(index) > hash {
                index -= 1;
            }
            if index > 0 && at(index) > hash {
                index = partition(0, index, &at, hash).saturating_sub(1);
            }
        }
        let low = at(index);
        if low <= hash {
            self.low = low;
        }
        if index + 1 < len {
            self.high = at(index + 1) - 1;
        }
        index
    }
}

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

/// How many of `len` places `is_before` holds for, which it does up to one of them, if there are probably `guess`: the further that is
/// off, the longer it takes, but hardly longer than twice a search that knows nothing.
#[inline]
pub(crate) fn partition_near(len: usize, guess: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let guess = guess.min(len);
    let (mut low, mut high, mut step) = (0, len, 1);
    if guess < len && is_before(guess) {
        low = guess + 1;
        while low < len {
            let at = (guess + step).min(len - 1);
            if !is_before(at) {
                high = at;
                break;
            }
            (low, step) = (at + 1, 2 * step);
        }
    } else {
        high = guess;
        while high > 0 {
            let at = guess.saturating_sub(step);
            if is_before(at) {
                low = at + 1;
                break;
            }
            (high, step) = (at, 2 * step);
        }
    }
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
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

    use super::{Between, count_up_to, partition_near};

    fn agrees(mut hashes: Vec<u32>, sought: Vec<u32>) -> bool {
        hashes.sort_unstable();
        let ends = (hashes.first().copied().unwrap_or(9), hashes.last().copied().unwrap_or(9));
        let near = hashes.iter().flat_map(|hash| [hash.wrapping_sub(1), *hash, hash.wrapping_add(1)]);
        near.chain(sought).all(|hash| {
            count_up_to(hashes.len(), ends, |index| hashes[index], hash)
                == hashes.partition_point(|other| *other <= hash)
        })
    }

    /// Two levels: a few of the hashes above, and below each those from it to the next.
    fn narrows(mut hashes: Vec<u32>, sought: Vec<u32>, below: usize) -> bool {
        hashes.sort_unstable();
        hashes.dedup();
        let near = hashes.iter().flat_map(|hash| [hash.wrapping_sub(1), *hash, hash.wrapping_add(1)]);
        let nodes: Vec<&[u32]> = hashes.chunks(below).collect();
        hashes.is_empty()
            || near.chain(sought).all(|hash| {
                let mut between = Between::default();
                let node = between.narrow(nodes.len(), |index| nodes[index][0], hash);
                let found = between.narrow(nodes[node].len(), |index| nodes[node][index], hash);
                let expected = hashes.partition_point(|other| *other <= hash).saturating_sub(1);
                node * below + found == expected && between.low <= hash && hash <= between.high
            })
    }

    quickcheck! {
        fn searches_go_on_where_they_have_come_to(hashes: Vec<u32>, sought: Vec<u32>, below: u8) -> bool {
            narrows(hashes, sought, usize::from(below) + 1)
        }

        fn searches_go_on_among_crowds(hashes: Vec<u8>, far: Vec<u32>, sought: Vec<u8>, below: u8) -> bool {
            let hashes = hashes.into_iter().map(u32::from).chain(far).collect();
            narrows(hashes, sought.into_iter().map(u32::from).collect(), usize::from(below) + 1)
        }

        fn guesses_of_all_kinds_lead_there(len: u8, guess: u8, before: u8) -> bool {
            let (len, before) = (usize::from(len), usize::from(before.min(len)));
            let asked = std::cell::Cell::new(0);
            let found = partition_near(len, guess.into(), |at| {
                asked.set(asked.get() + 1);
                assert!(at < len);
                at < before
            });
            found == before && asked.get() <= 2 * (len + 1).ilog2() + 4
        }

        fn spread_hashes_are_found(hashes: Vec<u32>, sought: Vec<u32>) -> bool {
            agrees(hashes, sought)
        }

        fn crowded_hashes_are_found(hashes: Vec<u8>, far: u32, sought: Vec<u8>) -> bool {
            let hashes = hashes.into_iter().map(u32::from).chain([far]).collect();
            agrees(hashes, sought.into_iter().map(u32::from).collect())
        }
    }
}
