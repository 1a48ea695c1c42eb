//! A data set on its way from files into the engine: a task reads them ahead, the loop takes what has come, a bounded number of
//! keys or commands at a time.
//!
//! A file of keys is taken whole or not at all. The last part of an append-only file may end early, as the loss of power leaves
//! it; then it is cut behind the last whole transaction, if the configuration allows it. Everything else that is not as it was
//! written ends the loading, with a message that names the file and the place.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::task::Poll;

use refrain_core::{Engine, Hooks, LoadRule};
use refrain_persist::aof::{AofItem, AofReader};
use refrain_persist::rdb::{Item, Modules, RdbReader, ReadOptions, SIGNATURE_BYTES, is_rdb};
use refrain_persist::{Limits, Salt, Seal};
use refrain_runtime::{Disk, File, Open};

/// Bytes read at once.
const CHUNK: usize = 1 << 20;

/// Chunks read ahead.
const CHUNKS_AHEAD: usize = 4;

/// Keys or commands taken before the loop looks at its sockets again.
pub const ITEMS_A_STEP: usize = 2000;

/// Those that are taken between two looks at how many bytes they were.
const ITEMS_AT_ONCE: usize = 64;

/// No argument of a command is longer, whatever clients might send when it was written or may send by now: 4 GiB.
const ARGUMENT_BYTES_MAX: u64 = u32::MAX as u64;

/// What may stand behind damage to be looked at for seals: 1 GiB.
const TAIL_MAX: u64 = 1 << 30;

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

/// One file.
struct Reading {
    part: Part,
    format: Format,
    /// The database that its keys are in at the moment.
    db: u64,
    /// All of it has been fed.
    ended: bool,
    /// It is broken, and may end there, unless what follows says that it was durable.
    broken: Option<Broken>,
}

enum Format {
    /// Too little has come to tell.
    Unknown(Vec<u8>),
    Keys(Box<RdbReader>),
    Commands(Box<AofReader>),
}

struct Broken {
    why: String,
    tail: Vec<u8>,
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
        matches!(&self.reading, Some(Reading { format: Format::Keys(_), .. }))
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

impl Reading {
    fn new(part: Part, options: &LoadOptions) -> Reading {
        let format = match part.role {
            Role::Snapshot => Format::Keys(keys(options)),
            Role::Base { .. } => Format::Unknown(Vec::new()),
            Role::Incremental { .. } => Format::Commands(commands(0, &part)),
        };
        Reading { part, format, db: 0, ended: false, broken: None }
    }

    fn offset(&self) -> u64 {
        match &self.format {
            Format::Unknown(_) => 0,
            Format::Keys(reader) => reader.offset(),
            Format::Commands(reader) => reader.offset(),
        }
    }

    fn feed(&mut self, bytes: &[u8], options: &LoadOptions) -> Result<(), String> {
        if let Some(broken) = &mut self.broken {
            if broken.tail.len() as u64 + bytes.len() as u64 > TAIL_MAX {
                return Err(format!("{}: {}", self.part.path.display(), broken.why));
            }
            broken.tail.extend_from_slice(bytes);
            return Ok(());
        }
        match &mut self.format {
            Format::Unknown(start) => {
                start.extend_from_slice(bytes);
                if start.len() >= SIGNATURE_BYTES {
                    self.decide(options);
                }
            }
            Format::Keys(reader) => reader.feed(bytes),
            Format::Commands(reader) => reader.feed(bytes),
        }
        Ok(())
    }

    fn end(&mut self, options: &LoadOptions) {
        if let Format::Unknown(_) = self.format {
            self.decide(options);
        }
        match &mut self.format {
            Format::Unknown(_) => {}
            Format::Keys(reader) => reader.end_of_input(),
            Format::Commands(reader) => reader.end_of_input(),
        }
        self.ended = true;
    }

    fn decide(&mut self, options: &LoadOptions) {
        let Format::Unknown(start) = &mut self.format else { return };
        let start = std::mem::take(start);
        self.format = match is_rdb(&start) {
            true => {
                let mut reader = keys(options);
                reader.feed(&start);
                Format::Keys(reader)
            }
            false => {
                let mut reader = commands(0, &self.part);
                reader.feed(&start);
                Format::Commands(reader)
            }
        };
    }

    /// Takes up to so many items. Returns how many.
    fn take<H: Hooks>(
        &mut self,
        engine: &mut Engine<H>,
        options: &LoadOptions,
        items_max: usize,
    ) -> Result<usize, String> {
        if self.broken.is_some() {
            return Ok(0);
        }
        let mut taken = 0;
        while taken < items_max {
            match &mut self.format {
                Format::Unknown(_) => break,
                Format::Keys(reader) => {
                    let rule = LoadRule { merge: options.merge, keeps_expired: self.part.role != Role::Snapshot };
                    if !take_key(reader, engine, rule, &self.part, &mut self.db)
                        .map_err(|why| said(&self.part.path, &why))?
                    {
                        break;
                    }
                    if reader.is_done()
                        && matches!(self.part.role, Role::Base { .. })
                        && (self.ended || !reader.rest().is_empty())
                    {
                        // An old file: keys, and commands behind them.
                        let mut behind = commands(reader.offset(), &self.part);
                        behind.feed(reader.rest());
                        if self.ended {
                            behind.end_of_input();
                        }
                        engine.loaded_snapshot();
                        self.format = Format::Commands(behind);
                    }
                }
                Format::Commands(reader) => match take_command(reader, engine) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(Refused::Command(why)) => {
                        let name = name_of(&self.part.path);
                        return Err(format!("{why} reading the append only file {name}"));
                    }
                    Err(Refused::Format { why, may_end_here }) => {
                        if !may_end_here || !(self.part.role.is_last() || options.cut_anywhere) {
                            let name = name_of(&self.part.path);
                            return Err(format!(
                                "Bad file format reading the append only file {name}: {why}: make a backup of your AOF file, \
                                 then use refrain-check-aof --fix <filename.manifest>"
                            ));
                        }
                        let tail = reader.rest().to_vec();
                        self.broken = Some(Broken { why, tail });
                        break;
                    }
                },
            }
            taken += 1;
        }
        Ok(taken)
    }

