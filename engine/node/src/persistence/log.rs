//! The append-only file as it is written: one task that owns the open file, and what the loop and that task share.
//!
//! The loop appends bytes of the propagation stream and goes on; the task hands them to the disk, one call at a time, so
//! that whatever arrives while a call is under way joins the next (group commit). What is durable only grows, and only by
//! what a sync that ended well has covered.
//!
//! * A write that fails is repeated: the file is cut to the last whole batch, and the batch written anew, once a second.
//!   Meanwhile nothing that waits is answered, and the engine refuses new writes.
//! * A sync that fails is never repeated as if nothing had happened. Under `always` it ends the node; otherwise everything is
//!   written anew (a rewrite of the file), and writes are refused until that is done.
//!
//! Files are named by a manifest, which is replaced as a whole; a file that it names is durable before it is named, and a
//! file is removed only when the manifest that forgot it is durable.

mod backlog;
mod writer;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::Poll;

use refrain_core::config::AppendFsync;
use refrain_persist::Salt;
use refrain_runtime::Disk;

use self::backlog::Backlog;
use self::writer::Writer;
use super::aof_files::AofFiles;

/// Bytes waiting to be written at which nobody is executed for until there are fewer.
const WAITING_MAX: usize = 256 << 20;

/// What the task is asked to do when everything before it is done.
#[derive(Debug)]
pub enum Order {
    /// What comes from this offset on goes to a new file, with this salt.
    Switch { at: u64, salt: Salt },
    /// The base is this file from now on, which is complete and durable under another name; what was written before the last
    /// switch is not needed any more.
    Adopt { base: PathBuf, is_rdb: bool },
    /// Files that are no longer needed are to be removed.
    ForgetHistory,
    /// Everything is to be durable, and the file to be closed.
    Close,
}

/// What has become of an order.
#[derive(Debug)]
pub enum Carried {
    /// The new file is in use.
    Switched,
    /// It could not be made: everything is as before.
    NotSwitched(String),
    /// The new base is in use.
    Adopted,
    /// It could not be put in its place: everything is as before.
    NotAdopted(String),
    /// Everything is durable, as far as the policy cares.
    Closed,
}

/// A file to be appended to.
pub struct OpenFile<F> {
    pub file: F,
    /// How long it is.
    pub len: u64,
    /// What its seals are made with.
    pub salt: Salt,
}

/// What the loop and the task share.
pub struct Shared {
    /// When it is synced.
    pub policy: AppendFsync,
    /// Bytes to write. Each piece is sealed as a whole, and ends before a switch to a new file.
    waiting: Backlog,
    /// Of the stream, so many bytes were ever appended.
    appended: u64,
    /// So many were written.
    written: u64,
    /// So many are durable.
    durable: u64,
    /// It is time for a sync.
    sync_is_due: bool,
    /// The disk is at work.
    is_busy: bool,
    /// Somebody reads the files: no order is carried out.
    stands_still: bool,
    /// Bytes that it is given at this moment.
    in_flight: u64,
    /// It is time to try again what has failed.
    try_again: bool,
    /// Why the last write failed, until one succeeds.
    pub write_error: Option<String>,
    /// Why the last sync failed, until everything was written anew.
    pub sync_error: Option<String>,
    /// Nothing is known of what lies between what is durable and this offset: a sync of it has failed.
    doubtful_until: u64,
    /// The last switch was at this offset.
    switched_at: u64,
    /// There is a file to write to. Before the first switch there may be none.
    has_file: bool,
    /// Files that are no longer needed are left where they are.
    pub keeps_history: bool,
    /// A test wants failed syncs to be ignored, and transactions to be cut in two.
    pub ignores_sync_errors: bool,
    pub cuts_transactions: bool,
    /// The present second of unix time, if pieces are to say when they were written.
    pub unix_s: Option<u64>,
    /// A sync has failed under `always`: the node ends.
    pub fatal: Option<String>,
    orders: VecDeque<Order>,
    /// New files that were ordered, and have neither come nor failed.
    switches: usize,
    carried: Vec<Carried>,
    /// Bytes of all files that the manifest names, and of the base of them.
    pub size: u64,
    pub base_size: u64,
    /// The loop has something to look at.
    changed: bool,
}

/// The loop's end.
#[derive(Clone)]
pub struct Log {
    shared: Rc<RefCell<Shared>>,
}

