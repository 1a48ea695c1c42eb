//! What the loop and the task that writes the append-only file share: how far the stream has been appended, written and made durable, and
//! what is to be done next.
//!
//! Three things may go on at once, one of each: a write, a sync in the background, and a change of which files there are. `next` says what
//! may begin; it never lets two syncs overlap, for the success of one would say nothing while the other's outcome is unknown, nor anything
//! go to a file from behind the switch to the next.

use std::collections::VecDeque;
use std::io;

use refrain_core::config::AppendFsync;
use refrain_core::system_text;

use super::backlog::Backlog;
use super::{Carried, Order};

/// A sync that has been under way for so many seconds holds up what would be written behind it: what is not durable is bounded, then, by
/// what may wait.
const SYNC_PATIENCE_S: u32 = 2;

/// What the loop and the task share.
pub struct Shared {
    /// When it is synced.
    pub policy: AppendFsync,
    /// Bytes to write. Each piece is sealed as a whole, and ends before a switch to a new file.
    pub(super) waiting: Backlog,
    /// Of the stream, so many bytes were ever appended.
    pub(super) appended: u64,
    /// So many were written.
    pub(super) written: u64,
    /// So many are durable.
    pub(super) durable: u64,
    /// It is time for a sync.
    sync_is_due: bool,
    /// One is under way in the background.
    syncing: Option<Syncing>,
    /// A piece is being written, or a new file is put in use.
    pub(super) is_writing: bool,
    /// Which files there are is being changed.
    pub(super) is_changing: bool,
    /// The name of the file that is written to is not durable yet: nothing that is in it is.
    pub(super) is_naming: bool,
    /// A new file is there, and what was written before it was made is to be durable before anybody hears of that: little is left to be
    /// synced when it is put in use.
    settling: Option<Settling>,
    /// Somebody reads the files: no order is carried out.
    pub(super) stands_still: bool,
    /// Bytes that it is given at this moment.
    pub(super) in_flight: u64,
    /// It is time to try again what has failed.
    pub(super) try_again: bool,
    /// Why the last write failed, until one succeeds.
    pub(super) write_error: Option<String>,
    /// Why the manifest could not be replaced, until it could.
    pub(super) manifest_error: Option<String>,
    /// Why the last sync failed, until everything was written anew.
    pub sync_error: Option<String>,
    /// Nothing is known of what lies between what is durable and this offset: a sync of it has failed.
    doubtful_until: u64,
    /// The last switch was at this offset.
    pub(super) switched_at: u64,
    /// There is a file to write to. Before the first switch there may be none.
    pub(super) has_file: bool,
    /// Files that are no longer needed are left where they are.
    pub keeps_history: bool,
    /// A test wants failed syncs to be ignored, and transactions to be cut in two.
    pub ignores_sync_errors: bool,
    pub cuts_transactions: bool,
    /// The present second of unix time, if pieces are to say when they were written.
    pub unix_s: Option<u64>,
    /// A sync has failed under `always`: the node ends.
    pub fatal: Option<String>,
    pub(super) orders: VecDeque<Order>,
    /// New files that were ordered to be used, and neither are nor failed to be.
    pub(super) switches: usize,
    pub(super) carried: Vec<Carried>,
    /// Bytes of all files that the manifest names, and of the base of them.
    pub size: u64,
    pub base_size: u64,
    /// The loop has something to look at.
    pub(super) changed: bool,
}

/// A sync in the background.
#[derive(Debug, Clone, Copy)]
struct Syncing {
    /// It covers the stream up to here.
    until: u64,
    /// Seconds that have passed since it began.
    seconds: u32,
}

/// How far what is to be durable before a new file is announced has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settling {
    /// Its sync has yet to begin.
    Waits,
    /// It has begun, or there was nothing to be synced.
    Begun,
}

/// What the task does next.
#[derive(Debug)]
pub(super) enum Step {
    /// Writes this behind everything else, and if `sync` says so makes all of it durable.
    Append { bytes: Vec<u8>, sync: bool },
    /// Begins a sync that nothing waits for.
    BeginSync,
    /// Carries out an order. A change of which files there are is only begun by that.
    Order(Order),
}