    /// Up to where its seals say that it was durable. Of files without seals there is nobody to ask.
    fn doubtful_from(&self) -> Option<u64> {
        let Format::Commands(reader) = &self.format else { return None };
        reader.claimed()
    }

    /// What its seals are made with.
    fn salt(&self) -> Option<Salt> {
        let Format::Commands(reader) = &self.format else { return None };
        reader.valid_salt()
    }

    /// All of it was taken. Returns where it is to be cut.
    fn finish<H: Hooks>(&mut self, engine: &mut Engine<H>, options: &LoadOptions) -> Result<Option<u64>, String> {
        let path = &self.part.path;
        if let Format::Keys(reader) = &self.format
            && !reader.is_done()
        {
            return Err(said(path, "it ends early"));
        }
        if let Format::Keys(_) = &self.format {
            engine.loaded_snapshot();
        }
        // Of a transaction that is cut off nothing has happened.
        engine.replay_ends();
        let Format::Commands(reader) = &self.format else { return Ok(None) };
        let end = reader.valid_up_to();
        let (cut, why) = match &self.broken {
            Some(Broken { why, tail }) => {
                if Seal::latest_claim(reader.salt(), tail).is_some_and(|claim| claim > end) {
                    let text = "what follows shows that it was durable: the disk has lost what it had kept";
                    return Err(said(path, &format!("{why}, and {text}")));
                }
                (true, why.as_str())
            }
            None => (end < self.part.size, "it ends early"),
        };
        if !cut {
            return Ok(None);
        }
        if !self.part.role.is_last() && !options.cut_anywhere {
            return Err(said(path, &format!("{why}, and it is not the last part")));
        }
        tracing::warn!("!!! Warning: short read while loading the AOF file {}!!!", name_of(path));
        if !options.cut_allowed {
            return Err(said(
                path,
                "Unexpected end of file reading the append only file. You can: 1) Make a backup of your AOF file, then use \
                 refrain-check-aof --fix <filename.manifest>. 2) Alternatively you can set the 'aof-load-truncated' \
                 configuration option to yes and restart the server.",
            ));
        }
        tracing::warn!("AOF loaded anyway because aof-load-truncated is enabled: {why}");
        tracing::warn!("Truncating the AOF {} at offset {end}", name_of(path));
        Ok(Some(end))
    }
}

fn keys(options: &LoadOptions) -> Box<RdbReader> {
    Box::new(RdbReader::new(ReadOptions {
        checksum: options.checksum,
        modules: Modules::Refuse,
        limits: options.limits,
    }))
}

fn commands(offset: u64, part: &Part) -> Box<AofReader> {
    Box::new(AofReader::new(offset, ARGUMENT_BYTES_MAX).of_len(part.size))
}

fn name_of(path: &Path) -> std::path::Display<'_> {
    Path::new(path.file_name().unwrap_or(path.as_os_str())).display()
}

fn said(path: &Path, why: &str) -> String {
    format!("{}: {why}", path.display())
}

/// Takes an item from a file of keys. False if there is none yet, or no more.
fn take_key<H: Hooks>(
    reader: &mut RdbReader,
    engine: &mut Engine<H>,
    rule: LoadRule,
    part: &Part,
    db: &mut u64,
) -> Result<bool, String> {
    let left = part.size.saturating_sub(reader.offset());
    let Some(item) = reader.next().map_err(|error| error.to_string())? else { return Ok(false) };
    match item {
        Item::Key(key) => engine.load_key(key, rule).map_err(|error| error.to_string())?,
        Item::Aux { key, value } => {
            let text = String::from_utf8_lossy(&value);
            match &*key {
                b"redis-ver" | b"valkey-ver" | b"refrain-ver" => {
                    tracing::info!("Loading RDB produced by version {text}");
                }
                b"used-mem" => {
                    if let Ok(bytes) = text.parse() {
                        engine.loading_found_used_memory(bytes);
                    }
                }
                name if name.starts_with(b"%") => {
                    tracing::info!("RDB '{}': {text}", String::from_utf8_lossy(name));
                }
                _ => {}
            }
        }
        Item::Library(_) => return Err("it holds functions, and there are no scripts in this server".to_owned()),
        Item::Module { name, .. } => return Err(format!("it holds data of the module type '{name}'")),
        Item::Database(number) => *db = number,
        Item::Resize { keys, .. } => engine.loading_expects(*db, keys, left),
        Item::End => engine.load_arrived(0).map_err(|error| error.to_string())?,
    }
    Ok(true)
}

enum Refused {
    /// A command that can't be one of a server's.
    Command(String),
    /// What stands there is nothing that was written whole. Where that is is said, too.
    Format { why: String, may_end_here: bool },
}

/// Takes a command. False if there is none yet, or no more.
fn take_command<H: Hooks>(reader: &mut AofReader, engine: &mut Engine<H>) -> Result<bool, Refused> {
    let item = reader
        .next()
        .map_err(|error| Refused::Format { may_end_here: error.kind.may_be_unsynced(), why: error.to_string() })?;
    match item {
        Some(AofItem::Command(command)) => {
            engine.replay(command).map_err(|error| Refused::Command(error.to_string()))?;
            Ok(true)
        }
        Some(AofItem::Annotation(_)) => Ok(true),
        None => Ok(false),
    }
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