impl Log {
    /// A log of the propagation stream from `position` on, and the task that writes it. `file` is the last one that the files name;
    /// `None` if there will be one only after a switch.
    pub fn new<D: Disk>(
        disk: D,
        files: AofFiles,
        file: Option<OpenFile<D::File>>,
        position: u64,
        policy: AppendFsync,
    ) -> (Log, impl Future<Output = ()> + 'static) {
        let shared = Rc::new(RefCell::new(Shared::new(policy, position, file.is_some())));
        let task = Writer::new(disk, files, file, Rc::clone(&shared)).run();
        (Log { shared }, task)
    }

    /// Appends what `fill` puts at the end of the buffer.
    pub fn append(&self, fill: impl FnOnce(&mut Vec<u8>)) {
        let shared = &mut *self.shared.borrow_mut();
        shared.appended += shared.waiting.append(fill) as u64;
    }

    /// Of the stream, so many bytes were ever appended.
    pub fn appended(&self) -> u64 {
        self.shared.borrow().appended
    }

    /// So many are durable.
    pub fn durable(&self) -> u64 {
        self.shared.borrow().durable
    }

    /// Whether so much waits for the disk that nobody should be executed for.
    pub fn is_full(&self) -> bool {
        self.shared.borrow().waiting.len() >= WAITING_MAX
    }

    /// A second has passed: what is written and not durable is synced with the next write, and what has failed is tried again.
    /// True if what was due before is still under way.
    pub fn second_has_passed(&self) -> bool {
        let shared = &mut *self.shared.borrow_mut();
        let late = shared.sync_is_due || (shared.is_busy && shared.durable < shared.appended);
        shared.sync_is_due |= shared.durable < shared.appended;
        shared.try_again = true;
        late && shared.policy == AppendFsync::EverySec
    }

    /// Until all that was appended so far is in the file, and nothing is being done to the files. From then on no order is carried
    /// out until [`Log::go_on`]: whoever reads the files finds those that he was told of.
    pub fn stand_still(&self) -> impl Future<Output = ()> + 'static {
        let shared = Rc::clone(&self.shared);
        let position = self.appended();
        poll_fn(move |_| {
            let shared = &mut *shared.borrow_mut();
            if shared.written < position || shared.is_busy {
                return Poll::Pending;
            }
            shared.stands_still = true;
            Poll::Ready(())
        })
    }

    /// Orders are carried out again.
    pub fn go_on(&self) {
        self.shared.borrow_mut().stands_still = false;
    }

    /// Gives an order, to be carried out after those before it.
    pub fn order(&self, order: Order) {
        let shared = &mut *self.shared.borrow_mut();
        if let Order::Switch { at, .. } = order {
            assert_eq!(at, shared.appended, "a new file begins with what comes next");
            shared.switches += 1;
            shared.waiting.close();
        }
        shared.orders.push_back(order);
    }

    /// What was carried out since the last call.
    pub fn take_carried(&self) -> Vec<Carried> {
        std::mem::take(&mut self.shared.borrow_mut().carried)
    }

    /// Whether there is something to look at that was not there at the last call.
    pub fn take_changed(&self) -> bool {
        std::mem::take(&mut self.shared.borrow_mut().changed)
    }

    /// Whether there is such a thing.
    pub fn has_changed(&self) -> bool {
        self.shared.borrow().changed
    }

    /// Whether a new file was ordered that is not in use yet, and may still be.
    pub fn is_switching(&self) -> bool {
        self.shared.borrow().switches > 0
    }

    /// A look at the rest.
    pub fn look<T>(&self, look: impl FnOnce(&mut Shared) -> T) -> T {
        look(&mut self.shared.borrow_mut())
    }
}

/// What the task does next.
enum Step {
    Append { bytes: Vec<u8>, sync: bool },
    Sync,
    Order(Order),
}

