//! Values of every type go out and come back; what Redis wrote is read; what is damaged is refused.

use std::collections::{BTreeMap, BTreeSet};

use quickcheck::quickcheck;
use refrain_data::stream::{Pending, StreamId, StreamLimits};
use refrain_data::{Deadline, IntBuffer, ListEnd, Value};

use super::*;

/// The value of a collection, written and read.
fn round_trip<C: Collection>(value: C, version: Version, compression: bool) -> (u8, Restored<'static>, Vec<u8>) {
    let (number, bytes) = with_entry(
        |free| free.insert_collection(value, Deadline::Clear),
        |entry| {
            let mut out = Vec::new();
            let number = value_type(entry, version);
            write_value(&mut out, number, entry, &mut Compressor::new(compression));
            (number, out)
        },
    );
    let read = {
        let mut input = Input::new(&bytes);
        let restored = read_value(number, &mut input, &limits()).unwrap_or_else(|_| panic!("what was written is read"));
        assert!(input.rest().is_empty(), "all of it");
        match restored {
            Restored::Collection(kind, body) => Restored::Collection(kind, body),
            Restored::Nothing => Restored::Nothing,
            Restored::String(_) => unreachable!("it was a collection"),
        }
    };
    (number, read, bytes)
}

fn back<C: Collection>(value: C, compression: bool) -> C {
    match round_trip(value, Version::V12, compression).1 {
        Restored::Collection(kind, body) => {
            assert_eq!(kind, C::KIND);
            C::from_body(body)
        }
        _ => panic!("it had elements"),
    }
}

fn bytes(value: Value<'_>) -> Vec<u8> {
    value.to_vec()
}

/// Elements of all sizes: numbers, short and long ones.
fn element(seed: u16) -> Vec<u8> {
    match seed % 7 {
        0 => (i64::from(seed) * 1_000_003 - 7).to_string().into_bytes(),
        1 => Vec::new(),
        2 if seed.is_multiple_of(50) => vec![seed as u8; 9000],
        _ => format!("element {seed} {}", "x".repeat(usize::from(seed % 40))).into_bytes(),
    }
}

