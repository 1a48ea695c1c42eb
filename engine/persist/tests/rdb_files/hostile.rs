//! Files that were damaged on purpose: each gives items or an error, never a panic, and whatever was read can be used like any value.
//!
//! A few thousand by default; `REFRAIN_FUZZ_FILES=100000` for as many as that.

use refrain_data::stream::{Pending, StreamBody, StreamId, StreamLimits};
use refrain_data::{Body, Collection, Deadline, Hash, Kind, List, ListEnd, Set, SortedSet};
use refrain_persist::rdb::{Item, LoadedKey, Modules, RdbReader, ReadOptions};
use refrain_persist::{Restored, Version};

use crate::fixture::{databases, file, limits, value_into_dict};

/// SplitMix64: all the randomness here comes from one number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n.max(1) as u64) as usize
    }
}

/// A key of each of the oldest encodings, which nothing writes any more.
fn old_encodings() -> Vec<u8> {
    let mut file = b"REDIS0009\xfe\x00".to_vec();
    let ziplist = b"\x29\0\0\0\x1e\0\0\0\x06\0\0\x03one\x05\xf3\x02\xc0\x2c\x01\x04\xfe\xff\x03\xd0\x70\x11\x01\0\x06\xe0\0\xf2\x05\x2a\x01\0\0\0\xff";
    let pairs = b"\x17\0\0\0\x12\0\0\0\x04\0\0\x01a\x03\xf2\x02\x01b\x03\xc0\x2c\x01\xff";
    for (kind, value) in [
        (1, &b"\x03\x01a\xc0\x05\x02bc"[..]),
        (2, b"\x03\x01a\xc0\x05\x02bc"),
        (3, b"\x02\x01a\x031.5\x01b\xfe"),
        (4, b"\x01\x01a\x031.5"),
        (9, b"\x10\x02\x01a\x01\x001\x02bb\x03\x01two.\xff"),
        (10, &[&[ziplist.len() as u8], &ziplist[..]].concat()),
        (12, &[&[pairs.len() as u8], &pairs[..]].concat()),
        (13, &[&[pairs.len() as u8], &pairs[..]].concat()),
        (14, &[&[1, ziplist.len() as u8], &ziplist[..]].concat()),
    ] {
        file.extend_from_slice(&[kind, 2, b'k', kind + b'a']);
        file.extend_from_slice(value);
    }
    file.extend_from_slice(b"\xff\0\0\0\0\0\0\0\0");
    file
}

/// Files of all encodings, small enough that a mutation hits something that matters.
fn samples() -> Vec<Vec<u8>> {
    let mut samples = vec![
        include_bytes!("recorded/redis-7.0.rdb").to_vec(),
        include_bytes!("recorded/redis-8.6.rdb").to_vec(),
        include_bytes!("recorded/valkey-9.1.rdb").to_vec(),
        old_encodings(),
    ];
    for kind in 0..6 {
        for (len, version) in [(4, Version::V11), (4, Version::V12), (20, Version::V12), (20, Version::V10)] {
            let seeds = (0..len).map(|i| i * 6 + u16::from(kind)).collect();
            let databases = databases(&[(0, 2, kind, seeds, Some(7)), (0, 3, kind, vec![2, 4, 6], None)]);
            // Compressed bytes would mostly become other bytes of no structure.
            samples.push(file(&databases, version, false, true));
        }
    }
    samples
}

/// Changes a few bytes, or moves some.
fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        // The header is not what this is about.
        let at = 9 + dice.below(bytes.len() - 9);
        let len = dice.below(8.min(bytes.len() - at)) + 1;
        match dice.below(8) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = [0, 1, 0x3f, 0x7f, 0x80, 0x81, 0xc0, 0xf0, 0xf4, 0xfe, 0xff][dice.below(11)],
            2 => bytes[at] = dice.roll() as u8,
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] = bytes[at].wrapping_sub(1),
            5 => drop(bytes.drain(at..at + len)),
            6 => {
                let copy: Vec<u8> = bytes[at..at + len].to_vec();
                let to = 9 + dice.below(bytes.len() - 9);
                bytes.splice(to..to, copy);
            }
            _ => bytes.truncate(at.max(10)),
        }
        if bytes.len() < 20 {
            return;
        }
    }
}

