//! There is one order of all messages: no two connections hear two messages in different orders.
//!
//! Source: one engine executes one PUBLISH after the other, and gives each message to all of its subscribers before the next. If
//! each connection says that what it heard first came first, all of them together must leave an order (Kahn, "Topological
//! sorting of large networks", 1962).

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::record::Record;
use crate::record::messages::{Event, MessageId, Messages};

/// Says when there is no such order.
pub fn judge(record: &Record) -> Vec<Violation> {
    one_order(&record.messages).into_iter().map(|what| Violation::new("message-order", what)).collect()
}

/// Looks for an order of all messages that every connection agrees with.
fn one_order(messages: &Messages) -> Option<String> {
    let mut follows: BTreeMap<MessageId, BTreeSet<MessageId>> = BTreeMap::new();
    let mut waits_for: BTreeMap<MessageId, usize> = BTreeMap::new();
    for listener in &messages.listeners {
        let (mut seen, mut last) = (BTreeSet::new(), None);
        for (_, event) in &listener.events {
            let Event::Message { id, .. } = event else { continue };
            if !seen.insert(*id) {
                continue;
            }
            waits_for.entry(*id).or_default();
            if let Some(last) = last.replace(*id)
                && follows.entry(last).or_default().insert(*id)
            {
                *waits_for.entry(*id).or_default() += 1;
            }
        }
    }
    let mut free: Vec<MessageId> = waits_for.iter().filter(|(_, n)| **n == 0).map(|(id, _)| *id).collect();
    let mut placed = 0;
    while let Some(id) = free.pop() {
        placed += 1;
        for next in follows.get(&id).into_iter().flatten() {
            let left = waits_for.get_mut(next).expect("every message that follows was entered");
            *left -= 1;
            if *left == 0 {
                free.push(*next);
            }
        }
    }
    (placed < waits_for.len()).then(|| {
        let some: Vec<MessageId> = waits_for.iter().filter(|(_, n)| **n > 0).map(|(id, _)| *id).take(4).collect();
        format!("connections heard {} messages in different orders, among them {some:?}", waits_for.len() - placed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::messages::Topic;

    #[test]
    fn two_connections_that_disagree_show() {
        let complaints = |orders: &[&[u64]]| {
            let mut record = Record::new(false);
            for order in orders {
                let listener = record.messages.connect("l");
                for process in *order {
                    let by = (Topic::Channel, "c".to_owned());
                    let event = Event::Message { by, channel: "c".into(), id: (*process, 0) };
                    record.messages.event(listener, 10, event);
                }
            }
            judge(&record).len()
        };
        assert_eq!(complaints(&[&[1, 2], &[2, 3], &[1, 3]]), 0);
        assert_eq!(complaints(&[&[1, 2], &[2, 1]]), 1);
        assert_eq!(complaints(&[&[1, 2], &[2, 3], &[3, 1]]), 1, "in a circle");
        assert_eq!(complaints(&[&[1, 2, 1], &[1, 2]]), 0, "by two subscriptions of one connection");
    }
}
