//! A group of consumers loses nothing: every entry that was added is delivered, as new to one consumer only, and stays pending
//! until somebody acknowledges it or is told that it was deleted; and what the server says of pending entries agrees. An entry that is
//! sent again as its producer's is one entry.
//!
//! Source: at-least-once delivery is what consumer groups are for. Consumers and connections die with entries in hand; others
//! find those among the pending ones and claim them. XAUTOCLAIM removes entries that are no longer in the stream, and says which:
//! one that vanishes without a word is lost work that nobody learns of.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::record::groups::{EntryId, Groups, How, View, text};
use crate::record::{COMPLAINTS_MAX, Record, seconds};

/// For so long a request may be on its way and be executed when its client has given it up, in nanoseconds: cuts of the network are
/// shorter, and what was sent before them arrives behind them.
const ON_THEIR_WAY: u64 = 3_000_000_000;

/// Says what was lost, what came twice, and what does not agree.
pub fn judge(record: &Record) -> Vec<Violation> {
    let groups = &record.stream;
    let mut complaints = vanished(groups);
    complaints.extend(delivered_rightly(groups));
    complaints.extend(added_once(groups));
    for view in &groups.views {
        complaints.extend(agrees(view));
    }
    match groups.views.last() {
        Some(view) => complaints.extend(forgotten(groups, view)),
        None => complaints.push("nobody could look at the group".to_owned()),
    }
    complaints.truncate(COMPLAINTS_MAX);
    complaints.into_iter().map(|what| Violation::new("stream-groups", what)).collect()
}

/// Entries that were added, and that nobody has deleted, are in the stream.
fn vanished(groups: &Groups) -> Vec<String> {
    let Some(view) = groups.views.last() else { return Vec::new() };
    let there: BTreeSet<&EntryId> = view.entries.iter().collect();
    let added = groups
        .added
        .iter()
        .filter(|(id, added)| added.answered < view.asked && !groups.deletions.contains_key(id) && !there.contains(id));
    added.map(|(id, added)| format!("{} ({}) is not in the stream", text(*id), added.token)).collect()
}

/// What is delivered was added, and is new once.
fn delivered_rightly(groups: &Groups) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut new: BTreeMap<EntryId, &str> = BTreeMap::new();
    for delivery in &groups.deliveries {
        let (at, id, who) = (seconds(delivery.at), text(delivery.id), &delivery.consumer);
        match groups.added.get(&delivery.id) {
            Some(added) if added.token != delivery.token => {
                complaints.push(format!("{at} {id} reached {who} as {}, and is {}", delivery.token, added.token));
            }
            None if !groups.unanswered.contains(&delivery.token) => {
                complaints.push(format!("{at} {id} reached {who} as {}, which nobody has added", delivery.token));
            }
            _ => {}
        }
        if delivery.how == How::New
            && let Some(first) = new.insert(delivery.id, who)
        {
            complaints.push(format!("{at} {id} is new to {who}, and was new to {first}"));
        }
    }
    complaints
}

/// What was sent again because its answer was lost is one entry.
fn added_once(groups: &Groups) -> Vec<String> {
    let mut ids: BTreeMap<&str, BTreeSet<EntryId>> = BTreeMap::new();
    let added = groups.added.iter().map(|(id, added)| (&added.token, id));
    for (token, id) in added.chain(groups.deliveries.iter().map(|delivery| (&delivery.token, &delivery.id))) {
        ids.entry(token).or_default().insert(*id);
    }
    let twice = ids.into_iter().filter(|(_, ids)| ids.len() > 1);
    twice
        .map(|(token, ids)| format!("{token} is {}", ids.into_iter().map(text).collect::<Vec<_>>().join(" and ")))
        .collect()
}

/// What the server says of pending entries agrees with itself.
fn agrees(view: &View) -> Vec<String> {
    let at = seconds(view.answered);
    let mut complaints = Vec::new();
    let mut listed: BTreeMap<String, i64> = BTreeMap::new();
    for (id, owner, deliveries) in &view.pending {
        *listed.entry(owner.clone()).or_default() += 1;
        if *deliveries < 1 {
            complaints.push(format!("{at} {} is pending, and was delivered {deliveries} times", text(*id)));
        }
        if *id > view.last_delivered {
            complaints.push(format!("{at} {} is pending, and was not delivered yet", text(*id)));
        }
    }
    if !view.pending.is_sorted_by(|a, b| a.0 < b.0) {
        complaints.push(format!("{at} pending entries are not in the order of their ids"));
    }
    if view.pending_sum != view.pending.len() as i64 {
        complaints.push(format!("{at} {} entries are pending, and {} listed", view.pending_sum, view.pending.len()));
    }
    let busy: BTreeMap<String, i64> =
        view.consumers.iter().filter(|(_, count)| **count > 0).map(|(name, count)| (name.clone(), *count)).collect();
    if listed != view.pending_by_consumer || listed != busy {
        let said = (&view.pending_by_consumer, &busy);
        complaints.push(format!("{at} pending by consumer: {listed:?} listed, {:?} and {:?} said", said.0, said.1));
    }
    if view.len != view.entries.len() as i64 {
        complaints.push(format!("{at} the stream has {} entries, and shows {}", view.len, view.entries.len()));
    }
    complaints
}

