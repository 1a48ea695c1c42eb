//! A client-side cache never serves what its server had told it, or must have told it, to be no longer true.
//!
//! Source: the Redis documentation on client-side caching, and our own law: an invalidation comes behind the change that causes
//! it and before the reply of every later command of the client that is told. Precisely, in real time:
//!
//! A cache that holds a value obeys every invalidation that has arrived. Let `since` be the moment at which the client sent
//! the last command that was answered on the connection that brings invalidations. The value was read from the server before;
//! a *change* of the key that came behind that read, and was over before `since`, caused an invalidation that arrived before
//! that answer. So whatever the cache still holds has not been changed by then: it was the key's value at some moment after
//! `since`, or it is served wrongly. A change surely came behind the read when it was sent after the read was answered, or
//! after the value that was read was surely in place: values are written once, so what replaces one comes behind everybody
//! who has read it. A change is a write that was answered, or that somebody saw another value.
//!
//! A deadline changes a key when the server removes it, which it does within a bound; a cache may hold what has expired until
//! then, and no longer.

use std::collections::BTreeMap;

use super::Violation;
use crate::record::caching::{Caching, Hit, Sight, Write};
use crate::record::{COMPLAINTS_MAX, Record, seconds};
use crate::scenario::CacheBound;

/// Says which values were served from caches though they had been replaced.
pub fn judge(bound: &CacheBound, record: &Record) -> Vec<Violation> {
    let known = Known::of(&record.caching);
    let mut complaints: Vec<String> =
        record.caching.hits.iter().filter_map(|hit| known.complaint(hit, bound)).take(COMPLAINTS_MAX).collect();
    let hits = record.caching.hits.len() as u64;
    if hits < bound.hits_min {
        complaints.push(format!("{hits} values were served from caches, at least {} were to be", bound.hits_min));
    }
    complaints.into_iter().map(|what| Violation::new("cached-values", what)).collect()
}

/// What is known of every key, by its name, in the order of the moments at which it was over.
#[derive(Default)]
struct Known<'a> {
    writes: BTreeMap<&'a str, Vec<(u64, &'a Write)>>,
    flushes: Vec<(u64, &'a Write)>,
    sights: BTreeMap<&'a str, Vec<(u64, &'a Sight)>>,
    /// When each value was surely in place.
    in_place: BTreeMap<(&'a str, &'a str), u64>,
    /// Which write wrote a value.
    origin: BTreeMap<(&'a str, &'a str), &'a Write>,
}

