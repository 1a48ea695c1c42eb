//! What keys remember of their use: 24 bits in each entry, written whenever a command uses the key.
//!
//! Under most policies of eviction they are the time of the last use, in seconds, wrapping after 194 days. Under an LFU policy they
//! are the minute of the last look (16 bits, wrapping after 45 days) and a count of uses (8 bits) that grows with the logarithm of
//! their number and falls with time. A policy that is changed changes nothing in the entries: what they hold is read in the new
//! way, and becomes true with use.

use refrain_data::{Entry, LRU_MAX};

use crate::clock::Now;
use crate::config::Config;

/// The count of a new key: not so low that it would be the first to go.
const FIRST_COUNT: u8 = 5;

/// How uses are written down at this moment, and by what rules.
#[derive(Debug)]
pub(crate) struct Usage {
    /// An LFU policy is chosen.
    counts: bool,
    /// What a new key gets; where times are kept, also what a use leaves.
    stamp: u32,
    rule: Rule,
    /// Whether a use is counted is a matter of chance.
    chance: u64,
}

/// How counts grow and fall.
#[derive(Debug, Clone, Copy)]
struct Rule {
    /// The present minute, 16 bits of it.
    minute: u16,
    /// `lfu-decay-time`.
    decay_minutes: u32,
    /// `lfu-log-factor`.
    log_factor: u32,
}

/// What one use of one key does to its 24 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mark {
    /// Nothing: the client doesn't touch.
    None,
    /// It is the latest use.
    Time(u32),
    /// It is one more, perhaps.
    Count(Draw),
}

/// One throw of the dice, with the rules by which it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draw {
    rule: Rule,
    thrown: u32,
}

impl Usage {
    pub(crate) fn new(config: &Config, now: &Now, seed: u64) -> Usage {
        let rule = Rule { minute: 0, decay_minutes: 0, log_factor: 0 };
        let mut usage = Usage { counts: false, stamp: 0, rule, chance: seed };
        usage.configure(config, now);
        usage
    }

    /// Derives the rules from the configuration.
    pub(crate) fn configure(&mut self, config: &Config, now: &Now) {
        let memory = &config.memory;
        self.counts = memory.maxmemory_policy.is_lfu();
        self.rule.decay_minutes = u32::try_from(memory.lfu_decay_time).expect("its range is that of C's int");
        self.rule.log_factor = u32::try_from(memory.lfu_log_factor).expect("its range is that of C's int");
        self.set_now(now);
    }

    /// From here on it is this moment.
    #[inline]
    pub(crate) fn set_now(&mut self, now: &Now) {
        let seconds = now.unix_s();
        self.stamp = (seconds & u64::from(LRU_MAX)) as u32;
        if self.counts {
            self.rule.minute = (seconds / 60) as u16;
            self.stamp = self.rule.bits(FIRST_COUNT);
        }
    }

    /// What a new key's bits are.
    #[inline]
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }

    /// What a use leaves, where times are kept.
    #[inline(always)]
    pub(crate) fn time_stamp(&self) -> Option<u32> {
        (!self.counts).then_some(self.stamp)
    }

    /// What the use of a key does by a client that touches.
    #[inline]
    pub(crate) fn mark(&mut self, touches: bool) -> Mark {
        match (touches, self.counts) {
            (false, _) => Mark::None,
            (true, false) => Mark::Time(self.stamp),
            (true, true) => self.draw(),
        }
    }

    #[cold]
    fn draw(&mut self) -> Mark {
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Mark::Count(Draw { rule: self.rule, thrown: (mixed(self.chance) >> 32) as u32 })
    }

    /// The bits of a key that has not been used for so long, when times are kept.
    pub(crate) fn idle_for(&self, idle_s: u64) -> Option<u32> {
        (!self.counts).then(|| (u64::from(self.stamp).wrapping_sub(idle_s) & u64::from(LRU_MAX)) as u32)
    }

    /// The bits of a key with this count, when uses are counted.
    pub(crate) fn counted(&self, count: u8) -> Option<u32> {
        self.counts.then(|| self.rule.bits(count))
    }

    /// For how many seconds a key with these bits has not been used, when times are kept.
    pub(crate) fn idle_s(&self, bits: u32) -> Option<u32> {
        (!self.counts).then(|| self.stamp.wrapping_sub(bits) & LRU_MAX)
    }

    /// The count of a key with these bits, when uses are counted.
    pub(crate) fn count(&self, bits: u32) -> Option<u8> {
        self.counts.then(|| self.rule.fallen(bits))
    }
}

