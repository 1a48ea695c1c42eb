//! What the ledger of the bookkeepers holds after each start is what was promised to be kept, and nothing else.
//!
//! Source: `docs/guarantees.md`, "What you lose". Every transaction of a bookkeeper appends one entry to the ledger and the same
//! to some accounts, so that the ledger shows the order in which transactions were executed, and all accounts follow from it.
//! After a start it must be a beginning of what had been executed (never out of order, never half a transaction), and no
//! shorter than what each mode promises:
//!
//! * `always`: what anybody was told of, by the reply to a write or to a read, is there for ever.
//! * `everysec`: after the loss of power, all that was executed two seconds before the end of the last time of two seconds in
//!   which the disk was well; after the end of the process alone, half a second.
//! * `no`: the same after the end of the process; after the loss of power, what the last start has loaded.
//! * No append-only file: what the last complete snapshot began with.
//!
//! While the server runs the ledger only grows, whatever is reloaded. What a start has served is never lost again.

use std::collections::{BTreeMap, BTreeSet};

use refrain_core::Purpose;
use refrain_core::config::AppendFsync;
use refrain_data::{Entry, Hash, Keyspace, Kind, List, Value};

use super::Violation;
use crate::plan::Plan;
use crate::record::entries::{Entries, Told};
use crate::record::{COMPLAINTS_MAX, seconds, shorten};
use crate::server::ServerEngine;

/// The key of the ledger.
pub const LEDGER: &str = "ledger";

/// Within how long what was executed is durable under `everysec`, while the disk is well.
const SYNCED_WITHIN: u64 = 2_000_000_000;

/// Within how long it is handed to the system, in every mode with an append-only file.
const WRITTEN_WITHIN: u64 = 500_000_000;

/// Virtual nanoseconds between two comparisons of all accounts.
const COMPARE_EVERY: u64 = 500_000_000;

/// How long a disk is forgiven for what it has failed to do: what was to be written then is tried again later.
pub const FORGIVEN_FOR: u64 = 2_000_000_000;

/// How a server's process came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Death {
    /// It was asked to end, and has ended well.
    Clean,
    /// It has ended because it could not keep what it had promised to keep, or could not begin.
    Exit,
    /// It was killed.
    Kill,
    /// Its host lost power.
    Power,
}

/// What is promised at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nobody is there.
    Down,
    /// Nobody is served.
    Loading,
    /// There is to be an append-only file, and there is none: it was turned off, or its first base is missing.
    Unkept,
    /// There is none, only snapshots.
    Snapshots,
    /// There is one.
    Appends(AppendFsync),
}

/// The mode from a moment on.
#[derive(Debug, Clone, Copy)]
struct Since {
    at: u64,
    mode: Mode,
    /// The server says that it can't write, or sync.
    fails: bool,
}

/// An entry that was executed.
#[derive(Debug, Clone)]
struct Executed {
    at: u64,
    entry: Vec<u8>,
}

/// A time in which the disk is not as it should be.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    from: u64,
    until: u64,
    /// Calls fail, and are not only slow.
    fails: bool,
}

/// See the module.
pub struct Ledger {
    /// There is to be an append-only file.
    appends: bool,
    /// What was executed and is still there.
    order: Vec<Executed>,
    /// What was executed and was lost, and whether nobody had promised to keep it.
    lost: BTreeMap<Vec<u8>, Lost>,
    modes: Vec<Since>,
    troubles: Vec<Trouble>,
    /// The end that the next start comes after: the worst since somebody was served.
    death: Option<(u64, Death)>,
    /// What is kept whatever happens: so many entries.
    floor: usize,
    /// The append-only file is being closed with so many entries.
    closing: Option<usize>,
    /// A snapshot is under way that holds so many entries: one of these.
    saving: BTreeSet<usize>,
    /// How many entries the last complete snapshot may hold.
    saved: BTreeSet<usize>,
    /// Somebody is served, and what was loaded was looked at.
    served: bool,
    /// Everything stands still, or is being loaded again.
    stands_still: bool,
    /// Files have rotted: whether the server had ended well.
    rotted: Option<bool>,
    compared: u64,
    starts: u64,
    broken: Vec<String>,
}

