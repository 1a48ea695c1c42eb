//! Streams against a naive model: every reply, and what the propagation stream makes of an empty engine.
//!
//! The model is a list of entries and maps of groups, written from the manual: it packs nothing and shares nothing. Ids are given
//! by the client, for what the clock gives is shown in transcripts.

mod fixture;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fixture::{Bench, command};
use proptest::collection::vec;
use proptest::prelude::*;
use refrain_core::Config;

type Id = (u64, u64);

#[derive(Default)]
struct Model {
    entries: BTreeMap<Id, Vec<String>>,
    last: Id,
    max_deleted: Id,
    added: u64,
    groups: BTreeMap<String, Group>,
    exists: bool,
}

#[derive(Default)]
struct Group {
    last: Id,
    read: Option<u64>,
    consumers: BTreeMap<String, ()>,
    /// Owner, time of delivery, count.
    pending: BTreeMap<Id, (String, u64, u64)>,
}

#[derive(Clone, Debug)]
enum Step {
    Add { ahead: u64, fields: u8, trim: Option<u8> },
    Del(Vec<usize>),
    DelEx { how: u8, at: Vec<usize> },
    TrimLen(usize),
    TrimId(usize),
    Range { back: bool, from: usize, to: usize, count: Option<u8> },
    Create { group: u8, at: usize },
    SetId { group: u8, at: usize },
    Destroy(u8),
    CreateConsumer(u8, u8),
    DelConsumer(u8, u8),
    Read { at: usize, count: u8 },
    ReadNew { group: u8, consumer: u8, count: u8, no_ack: bool, claim: Option<u8> },
    History { group: u8, consumer: u8, at: usize, count: u8 },
    Ack { group: u8, at: Vec<usize> },
    AckDel { group: u8, how: u8, at: Vec<usize> },
    Claim { group: u8, consumer: u8, min_idle: u8, at: Vec<usize>, force: bool, just_ids: bool },
    AutoClaim { group: u8, consumer: u8, min_idle: u8, at: usize, count: u8, just_ids: bool },
    Pending(u8),
    PendingOf { group: u8, idle: u8, count: u8, consumer: Option<u8> },
    Groups,
    Wait(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let at = any::<usize>;
    let (group, consumer) = (0u8..2, 0u8..3);
    let several = || vec(any::<usize>(), 1..4);
    prop_oneof![
        12 => (0u64..5, 0u8..6, prop::option::weighted(0.1, 1u8..12))
            .prop_map(|(ahead, fields, trim)| Step::Add { ahead, fields, trim }),
        2 => several().prop_map(Step::Del),
        1 => (0u8..3, several()).prop_map(|(how, at)| Step::DelEx { how, at }),
        1 => (0usize..12).prop_map(Step::TrimLen),
        1 => at().prop_map(Step::TrimId),
        3 => (any::<bool>(), at(), at(), prop::option::of(0u8..4))
            .prop_map(|(back, from, to, count)| Step::Range { back, from, to, count }),
        3 => (group.clone(), at()).prop_map(|(group, at)| Step::Create { group, at }),
        1 => (group.clone(), at()).prop_map(|(group, at)| Step::SetId { group, at }),
        1 => group.clone().prop_map(Step::Destroy),
        1 => (group.clone(), consumer.clone()).prop_map(|(group, consumer)| Step::CreateConsumer(group, consumer)),
        1 => (group.clone(), consumer.clone()).prop_map(|(group, consumer)| Step::DelConsumer(group, consumer)),
        2 => (at(), 0u8..4).prop_map(|(at, count)| Step::Read { at, count }),
        10 => (group.clone(), consumer.clone(), 0u8..4, prop::bool::weighted(0.2), prop::option::weighted(0.3, 0u8..40))
            .prop_map(|(group, consumer, count, no_ack, claim)| Step::ReadNew { group, consumer, count, no_ack, claim }),
        2 => (group.clone(), consumer.clone(), at(), 0u8..4)
            .prop_map(|(group, consumer, at, count)| Step::History { group, consumer, at, count }),
        3 => (group.clone(), several()).prop_map(|(group, at)| Step::Ack { group, at }),
        1 => (group.clone(), 0u8..3, several()).prop_map(|(group, how, at)| Step::AckDel { group, how, at }),
        4 => (group.clone(), consumer.clone(), 0u8..40, several(), any::<bool>(), any::<bool>()).prop_map(
            |(group, consumer, min_idle, at, force, just_ids)| Step::Claim { group, consumer, min_idle, at, force, just_ids },
        ),
        4 => (group.clone(), consumer.clone(), 0u8..40, at(), 1u8..4, any::<bool>()).prop_map(
            |(group, consumer, min_idle, at, count, just_ids)| Step::AutoClaim { group, consumer, min_idle, at, count, just_ids },
        ),
        2 => group.clone().prop_map(Step::Pending),
        2 => (group, 0u8..40, 0u8..5, prop::option::of(consumer))
            .prop_map(|(group, idle, count, consumer)| Step::PendingOf { group, idle, count, consumer }),
        2 => Just(Step::Groups),
        4 => (1u8..30).prop_map(Step::Wait),
    ]
}

/// A reply as it is written; the model makes them of these.
fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn int(number: impl std::fmt::Display) -> String {
    format!(":{number}\r\n")
}

fn array(parts: &[String]) -> String {
    format!("*{}\r\n{}", parts.len(), parts.concat())
}

fn text((ms, seq): Id) -> String {
    format!("{ms}-{seq}")
}

fn id(id: Id) -> String {
    bulk(&text(id))
}

fn next((ms, seq): Id) -> Id {
    (ms, seq + 1)
}

const NIL: &str = "$-1\r\n";
const NIL_ARRAY: &str = "*-1\r\n";

impl Model {
    fn pick(&self, at: usize) -> Id {
        let known = self.entries.keys().nth(at / 4 % self.entries.len().max(1));
        let known = *known.unwrap_or(&self.last);
        match at % 4 {
            0 => next(known),
            1 => (at as u64 % (self.last.0 + 1), 1),
            _ => known,
        }
    }

