//! What the ledger of the bookkeepers holds after each start is what was promised to be kept, and nothing else.
//!
//! Source: `docs/guarantees.md`, "What you lose". Every transaction of a bookkeeper appends one entry to the ledger and the same
//! to some accounts, so that the ledger shows the order in which transactions were executed, and all accounts follow from it.
//! After a start it must be a beginning of what had been executed (never out of order, never half a transaction), and no
//! shorter than what each mode promises:
//!
//! * `always`: what anybody was told of, by the reply to a write or to a read, is there for ever.
//! * `everysec`: after the loss of power, all that was executed two seconds before the end of the last time of two seconds in
//!   which the disk was well; after the end of the process alone, 60 ms.
//! * `no`: the same after the end of the process; after the loss of power, what the last start has loaded.
//! * No append-only file: what the last complete snapshot began with.
//!
//! While the server runs the ledger only grows, whatever is reloaded. What a start has served is never lost again.

mod holdings;
mod times;

use std::collections::{BTreeMap, BTreeSet};

use refrain_core::config::AppendFsync;
use refrain_data::Keyspace;

pub use self::holdings::AccountKind;
use self::holdings::{accounts, data_set, difference, ledger_of};
use self::times::{Mode, Times};
use super::Violation;
use crate::plan::Plan;
use crate::record::entries::{Entries, Told};
use crate::record::{COMPLAINTS_MAX, seconds, shorten};
use crate::server::ServerEngine;

/// The key of the ledger.
pub const LEDGER: &str = "ledger";

/// Within how long what was executed is durable under `everysec`, while the disk is well.
const SYNCED_WITHIN: u64 = 2_000_000_000;

/// Within how long it is handed to the system, in every mode with an append-only file: what two syncs take of the slowest disk that is
/// well here. A tenth of a second is promised, for slower ones.
const WRITTEN_WITHIN: u64 = 60_000_000;

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

/// An entry that was executed.
#[derive(Debug, Clone)]
struct Executed {
    at: u64,
    entry: Vec<u8>,
}

