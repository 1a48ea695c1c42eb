//! Moments at which keys are to be looked at again although nobody changes them: what somebody waits for is there already, and has
//! yet to become old enough.
//!
//! A key has one alarm, the earliest that was asked for, and only while somebody waits for age. Whoever finds nothing when it
//! rings asks for another.

use std::collections::BTreeMap;
use std::rc::Rc;

use refrain_data::KeyHash;

use crate::call::Key;

/// The alarms of all keys, by time and then by name.
#[derive(Debug, Default)]
pub(super) struct Alarms(BTreeMap<(u64, usize, Rc<[u8]>), KeyHash>);

/// Those who wait for one key until something in it is old enough.
#[derive(Debug, Default)]
pub(super) struct Aging {
    waiters: usize,
    /// None of them waits for less: milliseconds.
    least_ms: u64,
    /// Microseconds of monotonic time.
    alarm_us: Option<u64>,
}

impl Aging {
    /// One more waits, for this age.
    pub(super) fn enter(&mut self, age_ms: u64) {
        self.least_ms = if self.waiters == 0 { age_ms } else { self.least_ms.min(age_ms) };
        self.waiters += 1;
    }

    /// The alarm has rung.
    pub(super) fn rang(&mut self) {
        self.alarm_us = None;
    }
}

impl Alarms {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The moment of the first.
    pub(super) fn next_us(&self) -> Option<u64> {
        self.0.first_key_value().map(|((at_us, ..), _)| *at_us)
    }

    /// Sets the alarm of a key, unless it rings earlier or nobody waits for age.
    pub(super) fn set(&mut self, key: &Key<'_>, aging: &mut Aging, at_us: u64) {
        if aging.waiters == 0 || aging.alarm_us.is_some_and(|already| already <= at_us) {
            return;
        }
        self.clear(key.db, key.name, aging);
        aging.alarm_us = Some(at_us);
        self.0.insert((at_us, key.db, key.name.into()), key.hash);
    }

    /// Something in a key begins to age.
    pub(super) fn set_for_new(&mut self, key: &Key<'_>, aging: &mut Aging, now_us: u64) {
        self.set(key, aging, now_us.saturating_add(aging.least_ms.saturating_mul(1000)));
    }

    /// One who waited for age in a key waits no longer.
    pub(super) fn leave(&mut self, db: usize, name: &[u8], aging: &mut Aging) {
        aging.waiters -= 1;
        if aging.waiters == 0 {
            self.clear(db, name, aging);
        }
    }

    /// Takes the alarm of a key out, if it has one.
    pub(super) fn clear(&mut self, db: usize, name: &[u8], aging: &mut Aging) {
        if let Some(at_us) = aging.alarm_us.take() {
            self.0.remove(&(at_us, db, name.into()));
        }
    }

    /// Takes out the first alarm that rings at `now_us`. Its [`Aging`] has to be told by [`Aging::rang`].
    pub(super) fn take(&mut self, now_us: u64) -> Option<(usize, Rc<[u8]>, KeyHash)> {
        self.next_us().filter(|at_us| *at_us <= now_us)?;
        self.0.pop_first().map(|((_, db, name), hash)| (db, name, hash))
    }
}
