//! Keys of all types, files made of them, and what is read described as text.

use std::collections::BTreeMap;

use refrain_data::stream::{Pending, ProducerLimits, Stream, StreamBody, StreamId, StreamLimits};
use refrain_data::{
    Collection, Deadline, Dict, Entry, Hash, HashLimits, HashSeed, Kind, List, ListEnd, ListLimits, Lookup, NewValue,
    Set, SetLimits, SortedSet, SortedSetLimits, VacantEntry, Value,
};
use refrain_persist::rdb::{Aux, Item, LoadedKey, Modules, RdbError, RdbOptions, RdbReader, RdbWriter, ReadOptions};
use refrain_persist::{Limits, Restored, StringValue, Usage, Version};

pub const SEED: HashSeed = HashSeed([1, 2]);

/// Small, so that large forms are reached.
pub fn limits() -> Limits {
    Limits {
        string_bytes: 1 << 24,
        list: ListLimits::new(-1),
        set: SetLimits { int_entries: 32, entries: 16, value_bytes: 24, seed: SEED },
        hash: HashLimits { entries: 16, value_bytes: 24, seed: SEED },
        sorted_set: SortedSetLimits { entries: 16, value: 24, seed: SEED },
    }
}

pub fn read_options() -> ReadOptions {
    ReadOptions { checksum: true, modules: Modules::Refuse, limits: limits() }
}

pub fn rdb_options(compression: bool, checksum: bool) -> RdbOptions {
    let aux = Aux { ctime_unix_s: 1_700_000_000, used_memory: 1_000_000, aof_base: false, redis_version: "7.2.4" };
    RdbOptions { compression, checksum, aux }
}

/// Elements of all sizes: numbers, short and long ones.
pub fn element(seed: u16) -> Vec<u8> {
    match seed % 7 {
        0 => (i64::from(seed) * 1_000_003 - 7).to_string().into_bytes(),
        1 => Vec::new(),
        2 if seed.is_multiple_of(50) => vec![seed as u8; 9000],
        _ => format!("element {seed} {}", "x".repeat(usize::from(seed % 40))).into_bytes(),
    }
}

/// Puts a value that follows from kind and seeds under the key.
fn insert(free: VacantEntry<'_, '_>, kind: u8, seeds: &[u16], deadline: Deadline) {
    let limits = limits();
    let seeds = if seeds.is_empty() { &[7] } else { seeds };
    match kind % 6 {
        0 => drop(free.insert(NewValue::parse(&element(seeds[0])), deadline)),
        1 => {
            let mut list = List::empty();
            for seed in seeds {
                list.push(ListEnd::Right, std::iter::once(&element(*seed)[..]), limits.list);
            }
            free.insert_collection(list, deadline);
        }
        2 => {
            let mut set = Set::empty();
            for seed in seeds {
                let number = seed.to_string().into_bytes();
                set.insert(&if seeds[0] % 2 == 0 { number } else { element(*seed) }, &limits.set);
            }
            free.insert_collection(set, deadline);
        }
        3 => {
            let mut set = SortedSet::empty();
            for seed in seeds {
                set.insert(&element(*seed), f64::from(*seed) / 3.0, &limits.sorted_set);
            }
            free.insert_collection(set, deadline);
        }
        4 => {
            let mut hash = Hash::empty();
            for seed in seeds {
                let timed = seeds[0] % 2 == 0 && seed % 3 == 0;
                let at = if timed { Deadline::At(u64::from(*seed) + 1) } else { Deadline::Clear };
                hash.set(&element(*seed), &element(seed / 2), at, &limits.hash);
            }
            free.insert_collection(hash, deadline);
        }
        _ => drop(free.insert_collection(stream(seeds), deadline)),
    }
}

fn stream(seeds: &[u16]) -> StreamBody {
    let mut stream = StreamBody::empty();
    let limits = StreamLimits { node_max_bytes: 4096, node_max_entries: 10 };
    let ids: Vec<StreamId> = (1..).take(seeds.len()).map(|i| StreamId::new(i / 3 + 1, i)).collect();
    for (seed, id) in seeds.iter().zip(&ids) {
        let pair = (element(seed % 30), element(*seed));
        stream.log.append(*id, std::iter::once((&pair.0[..], &pair.1[..])), limits);
    }
    for (seed, id) in seeds.iter().zip(&ids) {
        if seed % 5 == 0 {
            stream.log.delete(*id);
        }
    }
    if seeds[0] % 4 == 1 {
        stream.set_producer_limits(ProducerLimits::new(50, 9).expect("they are in their ranges"));
        let producers = stream.producers_mut();
        for (seed, id) in seeds.iter().zip(&ids) {
            producers.record(&element(seed % 3 + 1), &element(*seed), *id, 9);
        }
        producers.duplicates = 3;
    }
    stream.add_group(b"group", ids[0], Some(2));
    stream.add_group(b"other", StreamId::MIN, None);
    stream.edit_group(b"group", |group, _| {
        let one = group.add_consumer(b"one", 5).expect("a new name");
        let two = group.add_consumer(b"two", 6).expect("a new name");
        group.edit_consumer(two, |consumer| consumer.active_ms = Some(9));
        for (seed, id) in seeds.iter().zip(&ids) {
            if seed % 4 < 2 {
                let consumer = if seed % 4 == 0 { one } else { two };
                group.assign(Pending { id: *id, delivered_ms: 7, deliveries: u64::from(*seed), consumer });
            }
        }
    });
    stream
}

