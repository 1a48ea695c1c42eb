//! The data as commands that make it anew: what an append-only file begins with whose base is not RDB.
//!
//! Several elements go with one command, but never so many that executing it would hold everybody up. Executed in order on
//! nothing, the commands give the same values, deadlines, groups and pending entries. What only hints at use is not kept, and of a
//! stream's consumers that have nothing pending when they were last seen.

mod producers;

use refrain_data::stream::{Stream, StreamBody, StreamId};
use refrain_data::{Entry, Hash, IntBuffer, Kind, List, Set, SortedSet, Value};
use refrain_resp::{encode_command, push_double};

/// Elements that go with one command (Redis: AOF_REWRITE_ITEMS_PER_CMD).
const ELEMENTS: usize = 64;

const A_KIND_HAS_A_VIEW: &str = "an entry of a type is viewed as one";

/// What follows is in this database.
pub fn select(out: &mut Vec<u8>, database: usize) {
    encode_command(out, &[&b"SELECT"[..], database.to_string().as_bytes()]);
}

/// The command that adds a library of functions.
pub fn library(out: &mut Vec<u8>, source: &[u8]) {
    encode_command(out, &[&b"FUNCTION"[..], b"LOAD", source]);
}

/// The commands that make a key with its value and deadline, where there is no such key.
pub fn create(out: &mut Vec<u8>, entry: Entry<'_>) {
    let key = entry.key();
    match entry.kind() {
        Kind::String => {
            let mut digits = IntBuffer::new();
            encode_command(out, &[b"SET", key, entry.value().bytes(&mut digits)]);
        }
        Kind::List => {
            let mut command = Gathered::new(b"RPUSH", key, 1);
            entry.view::<List>().expect(A_KIND_HAS_A_VIEW).visit(0, |element| {
                command.add(out, [owned(element)]);
                true
            });
            command.end(out);
        }
        Kind::Set => {
            let mut command = Gathered::new(b"SADD", key, 1);
            for member in entry.view::<Set>().expect(A_KIND_HAS_A_VIEW).iter() {
                command.add(out, [owned(member)]);
            }
            command.end(out);
        }
        Kind::SortedSet => {
            let set = entry.view::<SortedSet>().expect(A_KIND_HAS_A_VIEW);
            let mut command = Gathered::new(b"ZADD", key, 2);
            set.visit(0..set.len(), false, |member, score| {
                let mut text = Vec::new();
                push_double(&mut text, score);
                command.add(out, [text, owned(member)]);
                true
            });
            command.end(out);
        }
        Kind::Hash => {
            let hash = entry.view::<Hash>().expect(A_KIND_HAS_A_VIEW);
            let mut command = Gathered::new(b"HMSET", key, 2);
            for field in hash.iter() {
                command.add(out, [owned(field.name), owned(field.value)]);
            }
            command.end(out);
            for field in hash.iter() {
                if let Some(at) = field.deadline {
                    let (at, name) = (at.to_string(), owned(field.name));
                    encode_command(out, &[b"HPEXPIREAT", key, at.as_bytes(), b"FIELDS", b"1", &name]);
                }
            }
        }
        Kind::Stream => create_stream(out, key, entry.view::<StreamBody>().expect(A_KIND_HAS_A_VIEW)),
    }
    if let Some(at) = entry.deadline() {
        encode_command(out, &[b"PEXPIREAT", key, at.to_string().as_bytes()]);
    }
}

fn owned(value: Value<'_>) -> Vec<u8> {
    value.to_vec()
}

/// A command that takes any number of elements, each of so many words.
struct Gathered<'a> {
    words: Vec<Vec<u8>>,
    name: &'static [u8],
    key: &'a [u8],
    words_max: usize,
}

impl<'a> Gathered<'a> {
    fn new(name: &'static [u8], key: &'a [u8], words_of_element: usize) -> Gathered<'a> {
        Gathered { words: Vec::new(), name, key, words_max: ELEMENTS * words_of_element }
    }

    fn add(&mut self, out: &mut Vec<u8>, words: impl IntoIterator<Item = Vec<u8>>) {
        self.words.extend(words);
        if self.words.len() >= self.words_max {
            self.end(out);
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        if !self.words.is_empty() {
            let mut command: Vec<&[u8]> = vec![self.name, self.key];
            command.extend(self.words.iter().map(Vec::as_slice));
            encode_command(out, &command);
            self.words.clear();
        }
    }
}

fn create_stream(out: &mut Vec<u8>, key: &[u8], stream: &Stream) {
    let log = &stream.log;
    let made = producers::before_entries(out, key, stream);
    for entry in log.range(StreamId::MIN, StreamId::MAX) {
        let mut words: Vec<Vec<u8>> = vec![b"XADD".to_vec(), key.to_vec(), text(entry.id)];
        for (name, value) in entry.fields() {
            words.extend([owned(name), owned(value)]);
        }
        encode_command(out, &words);
    }
    if log.is_empty() && !made {
        // Made by an entry that does not stay: there is no other way that leaves a stream without groups.
        encode_command(
            out,
            &[b"XADD", key, b"MAXLEN", b"0", &text(log.last_id().max(StreamId::new(0, 1))), b"x", b"y"],
        );
    }
    let (added, deleted) = (log.entries_added().to_string(), text(log.max_deleted_id()));
    let last = text(log.last_id());
    encode_command(out, &[b"XSETID", key, &last, b"ENTRIESADDED", added.as_bytes(), b"MAXDELETEDID", &deleted]);
    producers::behind_entries(out, key, stream, made);
    for group in stream.groups() {
        let read = group.entries_read().map_or_else(|| "-1".to_owned(), |read| read.to_string());
        let from = text(group.last_id());
        encode_command(out, &[b"XGROUP", b"CREATE", key, group.name(), &from, b"ENTRIESREAD", read.as_bytes()]);
        for consumer in group.consumers() {
            encode_command(out, &[&b"XGROUP"[..], b"CREATECONSUMER", key, group.name(), consumer.name()]);
        }
        let names: Vec<_> = group.consumers().map(|consumer| (consumer.number(), consumer.name())).collect();
        for pending in group.pending_from(StreamId::MIN) {
            let Some((_, name)) = names.iter().find(|(number, _)| *number == pending.consumer) else { continue };
            let (at, times) = (pending.delivered_ms.to_string(), pending.deliveries.to_string());
            let claim: [&[u8]; 12] = [
                b"XCLAIM",
                key,
                group.name(),
                name,
                b"0",
                &text(pending.id),
                b"TIME",
                at.as_bytes(),
                b"RETRYCOUNT",
                times.as_bytes(),
                b"JUSTID",
                b"FORCE",
            ];
            encode_command(out, &claim);
        }
    }
}

fn text(id: StreamId) -> Vec<u8> {
    format!("{}-{}", id.ms, id.seq).into_bytes()
}