#[derive(Debug)]
struct Lost {
    at: u64,
    /// Files had rotted.
    excused: bool,
}

impl Ledger {
    /// An empty ledger of a server that was never started.
    pub fn new(plan: &Plan) -> Ledger {
        Ledger {
            appends: plan.server.config.get("appendonly").is_some_and(|value| value == "yes"),
            order: Vec::new(),
            lost: BTreeMap::new(),
            modes: vec![Since { at: 0, mode: Mode::Down, fails: false }],
            troubles: Vec::new(),
            death: None,
            floor: 0,
            closing: None,
            saving: BTreeSet::new(),
            saved: BTreeSet::from([0]),
            served: false,
            stands_still: false,
            rotted: None,
            compared: 0,
            starts: 0,
            broken: Vec::new(),
        }
    }

    /// Whether what was loaded is served.
    pub fn is_served(&self) -> bool {
        self.served
    }

    /// The process begins.
    pub fn begin(&mut self) {
        (self.served, self.stands_still, self.closing) = (false, false, None);
        self.starts += 1;
    }

    /// The process has ended.
    pub fn died(&mut self, at: u64, death: Death) {
        self.note_mode(Since { at, mode: Mode::Down, fails: false });
        // A snapshot that was under way may have got its name already.
        self.saved.append(&mut self.saving);
        self.served = false;
        self.death = match self.death {
            None => Some((at, death)),
            // What an orderly end has made durable nothing takes away.
            Some((since, Death::Clean)) => Some((since, Death::Clean)),
            Some((since, before)) => Some((since, before.max(death))),
        };
    }

    /// The disk is not as it should be for a while.
    pub fn disk_is_troubled(&mut self, from: u64, until: u64, fails: bool) {
        self.troubles.push(Trouble { from, until, fails });
    }

    /// Whether the disk has failed calls of late.
    fn disk_has_failed(&self, now: u64) -> bool {
        self.troubles.iter().any(|t| t.fails && t.from <= now && now <= t.until + FORGIVEN_FOR)
    }

    /// Bits of files have changed since the process ended.
    pub fn files_have_rotted(&mut self, ended_well: bool) {
        self.rotted = Some(ended_well && self.rotted != Some(false));
    }

    /// They are again as they were.
    pub fn files_are_put_back(&mut self) {
        self.rotted = None;
    }

    fn note_mode(&mut self, since: Since) {
        let last = self.modes.last().expect("there is a mode from the beginning");
        if (last.mode, last.fails) != (since.mode, since.fails) {
            self.modes.push(since);
        }
    }

    fn complain(&mut self, what: String) {
        if self.broken.len() < COMPLAINTS_MAX {
            self.broken.push(what);
        }
    }

    /// A round of the server is over.
    pub fn look(&mut self, at: u64, engine: &mut ServerEngine) {
        let stands_still = engine.stands_still();
        let persistence = &engine.state().persistence;
        let loading = persistence.is_loading();
        let aof = persistence.aof();
        let config = &engine.config().persistence;
        let (is_closed, turned_off) = (!aof.enabled, aof.enabled && !config.appendonly);
        // From the moment at which it is turned off nothing is appended any more, though it is not closed yet.
        // One that is turned on again meanwhile is closed all the same, and begins anew.
        let is_open = aof.enabled && config.appendonly && self.closing.is_none();
        let mode = match (loading, is_open && !aof.awaits_base) {
            (true, _) => Mode::Loading,
            (false, true) => Mode::Appends(config.appendfsync),
            (false, false) if self.appends => Mode::Unkept,
            (false, false) => Mode::Snapshots,
        };
        let (was, fails) = (self.modes.last().expect("there is one").mode, aof.write_error.is_some());
        let saving = persistence.is_under_way(Purpose::Save);
        self.note_mode(Since { at, mode, fails });
        if !self.served {
            let keyspace = &engine.state().keyspace;
            if saving {
                // What everything stands still for holds what was executed in the first round before it.
                self.saving.insert(ledger_of(keyspace).map_or(0, |list| list.len()));
            }
            // What was asked for in the first round may have emptied everything, to load it again.
            if !loading && !stands_still {
                self.served = true;
                self.loaded(at, keyspace);
                self.settle_save(at, saving);
            }
            return;
        }
        // What was executed in the round in which everything came to stand still shows when it goes on.
        let stood_still = std::mem::replace(&mut self.stands_still, loading || stands_still);
        if !self.stands_still {
            self.grow(at, &engine.state().keyspace);
            if stood_still {
                self.compare(at, &engine.state().keyspace, "after everything has stood still");
            }
        }
        if saving && (self.saving.is_empty() || stands_still) {
            // While everything stands still one that was under way may give way to another.
            self.saving.insert(self.order.len());
        }
        self.settle_save(at, saving);
        // A file that is turned off is durable as soon as it is closed, if it was complete.
        if turned_off && self.closing.is_none() {
            self.closing = Some(if matches!(was, Mode::Appends(_)) { self.order.len() } else { self.floor });
        }
        if is_closed
            && let Some(held) = self.closing.take()
            && !self.disk_has_failed(at)
        {
            self.floor = self.floor.max(held);
        }
    }