    fn fields(&self, of: Id) -> String {
        array(&self.entries[&of].iter().map(|word| bulk(word)).collect::<Vec<_>>())
    }

    fn entry(&self, of: Id) -> String {
        array(&[id(of), self.fields(of)])
    }

    fn first(&self) -> Id {
        self.entries.keys().next().copied().unwrap_or_default()
    }

    fn remove(&mut self, of: Id) -> bool {
        let found = self.entries.remove(&of).is_some();
        if found {
            self.max_deleted = self.max_deleted.max(of);
        }
        found
    }

    fn is_done_with(&self, of: Id) -> bool {
        self.groups.values().all(|group| of <= group.last && !group.pending.contains_key(&of))
    }

    fn delete(&mut self, how: u8, of: Id) -> i64 {
        if how == 2 && !self.is_done_with(of) {
            return 2;
        }
        let found = self.remove(of);
        if how == 1 {
            self.groups.values_mut().for_each(|group| drop(group.pending.remove(&of)));
        }
        if found { 1 } else { -1 }
    }

    fn has_gap_from(&self, of: Id) -> bool {
        !self.entries.is_empty() && self.max_deleted != (0, 0) && of <= self.max_deleted
    }

    fn distance(&self, of: Id) -> Option<u64> {
        if self.added == 0 {
            return Some(0);
        }
        if of == self.last || self.entries.is_empty() && of < self.last {
            return Some(self.added);
        }
        let whole = self.max_deleted == (0, 0) || self.max_deleted < self.first();
        let before = self.added - self.entries.len() as u64;
        match of {
            of if of > self.last || !whole || of != (0, 0) && of < self.max_deleted => None,
            of if of < self.first() => Some(before),
            of if of == self.first() => Some(before + 1),
            _ => None,
        }
    }