/// See the module.
pub struct Ledger {
    /// There is to be an append-only file.
    appends: bool,
    /// What was executed and is still there.
    order: Vec<Executed>,
    /// What was executed and was lost, and whether nobody had promised to keep it.
    lost: BTreeMap<Vec<u8>, Lost>,
    times: Times,
    /// The end that the next start comes after: the worst since somebody was served.
    death: Option<(u64, Death)>,
    /// An append-only file is wanted, though it may have no base yet; and whether one was when the process ended.
    wanted: bool,
    was_wanted: bool,
    /// What is kept whatever happens: so many entries.
    floor: usize,
    /// The append-only file is being closed with so many entries.
    closing: Option<usize>,
    /// A snapshot is under way that holds so many entries: one of these.
    saving: BTreeSet<usize>,
    /// Which one that is.
    under_way: Option<(u64, u64)>,
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
            times: Times::new(),
            death: None,
            wanted: false,
            was_wanted: false,
            floor: 0,
            closing: None,
            saving: BTreeSet::new(),
            under_way: None,
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
        self.times.note(at, Mode::Down, false);
        // A snapshot that was under way may have got its name already.
        self.saved.append(&mut self.saving);
        if self.served {
            self.was_wanted = self.wanted;
        }
        (self.served, self.under_way) = (false, None);
        self.death = match self.death {
            None => Some((at, death)),
            // What an orderly end has made durable nothing takes away; on a disk that had refused it has made nothing durable.
            Some((since, Death::Clean)) if !self.times.disk_has_failed(since) => Some((since, Death::Clean)),
            Some((since, before)) => Some((since, before.max(death))),
        };
    }

    /// The disk is not as it should be for a while.
    pub fn disk_is_troubled(&mut self, from: u64, until: u64, fails: bool) {
        self.times.disk_is_troubled(from, until, fails);
    }

    /// Bits of files have changed since the process ended.
    pub fn files_have_rotted(&mut self, ended_well: bool) {
        self.rotted = Some(ended_well && self.rotted != Some(false));
    }

    /// They are again as they were.
    pub fn files_are_put_back(&mut self) {
        self.rotted = None;
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
        self.wanted = config.appendonly;
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
        let (was, fails) = (self.times.mode(), aof.write_error.is_some());
        let under_way = persistence.save_under_way();
        let saving = under_way.is_some();
        let before = std::mem::replace(&mut self.under_way, under_way);
        self.times.note(at, mode, fails);
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
                self.follow_file(at, was, is_closed, turned_off);
            }
            return;
        }
        // What was executed in the round in which everything came to stand still may never be seen again: a process that then ends has
        // saved it. What has been emptied meanwhile is loaded again, and shows when it goes on.
        let stood_still = std::mem::replace(&mut self.stands_still, loading || stands_still);
        let keyspace = &engine.state().keyspace;
        let is_whole = ledger_of(keyspace).map_or(0, |list| list.len()) >= self.order.len();
        if !self.stands_still || !loading && is_whole {
            self.grow(at, keyspace);
        }
        if stood_still && !self.stands_still {
            self.compare(at, keyspace, "after everything has stood still");
        }
        self.follow_save(at, before, stands_still);
        self.follow_file(at, was, is_closed, turned_off);
    }

    /// A file that is turned off is durable as soon as it is closed, if it was complete.
    fn follow_file(&mut self, at: u64, was: Mode, is_closed: bool, turned_off: bool) {
        if turned_off && self.closing.is_none() {
            self.closing = Some(if matches!(was, Mode::Appends(_)) { self.order.len() } else { self.floor });
        }
        if is_closed
            && let Some(held) = self.closing.take()
            && !self.times.disk_has_failed(at)
        {
            self.floor = self.floor.max(held);
        }
    }

    /// What the snapshot that is under way may hold, if there is one. `before` is what was under way a round ago.
    fn follow_save(&mut self, at: u64, before: Option<(u64, u64)>, stands_still: bool) {
        let asked = |under_way: Option<(u64, u64)>| under_way.map(|(asked, _)| asked);
        if stands_still && self.under_way.is_some() {
            // One that was under way may give way to another.
            self.saving.insert(self.order.len());
        } else if before != self.under_way {
            if asked(before) != asked(self.under_way) {
                // It has ended, though another may have begun in the same round.
                self.settle_save(at, false);
            }
            // One that had to wait holds what there is when it begins.
            self.saving = self.under_way.iter().map(|_| self.order.len()).collect();
        }
        self.settle_save(at, self.under_way.is_some());
    }

    /// A snapshot that was under way and is no longer has taken the place of the last one, unless the disk has failed.
    fn settle_save(&mut self, at: u64, saving: bool) {
        if !saving && !self.saving.is_empty() {
            if !self.times.disk_has_failed(at) {
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
        let found: Vec<Vec<u8>> = ledger_of(keyspace).map(|list| list.to_vecs()).unwrap_or_default();
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
            // An orderly end has said of everything that it was durable.
            None | Some(true) => least,
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
        // An orderly end waits for a base, or is refused.
        let appends = self.was_wanted || matches!(self.times.mode_before(died), Some(Mode::Appends(_)));
        let within = match death {
            Death::Clean if appends && !self.times.disk_has_failed(died) => return self.order.len(),
            Death::Clean | Death::Exit | Death::Kill => WRITTEN_WITHIN,
            Death::Power => SYNCED_WITHIN,
        };
        let counts = |mode: Mode| match mode {
            Mode::Appends(AppendFsync::No) => death != Death::Power,
            Mode::Appends(_) => true,
            _ => false,
        };
        let by_time = self.times.well_for(within, died, counts).map_or(0, |until| self.executed_by(until));
        by_time.max(self.floor)
    }

    /// All accounts follow from the ledger.
    fn compare(&mut self, at: u64, keyspace: &Keyspace, when: &str) {
        self.compared = at;
        let expected = accounts(self.order.iter().map(|executed| &executed.entry[..]));
        let found = data_set(keyspace);
        let key = expected.keys().chain(found.keys()).find(|key| expected.get(*key) != found.get(*key));
        if let Some(key) = key {
            let apart = difference(expected.get(key), found.get(key));
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
        let missing =
            entries.told.iter().filter(|told| self.times.is_promised(told) && !there.contains(&told.entry[..]));
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
