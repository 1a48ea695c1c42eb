//! The file of a snapshot: slices go in at the loop's end, an offloaded job encodes them, and the disk writes what that has made.
//!
//! Encoding and writing go on in small pieces, so that neither keeps a CPU for long that the loop needs. What has ended well is complete,
//! and durable if that was asked for; what has not is removed. The loop never waits for it: it looks at whether there is room
//! ([`Sink::is_full`]), and at what has become of the file ([`Sink::take_outcome`]).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use refrain_core::{DatabaseSize, Slice, Snapshot};
use refrain_persist::aof::commands;
use refrain_persist::rdb::{RdbOptions, RdbWriter, Usage, Version};
use refrain_runtime::{Disk, File, Open, Runtime};

use crate::persistence::files::make_folder;

/// Bytes of entries that wait to be encoded at which no further slice is taken.
const QUEUED_MAX: usize = 4 << 20;

/// Bytes of entries after which what is encoded together ends, and is written: neither keeps a CPU for long then.
const BATCH: usize = 64 << 10;

/// Bytes written between two syncs, where a file is synced piecewise: a single sync at the end would write back everything at
/// once, in the way of whoever else uses the disk.
const SYNC_EVERY: u64 = 4 << 20;

/// What a file has come to that nobody wanted to its end.
const GIVEN_UP: &str = "it was given up";

/// What the loop and the task that writes share.
#[derive(Default)]
struct Shared {
    queue: VecDeque<Slice>,
    queued: usize,
    /// Bytes that were encoded.
    encoded: u64,
    /// Nothing more will come.
    complete: bool,
    /// Nobody wants it any more.
    given_up: bool,
    outcome: Option<Result<u64, String>>,
}

/// Slices on their way to a file: the loop's end.
#[derive(Clone)]
pub struct Sink {
    shared: Rc<RefCell<Shared>>,
}

/// How a file is to be written.
pub struct FileOptions {
    pub path: PathBuf,
    /// It is in this folder, which need not be there yet.
    pub folder: Option<PathBuf>,
    pub version: Version,
    pub options: RdbOptions,
    /// As commands and not as RDB.
    pub as_commands: bool,
    /// Sync it every few megabytes.
    pub piecewise: bool,
    /// Sync it when it is complete.
    pub synced: bool,
    /// What is written of keys' use.
    pub usage: UsageKept,
}

/// What is written of a key's use.
#[derive(Debug, Clone, Copy)]
pub enum UsageKept {
    Nothing,
    /// Seconds since the last use; the low 24 bits of the present second are these.
    Idle(u32),
    /// The counter of uses.
    Frequency,
}

impl UsageKept {
    fn of(self, lru: u32) -> Usage {
        match self {
            UsageKept::Nothing => Usage::Nothing,
            UsageKept::Idle(now) => Usage::Idle { seconds: u64::from(now.wrapping_sub(lru) & refrain_data::LRU_MAX) },
            UsageKept::Frequency => Usage::Frequency(lru as u8),
        }
    }
}

/// What turns slices into bytes; it travels with the jobs.
struct Encoder {
    form: Form,
    /// Not yet written: what a file begins with.
    libraries: Vec<Arc<[u8]>>,
    databases: Vec<DatabaseSize>,
    current: Option<usize>,
    usage: UsageKept,
}

enum Form {
    Rdb(RdbWriter),
    Commands,
}

impl Encoder {
    fn encode(&mut self, slices: &[Slice], out: &mut Vec<u8>) {
        self.begin(out);
        let parts = slices.iter().flat_map(|slice| &slice.parts);
        let Form::Rdb(writer) = &mut self.form else {
            for (number, batch) in parts {
                if self.current != Some(*number) {
                    self.current = Some(*number);
                    commands::select(out, *number);
                }
                batch.iter().for_each(|entry| commands::create(out, entry));
            }
            return;
        };
        let mut file = writer.batch(out);
        for (number, batch) in parts {
            if self.current != Some(*number) {
                self.current = Some(*number);
                let size = self.databases.iter().find(|db| db.number == *number);
                let (keys, with_deadline) = size.map_or((0, 0), |db| (db.keys, db.with_deadline));
                file.database(*number, keys, with_deadline);
            }
            for entry in batch.iter() {
                file.entry(entry, self.usage.of(entry.lru()));
            }
        }
    }

