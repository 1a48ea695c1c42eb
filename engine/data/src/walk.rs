//! Snapshot walks: a point in time over a dictionary that goes on changing.
//!
//! A walk visits the buckets in the order of the hash, a slice at a time. Whoever changes a bucket which a walk has not
//! been given yet hands it over first ([`Walks::before_write`]): its entries as they still are wait in the walk's
//! queue for the next slice. A bucket's version names the newest walk that has been given it, and giving a bucket to one
//! walk gives it to all that still lack it; so without walks, or once a bucket was given, a write costs one comparison.

use std::collections::VecDeque;

use crate::bucket::Bucket;
use crate::entry::OwnedEntry;

/// How many walks a dictionary serves at a time.
pub const MAX_WALKS: usize = 3;

/// A walk over one dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WalkId(pub(crate) u32);

/// [`MAX_WALKS`] are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyWalks;

impl std::fmt::Display for TooManyWalks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{MAX_WALKS} snapshot walks are already under way")
    }
}

impl std::error::Error for TooManyWalks {}

/// How a slice of a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkProgress {
    /// Whether the walk has given all it had; it should be ended.
    pub done: bool,
    /// Units of work spent: a bucket looked at or an entry given.
    pub units: u64,
}

/// A walk under way.
pub(crate) struct ActiveWalk {
    pub(crate) id: u32,
    /// The lowest hash of the segment to visit next; `None` past the last.
    pub(crate) position: Option<u64>,
    /// The bucket to visit next in that segment.
    pub(crate) bucket: usize,
    pub(crate) queue: VecDeque<OwnedEntry>,
    pub(crate) queue_bytes: usize,
}

/// The walks of a dictionary.
#[derive(Default)]
pub(crate) struct Walks {
    /// The id of the newest active walk; 0 when none is active.
    newest: u32,
    /// The id that was given out last.
    last: u32,
    active: Vec<ActiveWalk>,
    /// A test wants every other bucket to be handed over too late.
    gives_late: bool,
    skipped: bool,
}

impl Walks {
    /// The version of a bucket that no active walk lacks.
    #[inline]
    pub(crate) fn version(&self) -> u32 {
        self.newest
    }

    #[inline]
    pub(crate) fn any(&self) -> bool {
        self.newest != 0
    }

    /// Makes walks wrong, for a test to see what comes of it.
    pub(crate) fn plant_late_copies(&mut self) {
        self.gives_late = true;
    }

    pub(crate) fn begin(&mut self) -> Result<WalkId, TooManyWalks> {
        if self.active.len() >= MAX_WALKS {
            return Err(TooManyWalks);
        }
        self.last = self.last.checked_add(1).expect("fewer than 2^32 snapshots in a lifetime");
        self.newest = self.last;
        let walk = ActiveWalk { id: self.last, position: Some(0), bucket: 0, queue: VecDeque::new(), queue_bytes: 0 };
        self.active.push(walk);
        Ok(WalkId(self.last))
    }

    /// Gives back the copies that nobody has taken.
    pub(crate) fn end(&mut self, walk: WalkId) -> VecDeque<OwnedEntry> {
        let at = self.active.iter().position(|active| active.id == walk.0);
        let untaken = at.map(|at| self.active.remove(at).queue).unwrap_or_default();
        self.newest = self.active.last().map_or(0, |active| active.id);
        if self.active.is_empty() {
            self.active = Vec::new();
        }
        untaken
    }

    pub(crate) fn get(&self, walk: WalkId) -> Option<&ActiveWalk> {
        self.active.iter().find(|active| active.id == walk.0)
    }

    pub(crate) fn get_mut(&mut self, walk: WalkId) -> Option<&mut ActiveWalk> {
        self.active.iter_mut().find(|active| active.id == walk.0)
    }

    /// Hands the bucket to the walks that lack it. To be called before its slots or their entries change.
    #[inline]
    pub(crate) fn before_write(&mut self, bucket: &mut Bucket) {
        if bucket.version < self.newest {
            self.hand_over(bucket, None);
        }
    }

    /// Queues copies of the bucket's entries for all walks that lack it, except for `visitor`, which looks itself.
    #[cold]
    pub(crate) fn hand_over(&mut self, bucket: &mut Bucket, visitor: Option<WalkId>) {
        if self.gives_late && visitor.is_none() {
            self.skipped = !self.skipped;
            if self.skipped {
                return;
            }
        }
        for walk in &mut self.active {
            if walk.id > bucket.version && visitor != Some(WalkId(walk.id)) {
                for (_, slot) in bucket.full_slots() {
                    let copy = slot.snapshot().expect("full_slots yields full slots");
                    walk.queue_bytes += copy.view().copied_memory();
                    walk.queue.push_back(copy);
                }
            }
        }
        bucket.version = self.newest;
    }
}
