//! Subscribers get what is published: each message once for each subscription that it matches, in one order, without gaps.
//!
//! Source: the Redis documentation on pub/sub, as far as at-most-once delivery goes: a connection that breaks takes with it
//! what had not arrived, and nothing comes again. Within a connection's life nothing may be missing in the middle. In terms of
//! what clients see, with moments of real time:
//!
//! 1. A message comes only by a subscription that was confirmed and not given up, that brings its channel, and at most once
//!    by each.
//! 2. No connection hears the messages of one publisher's connection in another order than they were sent in, and a message
//!    that was answered before another was sent comes before that. (That all connections agree on one order is
//!    `message-order`'s to say.)
//! 3. By each subscription, from a publisher's connection, what comes is a run without gaps of what it sent: between two
//!    messages that came, none is missing that the subscription brings.
//! 4. A message that was sent after a subscription was confirmed, and answered before the subscriber sent a PING (or asked to
//!    leave), has come before that is answered.
//! 5. The number of receivers that a publisher is told is not below the number of those who heard the message, and not above
//!    the number of subscriptions that there may have been.
//! 6. Each confirmation says how many subscriptions there are.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::record::messages::{Event, Listener, MessageId, Messages, Publication, Subscription, Topic, brings};
use crate::record::{COMPLAINTS_MAX, Record, seconds};

/// Says what was heard that can't be, and what was not heard that must be.
pub fn judge(record: &Record) -> Vec<Violation> {
    let messages = &record.messages;
    let by_process = Published::of(messages);
    let mut complaints = Vec::new();
    let mut stints = Vec::new();
    for listener in &messages.listeners {
        let mut hearing = Hearing::new(listener, messages, &by_process);
        listener.events.iter().for_each(|(at, event)| hearing.hear(*at, event));
        complaints.append(&mut hearing.complaints);
        stints.append(&mut hearing.all_stints());
    }
    complaints.extend(receivers(messages, &stints));
    complaints.truncate(COMPLAINTS_MAX);
    complaints.into_iter().map(|what| Violation::new("deliveries", what)).collect()
}

/// All messages of each publisher's connection, in the order sent.
struct Published<'a>(BTreeMap<u64, Vec<&'a Publication>>);

impl<'a> Published<'a> {
    fn of(messages: &'a Messages) -> Published<'a> {
        let mut by_process: BTreeMap<u64, Vec<&Publication>> = BTreeMap::new();
        for publication in &messages.publications {
            by_process.entry(publication.id.0).or_default().push(publication);
        }
        Published(by_process)
    }

    /// Messages of a publisher's connection that were sent behind number `after` and before `before`.
    fn between(&self, process: u64, after: Option<u64>, before: u64) -> impl Iterator<Item = &'a Publication> + '_ {
        let all = self.0.get(&process).map_or(&[][..], |all| &all[..]);
        let from = after.map_or(0, |after| all.partition_point(|p| p.id.1 <= after));
        let to = all.partition_point(|p| p.id.1 < before);
        all[from.min(to)..to].iter().copied()
    }
}

/// One subscription from its confirmation on.
#[derive(Debug, Clone)]
struct Stint {
    subscription: Subscription,
    asked: u64,
    /// When it was confirmed, if it was.
    confirmed: Option<u64>,
    /// When leaving was confirmed.
    left: Option<u64>,
    /// The last message of each publisher's connection.
    last: BTreeMap<u64, u64>,
    got: BTreeSet<MessageId>,
}

/// One connection's events, replayed.
struct Hearing<'a> {
    listener: &'a Listener,
    messages: &'a Messages,
    published: &'a Published<'a>,
    /// Subscriptions asked for and not given up.
    open: BTreeMap<Subscription, Stint>,
    closed: Vec<Stint>,
    /// What was asked for and not confirmed, with when.
    asked: Vec<(u64, bool, Subscription)>,
    pings: BTreeMap<u64, (u64, usize)>,
    asked_in_all: usize,
    confirmed_in_all: usize,
    heard: BTreeSet<(Subscription, MessageId)>,
    latest_sent: u64,
    complaints: Vec<String>,
}

