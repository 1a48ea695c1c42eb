//! A data set on its way from files into the engine: a task reads them ahead, the loop takes what has come, a bounded number of
//! keys or commands at a time.
//!
//! A file of keys is taken whole or not at all. The last part of an append-only file may end early, as the loss of power leaves
//! it; then it is cut behind the last whole transaction, if the configuration allows it. Everything else that is not as it was
//! written ends the loading, with a message that names the file and the place.

mod part;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Poll;

use refrain_core::{Engine, Hooks};
use refrain_persist::{Limits, Salt};
use refrain_runtime::{Disk, File, Open};

use self::part::Reading;

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Chunks read ahead.
const CHUNKS_AHEAD: usize = 4;

/// Keys or commands taken before the loop looks at its sockets again.
pub const ITEMS_A_STEP: usize = 2000;

/// Those that are taken between two looks at how many bytes they were.
const ITEMS_AT_ONCE: usize = 64;

/// A file to be loaded.
#[derive(Debug, Clone)]
pub struct Part {
    pub path: PathBuf,
    pub size: u64,
    pub role: Role,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Keys, and no more.
    Snapshot,
    /// The base of an append-only file: keys or commands or both.
    Base { is_last: bool },
    /// Commands.
    Incremental { is_last: bool },
}

impl Role {
    /// Whether it may end early.
    fn is_last(self) -> bool {
        matches!(self, Role::Base { is_last: true } | Role::Incremental { is_last: true })
    }
}

/// How files are loaded.
#[derive(Debug, Clone, Copy)]
pub struct LoadOptions {
    pub limits: Limits,
    pub checksum: bool,
    /// Bytes and items taken before the loop looks at its sockets again.
    pub bytes_a_step: u64,
    pub items_a_step: usize,
    /// A test wants parts that are not the last to be cut, too.
    pub cut_anywhere: bool,
    /// A last part that ends early is cut.
    pub cut_allowed: bool,
    /// See [`LoadRule::merge`].
    pub merge: bool,
}

/// What came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// So many bytes of the last part are whole transactions; `None` if all of it is.
    pub cut_to: Option<u64>,
    /// From here on nobody has said of the last part that it is durable; `None` if nobody has said anything of it.
    pub doubtful_from: Option<u64>,
    /// What the last part's seals are made with, if it says that.
    pub salt: Option<Salt>,
    /// How many files there were.
    pub files: usize,
}

enum Piece {
    Bytes(Vec<u8>),
    End,
    Failed(String),
}

#[derive(Default)]
struct Inbox {
    pieces: VecDeque<Piece>,
}

/// Files being loaded: the loop's end.
pub struct Loader {
    inbox: Rc<RefCell<Inbox>>,
    parts: VecDeque<Part>,
    options: LoadOptions,
    reading: Option<Reading>,
    /// Bytes of parts that are done.
    before: u64,
    loaded: Loaded,
}

/// How far a step got.
pub enum Step {
    /// There is more to do at once.
    More,
    /// More must be read first.
    Waits,
    Done(Loaded),
}

impl Loader {
    /// The loop's end, and the task that reads.
    pub fn new<D: Disk>(
        disk: D,
        parts: Vec<Part>,
        options: LoadOptions,
    ) -> (Loader, impl Future<Output = ()> + 'static) {
        let inbox: Rc<RefCell<Inbox>> = Rc::default();
        let task = read(disk, parts.clone(), Rc::clone(&inbox));
        let loader =
            Loader { inbox, parts: parts.into(), options, reading: None, before: 0, loaded: Loaded::default() };
        (loader, task)
    }

    /// How far it has got, over all parts.
    fn offset(&self) -> u64 {
        self.before + self.reading.as_ref().map_or(0, Reading::offset)
    }

    /// Whether what is being read holds keys, not commands.
    pub fn reads_keys(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::holds_keys)
    }

    /// Whether something has come that was not taken.
    pub fn has_more(&self) -> bool {
        !self.inbox.borrow().pieces.is_empty()
    }

    /// Takes some of what has come.
    ///
    /// # Errors
    /// Why the data set can't be loaded, for the operator.
    pub fn step<H: Hooks>(&mut self, engine: &mut Engine<H>) -> Result<Step, String> {
        let (mut items, began) = (0, self.offset());
        while items < self.options.items_a_step && self.offset() - began < self.options.bytes_a_step {
            let reading = match &mut self.reading {
                Some(reading) => reading,
                none => {
                    let Some(part) = self.parts.pop_front() else { return Ok(Step::Done(self.loaded.clone())) };
                    tracing::debug!("loading {}", part.path.display());
                    none.insert(Reading::new(part, &self.options))
                }
            };
            let taken = reading.take(engine, &self.options, (self.options.items_a_step - items).min(ITEMS_AT_ONCE))?;
            items += taken;
            engine.loading_progress(self.before + reading.offset());
            if taken > 0 {
                continue;
            }
            if reading.ended {
                self.before += reading.part.size;
                if let Some(cut_to) = reading.finish(engine, &self.options)? {
                    self.loaded.cut_to = Some(cut_to);
                }
                (self.loaded.doubtful_from, self.loaded.salt) = (reading.doubtful_from(), reading.salt());
                self.reading = None;
                self.loaded.files += 1;
                continue;
            }
            match self.inbox.borrow_mut().pieces.pop_front() {
                Some(Piece::Bytes(bytes)) => reading.feed(&bytes, &self.options)?,
                Some(Piece::End) => reading.end(&self.options),
                Some(Piece::Failed(why)) => return Err(why),
                None => return Ok(Step::Waits),
            }
        }
        Ok(Step::More)
    }
}

fn said(path: &Path, why: &str) -> String {
    format!("{}: {why}", path.display())
}

/// Reads all parts, one behind the other, not too far ahead.
async fn read<D: Disk>(disk: D, parts: Vec<Part>, inbox: Rc<RefCell<Inbox>>) {
    for part in parts {
        if let Err(error) = read_part(&disk, &part, &inbox).await {
            inbox.borrow_mut().pieces.push_back(Piece::Failed(said(&part.path, &error.to_string())));
            return;
        }
    }
}

async fn read_part<D: Disk>(disk: &D, part: &Part, inbox: &Rc<RefCell<Inbox>>) -> std::io::Result<()> {
    let file = disk.open(&part.path, Open::Read).await?;
    let mut offset = 0;
    loop {
        poll_fn(|_| match inbox.borrow().pieces.len() < CHUNKS_AHEAD {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        let bytes = file.read_at(offset, CHUNK).await?;
        offset += bytes.len() as u64;
        let is_last = bytes.len() < CHUNK;
        let pieces = &mut inbox.borrow_mut().pieces;
        if !bytes.is_empty() {
            pieces.push_back(Piece::Bytes(bytes));
        }
        if is_last {
            pieces.push_back(Piece::End);
            return Ok(());
        }
    }
}
