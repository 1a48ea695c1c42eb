//! What the accounts hold, in a server and by the ledger.

use std::collections::BTreeMap;

use refrain_data::{Entry, Hash, Keyspace, Kind, List, Value};

use super::LEDGER;
use crate::record::shorten;

/// What a key holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Held {
    Text(Vec<u8>),
    List(Vec<Vec<u8>>),
    Hash(BTreeMap<Vec<u8>, Vec<u8>>),
    Other,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        match self {
            Held::Text(bytes) => f.write_str(&text(bytes)),
            Held::List(elements) => f.debug_list().entries(elements.iter().map(|element| text(element))).finish(),
            Held::Hash(fields) => {
                f.debug_map().entries(fields.iter().map(|(name, value)| (text(name), text(value)))).finish()
            }
            Held::Other => f.write_str("something else"),
        }
    }
}

/// The ledger, if there is one.
pub(super) fn ledger_of(keyspace: &Keyspace) -> Option<refrain_data::ListRef<'_>> {
    let key = LEDGER.as_bytes();
    keyspace.db(0).get(keyspace.hash(key), key)?.view::<List>()
}

fn held(entry: Entry<'_>) -> Held {
    let bytes = |value: Value<'_>| value.to_vec();
    if let Some(list) = entry.view::<List>() {
        return Held::List(list.to_vecs());
    }
    if let Some(hash) = entry.view::<Hash>() {
        return Held::Hash(hash.iter().map(|field| (bytes(field.name), bytes(field.value))).collect());
    }
    match entry.kind() {
        Kind::String => Held::Text(entry.value().to_vec()),
        _ => Held::Other,
    }
}

/// What all keys of a server hold.
pub(super) fn data_set(keyspace: &Keyspace) -> BTreeMap<Vec<u8>, Held> {
    let mut all = BTreeMap::new();
    for db in 0..keyspace.len() {
        let mut cursor = 0;
        loop {
            cursor = keyspace.db(db).scan(cursor, 1000, &mut |entry| {
                let key = if db == 0 { entry.key().to_vec() } else { format!("{db}/").into_bytes() };
                all.insert(key, held(entry));
            });
            if cursor == 0 {
                break;
            }
        }
    }
    all
}

/// What all keys hold when these entries were executed.
pub(super) fn accounts<'a>(entries: impl Iterator<Item = &'a [u8]>) -> BTreeMap<Vec<u8>, Held> {
    let mut all = BTreeMap::new();
    let mut ledger = Vec::new();
    for entry in entries {
        ledger.push(entry.to_vec());
        let mut parts = entry.split(|byte| *byte == b' ');
        let id = parts.next().unwrap_or_default();
        for account in parts.next().unwrap_or_default().split(|byte| *byte == b',').filter(|a| !a.is_empty()) {
            let held = all.entry(account.to_vec()).or_insert_with(|| match AccountKind::of(account) {
                AccountKind::Text => Held::Text(Vec::new()),
                AccountKind::List => Held::List(Vec::new()),
                AccountKind::Hash => Held::Hash(BTreeMap::new()),
            });
            match held {
                Held::Text(text) => {
                    text.extend_from_slice(id);
                    text.push(b';');
                }
                Held::List(list) => list.push(id.to_vec()),
                Held::Hash(hash) => drop(hash.insert(id.to_vec(), b"1".to_vec())),
                Held::Other => {}
            }
        }
    }
    if !ledger.is_empty() {
        all.insert(LEDGER.as_bytes().to_vec(), Held::List(ledger));
    }
    all
}

/// How what a key holds differs from what it should hold, for people.
pub(super) fn difference(wanted: Option<&Held>, found: Option<&Held>) -> String {
    let show = |held: Option<&Held>| shorten(&held.map_or("nothing".to_owned(), |held| format!("{held:?}")));
    match (wanted, found) {
        (Some(Held::List(wanted)), Some(Held::List(found))) => {
            let same = wanted.iter().zip(found).take_while(|(a, b)| a == b).count();
            let at = |list: &[Vec<u8>]| {
                list.get(same).map_or("the end".to_owned(), |e| shorten(&e.escape_ascii().to_string()))
            };
            format!("element {same} of {} is {}, of {} should be {}", found.len(), at(found), wanted.len(), at(wanted))
        }
        (Some(Held::Hash(wanted)), Some(Held::Hash(found))) => {
            let more = found.iter().find(|field| wanted.get(field.0) != Some(field.1));
            let less = wanted.iter().find(|field| found.get(field.0) != Some(field.1));
            let show = |field: Option<(&Vec<u8>, &Vec<u8>)>| {
                field.map_or("nothing".to_owned(), |(name, value)| {
                    format!("{} = {}", name.escape_ascii(), value.escape_ascii())
                })
            };
            format!(
                "{} fields, {} should be there: {} is wrong, {} is missing",
                found.len(),
                wanted.len(),
                show(more),
                show(less)
            )
        }
        (Some(Held::Text(wanted)), Some(Held::Text(found))) => {
            let same = wanted.iter().zip(found).take_while(|(a, b)| a == b).count();
            let at = |text: &[u8]| {
                text[same.saturating_sub(20)..].iter().take(60).copied().collect::<Vec<u8>>().escape_ascii().to_string()
            };
            format!("from byte {same} on it is {}, and should be {}", at(found), at(wanted))
        }
        (wanted, found) => format!("it holds {}, not {}", show(found), show(wanted)),
    }
}

/// Types of accounts, by their names: a text to which entries are appended, a list, a hash with a field that counts to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// APPEND.
    Text,
    /// RPUSH.
    List,
    /// HINCRBY.
    Hash,
}

impl AccountKind {
    /// The type of the account of that name.
    pub fn of(account: &[u8]) -> AccountKind {
        match account.first() {
            Some(b't') => AccountKind::Text,
            Some(b'l') => AccountKind::List,
            _ => AccountKind::Hash,
        }
    }
}