    /// A snapshot that was under way and is no longer has taken the place of the last one, unless the disk has failed.
    fn settle_save(&mut self, at: u64, saving: bool) {
        if !saving && !self.saving.is_empty() {
            if !self.disk_has_failed(at) {
                self.saved.clear();
            }
            self.saved.append(&mut self.saving);
        }
    }

    fn executed_by(&self, at: u64) -> usize {
        self.order.partition_point(|executed| executed.at <= at)
    }

    /// The ledger has as many entries as before, or more.
    fn grow(&mut self, at: u64, keyspace: &Keyspace) {
        let len = ledger_of(keyspace).map_or(0, |list| list.len());
        if len < self.order.len() {
            let before = self.order.len();
            self.complain(format!("{} the ledger of a running server had {before} entries and has {len}", seconds(at)));
            self.order.truncate(len);
        }
        if let Some(list) = ledger_of(keyspace) {
            let known = self.order.len();
            list.visit(known, |entry| {
                self.order.push(Executed { at, entry: entry.to_vec() });
                true
            });
        }
        if at >= self.compared + COMPARE_EVERY {
            self.compare(at, keyspace, "while it runs");
        }
    }

    /// A start has ended: somebody is served.
    fn loaded(&mut self, at: u64, keyspace: &Keyspace) {
        let (died, death) = self.death.take().unwrap_or((0, Death::Clean));
        let found: Vec<Vec<u8>> =
            ledger_of(keyspace).map(|list| list.iter().map(|e| e.to_vec()).collect()).unwrap_or_default();
        let same = found.iter().zip(&self.order).take_while(|(found, executed)| **found == executed.entry).count();
        // What was executed in the round in which the start ended has never been seen before; nothing else may stand there.
        let (found, begun) = found.split_at(self.first_unknown(&found, same));
        let what = |entry: Option<&Vec<u8>>| {
            entry.map_or("nothing".to_owned(), |entry| shorten(&entry.escape_ascii().to_string()))
        };
        if same < found.len() {
            let (found, executed) = (what(found.get(same)), what(self.order.get(same).map(|executed| &executed.entry)));
            self.complain(format!(
                "{} entry {same} after the start is {found}, and {executed} was executed",
                seconds(at)
            ));
        }
        let least = self.least(died, death);
        let rotted = self.rotted.take();
        let least = match rotted {
            None => least,
            Some(true) => self.order.len(),
            // What was written last says of itself alone that it is whole.
            Some(false) => 0,
        };
        let kept = match self.appends {
            true => same >= least,
            false => self.saved.contains(&same),
        };
        if !kept {
            let had = self.order.len();
            let promise = match self.appends {
                true => format!("at least {least}"),
                false => format!("one of {:?}", self.saved),
            };
            let last = self.order.get(least.wrapping_sub(1)).map_or(0, |executed| executed.at);
            self.complain(format!(
                "{} after an end ({death:?}) at {}, of {had} entries {same} are there: it should be {promise}, executed by {}",
                seconds(at),
                seconds(died),
                seconds(last)
            ));
        }
        let excused = rotted == Some(false);
        for executed in self.order.drain(same..) {
            self.lost.insert(executed.entry, Lost { at, excused });
        }
        self.saved = BTreeSet::from([same]);
        self.floor = same;
        self.order.extend(begun.iter().map(|entry| Executed { at, entry: entry.clone() }));
        self.compare(at, keyspace, "after a start");
    }