impl<'a> Hearing<'a> {
    fn new(listener: &'a Listener, messages: &'a Messages, published: &'a Published<'a>) -> Hearing<'a> {
        Hearing {
            listener,
            messages,
            published,
            open: BTreeMap::new(),
            closed: Vec::new(),
            asked: Vec::new(),
            pings: BTreeMap::new(),
            asked_in_all: 0,
            confirmed_in_all: 0,
            heard: BTreeSet::new(),
            latest_sent: 0,
            complaints: Vec::new(),
        }
    }

    fn complain(&mut self, at: u64, what: String) {
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(format!("{} {} {what}", seconds(at), self.listener.client));
        }
    }

    fn hear(&mut self, at: u64, event: &Event) {
        match event {
            Event::Asked(joins, subscription) => {
                self.asked_in_all += 1;
                self.asked.push((at, *joins, subscription.clone()));
                if *joins {
                    let stint = Stint {
                        subscription: subscription.clone(),
                        asked: at,
                        confirmed: None,
                        left: None,
                        last: BTreeMap::new(),
                        got: BTreeSet::new(),
                    };
                    if let Some(before) = self.open.insert(subscription.clone(), stint) {
                        self.closed.push(before);
                    }
                }
            }
            Event::Confirmed(joins, subscription, count) => self.confirmed(at, *joins, subscription, *count),
            Event::Message { by, channel, id } => self.message(at, by, channel, *id),
            Event::Pinged(number) => {
                self.pings.insert(*number, (at, self.asked_in_all));
            }
            Event::Ponged(number) => self.ponged(at, *number),
        }
    }

    fn confirmed(&mut self, at: u64, joins: bool, subscription: &Subscription, count: i64) {
        self.confirmed_in_all += 1;
        if self.asked.is_empty() {
            return self.complain(at, format!("was confirmed {subscription:?}, and asked for nothing"));
        }
        let (asked, wanted, of) = self.asked.remove(0);
        if (wanted, &of) != (joins, subscription) {
            return self.complain(at, format!("was confirmed {subscription:?} ({joins}) before {of:?} ({wanted})"));
        }
        if joins {
            if let Some(stint) = self.open.get_mut(subscription) {
                stint.confirmed = Some(at);
            }
        } else {
            let open = self.find(subscription);
            if let Some(key) = open {
                self.complete(at, &key, asked);
                // It may have been asked for again already; then the stint that ended is among the closed ones.
                if let Some(mut stint) = self.open.remove(&key) {
                    stint.left = Some(at);
                    self.closed.push(stint);
                }
            } else if let Some(stint) =
                self.closed.iter_mut().rfind(|s| s.subscription == *subscription && s.left.is_none())
            {
                stint.left = Some(at);
            }
        }
        let shard = subscription.0 == Topic::Shard;
        let there =
            self.open.iter().filter(|((topic, _), s)| (*topic == Topic::Shard) == shard && s.confirmed.is_some());
        let there = there.count() as i64;
        if there != count {
            self.complain(at, format!("was told of {count} subscriptions at {subscription:?}, and has {there}"));
        }
    }

    /// The open stint of a subscription, if it was confirmed.
    fn find(&self, subscription: &Subscription) -> Option<Subscription> {
        self.open.get(subscription).filter(|s| s.confirmed.is_some()).map(|_| subscription.clone())
    }

    fn message(&mut self, at: u64, by: &Subscription, channel: &str, id: MessageId) {
        let messages = self.messages;
        let Some(publication) = messages.find(id) else {
            return self.complain(at, format!("heard {id:?}, which nobody published"));
        };
        if publication.channel != channel || !brings(by, channel, publication.shard) {
            self.complain(at, format!("heard {id:?} of {} as of {channel}, by {by:?}", publication.channel));
        }
        if !self.heard.insert((by.clone(), id)) {
            self.complain(at, format!("heard {id:?} twice by {by:?}"));
        }
        if let Some((acked, _)) = publication.acked
            && acked < self.latest_sent
        {
            self.complain(at, format!("heard {id:?} behind one that was sent after it was answered"));
        }
        self.latest_sent = self.latest_sent.max(publication.sent);
        let published = self.published;
        let Some(stint) = self.open.get_mut(by).filter(|s| s.confirmed.is_some()) else {
            return self.complain(at, format!("heard {id:?} by {by:?}, to which it does not subscribe"));
        };
        let (process, number) = id;
        let last = stint.last.insert(process, number);
        stint.got.insert(id);
        let since = stint.confirmed.unwrap_or(at);
        if last.is_some_and(|last| last > number) {
            return self.complain(at, format!("heard {id:?} behind {:?}", (process, last.unwrap_or(0))));
        }
        let missing = published
            .between(process, last, number)
            .find(|p| brings(by, &p.channel, p.shard) && (last.is_some() || p.sent > since));
        if let Some(missing) = missing {
            let what = format!("heard {id:?} by {by:?} and not {:?}, sent to {} before", missing.id, missing.channel);
            self.complain(at, what);
        }
    }

    fn ponged(&mut self, at: u64, number: u64) {
        let Some((pinged, asked)) = self.pings.remove(&number) else {
            return self.complain(at, format!("got an answer to PING {number}, which it has not asked"));
        };
        if self.confirmed_in_all < asked {
            self.complain(at, format!("got an answer to PING {number} before all confirmations"));
        }
        let keys: Vec<Subscription> = self.open.keys().cloned().collect();
        for key in keys {
            self.complete(at, &key, pinged);
        }
    }

    /// All that was sent since the subscription was confirmed, and answered before `before`, has come.
    fn complete(&mut self, at: u64, key: &Subscription, before: u64) {
        let Some(stint) = self.open.get(key) else { return };
        let Some(since) = stint.confirmed else { return };
        let from = self.messages.publications.partition_point(|p| p.sent <= since);
        let missing = self.messages.publications[from..].iter().find(|p| {
            p.acked.is_some_and(|(acked, _)| acked < before)
                && brings(key, &p.channel, p.shard)
                && !stint.got.contains(&p.id)
        });
        if let Some(missing) = missing {
            let what = format!(
                "never heard {:?} of {} by {key:?}, answered before {}",
                missing.id,
                missing.channel,
                seconds(before)
            );
            self.complain(at, what);
        }
    }

    fn all_stints(self) -> Vec<Stint> {
        self.closed.into_iter().chain(self.open.into_values()).collect()
    }
}