impl Mark {
    /// Writes the use down.
    #[inline]
    pub(crate) fn on(self, entry: Entry<'_>) {
        match self {
            Mark::None => {}
            Mark::Time(stamp) => entry.touch(stamp),
            Mark::Count(draw) => draw.on(entry),
        }
    }
}

impl Draw {
    #[cold]
    fn on(self, entry: Entry<'_>) {
        let count = self.rule.fallen(entry.lru());
        entry.touch(self.rule.bits(self.rule.grown(count, self.thrown)));
    }
}

impl Rule {
    fn bits(self, count: u8) -> u32 {
        u32::from(self.minute) << 8 | u32::from(count)
    }

    /// The count that is left: one less for each whole period since it was last looked at.
    fn fallen(self, bits: u32) -> u8 {
        let (looked_at, count) = ((bits >> 8) as u16, bits as u8);
        let minutes = u32::from(self.minute.wrapping_sub(looked_at));
        let periods = minutes.checked_div(self.decay_minutes).unwrap_or(0);
        count.saturating_sub(u8::try_from(periods).unwrap_or(u8::MAX))
    }

    /// The count after one more use: the higher it is, the less likely it grows.
    fn grown(self, count: u8, thrown: u32) -> u8 {
        let above = u64::from(count.saturating_sub(FIRST_COUNT));
        let one_in = above * u64::from(self.log_factor) + 1;
        let grows = u64::from(thrown).saturating_mul(one_in) <= u64::from(u32::MAX);
        count.saturating_add(u8::from(grows))
    }
}

/// The output function of SplitMix64.
fn mixed(state: u64) -> u64 {
    let a = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let b = (a ^ a >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    b ^ b >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(minute: u16, decay_minutes: u32, log_factor: u32) -> Rule {
        Rule { minute, decay_minutes, log_factor }
    }

    #[test]
    fn counts_fall_by_one_a_period_and_not_below_zero() {
        let bits = rule(100, 1, 10).bits(7);
        for (minute, decay, left) in [(100, 1, 7), (101, 1, 6), (105, 2, 5), (200, 1, 0), (600, 1, 0), (600, 0, 7)] {
            assert_eq!(rule(minute, decay, 10).fallen(bits), left, "{minute} {decay}");
        }
        assert_eq!(rule(1, 1, 10).fallen(rule(u16::MAX, 1, 10).bits(7)), 5, "minutes wrap");
    }

    #[test]
    fn low_counts_always_grow_and_high_ones_rarely() {
        let grows = |count, log_factor, thrown| rule(0, 1, log_factor).grown(count, thrown) > count;
        assert!(grows(0, 10, u32::MAX) && grows(FIRST_COUNT, 10, u32::MAX));
        assert!(grows(FIRST_COUNT + 1, 10, u32::MAX / 11) && !grows(FIRST_COUNT + 1, 10, u32::MAX / 11 + 1));
        assert!(grows(200, 0, u32::MAX), "a factor of 0 counts every use");
        assert!(!grows(u8::MAX, 10, 0), "it is at its end");
        assert!(!grows(200, i32::MAX as u32, 1));
    }

    /// What Redis documents: with a factor of 10, a thousand hits bring a count to about 18 and a million to 255.
    #[test]
    fn a_count_is_about_the_logarithm_of_the_uses() {
        let config = Config::default();
        let mut usage = Usage::new(&config, &Now::default(), 1);
        usage.counts = true;
        let mut count = FIRST_COUNT;
        let mut after = Vec::new();
        for uses in 1..=1_000_000 {
            let Mark::Count(draw) = usage.mark(true) else { panic!("uses are counted") };
            count = draw.rule.grown(count, draw.thrown);
            if uses == 1000 || uses == 1_000_000 {
                after.push(count);
            }
        }
        assert!((12..=26).contains(&after[0]), "{after:?}");
        assert!(after[1] >= 250, "{after:?}");
    }
}