impl<'a> Known<'a> {
    fn of(caching: &'a Caching) -> Known<'a> {
        let mut known = Known::default();
        for write in &caching.writes {
            if let (Some(key), Some(value)) = (&write.key, &write.value) {
                known.origin.insert((key, value), write);
            }
            let Some(done) = write.done else { continue };
            match &write.key {
                Some(key) => known.writes.entry(key).or_default().push((done, write)),
                None => known.flushes.push((done, write)),
            }
            if let (Some(key), Some(value)) = (&write.key, &write.value) {
                known.in_place.insert((key, value), done);
            }
        }
        for sight in &caching.sights {
            known.sights.entry(&sight.key).or_default().push((sight.answered, sight));
            if let Some(value) = &sight.value {
                let at = known.in_place.entry((&sight.key, value)).or_insert(sight.answered);
                *at = sight.answered.min(*at);
            }
        }
        known.writes.values_mut().for_each(|writes| writes.sort_by_key(|(over, _)| *over));
        known.flushes.sort_by_key(|(over, _)| *over);
        known.sights.values_mut().for_each(|sights| sights.sort_by_key(|(over, _)| *over));
        known
    }

    fn complaint(&self, hit: &Hit, bound: &CacheBound) -> Option<String> {
        let Sight { key, value, answered, .. } = &hit.held;
        // What was sent after this moment came behind the read.
        let in_place = value.as_ref().and_then(|value| self.in_place.get(&(key.as_str(), value.as_str())));
        let read = in_place.copied().unwrap_or(*answered).min(*answered);
        let over = |event: u64| event < hit.since;
        let writes = self.writes.get(key.as_str()).into_iter().chain([&self.flushes]);
        let write = writes
            .flat_map(|writes| writes.iter().take_while(|(done, _)| over(*done)))
            .find(|(_, write)| write.sent > read && (write.value != *value || value.is_none()));
        let why = if let Some((done, write)) = write {
            format!("{} was written, answered at {}", show(&write.value), seconds(*done))
        } else if let Some((seen, sight)) = self.other_sight(hit, read) {
            format!("{} was seen at {}", show(&sight.value), seconds(seen))
        } else {
            format!("its deadline was at {} at the latest", seconds(self.overdue(hit, bound)?))
        };
        let (client, mode) = (&hit.client, hit.mode);
        Some(format!(
            "{} {client} ({mode}) served {key} as {} from its cache, and has an answer to what it asked at {}: {why}",
            seconds(hit.at),
            show(value),
            seconds(hit.since),
        ))
    }

    /// Somebody saw another value behind the read, and before the last answer.
    fn other_sight(&self, hit: &Hit, read: u64) -> Option<(u64, &'a Sight)> {
        let sights = self.sights.get(hit.held.key.as_str())?;
        let before = sights.iter().take_while(|(answered, _)| *answered < hit.since);
        before.filter(|(_, sight)| sight.asked > read && sight.value != hit.held.value).copied().next()
    }

    /// The value's deadline, if the server was bound to have removed it.
    fn overdue(&self, hit: &Hit, bound: &CacheBound) -> Option<u64> {
        let value = hit.held.value.as_ref()?;
        let write = self.origin.get(&(hit.held.key.as_str(), value.as_str()))?;
        let deadline = write.done? + write.ttl_ms? * 1_000_000;
        (hit.since > deadline + bound.expired_within_ms * 1_000_000).then_some(deadline)
    }
}

fn show(value: &Option<String>) -> String {
    value.as_ref().map_or("nothing".to_owned(), |value| format!("\"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: CacheBound = CacheBound { expired_within_ms: 1, hits_min: 0 };

    /// Value `a` was written at 10 and answered at 20, and read by the cache from 30 to 40.
    fn story(add: impl FnOnce(&mut Caching), since: u64) -> usize {
        let mut record = Record::new(false);
        let caching = &mut record.caching;
        let write = caching.write(Some("k"), Some("a".into()), Some(5), 10);
        caching.done(write, 20);
        let held = Sight { key: "k".into(), value: Some("a".into()), asked: 30, answered: 40 };
        caching.sights.push(held.clone());
        add(caching);
        caching.hits.push(Hit { client: "c".into(), mode: "default", at: since + 10, since, held });
        judge(&BOUND, &record).len()
    }

    #[test]
    fn what_was_replaced_before_the_last_answered_question_shows() {
        let replaced = |sent, done, since| {
            let add = |caching: &mut Caching| {
                let write = caching.write(Some("k"), Some("b".into()), None, sent);
                caching.done(write, done);
            };
            story(add, since)
        };
        assert_eq!(replaced(50, 60, 60), 0, "it was over at 60, not before");
        assert_eq!(replaced(50, 60, 61), 1);
        assert_eq!(replaced(21, 35, 61), 1, "it came behind what was read, or that would not have been read");
        assert_eq!(replaced(15, 35, 61), 0, "it may have come before");
        let flushed = |caching: &mut Caching| {
            let write = caching.write(None, None, None, 50);
            caching.done(write, 60);
        };
        assert_eq!(story(flushed, 61), 1);
        assert_eq!(story(|caching| _ = caching.write(Some("k"), Some("b".into()), None, 50), 90), 0, "nobody answered");
    }

    #[test]
    fn what_others_saw_counts_and_so_do_deadlines() {
        let seen = |asked, answered, since| {
            let sight = Sight { key: "k".into(), value: None, asked, answered };
            story(|caching| caching.sights.push(sight), since)
        };
        assert_eq!((seen(50, 60, 60), seen(50, 60, 61), seen(15, 60, 61)), (0, 1, 0));
        let deadline = 20 + 5_000_000;
        assert_eq!(story(|_| {}, deadline + 1_000_000), 0);
        assert_eq!(story(|_| {}, deadline + 1_000_001), 1);
    }

    #[test]
    fn nothing_is_a_value_too() {
        let mut record = Record::new(false);
        let held = Sight { key: "k".into(), value: None, asked: 30, answered: 40 };
        let write = record.caching.write(Some("k"), Some("b".into()), None, 50);
        record.caching.done(write, 60);
        record.caching.hits.push(Hit { client: "c".into(), mode: "default", at: 70, since: 61, held });
        assert_eq!(judge(&BOUND, &record).len(), 1);
        assert_eq!(judge(&CacheBound { hits_min: 2, ..BOUND }, &record).len(), 2, "and too few hits show nothing");
    }
}