    fn lag(&self, group: &Group) -> String {
        let is_behind = group.last < self.first() && self.max_deleted < self.first();
        if self.entries.is_empty() || is_behind {
            return int(self.entries.len() as i64);
        }
        let known = group.read.filter(|_| !self.has_gap_from(group.last));
        let read = if self.added == 0 { Some(0) } else { known.or_else(|| self.distance(group.last)) };
        read.map_or(NIL.to_owned(), |read| int(self.added as i64 - read as i64))
    }
}

fn group_name(group: u8) -> String {
    format!("g{group}")
}

fn consumer_name(consumer: u8) -> String {
    format!("c{consumer}")
}

const HOW: [&str; 3] = ["KEEPREF", "DELREF", "ACKED"];
const NO_KEY: &str = "-ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the \
                      MKSTREAM option to create an empty stream automatically.\r\n";

fn no_group(name: &str) -> String {
    format!("-NOGROUP No such key 's' or consumer group '{name}'\r\n")
}

fn no_group_of(name: &str) -> String {
    format!("-NOGROUP No such consumer group '{name}' for key name 's'\r\n")
}

/// What a step is as a command, and what is to be answered.
fn apply(model: &mut Model, step: &Step, now: u64) -> (String, String) {
    match step {
        Step::Add { ahead, fields, trim } => {
            let new = if *ahead == 0 { next(model.last) } else { (model.last.0 + ahead, 0) };
            let mut words = vec![format!("field{}", fields % 3), "value".to_owned()];
            if fields % 2 == 1 {
                words.extend(["n".to_owned(), new.0.to_string()]);
            }
            model.entries.insert(new, words.clone());
            (model.last, model.added, model.exists) = (new, model.added + 1, true);
            let mut option = String::new();
            if let Some(keep) = trim {
                option = format!("MAXLEN {keep} ");
                while model.entries.len() > usize::from(*keep) {
                    model.entries.pop_first();
                }
            }
            (format!("XADD s {option}{} {}", text(new), words.join(" ")), id(new))
        }
        Step::Del(at) => {
            let ids: Vec<Id> = at.iter().map(|at| model.pick(*at)).collect();
            let gone = ids.iter().filter(|of| model.remove(**of)).count();
            (format!("XDEL s {}", texts(&ids)), int(gone))
        }
        Step::DelEx { how, at } => {
            let ids: Vec<Id> = at.iter().map(|at| model.pick(*at)).collect();
            let exists = model.exists;
            let all: Vec<String> =
                ids.iter().map(|of| int(if exists { model.delete(*how, *of) } else { -1 })).collect();
            (format!("XDELEX s {} IDS {} {}", HOW[usize::from(*how)], ids.len(), texts(&ids)), array(&all))
        }
        Step::TrimLen(keep) => {
            let gone = model.entries.len().saturating_sub(*keep);
            (0..gone).for_each(|_| drop(model.entries.pop_first()));
            (format!("XTRIM s MAXLEN {keep}"), int(gone))
        }
        Step::TrimId(at) => {
            let of = model.pick(*at);
            let before = model.entries.len();
            model.entries = model.entries.split_off(&of);
            (format!("XTRIM s MINID {}", text(of)), int(before - model.entries.len()))
        }
        Step::Range { back, from, to, count } => {
            let (start, end) = (model.pick(*from), model.pick(*to));
            let mut found: Vec<Id> = model.entries.keys().copied().filter(|of| (start..=end).contains(of)).collect();
            let (name, first, second) = if *back { ("XREVRANGE", end, start) } else { ("XRANGE", start, end) };
            if *back {
                found.reverse();
            }
            found.truncate(count.map_or(usize::MAX, usize::from));
            let option = count.map_or(String::new(), |count| format!(" COUNT {count}"));
            let reply = if *count == Some(0) && model.exists {
                NIL_ARRAY.to_owned()
            } else {
                array(&found.into_iter().map(|of| model.entry(of)).collect::<Vec<_>>())
            };
            (format!("{name} s {} {}{option}", text(first), text(second)), reply)
        }
        Step::Create { group, at } => {
            let (name, of) = (group_name(*group), model.pick(*at));
            model.exists = true;
            let reply = if model.groups.contains_key(&name) {
                "-BUSYGROUP Consumer Group name already exists\r\n".to_owned()
            } else {
                model.groups.insert(name.clone(), Group { last: of, ..Group::default() });
                "+OK\r\n".to_owned()
            };
            (format!("XGROUP CREATE s {name} {} MKSTREAM", text(of)), reply)
        }
        Step::SetId { group, at } => {
            let (name, of) = (group_name(*group), model.pick(*at));
            let (exists, read) = (model.exists, model.added.min(3));
            let reply = match model.groups.get_mut(&name) {
                Some(group) => {
                    (group.last, group.read) = (of, Some(read));
                    "+OK\r\n".to_owned()
                }
                None if exists => no_group_of(&name),
                None => NO_KEY.to_owned(),
            };
            (format!("XGROUP SETID s {name} {} ENTRIESREAD 3", text(of)), reply)
        }
        Step::Destroy(group) => {
            let name = group_name(*group);
            let gone = model.groups.remove(&name).is_some();
            let reply = if model.exists { int(u8::from(gone)) } else { NO_KEY.to_owned() };
            (format!("XGROUP DESTROY s {name}"), reply)
        }
        Step::CreateConsumer(group, consumer) => {
            let (name, consumer) = (group_name(*group), consumer_name(*consumer));
            let exists = model.exists;
            let reply = match model.groups.get_mut(&name) {
                Some(group) => int(u8::from(group.consumers.insert(consumer.clone(), ()).is_none())),
                None if exists => no_group_of(&name),
                None => NO_KEY.to_owned(),
            };
            (format!("XGROUP CREATECONSUMER s {name} {consumer}"), reply)
        }
        Step::DelConsumer(group, consumer) => {
            let (name, consumer) = (group_name(*group), consumer_name(*consumer));
            let exists = model.exists;
            let reply = match model.groups.get_mut(&name) {
                Some(group) => {
                    let before = group.pending.len();
                    group.pending.retain(|_, (owner, ..)| *owner != consumer);
                    group.consumers.remove(&consumer);
                    int(before - group.pending.len())
                }
                None if exists => no_group_of(&name),
                None => NO_KEY.to_owned(),
            };
            (format!("XGROUP DELCONSUMER s {name} {consumer}"), reply)
        }
        Step::Read { at, count } => {
            let of = model.pick(*at);
            let limit = if *count == 0 { usize::MAX } else { usize::from(*count) };
            let found: Vec<String> =
                model.entries.keys().filter(|key| **key > of).take(limit).map(|key| model.entry(*key)).collect();
            let reply =
                if found.is_empty() { NIL_ARRAY.to_owned() } else { array(&[array(&[bulk("s"), array(&found)])]) };
            (format!("XREAD COUNT {count} STREAMS s {}", text(of)), reply)
        }
        Step::ReadNew { group, consumer, count, no_ack, claim } => {
            read_new(model, (*group, *consumer), *count, *no_ack, *claim, now)
        }
        Step::History { group, consumer, at, count } => {
            let (name, consumer, of) = (group_name(*group), consumer_name(*consumer), model.pick(*at));
            let line = format!("XREADGROUP GROUP {name} {consumer} COUNT {count} STREAMS s {}", text(of));
            let Some(mut group) = model.groups.remove(&name) else {
                return (line, no_group(&name).replace("'\r\n", "' in XREADGROUP with GROUP option\r\n"));
            };
            group.consumers.insert(consumer.clone(), ());
            let limit = if *count == 0 { usize::MAX } else { usize::from(*count) };
            let own = group.pending.iter_mut().filter(|(key, (owner, ..))| **key > of && *owner == consumer);
            let mut found = Vec::new();
            for (key, (_, time, deliveries)) in own.take(limit) {
                if model.entries.contains_key(key) {
                    found.push(model.entry(*key));
                    (*time, *deliveries) = (now, *deliveries + 1);
                } else {
                    found.push(array(&[id(*key), NIL_ARRAY.to_owned()]));
                }
            }
            model.groups.insert(name, group);
            (line, array(&[array(&[bulk("s"), array(&found)])]))
        }
        Step::Ack { group, at } => {
            let name = group_name(*group);
            let ids: Vec<Id> = at.iter().map(|at| model.pick(*at)).collect();
            let group = model.groups.get_mut(&name);
            let gone = group.map_or(0, |group| ids.iter().filter(|of| group.pending.remove(of).is_some()).count());
            (format!("XACK s {name} {}", texts(&ids)), int(gone))
        }
        Step::AckDel { group, how, at } => {
            let name = group_name(*group);
            let ids: Vec<Id> = at.iter().map(|at| model.pick(*at)).collect();
            let mut all = Vec::new();
            for of in &ids {
                let was = model.groups.get_mut(&name).is_some_and(|group| group.pending.remove(of).is_some());
                all.push(int(match was {
                    false => -1,
                    true => model.delete(*how, *of).abs(),
                }));
            }
            (format!("XACKDEL s {name} {} IDS {} {}", HOW[usize::from(*how)], ids.len(), texts(&ids)), array(&all))
        }
        Step::Claim { group, consumer, min_idle, at, force, just_ids } => {
            let ids: Vec<Id> = at.iter().map(|at| model.pick(*at)).collect();
            claim(model, (*group, *consumer), *min_idle, &ids, (*force, *just_ids), now)
        }
        Step::AutoClaim { group, consumer, min_idle, at, count, just_ids } => {
            let start = model.pick(*at);
            auto_claim(model, (*group, *consumer), *min_idle, start, *count, *just_ids, now)
        }
        Step::Pending(group) => {
            let name = group_name(*group);
            let line = format!("XPENDING s {name}");
            let Some(group) = model.groups.get(&name) else { return (line, no_group(&name)) };
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            group.pending.values().for_each(|(owner, ..)| *counts.entry(owner).or_default() += 1);
            let counts: Vec<String> =
                counts.iter().map(|(owner, count)| array(&[bulk(owner), bulk(&count.to_string())])).collect();
            let reply = match (group.pending.first_key_value(), group.pending.last_key_value()) {
                (Some((first, _)), Some((last, _))) => {
                    array(&[int(group.pending.len()), id(*first), id(*last), array(&counts)])
                }
                _ => array(&[int(0), NIL.to_owned(), NIL.to_owned(), NIL_ARRAY.to_owned()]),
            };
            (line, reply)
        }
        Step::PendingOf { group, idle, count, consumer } => {
            let name = group_name(*group);
            let of = consumer.map_or(String::new(), |consumer| format!(" {}", consumer_name(consumer)));
            let line = format!("XPENDING s {name} IDLE {idle} - + {count}{of}");
            let Some(group) = model.groups.get(&name) else { return (line, no_group(&name)) };
            let wanted = |owner: &str| consumer.is_none_or(|consumer| consumer_name(consumer) == owner);
            let found: Vec<String> = group
                .pending
                .iter()
                .filter(|(_, (owner, time, _))| wanted(owner) && (*idle == 0 || now - time >= u64::from(*idle)))
                .take(usize::from(*count))
                .map(|(key, (owner, time, deliveries))| {
                    array(&[id(*key), bulk(owner), int(now - time), int(deliveries)])
                })
                .collect();
            (line, array(&found))
        }
        Step::Groups => {
            let all: Vec<String> = model
                .groups
                .iter()
                .map(|(name, group)| {
                    array(&[
                        bulk("name"),
                        bulk(name),
                        bulk("consumers"),
                        int(group.consumers.len()),
                        bulk("pending"),
                        int(group.pending.len()),
                        bulk("last-delivered-id"),
                        id(group.last),
                        bulk("entries-read"),
                        group.read.map_or(NIL.to_owned(), int),
                        bulk("lag"),
                        model.lag(group),
                    ])
                })
                .collect();
            let reply = if model.exists { array(&all) } else { "-ERR no such key\r\n".to_owned() };
            ("XINFO GROUPS s".to_owned(), reply)
        }
        Step::Wait(_) => unreachable!("the caller waits"),
    }
}

fn texts(ids: &[Id]) -> String {
    ids.iter().map(|of| text(*of)).collect::<Vec<_>>().join(" ")
}

fn read_new(
    model: &mut Model,
    (group, consumer): (u8, u8),
    count: u8,
    no_ack: bool,
    claim: Option<u8>,
    now: u64,
) -> (String, String) {
    let (name, consumer) = (group_name(group), consumer_name(consumer));
    let option = claim.map_or(String::new(), |min_idle| format!("CLAIM {min_idle} "));
    let ack = if no_ack { "NOACK " } else { "" };
    let line = format!("XREADGROUP GROUP {name} {consumer} COUNT {count} {option}{ack}STREAMS s >");
    let Some(mut group) = model.groups.remove(&name) else {
        return (line, no_group(&name).replace("'\r\n", "' in XREADGROUP with GROUP option\r\n"));
    };
    group.consumers.insert(consumer.clone(), ());
    let limit = if count == 0 { usize::MAX } else { usize::from(count) };
    let mut found = Vec::new();
    if let Some(min_idle) = claim {
        let mut old: Vec<(u64, Id)> = group.pending.iter().map(|(key, (_, time, _))| (*time, *key)).collect();
        old.retain(|(time, key)| now - time >= u64::from(min_idle) && model.entries.contains_key(key));
        old.sort_unstable();
        for (_, key) in old.into_iter().take(limit) {
            let (owner, time, deliveries) = group.pending.get_mut(&key).expect("it was there");
            found.push(array(&[id(key), model.fields(key), int(now - *time), int(*deliveries)]));
            (*owner, *time, *deliveries) = (consumer.clone(), now, *deliveries + 1);
        }
    }
    let new: Vec<Id> =
        model.entries.keys().copied().filter(|key| *key > group.last).take(limit - found.len()).collect();
    for key in new {
        group.read = match group.read {
            Some(read) if group.last >= model.first() && !model.has_gap_from(group.last) => {
                Some(model.added.min(read + 1))
            }
            _ => model.distance(key),
        };
        group.last = key;
        found.push(match claim {
            Some(_) => array(&[id(key), model.fields(key), int(0), int(0)]),
            None => model.entry(key),
        });
        if !no_ack {
            group.pending.insert(key, (consumer.clone(), now, 1));
        }
    }
    model.groups.insert(name, group);
    let reply = if found.is_empty() { NIL_ARRAY.to_owned() } else { array(&[array(&[bulk("s"), array(&found)])]) };
    (line, reply)
}

fn claim(
    model: &mut Model,
    (group, consumer): (u8, u8),
    min_idle: u8,
    ids: &[Id],
    (force, just_ids): (bool, bool),
    now: u64,
) -> (String, String) {
    let (name, consumer) = (group_name(group), consumer_name(consumer));
    let options = [(force, " FORCE"), (just_ids, " JUSTID")].map(|(given, option)| if given { option } else { "" });
    let line = format!("XCLAIM s {name} {consumer} {min_idle} {}{}", texts(ids), options.concat());
    let Some(mut group) = model.groups.remove(&name) else { return (line, no_group(&name)) };
    group.consumers.insert(consumer.clone(), ());
    let mut claimed = Vec::new();
    for of in ids {
        if !model.entries.contains_key(of) {
            group.pending.remove(of);
            continue;
        }
        let deliveries = match group.pending.get(of) {
            Some((_, time, _)) if now - time < u64::from(min_idle) => continue,
            Some((_, _, deliveries)) => *deliveries,
            None if force => 1,
            None => continue,
        };
        group.pending.insert(*of, (consumer.clone(), now, deliveries + u64::from(!just_ids)));
        claimed.push(if just_ids { id(*of) } else { model.entry(*of) });
    }
    model.groups.insert(name, group);
    (line, array(&claimed))
}

fn auto_claim(
    model: &mut Model,
    (group, consumer): (u8, u8),
    min_idle: u8,
    start: Id,
    count: u8,
    just_ids: bool,
    now: u64,
) -> (String, String) {
    let (name, consumer) = (group_name(group), consumer_name(consumer));
    let option = if just_ids { " JUSTID" } else { "" };
    let line = format!("XAUTOCLAIM s {name} {consumer} {min_idle} {} COUNT {count}{option}", text(start));
    let Some(mut group) = model.groups.remove(&name) else { return (line, no_group(&name)) };
    group.consumers.insert(consumer.clone(), ());
    let ids: Vec<Id> = group.pending.keys().copied().filter(|key| *key >= start).collect();
    let (mut claimed, mut gone, mut cursor) = (Vec::new(), Vec::new(), (0, 0));
    for (attempt, of) in ids.into_iter().enumerate() {
        if attempt == usize::from(count) * 10 || claimed.len() + gone.len() == usize::from(count) {
            cursor = of;
            break;
        }
        if !model.entries.contains_key(&of) {
            group.pending.remove(&of);
            gone.push(id(of));
            continue;
        }
        let entry = group.pending.get_mut(&of).expect("it is there");
        if now - entry.1 >= u64::from(min_idle) {
            *entry = (consumer.clone(), now, entry.2 + u64::from(!just_ids));
            claimed.push(if just_ids { id(of) } else { model.entry(of) });
        }
    }
    model.groups.insert(name, group);
    (line, array(&[id(cursor), array(&claimed), array(&gone)]))
}

/// All that a stream holds but when its consumers were seen.
fn describe(bench: &mut Bench) -> String {
    let client = bench.connect();
    let reply = bench.ask(client, "XINFO STREAM s FULL COUNT 0");
    let mut text = String::new();
    let mut skip = 0;
    for line in reply.split("\r\n") {
        if matches!(line, "seen-time" | "active-time") {
            skip = 2;
        }
        if skip == 0 {
            writeln!(text, "{line}").expect("a string takes all");
        }
        skip = skip.max(1) - 1;
    }
    text
}

proptest! {
    #[test]
    fn every_reply_is_the_models_and_the_propagated_commands_make_the_same_stream(
        steps in vec(step(), 1..120),
        node_max_entries in prop_oneof![Just(100), Just(2)],
    ) {
        let mut config = Config::default();
        config.encodings.stream_node_max_entries = node_max_entries;
        let mut bench = Bench::new(config.clone(), None);
        let client = bench.connect();
        let (mut model, mut now) = (Model::default(), 1000);
        bench.advance_ms(1000);
        for step in &steps {
            if let Step::Wait(ms) = step {
                bench.advance_ms(u64::from(*ms));
                now += u64::from(*ms);
                continue;
            }
            let (line, wanted) = apply(&mut model, step, now);
            let reply = bench.ask(client, &line);
            prop_assert_eq!(&reply, &wanted, "{}", line);
        }
        let original = describe(&mut bench);
        let propagated = bench.engine.effects().stream.bytes().to_vec();
        let mut copy = Bench::new(config, None);
        copy.advance_ms(now + 1_000);
        let client = copy.connect();
        for part in propagated.chunks(8 * 1024) {
            copy.send(client, part);
        }
        let replies = String::from_utf8_lossy(&copy.received[&client]).into_owned();
        prop_assert!(!replies.contains("-ERR") && !replies.contains("-NOGROUP"), "not executable: {replies}");
        prop_assert_eq!(describe(&mut copy), original);
    }
}

/// DELREF of an entry that is gone changes nothing but groups, and says of it `-1` as of one that no group knows.
#[test]
fn references_to_an_entry_that_is_gone_are_deleted_in_the_propagated_stream_too() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    for line in [
        "XADD s 1-1 field value",
        "XGROUP CREATE s g0 1-1",
        "XADD s 2-1 field value",
        "XREADGROUP GROUP g0 c0 STREAMS s >",
        "XDEL s 2-1",
    ] {
        bench.ask(client, line);
    }
    bench.engine.effects().stream.clear();
    for line in ["XDELEX s KEEPREF IDS 1 2-1", "XDELEX s ACKED IDS 1 2-1"] {
        bench.ask(client, line);
        assert_eq!(bench.engine.effects().stream.bytes(), b"", "{line}");
    }
    let line = "XDELEX s DELREF IDS 2 1-1 2-1";
    bench.ask(client, "XDEL s 1-1");
    bench.engine.effects().stream.clear();
    assert_eq!(bench.ask(client, line), "*2\r\n:-1\r\n:-1\r\n");
    assert_eq!(bench.ask(client, "XPENDING s g0"), "*4\r\n:0\r\n$-1\r\n$-1\r\n*-1\r\n");
    let propagated = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
    assert!(propagated.contains("XDELEX\r\n$1\r\ns\r\n$6\r\nDELREF"), "{propagated}");
    bench.engine.effects().stream.clear();
    assert_eq!(bench.ask(client, line), "*2\r\n:-1\r\n:-1\r\n");
    assert_eq!(bench.engine.effects().stream.bytes(), b"");
}