impl Shared {
    /// Of a stream from `position` on.
    pub(super) fn new(policy: AppendFsync, position: u64, has_file: bool) -> Shared {
        Shared {
            policy,
            waiting: Backlog::default(),
            appended: position,
            written: position,
            durable: position,
            sync_is_due: false,
            syncing: None,
            is_writing: false,
            is_changing: false,
            is_naming: false,
            settling: None,
            stands_still: false,
            in_flight: 0,
            try_again: false,
            write_error: None,
            manifest_error: None,
            sync_error: None,
            doubtful_until: 0,
            switched_at: position,
            has_file,
            keeps_history: true,
            ignores_sync_errors: false,
            cuts_transactions: false,
            unix_s: None,
            fatal: None,
            orders: VecDeque::new(),
            switches: 0,
            carried: Vec::new(),
            size: 0,
            base_size: 0,
            changed: false,
        }
    }

    /// Of the stream, so many bytes were ever appended.
    pub fn appended(&self) -> u64 {
        self.appended
    }

    /// So many are durable.
    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// So many wait for the disk.
    pub fn waiting_len(&self) -> u64 {
        self.appended - self.written
    }

    /// A sync is due or under way.
    pub fn is_syncing(&self) -> bool {
        self.sync_is_due || self.syncing.is_some()
    }

    /// Why what is executed now might not be kept, if there is such a reason.
    pub fn error(&self) -> Option<&String> {
        self.refusal().or(self.sync_error.as_ref())
    }

    /// Why what waits is not written.
    pub fn refusal(&self) -> Option<&String> {
        self.write_error.as_ref().or(self.manifest_error.as_ref())
    }

    /// Whether the files are as they will be found, and nothing is being done to them.
    pub(super) fn is_still(&self) -> bool {
        !self.is_writing && !self.is_changing && self.settling.is_none()
    }

    /// A second has passed: true if what was due before is still under way.
    pub(super) fn second_has_passed(&mut self) -> bool {
        let late = self.is_syncing();
        if let Some(syncing) = &mut self.syncing {
            syncing.seconds += 1;
        }
        self.sync_is_due |= self.durable < self.appended;
        self.try_again = true;
        late && self.policy == AppendFsync::EverySec
    }

    /// The next step, if there is anything that can begin.
    pub(super) fn next(&mut self) -> Option<Step> {
        if self.fatal.is_some() {
            return None;
        }
        if let Some(step) = self.settle().or_else(|| self.next_change().map(Step::Order)) {
            return Some(step);
        }
        // Whatever stands before it: nothing from behind a switch is written to the file before it.
        let switch = self.orders.iter().find_map(|order| match order {
            Order::Switch { at } => Some(*at),
            _ => None,
        });
        if !self.has_file {
            // What comes before the first switch is in the base that comes with it.
            while switch.is_none_or(|at| self.written < at) && self.waiting.first().is_some() {
                let passed = self.waiting.take(usize::MAX);
                self.written += passed.len() as u64;
                self.waiting.give_back(passed);
            }
            return self.next_in_turn();
        }
        let piece = self.next_piece(switch);
        // What comes before a switch is durable before the manifest names another file.
        let must_sync = switch.is_some() || self.policy == AppendFsync::Always;
        let closes = matches!(self.orders.front(), Some(Order::Close));
        let sync_is_due = self.sync_is_due && self.policy == AppendFsync::EverySec;
        if (sync_is_due || (piece == 0 && (must_sync || closes))) && self.may_sync() {
            return Some(self.begin_sync());
        }
        if piece == 0 {
            return self.next_in_turn();
        }
        let is_held_up = self.syncing.is_some_and(|syncing| must_sync || syncing.seconds >= SYNC_PATIENCE_S);
        if is_held_up || (must_sync && self.is_naming) {
            return None;
        }
        let bytes = self.waiting.take(piece);
        self.in_flight = bytes.len() as u64;
        Some(Step::Append { bytes, sync: must_sync })
    }

