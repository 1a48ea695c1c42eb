//! Streams against a naive model, their clones, and blocks as other servers write them.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tree::Page;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// What a stream is, without any cleverness.
#[derive(Clone, Default)]
struct Model {
    entries: BTreeMap<StreamId, Pairs>,
    last_id: StreamId,
    max_deleted_id: StreamId,
    added: u64,
    groups: BTreeMap<Vec<u8>, ModelGroup>,
}

#[derive(Clone, Default)]
struct ModelGroup {
    last_id: StreamId,
    consumers: BTreeMap<Vec<u8>, i64>,
    pending: BTreeMap<StreamId, (Vec<u8>, i64, u64)>,
}

#[derive(Clone, Debug)]
enum Step {
    Append { ms: u64, seq: u64, fields: usize, values: Vec<Vec<u8>> },
    Delete(usize),
    TrimLength { keep: usize, whole_blocks: bool, limit: u64 },
    TrimId { at: usize, whole_blocks: bool },
    Range { from: usize, to: usize },
    AddGroup(u8),
    RemoveGroup(u8),
    AddConsumer(u8, u8),
    RemoveConsumer(u8, u8),
    Assign { group: u8, consumer: u8, at: usize, time: i64, count: u64 },
    Acknowledge { group: u8, at: usize },
    AcknowledgeEverywhere(usize),
    IdleSince { group: u8, time: i64 },
    Clone,
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..20),
        2 => any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        2 => (-200i64..70_000).prop_map(|number| number.to_string().into_bytes()),
        1 => vec(any::<u8>(), 60..300),
        1 => (4090usize..4200).prop_map(|len| vec![b'x'; len]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let ms = prop_oneof![6 => Just(0u64), 4 => 0u64..40, 2 => 0u64..700, 1 => 0u64..1 << 40];
    let seq = prop_oneof![6 => Just(0u64), 2 => 0u64..200, 1 => any::<u64>()];
    let (group, consumer) = (0u8..3, 0u8..5);
    prop_oneof![
        20 => (ms, seq, 0usize..3, vec(value(), 1..4))
            .prop_map(|(ms, seq, fields, values)| Step::Append { ms, seq, fields, values }),
        4 => any::<usize>().prop_map(Step::Delete),
        1 => (0usize..80, any::<bool>(), 0u64..60)
            .prop_map(|(keep, whole_blocks, limit)| Step::TrimLength { keep, whole_blocks, limit }),
        1 => (any::<usize>(), any::<bool>()).prop_map(|(at, whole_blocks)| Step::TrimId { at, whole_blocks }),
        4 => (any::<usize>(), any::<usize>()).prop_map(|(from, to)| Step::Range { from, to }),
        2 => group.clone().prop_map(Step::AddGroup),
        1 => group.clone().prop_map(Step::RemoveGroup),
        3 => (group.clone(), consumer.clone()).prop_map(|(group, consumer)| Step::AddConsumer(group, consumer)),
        1 => (group.clone(), consumer.clone()).prop_map(|(group, consumer)| Step::RemoveConsumer(group, consumer)),
        20 => (group.clone(), consumer, any::<usize>(), 0i64..50, 0u64..9)
            .prop_map(|(group, consumer, at, time, count)| Step::Assign { group, consumer, at, time, count }),
        6 => (group.clone(), any::<usize>()).prop_map(|(group, at)| Step::Acknowledge { group, at }),
        1 => any::<usize>().prop_map(Step::AcknowledgeEverywhere),
        1 => (group, 0i64..50).prop_map(|(group, time)| Step::IdleSince { group, time }),
        1 => Just(Step::Clone),
    ]
}

const FIELDS: [&[&[u8]]; 3] = [&[b"a", b"field", b"12"], &[b"b", b"", b"other"], &[b"a", b"field", b"x"]];

/// Some id near an entry: of an entry, or beside one.
fn pick(model: &Model, at: usize) -> StreamId {
    let id = match model.entries.len() {
        0 => model.last_id,
        len => *model.entries.keys().nth(at / 3 % len).expect("below the length"),
    };
    match at % 3 {
        0 => id.next().unwrap_or(id),
        _ => id,
    }
}

fn entry_of(entry: &Entry<'_>) -> (StreamId, Pairs) {
    (entry.id, entry.fields().map(|(field, value)| (field.to_vec(), value.to_vec())).collect())
}