    fn begin(&mut self, out: &mut Vec<u8>) {
        for source in self.libraries.drain(..) {
            match &mut self.form {
                Form::Rdb(writer) => writer.library(out, &source),
                Form::Commands => commands::library(out, &source),
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
        if let Form::Rdb(writer) = &mut self.form {
            writer.finish(out);
        }
    }
}

impl Sink {
    /// The loop's end, and the task that writes the file: complete and durable when it has ended well, under the name that was
    /// given.
    pub fn new<R: Runtime>(
        runtime: R,
        snapshot: &Snapshot,
        file: FileOptions,
    ) -> (Sink, impl Future<Output = ()> + 'static) {
        let shared: Rc<RefCell<Shared>> = Rc::default();
        let encoder = Encoder {
            form: if file.as_commands { Form::Commands } else { Form::Rdb(RdbWriter::new(file.version, file.options)) },
            libraries: snapshot.libraries().to_vec(),
            databases: snapshot.databases().to_vec(),
            current: None,
            usage: file.usage,
        };
        let ours = Rc::clone(&shared);
        let task = async move {
            match write(&runtime, &file.path, file.folder, [file.piecewise, file.synced], encoder, &ours).await {
                Ok((open, size)) => {
                    ours.borrow_mut().end(Ok(size));
                    // Kept open until it has its name: before, a server that starts would take it for abandoned.
                    let is_needed = || Rc::strong_count(&ours) > 1 && !ours.borrow().given_up;
                    poll_fn(|_| if is_needed() { Poll::Pending } else { Poll::Ready(()) }).await;
                    drop(open);
                    if !ours.borrow().given_up {
                        return;
                    }
                    let _ = runtime.disk().remove(&file.path).await;
                    ours.borrow_mut().end(Err(GIVEN_UP.to_owned()));
                }
                Err(why) => {
                    // What is left of it is of no use to anybody.
                    let _ = runtime.disk().remove(&file.path).await;
                    ours.borrow_mut().end(Err(why));
                }
            }
        };
        (Sink { shared }, task)
    }

    /// Adds entries.
    pub fn push(&self, slice: Slice) {
        let shared = &mut *self.shared.borrow_mut();
        shared.queued += slice.bytes();
        shared.queue.push_back(slice);
    }

    /// Whether so much waits that no further slice should be taken.
    pub fn is_full(&self) -> bool {
        self.shared.borrow().queued >= QUEUED_MAX
    }

    /// Bytes of entries that were encoded so far.
    pub fn encoded(&self) -> u64 {
        self.shared.borrow().encoded
    }

    /// Nothing more will come.
    pub fn complete(&self) {
        self.shared.borrow_mut().complete = true;
    }

    /// Nobody wants the file any more. It ends badly, once it is gone, even if it was complete already.
    pub fn give_up(&self) {
        let shared = &mut *self.shared.borrow_mut();
        shared.given_up = true;
        shared.queue.clear();
        shared.outcome.take_if(|outcome| outcome.is_ok());
    }

    /// Whether the file has ended.
    pub fn has_outcome(&self) -> bool {
        self.shared.borrow().outcome.is_some()
    }

    /// How the file has ended: its size, or why there is none.
    pub fn take_outcome(&self) -> Option<Result<u64, String>> {
        self.shared.borrow_mut().outcome.take()
    }
}

impl Shared {
    /// The file has come to this. A good end of one that nobody wants is none.
    fn end(&mut self, outcome: Result<u64, String>) {
        if outcome.is_err() || !self.given_up {
            self.outcome = Some(outcome);
        }
    }

    /// The next slices, together about a batch; `None` once everything was taken.
    fn next(&mut self) -> Poll<Option<Vec<Slice>>> {
        if self.queue.is_empty() {
            return if self.complete || self.given_up { Poll::Ready(None) } else { Poll::Pending };
        }
        let mut bytes = 0;
        let taken = self.queue.iter().take_while(|slice| {
            let takes = bytes < BATCH;
            bytes += slice.bytes();
            takes
        });
        let taken = taken.count();
        Poll::Ready(Some(self.queue.drain(..taken).collect()))
    }
}

async fn write<R: Runtime>(
    runtime: &R,
    path: &Path,
    folder: Option<PathBuf>,
    [piecewise, synced]: [bool; 2],
    mut encoder: Encoder,
    shared: &Rc<RefCell<Shared>>,
) -> Result<(<R::Disk as Disk>::File, u64), String> {
    let said = |error: std::io::Error| error.to_string();
    if let Some(folder) = folder {
        make_folder(&runtime.disk(), &folder).await.map_err(said)?;
    }
    let file = runtime.disk().open(path, Open::Replace).await.map_err(said)?;
    let (mut size, mut unsynced) = (0u64, 0u64);
    let mut out = Vec::new();
    loop {
        let slices = poll_fn(|_| shared.borrow_mut().next()).await;
        if shared.borrow().given_up {
            return Err(GIVEN_UP.to_owned());
        }
        let is_last = slices.is_none();
        let mut taken = out;
        taken.clear();
        let bytes: usize = slices.iter().flatten().map(Slice::bytes).sum();
        (encoder, taken) = runtime
            .offload(move || {
                match slices {
                    Some(slices) => encoder.encode(&slices, &mut taken),
                    None => encoder.finish(&mut taken),
                }
                (encoder, taken)
            })
            .await;
        {
            let shared = &mut *shared.borrow_mut();
            shared.queued -= bytes;
            shared.encoded += bytes as u64;
        }
        unsynced += taken.len() as u64;
        let sync = (is_last && synced) || (piecewise && unsynced >= SYNC_EVERY);
        if sync {
            unsynced = 0;
        }
        let appended = file.append(taken, sync).await;
        appended.outcome.map_err(said)?;
        out = appended.bytes;
        size += out.len() as u64;
        if is_last {
            return Ok((file, size));
        }
    }
}