/// Compares the numbers of receivers that publishers were told with who heard what.
fn receivers(messages: &Messages, stints: &[Stint]) -> Vec<String> {
    let mut heard: BTreeMap<MessageId, i64> = BTreeMap::new();
    for stint in stints {
        stint.got.iter().for_each(|id| *heard.entry(*id).or_default() += 1);
    }
    let mut complaints = Vec::new();
    for publication in &messages.publications {
        let Some((acked, told)) = publication.acked else { continue };
        let least = heard.get(&publication.id).copied().unwrap_or(0);
        let may = |s: &&Stint| {
            s.asked <= acked
                && s.left.is_none_or(|left| left >= publication.sent)
                && brings(&s.subscription, &publication.channel, publication.shard)
        };
        let most = stints.iter().filter(may).count() as i64;
        if (told < least || told > most) && complaints.len() < COMPLAINTS_MAX {
            let id = publication.id;
            complaints.push(format!("{id:?} went to {told} by its answer; {least} heard it and {most} may have"));
        }
    }
    complaints
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> Subscription {
        (Topic::Channel, name.to_owned())
    }

    fn message(number: u64) -> Event {
        Event::Message { by: channel("c"), channel: "c".into(), id: (1, number) }
    }

    /// Messages 0 to 3 to channel `c`, number n sent at 100 n and answered 10 later, and one subscriber's events.
    fn complaints(events: &[(u64, Event)]) -> usize {
        let mut record = Record::new(false);
        for number in 0..4 {
            let sent = 100 * number;
            let told = Some((sent + 10, 1));
            record.messages.publish(Publication {
                id: (1, number),
                channel: "c".into(),
                shard: false,
                sent,
                acked: told,
            });
        }
        // Somebody else may have got what this one did not.
        let other = record.messages.connect("other");
        record.messages.event(other, 0, Event::Asked(true, channel("c")));
        let listener = record.messages.connect("listener");
        events.iter().for_each(|(at, event)| record.messages.event(listener, *at, event.clone()));
        judge(&record).len()
    }

    fn joined(at: u64) -> [(u64, Event); 2] {
        [(at, Event::Asked(true, channel("c"))), (at + 1, Event::Confirmed(true, channel("c"), 1))]
    }

    #[test]
    fn a_run_without_gaps_is_well_wherever_it_ends() {
        let [asked, confirmed] = joined(150);
        assert_eq!(complaints(&[asked.clone(), confirmed.clone()]), 0);
        assert_eq!(complaints(&[asked.clone(), confirmed.clone(), (205, message(2))]), 0);
        assert_eq!(complaints(&[asked, confirmed, (205, message(2)), (305, message(3))]), 0);
    }

    #[test]
    fn gaps_repetitions_and_other_orders_show() {
        let [asked, confirmed] = joined(50);
        let story = |rest: &[(u64, Event)]| complaints(&[&[asked.clone(), confirmed.clone()], rest].concat());
        assert_eq!(story(&[(105, message(1)), (305, message(3))]), 1, "2 is missing in the middle");
        assert_eq!(story(&[(205, message(2))]), 1, "1 was sent after the confirmation");
        assert_eq!(story(&[(105, message(1)), (106, message(1))]), 1, "twice");
        assert!(story(&[(105, message(1)), (205, message(2)), (206, message(1))]) > 0, "back");
        let of_pattern = Event::Message { by: (Topic::Pattern, "*".into()), channel: "c".into(), id: (1, 1) };
        assert_eq!(story(&[(105, of_pattern)]), 1, "by what it does not subscribe to");
        assert_eq!(
            story(&[(105, Event::Message { by: channel("c"), channel: "c".into(), id: (9, 9) })]),
            1,
            "invented"
        );
    }

    #[test]
    fn an_answer_behind_a_message_that_must_have_come_shows() {
        let [asked, confirmed] = joined(50);
        let story = |ping_at, rest: &[(u64, Event)]| {
            let ping = [(ping_at, Event::Pinged(1))];
            complaints(&[&[asked.clone(), confirmed.clone()], rest, &ping, &[(ping_at + 5, Event::Ponged(1))]].concat())
        };
        assert_eq!(story(110, &[]), 0, "answered at 110, not before");
        assert_eq!(story(111, &[]), 1);
        assert_eq!(story(111, &[(105, message(1))]), 0);
        let left = [(111, Event::Asked(false, channel("c"))), (112, Event::Confirmed(false, channel("c"), 0))];
        assert_eq!(complaints(&[&[asked, confirmed][..], &left].concat()), 1, "leaving is an answer, too");
    }

    #[test]
    fn counts_are_compared() {
        let [asked, _] = joined(50);
        assert_eq!(complaints(&[asked, (51, Event::Confirmed(true, channel("c"), 2))]), 1, "of confirmations");
        let mut record = Record::new(false);
        record.messages.publish(Publication {
            id: (1, 0),
            channel: "c".into(),
            shard: false,
            sent: 0,
            acked: Some((1, 1)),
        });
        assert_eq!(judge(&record).len(), 1, "nobody can have got it");
    }
}
