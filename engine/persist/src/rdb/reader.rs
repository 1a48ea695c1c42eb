//! A file being read, as it arrives.
//!
//! Bytes are fed, items are taken. An item is given when all of it has arrived; keys and values borrow from what was fed, unless
//! they were written as numbers or compressed. How much is kept is bounded by what was fed, and of that by the longest item.

use std::borrow::Cow;

use super::error::{Doing, RdbError, RdbErrorKind};
use super::find::{CHECKSUM_BYTES, Found, Phase, Unfound, find};
use super::{Dialect, Usage, VERSION_WITH_CHECKSUM};
use crate::incoming::Incoming;
use crate::string::{StringValue, read_string};
use crate::value::{Limits, Restored, read_value};
use crate::{Input, Malformed};

/// How a file is read.
#[derive(Clone, Copy, Debug)]
pub struct ReadOptions {
    /// Whether the checksum is compared. If not, none is made.
    pub checksum: bool,
    /// What is done about data of modules.
    pub modules: Modules,
    /// Which collections stay small, and how long a string may be.
    pub limits: Limits,
}

/// What is done about data of modules, of which none is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Modules {
    /// The file can't be read.
    Refuse,
    /// They are passed over and named.
    Skip,
}

/// A piece of a file.
pub enum Item<'a> {
    /// Something that the file says of itself.
    Aux {
        /// Its name.
        key: Cow<'a, [u8]>,
        /// What it says.
        value: Cow<'a, [u8]>,
    },
    /// The keys that follow are in this database.
    Database(u64),
    /// How many keys this database holds.
    Resize {
        /// All of them.
        keys: u64,
        /// Those that have a deadline.
        with_deadline: u64,
    },
    /// The source of a library of functions.
    Library(&'a [u8]),
    /// A key with its value.
    Key(LoadedKey<'a>),
    /// Data of a module that was passed over; of the key, or of none.
    Module {
        /// The name of the module's type.
        name: String,
        /// The key that holds it.
        key: Option<Cow<'a, [u8]>>,
    },
    /// The end.
    End,
}

/// A key that was read.
pub struct LoadedKey<'a> {
    /// The number of its database.
    pub db: u64,
    /// Its name.
    pub key: Cow<'a, [u8]>,
    /// Its value.
    pub value: Restored<'a>,
    /// The number of its value's type and encoding.
    pub value_type: u8,
    /// When it ends, in milliseconds since 1970.
    pub deadline_ms: Option<u64>,
    /// What is known of its use.
    pub usage: Usage,
}

/// What the checksum said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// The end has not been reached, or there is none in files of that version.
    Absent,
    /// The file was written without one.
    Disabled,
    /// It was not to be compared.
    Ignored,
    /// It fits.
    Verified,
}

/// Reads a file.
pub struct RdbReader {
    options: ReadOptions,
    incoming: Incoming,
    phase: Phase,
    version: u16,
    dialect: Dialect,
    /// Nothing more will come.
    ended: bool,
    /// With fewer bytes than this it is not worth looking again.
    needed: usize,
    doing: Doing,
    db: u64,
    deadline_ms: Option<u64>,
    usage: Usage,
    checksum: Checksum,
    failed: Option<RdbError>,
    /// A key or a source that is not in the file as it reads.
    text: Vec<u8>,
}

impl RdbReader {
    /// Reads a file from its beginning.
    #[must_use]
    pub fn new(options: ReadOptions) -> RdbReader {
        RdbReader {
            options,
            incoming: Incoming::new(0, options.checksum),
            phase: Phase::Header,
            version: 0,
            dialect: Dialect::Redis,
            ended: false,
            needed: 0,
            doing: Doing::Start,
            db: 0,
            deadline_ms: None,
            usage: Usage::Nothing,
            checksum: Checksum::Absent,
            failed: None,
            text: Vec::new(),
        }
    }