/// What the group has passed was delivered; what was delivered stays pending until there is a reason.
fn forgotten(groups: &Groups, view: &View) -> Vec<String> {
    let pending: BTreeSet<EntryId> = view.pending.iter().map(|(id, ..)| *id).collect();
    let delivered: BTreeSet<EntryId> = groups.deliveries.iter().map(|delivery| delivery.id).collect();
    let mut complaints = Vec::new();
    for (id, added) in &groups.added {
        let passed = *id <= view.last_delivered && added.answered < view.asked;
        if passed && !delivered.contains(id) && !pending.contains(id) && !groups.deletions.contains_key(id) {
            complaints.push(format!("{} ({}) was passed over", text(*id), added.token));
        }
    }
    let before = groups.deliveries.iter().filter(|delivery| delivery.at < view.asked).map(|delivery| delivery.id);
    for id in before.collect::<BTreeSet<_>>() {
        if pending.contains(&id) || groups.acknowledged.contains(&id) || groups.reported.contains(&id) {
            continue;
        }
        // Whoever was told of it may have died before he heard, or was told so late that he had given up.
        let untold = groups.deletions.get(&id).is_some_and(|deleted| {
            groups
                .lost_claims
                .iter()
                .any(|lost| lost.given_up.is_none_or(|at| *deleted <= at.saturating_add(ON_THEIR_WAY)))
        });
        if !untold {
            complaints.push(format!("{} was delivered and is forgotten", text(id)));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::groups::{Added, Delivery, LostClaim};

    fn groups() -> Groups {
        let mut groups = Groups::default();
        for n in 1..=3 {
            groups.added.insert((n, 0), Added { token: format!("t{n}"), answered: n });
            groups.deliveries.push(Delivery {
                at: 10 + n,
                consumer: "c".into(),
                id: (n, 0),
                token: format!("t{n}"),
                how: How::New,
            });
        }
        groups.acknowledged.insert((1, 0));
        groups.views.push(View {
            asked: 100,
            answered: 101,
            pending_sum: 2,
            pending_by_consumer: [("c".to_owned(), 2)].into(),
            pending: vec![((2, 0), "c".into(), 1), ((3, 0), "c".into(), 2)],
            consumers: [("c".to_owned(), 2), ("idle".to_owned(), 0)].into(),
            last_delivered: (3, 0),
            len: 3,
            entries: vec![(1, 0), (2, 0), (3, 0)],
        });
        groups
    }

    fn complaints(change: impl FnOnce(&mut Groups)) -> usize {
        let mut record = Record::new(false);
        record.stream = groups();
        change(&mut record.stream);
        judge(&record).len()
    }

    #[test]
    fn every_way_to_lose_an_entry_shows() {
        assert_eq!(complaints(|_| {}), 0);
        assert_eq!(complaints(|groups| groups.views.clear()), 1);
        let vanish = |groups: &mut Groups| groups.views[0].entries.retain(|id| *id != (1, 0));
        assert_eq!(complaints(vanish), 2, "it vanished, and the count is wrong");
        assert_eq!(complaints(|groups| groups.acknowledged.clear()), 1, "it is neither pending nor acknowledged");
        assert_eq!(complaints(|groups| groups.deliveries.retain(|one| one.id != (1, 0))), 1, "it was passed over");
        let again = |groups: &mut Groups| groups.deliveries.push(groups.deliveries[0].clone());
        assert_eq!(complaints(again), 1, "it is new twice");
        let twice = |groups: &mut Groups| {
            groups.added.insert((2, 5), Added { token: "t3".into(), answered: 200 });
            groups.deletions.insert((2, 5), 1);
        };
        assert_eq!(complaints(twice), 1, "it was added twice");
        assert_eq!(complaints(|groups| groups.deliveries[0].token = "x".into()), 1);
        assert_eq!(complaints(|groups| groups.views[0].pending_sum = 3), 1);
        assert_eq!(complaints(|groups| groups.views[0].pending[0].2 = 0), 1);
        let miscount = |groups: &mut Groups| groups.views[0].consumers = [("c".to_owned(), 1)].into();
        assert_eq!(complaints(miscount), 1);
    }

    #[test]
    fn a_deletion_is_a_reason_once_somebody_was_told() {
        const DELETED: u64 = 2 * ON_THEIR_WAY;
        let delete = |groups: &mut Groups| {
            groups.acknowledged.clear();
            groups.deletions.insert((1, 0), DELETED);
        };
        let told = |groups: &mut Groups| {
            delete(groups);
            groups.reported.insert((1, 0));
        };
        let lost = |given_up: Option<u64>| {
            complaints(|groups| {
                delete(groups);
                groups.lost_claims.push(LostClaim { asked: 1, given_up });
            })
        };
        assert_eq!(complaints(delete), 1);
        assert_eq!(complaints(told), 0);
        assert_eq!([lost(None), lost(Some(DELETED))], [0, 0], "the word was lost, however early the question was");
        let late = DELETED - ON_THEIR_WAY;
        assert_eq!([lost(Some(late)), lost(Some(late - 1))], [0, 1], "that one can't have been on its way for so long");
    }
}