/// Reads a damaged file and uses what it gives; how many values that were.
fn read_and_use(bytes: &[u8], dice: &mut Dice) -> usize {
    let options = ReadOptions { checksum: false, modules: Modules::Skip, limits: limits() };
    let mut reader = RdbReader::new(options);
    let mut values = 0;
    for piece in bytes.chunks(dice.below(100) + 1) {
        reader.feed(piece);
        while let Ok(Some(item)) = reader.next() {
            values += usize::from(use_item(item, bytes.len()));
        }
    }
    reader.end_of_input();
    while let Ok(Some(item)) = reader.next() {
        values += usize::from(use_item(item, bytes.len()));
    }
    assert!(reader.offset() <= bytes.len() as u64);
    if let Err(error) = reader.next() {
        assert!(error.offset <= bytes.len() as u64);
        assert!(!error.to_string().is_empty());
    } else {
        assert!(reader.is_done());
    }
    values
}

fn use_item(item: Item<'_>, file_len: usize) -> bool {
    /// What one byte of a file may become: a byte of compressed string is up to 88, a small element a block of its own.
    const GROWTH_MAX: usize = 300;
    let Item::Key(LoadedKey { value, .. }) = item else { return false };
    if let Restored::Collection(kind, body) = value {
        let dict = value_into_dict(Restored::Collection(kind, body));
        let entry = dict.get(crate::fixture::SEED.hash(b""), b"").expect("it was put there");
        assert!(entry.memory() <= 8192 + GROWTH_MAX * file_len, "{} bytes of {file_len}", entry.memory());
        // What can be written comes back, and then the same is written.
        let payload = refrain_persist::dump(entry, false);
        let restored = refrain_persist::restore(&payload, &limits()).expect("it was dumped");
        let again = value_into_dict(restored);
        let again = again.get(crate::fixture::SEED.hash(b""), b"").expect("it was put there");
        assert_eq!(crate::fixture::describe(entry, Version::V12), crate::fixture::describe(again, Version::V12));
        drop(dict);
        let Ok(Restored::Collection(kind, body)) = refrain_persist::restore(&payload, &limits()) else {
            unreachable!("a moment ago it was one")
        };
        change(kind, body);
    }
    true
}

/// Does to a value what commands do.
fn change(kind: Kind, body: Body) {
    match kind {
        Kind::String => unreachable!("a string is no collection"),
        Kind::List => change_list(List::from_body(body)),
        Kind::Set => change_set(Set::from_body(body)),
        Kind::SortedSet => change_sorted_set(SortedSet::from_body(body)),
        Kind::Hash => change_hash(Hash::from_body(body)),
        Kind::Stream => change_stream(StreamBody::from_body(body)),
    }
}

fn change_list(mut list: List) {
    let limits = limits().list;
    list.push(ListEnd::Left, std::iter::once(&b"new"[..]), limits);
    list.push(ListEnd::Right, std::iter::once(&b"12345"[..]), limits);
    let middle = list.len() / 2;
    assert!(list.set(middle, b"middle", limits));
    assert!(list.insert(ListEnd::Left, b"new", b"before", limits));
    assert!(list.remove(b"middle", usize::MAX, ListEnd::Right, limits) > 0);
    while list.pop(ListEnd::Right, 3, limits, |value| drop(value.to_vec())) > 0 {}
    assert!(list.is_empty());
}

fn change_set(mut set: Set) {
    let limits = limits().set;
    set.insert(b"a new member", &limits);
    set.insert(b"-77777777777", &limits);
    let members: Vec<Vec<u8>> = set.view().iter().map(|member| member.to_vec()).collect();
    for member in &members {
        assert!(set.view().contains(member));
        assert!(set.remove(member));
    }
    assert!(set.is_empty());
}

fn change_sorted_set(mut set: SortedSet) {
    let limits = limits().sorted_set;
    set.insert(b"a new member", 1.5, &limits);
    let mut members = Vec::new();
    set.as_ref().for_each(|member, score| members.push((member.to_vec(), score)));
    for (rank, (member, score)) in members.iter().enumerate() {
        assert_eq!(set.as_ref().rank(member), Some((rank, *score)));
    }
    for (i, (member, score)) in members.iter().enumerate() {
        if i % 2 == 0 {
            set.insert(member, -score, &limits);
        }
        assert_eq!(set.as_ref().check(), Ok(()));
        assert!(set.remove(member).is_some());
    }
    assert!(set.as_ref().is_empty());
}