    /// The next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.incoming.feed(bytes);
    }

    /// There are no more. Only then is everything given that could be: before, what has grown long is not looked at again until it
    /// has become twice as long.
    pub fn end_of_input(&mut self) {
        self.ended = true;
        self.needed = 0;
    }

    /// How many bytes of the file have been understood.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.incoming.offset()
    }

    /// The version that the header said, and no number of both Redis's and Valkey's; 0 before.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Whether the end has been read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// What the checksum said.
    #[must_use]
    pub fn checksum(&self) -> Checksum {
        self.checksum
    }

    /// What was fed and not understood; once the end has been read, what stands behind it.
    #[must_use]
    pub fn rest(&self) -> &[u8] {
        self.incoming.rest()
    }

    /// The next item; `None` when more must be fed first, or after the end.
    ///
    /// # Errors
    /// For what is no file of this format, and after the input's end for what is cut short. Every further call gives the same.
    #[expect(clippy::should_implement_trait, reason = "an item borrows from the reader, which an iterator's can't")]
    pub fn next(&mut self) -> Result<Option<Item<'_>>, RdbError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let (found, len) = loop {
            let there = self.incoming.rest().len();
            if self.phase == Phase::Done || there < self.needed {
                return Ok(None);
            }
            let mut input = Input::new(self.incoming.rest());
            let found = find(self.phase, self.dialect, &self.options, &mut self.doing, &mut input);
            let (len, wanted) = (there - input.rest().len(), input.wanted());
            match found {
                Ok(found) => {
                    self.incoming.advance(len);
                    self.needed = 0;
                    if self.note(&found)? {
                        break (found, len);
                    }
                }
                Err(Unfound::Malformed) if wanted > 0 && !self.ended => {
                    // Twice as much at least, so that looking at the same bytes again and again adds up to little.
                    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
                    self.needed = there.saturating_add(wanted).max(there.saturating_mul(2));
                }
                Err(why) => {
                    let kind = match why {
                        Unfound::Wrong(kind) => kind,
                        Unfound::Malformed if wanted > 0 => RdbErrorKind::UnexpectedEnd,
                        Unfound::Malformed => RdbErrorKind::Malformed,
                    };
                    return Err(self.fail(len, kind));
                }
            }
        };
        let (deadline_ms, usage) = match found {
            Found::Key | Found::ModuleKey(_) => (self.deadline_ms.take(), std::mem::take(&mut self.usage)),
            _ => (None, Usage::Nothing),
        };
        let mut input = Input::new(self.incoming.last(len));
        let item = make(found, &mut input, &self.options.limits, &mut self.text);
        let item = item.map(|item| match item {
            Item::Key(key) => Item::Key(LoadedKey { db: self.db, deadline_ms, usage, ..key }),
            item => item,
        });
        item.map(Some).map_err(|Malformed| {
            let error = RdbError {
                offset: self.incoming.offset() - input.rest().len() as u64,
                doing: self.doing,
                kind: input.complaint().map_or(RdbErrorKind::Malformed, RdbErrorKind::Damaged),
                ..RdbError::at_key(self.incoming.last(len), &self.options.limits, self.doing)
            };
            self.failed.insert(error).clone()
        })
    }

    /// Takes what was found into account; whether it is an item, too.
    fn note(&mut self, found: &Found) -> Result<bool, RdbError> {
        match *found {
            Found::Header(dialect, version) => {
                self.dialect = dialect;
                self.version = version;
                self.phase = Phase::Items;
            }
            Found::Deadline(at) => self.deadline_ms = at,
            Found::Usage(usage) => self.usage = usage,
            Found::SlotInfo => {}
            Found::Database(number) => {
                self.db = number;
                return Ok(true);
            }
            Found::Eof if self.version >= VERSION_WITH_CHECKSUM => self.phase = Phase::Checksum,
            Found::Eof => {
                self.phase = Phase::Done;
                return Ok(true);
            }
            Found::Checksum(found) => {
                self.checksum = match self.incoming.checksum_before(CHECKSUM_BYTES) {
                    None => Checksum::Ignored,
                    Some(_) if found == 0 => Checksum::Disabled,
                    Some(expected) if expected == found => Checksum::Verified,
                    Some(expected) => return Err(self.fail(0, RdbErrorKind::Checksum { expected, found })),
                };
                self.phase = Phase::Done;
                return Ok(true);
            }
            _ => return Ok(true),
        }
        Ok(false)
    }

    /// Fails for good, `understood` bytes into what has not been understood.
    fn fail(&mut self, understood: usize, kind: RdbErrorKind) -> RdbError {
        let error = RdbError {
            offset: self.incoming.offset() + understood as u64,
            kind,
            ..RdbError::at_key(self.incoming.rest(), &self.options.limits, self.doing)
        };
        self.failed.insert(error).clone()
    }
}

/// Makes an item of the bytes that were found to be one.
fn make<'a>(
    found: Found,
    input: &mut Input<'a>,
    limits: &Limits,
    text: &'a mut Vec<u8>,
) -> Result<Item<'a>, Malformed> {
    Ok(match found {
        Found::Key => {
            let [value_type] = input.take_array()?;
            let key = borrowed(input, limits, text)?;
            let value = read_value(value_type, input, limits)?;
            let (db, deadline_ms, usage) = (0, None, Usage::Nothing);
            Item::Key(LoadedKey { db, key: Cow::Borrowed(key), value, value_type, deadline_ms, usage })
        }
        Found::Aux => {
            input.take(1)?;
            Item::Aux { key: owned(input, limits)?, value: owned(input, limits)? }
        }
        Found::Library => {
            input.take(1)?;
            Item::Library(borrowed(input, limits, text)?)
        }
        Found::ModuleKey(name) => {
            input.take(1)?;
            Item::Module { name, key: Some(owned(input, limits)?) }
        }
        Found::ModuleAux(name) => Item::Module { name, key: None },
        Found::Database(number) => Item::Database(number),
        Found::Resize { keys, with_deadline } => Item::Resize { keys, with_deadline },
        Found::Eof | Found::Checksum(_) => Item::End,
        Found::Header(..) | Found::Deadline(_) | Found::Usage(_) | Found::SlotInfo => {
            unreachable!("what is only noted is no item")
        }
    })
}

/// Reads a string as its bytes; `text` holds them if the input does not.
fn borrowed<'a>(input: &mut Input<'a>, limits: &Limits, text: &'a mut Vec<u8>) -> Result<&'a [u8], Malformed> {
    match read_string(input, limits.string_bytes)? {
        StringValue::Bytes(Cow::Borrowed(bytes)) => return Ok(bytes),
        StringValue::Bytes(Cow::Owned(bytes)) => *text = bytes,
        StringValue::Int(number) => {
            text.clear();
            text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        }
    }
    Ok(text)
}

/// Reads a string as its bytes.
pub(super) fn owned<'a>(input: &mut Input<'a>, limits: &Limits) -> Result<Cow<'a, [u8]>, Malformed> {
    Ok(match read_string(input, limits.string_bytes)? {
        StringValue::Bytes(bytes) => bytes,
        StringValue::Int(number) => Cow::Owned(itoa::Buffer::new().format(number).as_bytes().to_vec()),
    })
}