quickcheck! {
    fn lists(seeds: Vec<u16>, times: u8, compression: bool) -> bool {
        let elements: Vec<Vec<u8>> = (0..=times % 8).flat_map(|_| seeds.iter().map(|seed| element(*seed))).collect();
        if elements.is_empty() {
            return true;
        }
        let mut list = List::empty();
        // How it is kept is not to be seen.
        let kept = limits().list.with_compress_depth(i64::from(times % 3)).with_alone_from(usize::from(times) * 10);
        list.push(ListEnd::Right, elements.iter().map(Vec::as_slice), kept);
        let list = back(list, compression);
        list.view().to_vecs() == elements
    }

    fn sets(seeds: Vec<u16>, numbers: bool, compression: bool) -> bool {
        let members: BTreeSet<Vec<u8>> = seeds
            .iter()
            .map(|seed| if numbers { i64::from(*seed).to_string().into_bytes() } else { element(*seed) })
            .collect();
        if members.is_empty() {
            return true;
        }
        let mut set = Set::empty();
        for member in &members {
            set.insert(member, &limits().set);
        }
        let set = back(set, compression);
        set.view().iter().map(bytes).collect::<BTreeSet<_>>() == members
    }

    fn sorted_sets(seeds: Vec<(u16, i32)>, compression: bool) -> bool {
        let members: BTreeMap<Vec<u8>, f64> =
            seeds.iter().map(|(seed, score)| (element(*seed), f64::from(*score) / 3.0)).collect();
        if members.is_empty() {
            return true;
        }
        let mut set = SortedSet::empty();
        for (member, score) in &members {
            set.insert(member, *score, &limits().sorted_set);
        }
        let set = back(set, compression);
        let mut found = BTreeMap::new();
        set.as_ref().for_each(|member, score| {
            found.insert(bytes(member), score);
        });
        found == members && set.as_ref().check().is_ok()
    }

    fn hashes(seeds: Vec<(u16, u16, Option<u32>)>, compression: bool) -> bool {
        let fields: BTreeMap<Vec<u8>, (Vec<u8>, Option<u64>)> = seeds
            .iter()
            .map(|(name, value, deadline)| (element(*name), (element(*value), deadline.map(|at| u64::from(at) + 1))))
            .collect();
        if fields.is_empty() {
            return true;
        }
        let mut hash = Hash::empty();
        for (name, (value, deadline)) in &fields {
            hash.set(name, value, deadline.map_or(Deadline::Clear, Deadline::At), &limits().hash);
        }
        let hash = back(hash, compression);
        let found: BTreeMap<_, _> =
            hash.view().iter().map(|field| (bytes(field.name), (bytes(field.value), field.deadline))).collect();
        found == fields
    }

    fn streams(entries: Vec<(u8, u16, u16)>, deleted: Vec<u8>, pending: Vec<(u8, bool)>, compression: bool) -> bool {
        let mut stream = StreamBody::empty();
        let mut ids = Vec::new();
        let mut ms = 0;
        for (step, field, value) in &entries {
            ms += u64::from(*step);
            let id = match ids.last() {
                Some(last) if StreamId::new(ms, 1) <= *last => StreamId::new(last.ms, last.seq + 1),
                _ => StreamId::new(ms, 1),
            };
            let pair = (element(*field % 30), element(*value));
            let limits = StreamLimits { node_max_bytes: 4096, node_max_entries: 10 };
            stream.log.append(id, std::iter::once((&pair.0[..], &pair.1[..])), limits);
            ids.push(id);
        }
        for at in &deleted {
            if let Some(id) = ids.get(usize::from(*at)) {
                stream.log.delete(*id);
            }
        }
        stream.add_group(b"group", ids.get(1).copied().unwrap_or_default(), Some(2));
        stream.add_group(b"other", StreamId::MIN, None);
        stream.edit_group(b"group", |group, _| {
            let one = group.add_consumer(b"one", 5).expect("a new name");
            let two = group.add_consumer(b"two", 6).expect("a new name");
            group.edit_consumer(two, |consumer| consumer.active_ms = Some(9));
            for (at, first) in &pending {
                if let Some(id) = ids.get(usize::from(*at)) {
                    let consumer = if *first { one } else { two };
                    group.assign(Pending { id: *id, delivered_ms: 7, deliveries: u64::from(*at) + 1, consumer });
                }
            }
        });
        let describe = |stream: &refrain_data::stream::Stream| {
            let log = &stream.log;
            let entries: Vec<_> = log
                .range(StreamId::MIN, StreamId::MAX)
                .map(|entry| (entry.id, entry.fields().map(|(f, v)| (bytes(f), bytes(v))).collect::<Vec<_>>()))
                .collect();
            let groups: Vec<_> = stream
                .groups()
                .map(|group| {
                    let pending: Vec<_> = group
                        .pending_from(StreamId::MIN)
                        .map(|p| (p.id, p.delivered_ms, p.deliveries, group.consumer_name(p.consumer).to_vec()))
                        .collect();
                    let consumers: Vec<_> = group
                        .consumers()
                        .map(|c| (c.name().to_vec(), c.seen_ms, c.active_ms, c.pending_len()))
                        .collect();
                    (group.name().to_vec(), group.last_id(), group.entries_read(), pending, consumers)
                })
                .collect();
            (entries, log.last_id(), log.first_id(), log.max_deleted_id(), log.entries_added(), groups)
        };
        let before = describe(&stream);
        let stream: StreamBody = back(stream, compression);
        describe(&stream) == before
    }

    fn anything_is_a_value_or_malformed(number: u8, bytes: Vec<u8>) -> bool {
        let _ = read_value(number % 26, &mut Input::new(&bytes), &limits());
        true
    }

    fn what_is_cut_short_says_so(seeds: Vec<u16>, at: usize) -> bool {
        let mut list = List::empty();
        list.push(ListEnd::Right, [&b"always one"[..]].into_iter(), limits().list);
        for seed in seeds {
            list.push(ListEnd::Right, std::iter::once(&element(seed)[..]), limits().list);
        }
        let (number, _, bytes) = round_trip(list, Version::V12, false);
        let at = at % bytes.len();
        let mut input = Input::new(&bytes[..at]);
        read_value(number, &mut input, &limits()).is_err() && input.wanted() > 0
    }

    fn a_damaged_value_is_a_value_or_malformed(seeds: Vec<(u16, u16)>, at: usize, byte: u8) -> bool {
        let mut hash = Hash::empty();
        let mut set = SortedSet::empty();
        for (name, value) in seeds {
            hash.set(&element(name), &element(value), Deadline::At(u64::from(value) + 1), &limits().hash);
            set.insert(&element(name), f64::from(value), &limits().sorted_set);
        }
        if !hash.is_empty() {
            let (number, _, mut bytes) = round_trip(hash, Version::V12, false);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(Restored::Collection(_, body)) = read_value(number, &mut Input::new(&bytes), &limits()) {
                // Whatever it is, it can be looked at.
                Hash::from_body(body).view().iter().for_each(|field| drop(bytes_of_field(field)));
            }
            let (number, _, mut bytes) = round_trip(set, Version::V12, false);
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(Restored::Collection(_, body)) = read_value(number, &mut Input::new(&bytes), &limits()) {
                SortedSet::from_body(body).as_ref().for_each(|member, _| drop(member.to_vec()));
            }
        }
        true
    }
}

