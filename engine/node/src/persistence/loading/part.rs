//! One file of a data set: told apart, taken item by item, and judged where it ends.
//!
//! It says of every file that it is taken whole, or where it is to be cut, or why it can't be loaded; it never decides that by
//! anything but the file's own bytes, its role and the configuration.

use std::path::Path;

use refrain_core::{Engine, Hooks, LoadRule};
use refrain_persist::aof::{AofItem, AofReader, seal_gone_on_behind};
use refrain_persist::rdb::{Item, Modules, RdbReader, ReadOptions, SIGNATURE_BYTES, is_rdb};
use refrain_persist::{Salt, Seal};

use super::{LoadOptions, Part, Role, said};

/// No argument of a command is longer, whatever clients might send when it was written or may send by now: 4 GiB.
const ARGUMENT_BYTES_MAX: u64 = u32::MAX as u64;

/// What may stand behind damage to be looked at for seals: 1 GiB.
const TAIL_MAX: u64 = 1 << 30;

/// One file.
pub(super) struct Reading {
    pub(super) part: Part,
    format: Format,
    /// The database that its keys are in at the moment.
    db: u64,
    /// All of it has been fed.
    pub(super) ended: bool,
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

impl Reading {
    /// Whether it holds keys, not commands.
    pub(super) fn holds_keys(&self) -> bool {
        matches!(self.format, Format::Keys(_))
    }

    pub(super) fn new(part: Part, options: &LoadOptions) -> Reading {
        let format = match part.role {
            Role::Snapshot => Format::Keys(keys(options)),
            Role::Base { .. } => Format::Unknown(Vec::new()),
            Role::Incremental { .. } => Format::Commands(commands(0, &part)),
        };
        Reading { part, format, db: 0, ended: false, broken: None }
    }

    pub(super) fn offset(&self) -> u64 {
        match &self.format {
            Format::Unknown(_) => 0,
            Format::Keys(reader) => reader.offset(),
            Format::Commands(reader) => reader.offset(),
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8], options: &LoadOptions) -> Result<(), String> {
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

    pub(super) fn end(&mut self, options: &LoadOptions) {
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
    pub(super) fn take<H: Hooks>(
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
    pub(super) fn doubtful_from(&self) -> Option<u64> {
        let Format::Commands(reader) = &self.format else { return None };
        reader.claimed()
    }

    /// What its seals are made with.
    pub(super) fn salt(&self) -> Option<Salt> {
        let Format::Commands(reader) = &self.format else { return None };
        reader.valid_salt()
    }

    /// All of it was taken. Returns where it is to be cut.
    pub(super) fn finish<H: Hooks>(
        &mut self,
        engine: &mut Engine<H>,
        options: &LoadOptions,
    ) -> Result<Option<u64>, String> {
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
                if seal_gone_on_behind(tail).is_some() {
                    let text = "whole commands follow, of another server that went on behind a piece that was cut short: \
                                refrain-check-aof --fix <filename.manifest> lets them be loaded";
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
        Item::Library(source) => engine.load_library(source, rule).map_err(|error| error.to_string())?,
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
