//! The append-only file as it is written: one task that owns the open file, and what the loop and that task share.
//!
//! The loop appends bytes of the propagation stream and goes on; the task hands them to the disk, one write at a time, so
//! that whatever arrives while one is under way joins the next (group commit). Syncs that nobody waits for, and changes of which
//! files there are, go on beside the writes. What is durable only grows, and only by what a sync that ended well has covered.
//!
//! * A write that fails is repeated: the file is cut to the last whole batch, and the batch written anew, once a second.
//!   Meanwhile nothing that waits is answered, and the engine refuses new writes.
//! * A sync that fails is never repeated as if nothing had happened. Under `always` it ends the node; otherwise everything is
//!   written anew (a rewrite of the file), and writes are refused until that is done.
//!
//! Files are named by a manifest, which is replaced as a whole; a file that it names is durable before it is named, and a
//! file is removed only when the manifest that forgot it is durable.

mod backlog;
mod changes;
mod shared;
mod writer;

use std::cell::RefCell;
use std::future::poll_fn;
use std::path::PathBuf;
use std::rc::Rc;
use std::task::Poll;

use refrain_core::config::AppendFsync;
use refrain_persist::Salt;
use refrain_runtime::Disk;

pub use self::shared::Shared;
use self::writer::Writer;
use super::aof_files::AofFiles;

/// Bytes waiting to be written at which nobody is executed for until there are fewer.
const WAITING_MAX: usize = 256 << 20;

/// What the task is asked to do, one after the other.
#[derive(Debug)]
pub enum Order {
    /// A new file is to be made, with this salt, which takes what comes from the next switch on.
    MakeNext { salt: Salt },
    /// What comes from this offset on goes to the file that was made for it.
    Switch { at: u64 },
    /// The base is this file from now on, which is complete and durable under another name; what was written before the last
    /// switch is not needed any more.
    Adopt { base: PathBuf, is_rdb: bool },
    /// Files that are no longer needed are to be removed.
    ForgetHistory,
    /// Everything is to be durable, and the file to be closed.
    Close,
}

impl Order {
    /// Whether it is about which files there are, and no more: writes go on beside it.
    fn is_change(&self) -> bool {
        matches!(self, Order::MakeNext { .. } | Order::Adopt { .. } | Order::ForgetHistory)
    }
}

/// What has become of an order.
#[derive(Debug)]
pub enum Carried {
    /// The new file is there, and all that was written before it was made is durable.
    NextMade,
    /// It could not be made: everything is as before.
    NextNotMade(String),
    /// The new file is in use.
    Switched,
    /// It could not be named: everything is as before.
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
        self.shared.borrow_mut().second_has_passed()
    }

    /// Until all that was appended so far is in the file, and nothing is being done to the files. From then on no order is carried
    /// out until [`Log::go_on`]: whoever reads the files finds those that he was told of.
    pub fn stand_still(&self) -> impl Future<Output = ()> + 'static {
        let shared = Rc::clone(&self.shared);
        let position = self.appended();
        poll_fn(move |_| {
            let shared = &mut *shared.borrow_mut();
            if shared.written < position || !shared.is_still() {
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

    /// Gives an order, to be carried out after those before it; a switch, and the end, after what was appended before them.
    pub fn order(&self, order: Order) {
        let shared = &mut *self.shared.borrow_mut();
        if let Order::Switch { at } = order {
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