/// A key of a file to be.
pub type Planned = (u8, u16, u8, Vec<u16>, Option<u32>);

/// Keys by database.
pub fn databases(planned: &[Planned]) -> BTreeMap<usize, Dict> {
    let mut databases = BTreeMap::new();
    for (db, key, kind, seeds, deadline) in planned {
        let dict = databases.entry(usize::from(db % 3)).or_insert_with(|| Dict::new(SEED));
        let key = element(*key);
        if let Lookup::Vacant(free) = dict.lookup(SEED.hash(&key), &key) {
            insert(free, *kind, seeds, deadline.map_or(Deadline::Clear, |at| Deadline::At(u64::from(at))));
        }
    }
    databases
}

/// Looks at every key.
pub fn for_each(dict: &Dict, visit: &mut dyn FnMut(Entry<'_>)) {
    let mut cursor = 0;
    loop {
        cursor = dict.scan(cursor, 100, visit);
        if cursor == 0 {
            return;
        }
    }
}

/// The keys' use, so that all ways to say it occur.
fn usage_of(key: &[u8]) -> Usage {
    match key.len() % 3 {
        0 => Usage::Nothing,
        1 => Usage::Idle { seconds: key.len() as u64 * 100 },
        _ => Usage::Frequency(key.len() as u8),
    }
}

/// A file of these databases, taken in pieces.
pub fn file(databases: &BTreeMap<usize, Dict>, version: Version, compression: bool, checksum: bool) -> Vec<u8> {
    let mut writer = RdbWriter::new(version, rdb_options(compression, checksum));
    let mut out = Vec::new();
    writer.library(&mut out, b"#!lua name=lib\nreturn -- a library of functions of some length of some length");
    let mut whole = std::mem::take(&mut out);
    for (number, dict) in databases {
        writer.database(&mut out, *number, dict.len() as u64, dict.volatile_len() as u64);
        {
            let mut batch = writer.batch(&mut out);
            for_each(dict, &mut |entry| batch.entry(entry, usage_of(entry.key())));
        }
        whole.append(&mut out);
    }
    writer.finish(&mut out);
    whole.append(&mut out);
    whole
}

/// One line for each item that the file should give.
pub fn expected(databases: &BTreeMap<usize, Dict>, version: Version) -> Vec<String> {
    let mut lines = vec![
        "aux redis-ver 7.2.4".to_owned(),
        "aux redis-bits 64".to_owned(),
        "aux ctime 1700000000".to_owned(),
        "aux used-mem 1000000".to_owned(),
        "aux aof-base 0".to_owned(),
        "library #!lua name=lib\\nreturn -- a library of functions of some length of some length".to_owned(),
    ];
    for (number, dict) in databases {
        lines.push(format!("database {number}"));
        lines.push(format!("resize {} {}", dict.len(), dict.volatile_len()));
        for_each(dict, &mut |entry| {
            let key = entry.key();
            lines.push(key_line(*number as u64, key, entry.deadline(), usage_of(key), &describe(entry, version)));
        });
    }
    lines.push("end".to_owned());
    lines
}

fn key_line(db: u64, key: &[u8], deadline: Option<u64>, usage: Usage, value: &str) -> String {
    format!("key {db} {} {deadline:?} {usage:?} {value}", key.escape_ascii())
}

/// Reads all items that there are for now, as lines.
pub fn read_on(reader: &mut RdbReader, version: Version, lines: &mut Vec<String>) -> Result<(), RdbError> {
    while let Some(item) = reader.next()? {
        lines.push(line(item, version));
    }
    Ok(())
}

/// Reads a file that is fed in pieces of this size.
pub fn read(file: &[u8], piece: usize, options: ReadOptions, version: Version) -> Result<Vec<String>, RdbError> {
    let mut reader = RdbReader::new(options);
    let mut lines = Vec::new();
    for piece in file.chunks(piece) {
        reader.feed(piece);
        read_on(&mut reader, version, &mut lines)?;
    }
    reader.end_of_input();
    read_on(&mut reader, version, &mut lines)?;
    Ok(lines)
}

/// An item as a line.
pub fn line(item: Item<'_>, version: Version) -> String {
    match item {
        Item::Aux { key, value } => format!("aux {} {}", key.escape_ascii(), value.escape_ascii()),
        Item::Database(number) => format!("database {number}"),
        Item::Resize { keys, with_deadline } => format!("resize {keys} {with_deadline}"),
        Item::Library(source) => format!("library {}", source.escape_ascii()),
        Item::Module { name, key } => format!("module {name} {:?}", key.map(|key| key.escape_ascii().to_string())),
        Item::End => "end".to_owned(),
        Item::Key(LoadedKey { db, key, value, deadline_ms, usage, .. }) => {
            key_line(db, &key, deadline_ms, usage, &describe_restored(&value_into_dict(value), version))
        }
    }
}

/// A dictionary with the value under an empty key; without any for a value that is nothing.
pub fn value_into_dict(value: Restored<'_>) -> Dict {
    let mut dict = Dict::new(SEED);
    let Lookup::Vacant(free) = dict.lookup(SEED.hash(b""), b"") else { unreachable!("it is empty") };
    match value {
        Restored::String(string) => {
            if let StringValue::Bytes(bytes) = &string {
                assert!(bytes.len() as u64 <= limits().string_bytes);
            }
            free.insert(string.to_new_value(), Deadline::Clear);
        }
        Restored::Collection(kind, body) => drop(free.insert_body(kind, body, Deadline::Clear)),
        Restored::Nothing => {}
    }
    dict
}

fn describe_restored(dict: &Dict, version: Version) -> String {
    dict.get(SEED.hash(b""), b"").map_or_else(|| "nothing".to_owned(), |entry| describe(entry, version))
}

fn text(value: Value<'_>) -> String {
    value.to_vec().escape_ascii().to_string()
}

pub fn describe(entry: Entry<'_>, version: Version) -> String {
    const OF_ITS_KIND: &str = "it is of this kind";
    match entry.kind() {
        Kind::String => format!("string {}", text(entry.value())),
        Kind::List => {
            let list = entry.view::<List>().expect(OF_ITS_KIND);
            format!("list {:?}", list.to_vecs().iter().map(|element| text(Value::Bytes(element))).collect::<Vec<_>>())
        }
        Kind::Set => {
            let set = entry.view::<Set>().expect(OF_ITS_KIND);
            let mut members: Vec<String> = set.iter().map(text).collect();
            members.sort();
            format!("set {members:?}")
        }
        Kind::SortedSet => {
            let set = entry.view::<SortedSet>().expect(OF_ITS_KIND);
            assert_eq!(set.check(), Ok(()));
            let mut members = Vec::new();
            set.for_each(|member, score| members.push((text(member), score)));
            format!("sorted set {members:?}")
        }
        Kind::Hash => {
            let hash = entry.view::<Hash>().expect(OF_ITS_KIND);
            let mut fields: Vec<_> =
                hash.iter().map(|field| (text(field.name), text(field.value), field.deadline)).collect();
            fields.sort();
            format!("hash {fields:?}")
        }
        Kind::Stream => describe_stream(entry.view::<StreamBody>().expect(OF_ITS_KIND), version),
    }
}

fn describe_stream(stream: &Stream, version: Version) -> String {
    let log = &stream.log;
    let entries: Vec<_> = log
        .range(StreamId::MIN, StreamId::MAX)
        .map(|entry| (entry.id, entry.fields().map(|(f, v)| (text(f), text(v))).collect::<Vec<_>>()))
        .collect();
    let groups: Vec<_> = stream
        .groups()
        .map(|group| {
            let pending: Vec<_> = group
                .pending_from(StreamId::MIN)
                .map(|p| (p.id, p.delivered_ms, p.deliveries, group.consumer_name(p.consumer).to_vec()))
                .collect();
            // Before version 11 nothing was known of activity but that the consumer had been seen.
            let active = |c: &refrain_data::stream::Consumer| match version {
                Version::V10 => Some(c.seen_ms),
                _ => c.active_ms,
            };
            let consumers: Vec<_> =
                group.consumers().map(|c| (c.name().to_vec(), c.seen_ms, active(c), c.pending_len())).collect();
            (group.name().to_vec(), group.last_id(), group.entries_read(), pending, consumers)
        })
        .collect();
    let producers: Vec<_> = stream
        .producers()
        .into_iter()
        .flat_map(|producers| producers.iter())
        .map(|(pid, _, records)| {
            let records = records.map(|(iid, id)| (iid.escape_ascii().to_string(), id));
            (pid.escape_ascii().to_string(), records.collect::<Vec<_>>())
        })
        .collect();
    let remembered = stream.producers().map(|p| (stream.producer_limits(), p.added, p.duplicates, producers));
    let remembered = remembered.map(|remembered| format!(" {remembered:?}")).unwrap_or_default();
    let known = (log.last_id(), log.first_id(), log.max_deleted_id(), log.entries_added());
    format!("stream {entries:?} {known:?} {groups:?}{remembered}")
}
