//! An RDB file, or the preamble of an append-only file: read to its end, each value made and dropped.

use std::borrow::Cow;
use std::path::Path;
use std::time::SystemTime;

use refrain_data::{Collection as _, Hash, HashLimits, HashSeed, Kind, ListLimits, SetLimits, SortedSetLimits};
use refrain_persist::rdb::{Checksum, Doing, Item, LoadedKey, Modules, RdbError, RdbReader, ReadOptions};
use refrain_persist::{Limits, Restored, library_name};

use super::Failed;
use super::console::Console;
use super::source::Source;

/// How many bytes one byte of a compressed string can stand for, rounded up.
const EXPANSION_MAX: u64 = 100;

/// What was counted.
#[derive(Default)]
struct Counts {
    keys: u64,
    expires: u64,
    already_expired: u64,
    subexpires: u64,
}

/// Checks a file.
pub fn check_file(console: &Console, path: &Path) -> Result<(), Failed> {
    let mut source = Source::open(console, path, false).map_err(|error| {
        console.say(&format!("Cannot open file {}: {error}", path.display()));
        Failed
    })?;
    check(console, &mut source, path).map(|_| ())
}

/// Checks what the source begins with; gives the reader, which holds what stands behind it.
pub fn check(console: &Console, source: &mut Source<'_>, path: &Path) -> Result<RdbReader, Failed> {
    console.say(&format!("[offset 0] Checking RDB file {}", path.display()));
    let options = ReadOptions { checksum: true, modules: Modules::Skip, limits: limits(source.len) };
    let mut reader = RdbReader::new(options);
    let mut counts = Counts::default();
    let now_ms = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as u64);
    while !reader.is_done() {
        let line = match reader.next() {
            Ok(Some(Item::Library(source))) => match library_name(source) {
                Ok(name) => Some(format!("Library '{}'", shown(name))),
                Err(why) => {
                    console.say("--- RDB ERROR DETECTED ---");
                    console.say(&format!("[offset {}] {why}", reader.offset()));
                    return Err(Failed);
                }
            },
            Ok(Some(item)) => counts.count(item, now_ms),
            Ok(None) => {
                match source.next_piece() {
                    Ok([]) => reader.end_of_input(),
                    Ok(piece) => reader.feed(piece),
                    Err(error) => {
                        console.say(&format!("Cannot read file {}: {error}", path.display()));
                        return Err(Failed);
                    }
                }
                None
            }
            Err(error) => {
                report(console, &error, &counts, reader.version());
                return Err(Failed);
            }
        };
        if let Some(line) = line {
            console.say(&format!("[offset {}] {line}", reader.offset()));
        }
    }
    let offset = reader.offset();
    match reader.checksum() {
        Checksum::Verified => console.say(&format!("[offset {offset}] Checksum OK")),
        Checksum::Disabled => {
            console.say(&format!("[offset {offset}] RDB file was saved with checksum disabled: no check performed."));
        }
        Checksum::Absent | Checksum::Ignored => {}
    }
    console.say(&format!("[offset {offset}] \\o/ RDB looks OK! \\o/"));
    counts.show(console);
    Ok(reader)
}

impl Counts {
    /// Counts an item; what is to be said of it, if anything.
    fn count(&mut self, item: Item<'_>, now_ms: u64) -> Option<String> {
        match item {
            Item::Aux { key, value } => Some(format!("AUX FIELD {} = '{}'", shown(&key), shown(&value))),
            Item::Database(number) => Some(format!("Selecting DB ID {number}")),
            Item::Module { name, key: None } => Some(format!("MODULE AUX for: {name}")),
            Item::Module { key: Some(_), .. } => {
                self.keys += 1;
                None
            }
            Item::Key(LoadedKey { value, deadline_ms, .. }) => {
                self.keys += 1;
                self.expires += u64::from(deadline_ms.is_some());
                self.already_expired += u64::from(deadline_ms.is_some_and(|deadline| deadline < now_ms));
                if let Restored::Collection(Kind::Hash, body) = value {
                    self.subexpires += u64::from(Hash::from_body(body).view().earliest_deadline().is_some());
                }
                None
            }
            Item::Resize { .. } | Item::Library(_) | Item::End => None,
        }
    }

    fn show(&self, console: &Console) {
        console.say(&format!("[info] {} keys read", self.keys));
        console.say(&format!("[info] {} expires", self.expires));
        console.say(&format!("[info] {} already expired", self.already_expired));
        console.say(&format!("[info] {} subexpires", self.subexpires));
    }
}

fn report(console: &Console, error: &RdbError, counts: &Counts, version: u16) {
    console.say("--- RDB ERROR DETECTED ---");
    console.say(&format!("[offset {}] {}", error.offset, error.kind));
    console.say(&format!("[additional info] While doing: {}", error.doing.name()));
    if let Some(key) = &error.key {
        console.say(&format!("[additional info] Reading key '{}'", shown(key)));
    }
    if let Some(value_type) = error.value_type.filter(|_| error.doing == Doing::Value) {
        let name = type_name(value_type, version);
        console.say(&format!("[additional info] Reading type {value_type} ({name})"));
    }
    counts.show(console);
}

/// Bytes of a file as text that a terminal bears.
fn shown(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => bytes.escape_ascii().to_string().into(),
    }
}

/// The names of types that the checkers of Redis and of Valkey give them.
fn type_name(value_type: u8, version: u16) -> &'static str {
    /// Versions from here on are Valkey's, which has another type under a number of Redis's.
    const VALKEY_FIRST: u16 = 80;
    const HASH_VALKEY_TIMED: u8 = 22;
    if version >= VALKEY_FIRST && value_type == HASH_VALKEY_TIMED {
        return "hash-volatile-items";
    }
    const NAMES: [&str; 27] = [
        "string",
        "list-linked",
        "set-hashtable",
        "zset-v1",
        "hash-hashtable",
        "zset-v2",
        "module-pre-release",
        "module-value",
        "",
        "hash-zipmap",
        "list-ziplist",
        "set-intset",
        "zset-ziplist",
        "hash-ziplist",
        "quicklist",
        "stream",
        "hash-listpack",
        "zset-listpack",
        "quicklist-v2",
        "stream-v2",
        "set-listpack",
        "stream-v3",
        "hash-hashtable-md-pre-release",
        "hash-listpack-md-pre-release",
        "hash-hashtable-md",
        "hash-listpack-md",
        "stream-v4",
    ];
    NAMES.get(usize::from(value_type)).copied().unwrap_or("unknown")
}

/// No string is longer than the file, unless it is compressed. Where collections stop being small is a server's choice; these are
/// the defaults.
fn limits(file_bytes: u64) -> Limits {
    let seed = HashSeed([0, 0]);
    Limits {
        string_bytes: file_bytes.saturating_mul(EXPANSION_MAX),
        list: ListLimits::new(-2),
        set: SetLimits { int_entries: 512, entries: 128, value_bytes: 64, seed },
        hash: HashLimits { entries: 128, value_bytes: 64, seed },
        sorted_set: SortedSetLimits { entries: 128, value: 64, seed },
    }
}