    /// Bytes of the piece that may be written now. None from behind a switch.
    fn next_piece(&self, switch: Option<u64>) -> usize {
        let Some(first) = self.waiting.first().filter(|_| switch.is_none_or(|at| self.written < at)) else { return 0 };
        if self.cuts_transactions
            && let Some(at) = first.windows(3).rposition(|bytes| bytes == b"\r\n*")
        {
            return at + 2;
        }
        first.len()
    }

    /// Whether a sync can begin, and would make more durable.
    fn may_sync(&self) -> bool {
        self.has_file
            && !self.is_naming
            && self.syncing.is_none()
            && self.sync_error.is_none()
            && self.durable < self.written
    }

    fn begin_sync(&mut self) -> Step {
        self.sync_is_due = false;
        self.syncing = Some(Syncing { until: self.written, seconds: 0 });
        Step::BeginSync
    }

    /// Has what was written before a new file was made durable, and then says that the file is there.
    fn settle(&mut self) -> Option<Step> {
        let settling = self.settling?;
        if self.syncing.is_some() {
            return None;
        }
        if settling == Settling::Waits && self.may_sync() {
            self.settling = Some(Settling::Begun);
            return Some(self.begin_sync());
        }
        self.settling = None;
        self.carried(Carried::NextMade);
        None
    }

    /// A new file is there, to be put in use by a switch.
    pub(super) fn next_is_made(&mut self) {
        self.settling = Some(Settling::Waits);
    }

    /// A change of which files there are, if the next order is one: it goes on beside everything else.
    pub(super) fn next_change(&mut self) -> Option<Order> {
        let is_change = self.orders.front().is_some_and(Order::is_change);
        if !is_change || self.is_changing || self.stands_still {
            return None;
        }
        self.is_changing = true;
        self.orders.pop_front()
    }

    /// The next order, if it is one for which everything before it has to be done.
    fn next_in_turn(&mut self) -> Option<Step> {
        if self.is_changing || self.stands_still || self.syncing.is_some() || self.settling.is_some() {
            return None;
        }
        self.orders.pop_front().map(Step::Order)
    }

    /// True if everything that was written is durable now: a sync that succeeds says nothing of what one that failed was to cover.
    pub(super) fn sync_succeeded(&mut self, until: u64) -> bool {
        if self.sync_error.is_some() {
            return false;
        }
        self.durable = until;
        self.sync_is_due &= self.durable < self.appended;
        self.changed = true;
        true
    }

    pub(super) fn sync_failed(&mut self, error: &io::Error) {
        if self.ignores_sync_errors {
            self.sync_succeeded(self.written);
            return;
        }
        self.changed = true;
        self.sync_is_due = false;
        if self.policy == AppendFsync::Always {
            self.fatal = Some(system_text(error));
        } else {
            self.sync_error = Some(system_text(error));
            // What is being written beside it may have shared its fate.
            self.doubtful_until = self.written + self.in_flight;
        }
    }

    /// A sync in the background has ended: true if all that it was to cover is durable.
    pub(super) fn sync_ended(&mut self, outcome: &io::Result<()>) -> bool {
        let Syncing { until, .. } = self.syncing.take().expect("one has begun");
        match outcome {
            Ok(()) => self.sync_succeeded(until),
            Err(error) => {
                self.sync_failed(error);
                false
            }
        }
    }

    /// A base that has everything before the last switch is durable.
    pub(super) fn base_is_durable(&mut self) {
        if self.doubtful_until <= self.switched_at {
            self.sync_error = None;
        }
        self.durable = self.durable.max(self.switched_at);
        self.changed = true;
    }

    pub(super) fn carried(&mut self, carried: Carried) {
        self.switches -= usize::from(matches!(carried, Carried::Switched | Carried::NotSwitched(_)));
        self.carried.push(carried);
        self.changed = true;
    }
}

#[cfg(test)]
mod tests;