fn apply(stream: &mut Stream, model: &mut Model, step: Step, limits: StreamLimits) {
    let named = |group: u8| vec![b'g', group];
    match step {
        Step::Append { ms, seq, fields, values } => {
            let Some(id) = model.last_id.next() else { return };
            let id = match (id.ms.checked_add(ms), ms) {
                (Some(ms), 1..) => StreamId::new(ms, seq),
                _ => StreamId::new(id.ms, id.seq.saturating_add(seq)),
            };
            let pairs: Pairs = FIELDS[fields].iter().map(|field| field.to_vec()).zip(values).collect();
            stream.log.append(id, pairs.iter().map(|(field, value)| (&field[..], &value[..])), limits);
            model.entries.insert(id, pairs);
            model.last_id = id;
            model.added += 1;
        }
        Step::Delete(at) => {
            let id = pick(model, at);
            let was_there = model.entries.remove(&id).is_some();
            assert_eq!(stream.log.delete(id), was_there);
            if was_there {
                model.max_deleted_id = model.max_deleted_id.max(id);
            }
        }
        Step::TrimLength { keep, whole_blocks, limit } => {
            let before = model.entries.len();
            let gone = stream.log.trim(TrimTo::Length(keep as u64), whole_blocks, limit) as usize;
            let wanted = before.saturating_sub(keep);
            assert!(gone <= wanted);
            assert!(limit == 0 || !whole_blocks || gone <= limit as usize);
            assert!(whole_blocks || limit > 0 || gone == wanted);
            for _ in 0..gone {
                model.entries.pop_first();
            }
        }
        Step::TrimId { at, whole_blocks } => {
            let id = pick(model, at);
            let wanted = model.entries.range(..id).count();
            let gone = stream.log.trim(TrimTo::Id(id), whole_blocks, 0) as usize;
            assert!(gone <= wanted && (whole_blocks || gone == wanted));
            for _ in 0..gone {
                model.entries.pop_first();
            }
        }
        Step::Range { from, to } => {
            let (start, end) = (pick(model, from), pick(model, to));
            let found: Vec<_> = stream.log.range(start, end).map(|entry| entry_of(&entry)).collect();
            let mut back: Vec<_> = stream.log.range_back(start, end).map(|entry| entry_of(&entry)).collect();
            back.reverse();
            let wanted: Vec<_> = if start <= end {
                model.entries.range(start..=end).map(|(id, pairs)| (*id, pairs.clone())).collect()
            } else {
                Vec::new()
            };
            assert_eq!(found, wanted);
            assert_eq!(back, wanted);
            assert_eq!(stream.log.contains(start), model.entries.contains_key(&start));
            assert_eq!(stream.log.get(start).map(|entry| entry_of(&entry).1), model.entries.get(&start).cloned());
        }
        Step::AddGroup(group) => {
            let added = stream.add_group(&named(group), model.last_id, Some(model.added));
            assert_eq!(added, !model.groups.contains_key(&named(group)));
            let new = ModelGroup { last_id: model.last_id, ..ModelGroup::default() };
            model.groups.entry(named(group)).or_insert(new);
        }
        Step::RemoveGroup(group) => {
            assert_eq!(stream.remove_group(&named(group)), model.groups.remove(&named(group)).is_some());
        }
        Step::AddConsumer(group, name) => {
            let added = stream.edit_group(&named(group), |group, _| group.add_consumer(&[name], 7).is_some());
            let Some(group) = model.groups.get_mut(&named(group)) else { return assert_eq!(added, None) };
            assert_eq!(added, Some(!group.consumers.contains_key(&vec![name])));
            group.consumers.entry(vec![name]).or_insert(7);
        }
        Step::RemoveConsumer(group, name) => {
            let removed = stream.edit_group(&named(group), |group, _| group.remove_consumer(&[name]));
            let Some(group) = model.groups.get_mut(&named(group)) else { return assert_eq!(removed, None) };
            let had = group.pending.len();
            group.pending.retain(|_, (owner, ..)| owner[..] != [name]);
            let had = group.consumers.remove(&vec![name]).map(|_| had - group.pending.len());
            assert_eq!(removed, Some(had));
        }
        Step::Assign { group, consumer, at, time, count } => {
            let id = pick(model, at);
            let Some(of_model) = model.groups.get_mut(&named(group)) else { return };
            stream.edit_group(&named(group), |group, _| {
                let number = match group.consumer(&[consumer]) {
                    Some(known) => known.number(),
                    None => group.add_consumer(&[consumer], 9).expect("it is not there"),
                };
                group.edit_consumer(number, |consumer| consumer.seen_ms = time);
                let old = group.assign(Pending { id, delivered_ms: time, deliveries: count, consumer: number });
                let before = of_model.pending.insert(id, (vec![consumer], time, count));
                assert_eq!(old.map(|old| old.delivered_ms), before.map(|(_, time, _)| time));
            });
            of_model.consumers.insert(vec![consumer], time);
        }
        Step::Acknowledge { group, at } => {
            let id = pick(model, at);
            let gone = stream.edit_group(&named(group), |group, _| group.acknowledge(id).is_some());
            let wanted = model.groups.get_mut(&named(group)).map(|group| group.pending.remove(&id).is_some());
            assert_eq!(gone, wanted);
        }
        Step::AcknowledgeEverywhere(at) => {
            let id = pick(model, at);
            let done = |group: &ModelGroup| id <= group.last_id && !group.pending.contains_key(&id);
            assert_eq!(stream.is_done_with(id), model.groups.values().all(done));
            let mut any = false;
            for group in model.groups.values_mut() {
                any |= group.pending.remove(&id).is_some();
            }
            assert_eq!(stream.acknowledge_everywhere(id), any);
        }
        Step::IdleSince { group, time } => {
            let found = stream.edit_group(&named(group), |group, _| group.idle_since(time).collect::<Vec<_>>());
            let Some(group) = model.groups.get(&named(group)) else { return assert_eq!(found, None) };
            let mut wanted: Vec<_> = group.pending.iter().map(|(id, (_, time, _))| (*time, *id)).collect();
            wanted.retain(|(at, _)| *at <= time);
            wanted.sort_unstable();
            assert_eq!(found, Some(wanted.into_iter().map(|(_, id)| id).collect()));
        }
        Step::Clone => unreachable!("the caller clones"),
    }
}