fn bytes_of_field(field: refrain_data::Field<'_>) -> Vec<u8> {
    let mut digits = IntBuffer::new();
    field.name.bytes(&mut digits).to_vec()
}

fn read(number: u8, bytes: &[u8]) -> Result<Restored<'_>, Malformed> {
    read_value(number, &mut Input::new(bytes), &limits())
}

fn list_of(restored: Result<Restored<'_>, Malformed>) -> Vec<String> {
    match restored {
        Ok(Restored::Collection(Kind::List, body)) => {
            let list = List::from_body(body);
            list.view().to_vecs().iter().map(|element| String::from_utf8_lossy(element).into_owned()).collect()
        }
        _ => panic!("no list"),
    }
}

#[test]
fn the_oldest_encodings_are_read() {
    // A plain list of three strings, one of them a number.
    assert_eq!(list_of(read(1, b"\x03\x01a\xc0\x05\x02bc")), ["a", "5", "bc"]);
    // A ziplist: "one", 2, 300, -1, 70000, 5000000000.
    let ziplist = b"\x29\0\0\0\x1e\0\0\0\x06\0\0\x03one\x05\xf3\x02\xc0\x2c\x01\x04\xfe\xff\x03\xd0\x70\x11\x01\0\x06\xe0\0\xf2\x05\x2a\x01\0\0\0\xff";
    let mut string = vec![ziplist.len() as u8];
    string.extend_from_slice(ziplist);
    assert_eq!(ziplist.len(), 41);
    assert_eq!(list_of(read(10, &string)), ["one", "2", "300", "-1", "70000", "5000000000"]);
    let mut quicklist = vec![2];
    quicklist.extend_from_slice(&string);
    quicklist.extend_from_slice(&string);
    assert_eq!(list_of(read(14, &quicklist)).len(), 12);
    // A sorted set with scores as text.
    let Ok(Restored::Collection(Kind::SortedSet, body)) = read(3, b"\x02\x01a\x031.5\x01b\xfe") else {
        panic!("no set")
    };
    let set = SortedSet::from_body(body);
    assert_eq!((set.as_ref().score(b"a"), set.as_ref().score(b"b")), (Some(1.5), Some(f64::INFINITY)));
    assert!(read(3, b"\x01\x01a\xfd").is_err(), "no number");
    // A zipmap: a -> 1, bb -> two, with a free byte.
    let Ok(Restored::Collection(Kind::Hash, body)) = read(9, b"\x10\x02\x01a\x01\x001\x02bb\x03\x01two.\xff") else {
        panic!("no hash")
    };
    let hash = Hash::from_body(body);
    assert_eq!(hash.view().get(b"bb").map(|found| found.value.to_vec()), Some(b"two".to_vec()));
    assert_eq!(hash.view().len(), 2);
}

#[test]
fn nothing_is_there_twice_and_what_is_empty_is_nothing() {
    assert!(read(2, b"\x02\x01a\x01a").is_err());
    assert!(read(4, b"\x02\x01a\x01b\x01a\x01c").is_err());
    let twice = b"\x02\x01a\0\0\0\0\0\0\xf0\x3f\x01a\0\0\0\0\0\0\xf0\x3f";
    assert!(read(5, twice).is_err());
    for number in [1, 2, 4, 5, 18] {
        assert!(matches!(read(number, b"\0"), Ok(Restored::Nothing)), "{number}");
    }
    assert!(read(6, b"\0").is_err() && read(7, b"\0").is_err() && read(26, b"\0").is_err());
}

#[test]
fn nothing_is_there_twice_in_large_collections() {
    let member = |i: u8| [&[2, b'm', i][..]].concat();
    for (number, behind) in [(2, &b""[..]), (4, b"\x01v"), (24, b"\x01v"), (5, &[0; 8])] {
        let before: &[u8] = if number == 24 { &[0] } else { b"" };
        let value = |members: &mut dyn Iterator<Item = u8>| {
            let mut value = if number == 24 { vec![0; 8] } else { Vec::new() };
            value.push(40);
            members.for_each(|i| value.extend([before, &member(i), behind].concat()));
            value
        };
        assert!(matches!(read(number, &value(&mut (0..40))), Ok(Restored::Collection(..))), "{number}");
        assert!(read(number, &value(&mut (0..40).map(|i| i % 39))).is_err(), "{number}");
    }
}

#[test]
fn a_claimed_count_is_not_believed() {
    let claim = b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x01a";
    for number in [1, 2, 4, 5, 14, 18, 21] {
        assert!(read(number, claim).is_err(), "{number}");
    }
}