fn change_hash(mut hash: Hash) {
    let limits = limits().hash;
    hash.set(b"a new field", b"1", Deadline::At(5), &limits);
    let names: Vec<Vec<u8>> = hash.view().iter().map(|field| field.name.to_vec()).collect();
    for (i, name) in names.iter().enumerate() {
        assert!(hash.view().get(name).is_some());
        hash.set(name, b"another value", Deadline::Keep, &limits);
        hash.set_deadline(name, (i % 2 == 0).then_some(3), &limits);
    }
    hash.remove_due(4, usize::MAX, &mut |_| {});
    for name in &names {
        hash.remove(name);
    }
    assert!(hash.view().is_empty());
}

fn change_stream(mut stream: StreamBody) {
    let last = stream.log.last_id();
    let limits = StreamLimits { node_max_bytes: 4096, node_max_entries: 10 };
    let new = StreamId::new(last.ms.saturating_add(1), 1);
    if new > last {
        stream.log.append(new, std::iter::once((&b"f"[..], &b"v"[..])), limits);
    }
    let ids: Vec<StreamId> = stream.log.range(StreamId::MIN, StreamId::MAX).map(|entry| entry.id).collect();
    let back: Vec<StreamId> = stream.log.range_back(StreamId::MIN, StreamId::MAX).map(|entry| entry.id).collect();
    assert!(ids.iter().eq(back.iter().rev()));
    assert_eq!(ids.len(), stream.log.len());
    let groups: Vec<Vec<u8>> = stream.groups().map(|group| group.name().to_vec()).collect();
    for name in groups {
        stream.edit_group(&name, |group, log| {
            let _ = group.lag(log);
            group.add_consumer(b"somebody new", 1);
            let consumer = group.consumer(b"somebody new").expect("it is there now").number();
            let pending: Vec<StreamId> = group.pending_from(StreamId::MIN).map(|pending| pending.id).collect();
            for id in pending.iter().chain(&ids) {
                group.assign(Pending { id: *id, delivered_ms: 3, deliveries: 1, consumer });
            }
            assert_eq!(
                group.consumer(b"somebody new").map(|consumer| consumer.pending_len()),
                Some(group.pending_len())
            );
            for id in &pending {
                assert!(group.acknowledge(*id).is_some());
            }
            let consumers: Vec<Vec<u8>> = group.consumers().map(|consumer| consumer.name().to_vec()).collect();
            for name in &consumers {
                group.remove_consumer(name);
            }
            assert_eq!(group.pending_len(), 0);
        });
        assert!(stream.remove_group(&name));
    }
    for id in ids {
        assert!(stream.log.contains(id));
        assert!(stream.log.delete(id));
    }
    assert!(stream.log.is_empty());
}

#[test]
fn no_damage_breaks_a_reader_or_a_value() {
    #[expect(clippy::disallowed_methods, reason = "how long to fuzz is the person's choice who runs it")]
    let files: u64 = std::env::var("REFRAIN_FUZZ_FILES").ok().and_then(|files| files.parse().ok()).unwrap_or(10_000);
    let samples = samples();
    let (mut values, mut broken) = (0, 0);
    for seed in 0..files {
        let mut dice = Dice(seed);
        let mut bytes = samples[dice.below(samples.len())].clone();
        let whole = count_keys(&bytes);
        mutate(&mut bytes, &mut dice);
        let read = read_and_use(&bytes, &mut dice);
        values += read;
        broken += u64::from(read < whole);
    }
    // The damage is real, but not so great that nothing is read.
    assert!(values as u64 > files && broken > files / 4, "{values} values, {broken} broken files of {files}");
}

fn count_keys(bytes: &[u8]) -> usize {
    let options = ReadOptions { checksum: false, modules: Modules::Skip, limits: limits() };
    let mut reader = RdbReader::new(options);
    reader.feed(bytes);
    reader.end_of_input();
    let mut keys = 0;
    while let Some(item) = reader.next().expect("it is whole") {
        keys += usize::from(matches!(item, Item::Key(_)));
    }
    keys
}