fn check(stream: &Stream, model: &Model) {
    assert_eq!(stream.len(), model.entries.len());
    assert_eq!(stream.log.last_id(), model.last_id);
    assert_eq!(stream.log.entries_added(), model.added);
    assert_eq!(stream.log.max_deleted_id(), model.max_deleted_id);
    assert_eq!(stream.log.first_id(), model.entries.keys().next().copied().unwrap_or_default());
    assert_eq!(stream.log.last_entry_id(), model.entries.keys().next_back().copied());
    assert_eq!(stream.log.count_blocks(), stream.log.blocks().count());
    assert_eq!(stream.groups_len(), model.groups.len());
    for (group, of_model) in stream.groups().zip(&model.groups) {
        assert_eq!(group.name(), of_model.0);
        assert!(group.is_consistent());
        let pending: Vec<_> = group
            .pending_from(StreamId::MIN)
            .map(|entry| {
                let owner = group.consumer_name(entry.consumer).to_vec();
                (entry.id, (owner, entry.delivered_ms, entry.deliveries))
            })
            .collect();
        let wanted: Vec<_> = of_model.1.pending.iter().map(|(id, entry)| (*id, entry.clone())).collect();
        assert_eq!(pending, wanted);
        let consumers: Vec<_> = group.consumers().map(|one| (one.name().to_vec(), one.seen_ms)).collect();
        assert_eq!(consumers, of_model.1.consumers.clone().into_iter().collect::<Vec<_>>());
    }
}

fn check_blocks(stream: &Stream, limits: StreamLimits) {
    let mut copy = Log::default();
    for block in stream.log.blocks() {
        let list = block.to_listpack();
        assert_eq!(list.len(), block.listpack_bytes(), "the length is known without making it");
        let again = Block::from_listpack(block.id(), &list).expect("what we write we can read");
        assert_eq!(again.to_listpack(), list);
        assert_eq!(again.listpack_bytes(), list.len());
        assert!(limits.node_max_entries == 0 || block.len() as u64 <= limits.node_max_entries);
        assert!(copy.push_block(again));
    }
    let entries = |log: &Log| log.range(StreamId::MIN, StreamId::MAX).map(|entry| entry_of(&entry)).collect::<Vec<_>>();
    assert_eq!(entries(&copy), entries(&stream.log));
}

proptest! {
    #[test]
    fn a_stream_is_what_the_model_is_and_clones_stay_what_they_were(
        steps in vec(step(), 1..250),
        node_max_entries in prop_oneof![Just(100u64), Just(3), Just(0), Just(1)],
        node_max_bytes in prop_oneof![Just(4096u64), Just(300), Just(0), Just(1)],
    ) {
        let limits = StreamLimits { node_max_bytes, node_max_entries };
        let (mut stream, mut model) = (Stream::new(), Model::default());
        let mut clones = Vec::new();
        for step in steps {
            if let Step::Clone = step {
                clones.push((stream.clone(), model.clone()));
                continue;
            }
            apply(&mut stream, &mut model, step, limits);
            check(&stream, &model);
        }
        check_blocks(&stream, limits);
        for (stream, model) in &clones {
            check(stream, model);
        }
        drop(clones);
        for name in model.groups.keys() {
            stream.remove_group(name);
        }
        stream.log.trim(TrimTo::Length(0), false, 0);
        prop_assert_eq!(stream.memory(), 0, "what is empty occupies nothing");
    }

    #[test]
    fn damaged_blocks_are_refused_or_read_without_a_panic(
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
        truncate: bool,
    ) {
        let mut log = Log::default();
        for i in 0..20u64 {
            let value = i.to_string().repeat(i as usize);
            let field: &[u8] = if i % 3 == 0 { b"own" } else { b"field" };
            log.append(StreamId::new(i / 2, i + 1), [(field, value.as_bytes())].into_iter(), StreamLimits::default());
        }
        log.delete(StreamId::new(4, 9));
        let block = log.blocks().next().expect("there is one");
        let mut list = block.to_listpack();
        if truncate {
            list.truncate(cut.index(list.len()));
        }
        for (at, byte) in changes {
            if !list.is_empty() {
                let at = at.index(list.len());
                list[at] = byte;
            }
        }
        if let Some(block) = Block::from_listpack(block.id(), &list) {
            let mut log = Log::default();
            prop_assert!(log.push_block(block));
            prop_assert_eq!(log.range(StreamId::MIN, StreamId::MAX).count(), log.len());
            prop_assert_eq!(log.range_back(StreamId::MIN, StreamId::MAX).count(), log.len());
        }
    }
}