    /// From which place on, at or behind `same`, nothing was executed before.
    fn first_unknown(&self, found: &[Vec<u8>], same: usize) -> usize {
        let known: BTreeSet<&[u8]> = self.order.iter().map(|executed| &executed.entry[..]).collect();
        let is_known = |entry: &Vec<u8>| known.contains(&entry[..]) || self.lost.contains_key(entry);
        found[same..].iter().rposition(is_known).map_or(same, |last| same + last + 1)
    }

    /// How many entries must be there after a start, with an append-only file.
    fn least(&self, died: u64, death: Death) -> usize {
        let last = self.modes.iter().rev().find(|since| since.at < died).map(|since| since.mode);
        let appends = matches!(last, Some(Mode::Appends(_)));
        let within = match death {
            Death::Clean if appends && !self.disk_has_failed(died) => return self.order.len(),
            Death::Clean | Death::Exit | Death::Kill => WRITTEN_WITHIN,
            Death::Power => SYNCED_WITHIN,
        };
        let counts = |mode: Mode| match mode {
            Mode::Appends(AppendFsync::No) => death != Death::Power,
            Mode::Appends(_) => true,
            _ => false,
        };
        let by_time = self.well_for(within, died, counts).map_or(0, |until| self.executed_by(until));
        by_time.max(self.floor)
    }

    /// The end of the last time, `within` before it was over, in which all was well for so long.
    fn well_for(&self, within: u64, died: u64, counts: impl Fn(Mode) -> bool) -> Option<u64> {
        let ends = self.modes.iter().skip(1).map(|since| since.at).chain([u64::MAX]);
        let mut last = None;
        let mut begin: Option<u64> = None;
        for (since, end) in self.modes.iter().zip(ends) {
            if !counts(since.mode) || since.fails || since.at >= died {
                begin = None;
                continue;
            }
            let from = *begin.get_or_insert(since.at);
            let end = end.min(died);
            last = last.max(self.calm_end(from, end, within));
        }
        last
    }

    /// The same of a time in which the server was well.
    fn calm_end(&self, from: u64, end: u64, within: u64) -> Option<u64> {
        let mut end = end;
        loop {
            let disturbing =
                self.troubles.iter().filter(|t| t.from < end && t.until + FORGIVEN_FOR > end.saturating_sub(within));
            match disturbing.map(|t| t.from).min() {
                None => break,
                Some(earlier) if earlier < end => end = earlier,
                Some(_) => break,
            }
        }
        (end >= from + within).then(|| end - within)
    }