impl Shared {
    /// Of a stream from `position` on.
    fn new(policy: AppendFsync, position: u64, has_file: bool) -> Shared {
        Shared {
            policy,
            waiting: Backlog::default(),
            appended: position,
            written: position,
            durable: position,
            sync_is_due: false,
            is_busy: false,
            stands_still: false,
            in_flight: 0,
            try_again: false,
            write_error: None,
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
        self.sync_is_due
    }

    /// The next step, if there is anything to do.
    fn next(&mut self) -> Option<Step> {
        if self.fatal.is_some() {
            return None;
        }
        // Whatever stands before it: nothing from behind a switch is written to the file before it.
        let switch = self.orders.iter().find_map(|order| match order {
            Order::Switch { at, .. } => Some(*at),
            _ => None,
        });
        if !self.has_file {
            // What comes before the first switch is in the base that comes with it.
            while switch.is_none_or(|at| self.written < at) && self.waiting.first().is_some() {
                let passed = self.waiting.take(usize::MAX);
                self.written += passed.len() as u64;
                self.waiting.give_back(passed);
            }
            return self.next_order();
        }
        // What comes before a switch is durable before the manifest names another file.
        let is_behind = switch.is_some_and(|at| self.written >= at);
        let mut piece = self.waiting.first().filter(|_| !is_behind).map_or(0, <[u8]>::len);
        if self.cuts_transactions
            && let Some(first) = self.waiting.first()
            && let Some(at) = first[..piece].windows(3).rposition(|bytes| bytes == b"\r\n*")
        {
            piece = at + 2;
        }
        let must_sync = switch.is_some() || self.policy == AppendFsync::Always;
        if piece > 0 {
            let bytes = self.waiting.take(piece);
            self.in_flight = bytes.len() as u64;
            let sync = must_sync || (self.sync_is_due && self.policy == AppendFsync::EverySec);
            return Some(Step::Append { bytes, sync });
        }
        let closing = matches!(self.orders.front(), Some(Order::Close));
        let sync_is_due = self.sync_is_due && self.policy == AppendFsync::EverySec;
        if self.durable < self.written && (sync_is_due || must_sync || closing) && self.sync_error.is_none() {
            return Some(Step::Sync);
        }
        self.next_order()
    }

    fn next_order(&mut self) -> Option<Step> {
        if self.stands_still {
            return None;
        }
        self.orders.pop_front().map(Step::Order)
    }

    /// True if everything that was written is durable now: a sync that succeeds says nothing of what one that failed was to cover.
    fn sync_succeeded(&mut self) -> bool {
        self.sync_is_due = false;
        if self.sync_error.is_some() {
            return false;
        }
        self.durable = self.written;
        self.changed = true;
        true
    }

    fn sync_failed(&mut self, error: &io::Error) {
        if self.ignores_sync_errors {
            self.sync_succeeded();
            return;
        }
        self.changed = true;
        self.sync_is_due = false;
        if self.policy == AppendFsync::Always {
            self.fatal = Some(error.to_string());
        } else {
            self.sync_error = Some(error.to_string());
            self.doubtful_until = self.written;
        }
    }

    /// A base that has everything before the last switch is durable.
    fn base_is_durable(&mut self) {
        if self.doubtful_until <= self.switched_at {
            self.sync_error = None;
        }
        self.durable = self.durable.max(self.switched_at);
        self.changed = true;
    }

    fn carried(&mut self, carried: Carried) {
        self.switches -= usize::from(matches!(carried, Carried::Switched | Carried::NotSwitched(_)));
        self.carried.push(carried);
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_behind_a_switch_goes_to_the_file_before_it() {
        let shared = Rc::new(RefCell::new(Shared::new(AppendFsync::EverySec, 0, true)));
        let log = Log { shared: Rc::clone(&shared) };
        log.append(|waiting| waiting.extend_from_slice(b"before,"));
        log.order(Order::ForgetHistory);
        log.order(Order::Switch { at: 7, salt: Salt::new(1) });
        log.append(|waiting| waiting.extend_from_slice(b" behind"));
        let shared = &mut *shared.borrow_mut();
        let Some(Step::Append { bytes, sync: true }) = shared.next() else { panic!("there is something to write") };
        assert_eq!(bytes, b"before,");
        shared.written = 7;
        assert!(matches!(shared.next(), Some(Step::Sync)));
        shared.durable = 7;
        assert!(matches!(shared.next(), Some(Step::Order(Order::ForgetHistory))));
        assert!(matches!(shared.next(), Some(Step::Order(Order::Switch { at: 7, .. }))));
        let Some(Step::Append { bytes, .. }) = shared.next() else { panic!("there is something to write") };
        assert_eq!(bytes, b" behind");
    }
}