#[test]
fn many_pending_entries_and_consumers_stay_in_order() {
    let mut stream = Stream::new();
    stream.add_group(b"g", StreamId::MIN, None);
    let total = 20_000u64;
    stream.edit_group(b"g", |group, _| {
        for i in 0..300u32 {
            group.add_consumer(format!("consumer-{i}").as_bytes(), 1).expect("a new name");
        }
        for i in 0..total {
            let name = format!("consumer-{}", i % 300);
            let consumer = group.consumer(name.as_bytes()).expect("it was added").number();
            let id = StreamId::new(i * 7919 % total, 0);
            group.assign(Pending { id, delivered_ms: (i % 97) as i64, deliveries: 1, consumer });
        }
        assert_eq!(
            group.idle_since(10).count(),
            group.pending_from(StreamId::MIN).filter(|p| p.delivered_ms <= 10).count()
        );
        assert!(group.is_consistent());
        assert_eq!(group.pending_len() as u64, total);
        assert!(group.pending_from(StreamId::new(50, 0)).map(|p| p.id.ms).eq(50..total));
    });
    let clone = stream.clone();
    stream.edit_group(b"g", |group, _| {
        for i in 0..300u32 {
            group.remove_consumer(format!("consumer-{i}").as_bytes()).expect("it is there");
        }
        assert!(group.is_consistent());
        assert_eq!(group.pending_len(), 0);
    });
    assert_eq!(clone.group(b"g").map(Group::pending_len), Some(total as usize));
    assert!(
        clone.memory() > 90 * total as usize && clone.memory() < 130 * total as usize,
        "{}",
        clone.memory() / total as usize
    );
}

#[test]
fn ids_that_are_set_back_give_places_of_deleted_entries_to_others() {
    let mut log = Log::default();
    let id = |ms| StreamId::new(ms, 0);
    for ms in 1..=6 {
        let pair = [(if ms == 4 { &b"own"[..] } else { b"field" }, &b"value"[..])];
        log.append(id(ms), pair.into_iter(), StreamLimits::default());
    }
    for ms in [2, 4, 5, 6] {
        assert!(log.delete(id(ms)));
    }
    log.set_last_id(id(3));
    log.set_max_deleted_id(StreamId::MIN);
    log.append(StreamId::new(4, 7), [(&b"field"[..], &b"new"[..])].into_iter(), StreamLimits::default());
    let ids: Vec<_> = log.range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id).collect();
    assert_eq!(ids, [id(1), id(3), StreamId::new(4, 7)]);
    let block = log.blocks().next().expect("there is one");
    assert_eq!(block.to_listpack().len(), block.listpack_bytes());
    assert_eq!((log.last_entry_id(), log.len()), (Some(StreamId::new(4, 7)), 3));
}

#[test]
fn an_entry_takes_little_beside_its_values() {
    // With ids as a busy server gives them: three a millisecond.
    let per_entry = |values: usize, len: usize| {
        let mut log = Log::default();
        let total = 20_000u64;
        for i in 0..total {
            let value = format!("{i:0len$}x");
            let pairs =
                [(&b"field0"[..], value.as_bytes()), (b"field1", value.as_bytes()), (b"field2", value.as_bytes())];
            let id = StreamId::new(1_700_000_000_000 + i / 3, i % 3);
            log.append(id, pairs.into_iter().take(values), StreamLimits::default());
        }
        log.memory() as f64 / total as f64
    };
    let measured = [per_entry(1, 15), per_entry(1, 63), per_entry(3, 15)];
    assert!(measured[0] < 22.5 && measured[1] < 70.0 && measured[2] < 59.0, "{measured:?}");
}