    /// All accounts follow from the ledger.
    fn compare(&mut self, at: u64, keyspace: &Keyspace, when: &str) {
        self.compared = at;
        let expected = accounts(self.order.iter().map(|executed| &executed.entry[..]));
        let found = data_set(keyspace);
        let key = expected.keys().chain(found.keys()).find(|key| expected.get(*key) != found.get(*key));
        if let Some(key) = key {
            let show = |held: Option<&Held>| shorten(&held.map_or("nothing".to_owned(), |held| format!("{held:?}")));
            let apart = match (expected.get(key), found.get(key)) {
                (Some(Held::List(wanted)), Some(Held::List(found))) => {
                    let same = wanted.iter().zip(found).take_while(|(a, b)| a == b).count();
                    let at = |list: &[Vec<u8>]| {
                        list.get(same).map_or("the end".to_owned(), |e| shorten(&e.escape_ascii().to_string()))
                    };
                    format!(
                        "element {same} of {} is {}, of {} should be {}",
                        found.len(),
                        at(found),
                        wanted.len(),
                        at(wanted)
                    )
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
                        text[same.saturating_sub(20)..]
                            .iter()
                            .take(60)
                            .copied()
                            .collect::<Vec<u8>>()
                            .escape_ascii()
                            .to_string()
                    };
                    format!("from byte {same} on it is {}, and should be {}", at(found), at(wanted))
                }
                (wanted, found) => format!("it holds {}, not {}", show(found), show(wanted)),
            };
            self.complain(format!(
                "{} {when}, \"{}\" does not agree with the ledger: {apart}",
                seconds(at),
                key.escape_ascii()
            ));
        }
    }

    /// Everything that is wrong, with what clients know.
    pub fn judge(&self, entries: &Entries) -> Vec<Violation> {
        let mut violations: Vec<Violation> =
            self.broken.iter().map(|what| Violation::new("ledger", what.clone())).collect();
        let there: BTreeSet<&[u8]> = self.order.iter().map(|executed| &executed.entry[..]).collect();
        let missing = entries.told.iter().filter(|told| self.is_promised(told) && !there.contains(&told.entry[..]));
        for told in missing.take(COMPLAINTS_MAX) {
            let entry = shorten(&told.entry.escape_ascii().to_string());
            let when = match self.lost.get(&told.entry) {
                Some(Lost { excused: true, .. }) => continue,
                Some(lost) => format!("was lost by the start at {}", seconds(lost.at)),
                None => "was never seen".to_owned(),
            };
            let Told { client, asked, answered, .. } = told;
            violations.push(Violation::new(
                "ledger",
                format!(
                    "{} {client}, who had asked at {}, was told of {entry}, and it {when}",
                    seconds(*answered),
                    seconds(*asked)
                ),
            ));
        }
        let executed = there.into_iter().chain(self.lost.keys().map(|entry| &entry[..]));
        for entry in executed.filter(|entry| entries.refused.contains(*entry)).take(COMPLAINTS_MAX) {
            let entry = shorten(&entry.escape_ascii().to_string());
            violations.push(Violation::new("ledger", format!("{entry} was refused, and was executed")));
        }
        violations
    }

    /// Whether `always` was in force from the question to the answer.
    fn is_promised(&self, told: &Told) -> bool {
        let first = self.modes.partition_point(|since| since.at <= told.asked).saturating_sub(1);
        let modes = self.modes[first..].iter().take_while(|since| since.at <= told.answered).map(|since| since.mode);
        let mut always = false;
        for mode in modes {
            match mode {
                Mode::Appends(AppendFsync::Always) => always = true,
                Mode::Down | Mode::Loading => {}
                _ => return false,
            }
        }
        always
    }

    /// What was seen, for people.
    pub fn figures(&self) -> String {
        let excused = self.lost.values().filter(|lost| lost.excused).count();
        format!(
            "{} starts, {} entries kept, {} lost, {excused} of them to rot",
            self.starts,
            self.order.len(),
            self.lost.len()
        )
    }
}

/// What a key holds.
#[derive(Clone, PartialEq, Eq)]
enum Held {
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

fn ledger_of(keyspace: &Keyspace) -> Option<refrain_data::ListRef<'_>> {
    let key = LEDGER.as_bytes();
    keyspace.db(0).get(keyspace.hash(key), key)?.view::<List>()
}

fn held(entry: Entry<'_>) -> Held {
    let bytes = |value: Value<'_>| value.to_vec();
    if let Some(list) = entry.view::<List>() {
        return Held::List(list.iter().map(bytes).collect());
    }
    if let Some(hash) = entry.view::<Hash>() {
        return Held::Hash(hash.iter().map(|field| (bytes(field.name), bytes(field.value))).collect());
    }
    match entry.kind() {
        Kind::String => Held::Text(entry.value().to_vec()),
        _ => Held::Other,
    }
}

fn data_set(keyspace: &Keyspace) -> BTreeMap<Vec<u8>, Held> {
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
fn accounts<'a>(entries: impl Iterator<Item = &'a [u8]>) -> BTreeMap<Vec<u8>, Held> {
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