#[test]
fn approximate_trims_are_propagated_as_what_they_came_to() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    for i in 1..=350 {
        bench.ask(client, &format!("XADD s {i}-0 field value"));
    }
    bench.engine.effects().stream.clear();
    assert_eq!(bench.ask(client, "XTRIM s MAXLEN ~ 120"), ":200\r\n");
    assert_eq!(bench.ask(client, "XTRIM s MINID ~ 301"), ":100\r\n");
    bench.ask(client, "XADD s MAXLEN ~ 10 LIMIT 5 * field value");
    let id = bench.ask(client, "XADD s MINID ~ 5 999999999999999-* field value");
    assert_eq!(id, "$17\r\n999999999999999-0\r\n");
    let propagated = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
    let words: Vec<&str> = propagated.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).collect();
    let added = format!("{}-0", fixture::START_US / 1000);
    let wanted = [
        &["XTRIM", "s", "MAXLEN", "=", "150"][..],
        &["XTRIM", "s", "MINID", "=", "301-0"],
        &["XADD", "s", "MAXLEN", "=", "51", &added, "field", "value"],
        &["XADD", "s", "MINID", "=", "301-0", "999999999999999-0", "field", "value", ""],
    ];
    assert_eq!(words, wanted.concat());
    let _ = command;
}
