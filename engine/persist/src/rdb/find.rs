//! What comes next in a file: found out from its first byte, and passed over.
//!
//! Nothing is made of it here. What has not all arrived is found again, from its beginning, when more has.

use super::error::{Doing, RdbErrorKind};
use super::reader::{Modules, ReadOptions};
use super::{Dialect, HEADER_BYTES, SIGNATURE, Usage, VALKEY_SIGNATURE, opcode, skim};
use crate::value::{deadline, number};
use crate::{Input, Malformed};

/// Behind the end.
pub(super) const CHECKSUM_BYTES: usize = 8;

/// Where in a file something is to be found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Header,
    Items,
    Checksum,
    Done,
}

/// What was found at the beginning of what had not been understood.
pub(super) enum Found {
    Header(Dialect, u16),
    Deadline(Option<u64>),
    Usage(Usage),
    SlotInfo,
    Aux,
    Database(u64),
    Resize { keys: u64, with_deadline: u64 },
    Library,
    Key,
    ModuleAux(String),
    ModuleKey(String),
    Eof,
    Checksum(u64),
}

/// Why nothing was found.
pub(super) enum Unfound {
    /// Because of this.
    Wrong(RdbErrorKind),
    /// It is wrong, or has not all arrived: the input knows.
    Malformed,
}

impl From<Malformed> for Unfound {
    fn from(_: Malformed) -> Unfound {
        Unfound::Malformed
    }
}

/// Finds out what comes next, and passes over it.
pub(super) fn find(
    phase: Phase,
    dialect: Dialect,
    options: &ReadOptions,
    doing: &mut Doing,
    input: &mut Input<'_>,
) -> Result<Found, Unfound> {
    let len_max = options.limits.string_bytes;
    match phase {
        Phase::Header => {
            *doing = Doing::Start;
            let (dialect, version) = header(&input.take_array::<HEADER_BYTES>()?).map_err(Unfound::Wrong)?;
            return Ok(Found::Header(dialect, version));
        }
        Phase::Checksum => {
            *doing = Doing::Checksum;
            return Ok(Found::Checksum(u64::from_le_bytes(input.take_array::<CHECKSUM_BYTES>()?)));
        }
        Phase::Items | Phase::Done => {}
    }
    *doing = Doing::Type;
    let [kind] = input.take_array()?;
    *doing = match kind {
        opcode::SLOT_INFO | opcode::SELECTDB | opcode::RESIZEDB | opcode::IDLE | opcode::FREQ => Doing::Length,
        opcode::FUNCTION2 | opcode::FUNCTION_PRE_GA => Doing::Functions,
        opcode::MODULE_AUX | opcode::KEY_META => Doing::ModuleAux,
        opcode::AUX => Doing::Aux,
        opcode::EXPIRETIME | opcode::EXPIRETIME_MS => Doing::Expire,
        _ => Doing::Type,
    };
    Ok(match kind {
        opcode::KEY_META if dialect == Dialect::Redis => {
            let names = skim::key_metadata(input, len_max)?;
            if options.modules == Modules::Refuse {
                return Err(Unfound::Wrong(RdbErrorKind::KeyMetadata(names)));
            }
            Found::ModuleAux(names)
        }
        // The keys that had arrived are among the others, and are not to be seen unless the rest comes.
        opcode::SLOT_IMPORT if dialect == Dialect::Valkey => return Err(Unfound::Wrong(RdbErrorKind::SlotImport)),
        opcode::SLOT_INFO => {
            for _ in 0..3 {
                skim::count(input)?;
            }
            Found::SlotInfo
        }
        opcode::FUNCTION2 => {
            skim::string(input, len_max)?;
            Found::Library
        }
        opcode::FUNCTION_PRE_GA => return Err(Unfound::Wrong(RdbErrorKind::PreReleaseFunctions)),
        opcode::MODULE_AUX => {
            /// What says that a number follows: whether the data belongs before or behind the keys.
            const UNSIGNED: u64 = 2;
            let name = skim::module_name(skim::count(input)?);
            if options.modules == Modules::Refuse {
                return Err(Unfound::Wrong(RdbErrorKind::ModuleAux(name)));
            }
            let says = skim::count(input)?;
            skim::count(input)?;
            if says != UNSIGNED {
                return Err(Unfound::Wrong(RdbErrorKind::Malformed));
            }
            skim::module(input, len_max)?;
            Found::ModuleAux(name)
        }
        opcode::IDLE => Found::Usage(Usage::Idle { seconds: skim::count(input)? }),
        opcode::FREQ => {
            let [counter] = input.take_array()?;
            Found::Usage(Usage::Frequency(counter))
        }
        opcode::AUX => {
            skim::string(input, len_max)?;
            skim::string(input, len_max)?;
            Found::Aux
        }
        opcode::RESIZEDB => Found::Resize { keys: skim::count(input)?, with_deadline: skim::count(input)? },
        opcode::EXPIRETIME_MS => Found::Deadline(deadline(i64::from_le_bytes(input.take_array()?))),
        opcode::EXPIRETIME => {
            let seconds = i32::from_le_bytes(input.take_array()?);
            Found::Deadline(deadline(i64::from(seconds) * 1000))
        }
        opcode::SELECTDB => Found::Database(skim::count(input)?),
        opcode::EOF => Found::Eof,
        number::MODULE => {
            *doing = Doing::Key;
            skim::string(input, len_max)?;
            *doing = Doing::Value;
            let name = skim::module_name(skim::count(input)?);
            if options.modules == Modules::Refuse {
                return Err(Unfound::Wrong(RdbErrorKind::ModuleType(name)));
            }
            skim::module(input, len_max)?;
            Found::ModuleKey(name)
        }
        value_type if dialect.has(value_type) => {
            *doing = Doing::Key;
            skim::string(input, len_max)?;
            *doing = Doing::Value;
            skim::value(value_type, input, len_max)?;
            Found::Key
        }
        unknown => return Err(Unfound::Wrong(RdbErrorKind::Type(unknown))),
    })
}

/// What wrote the file, and its version.
fn header(bytes: &[u8; HEADER_BYTES]) -> Result<(Dialect, u16), RdbErrorKind> {
    let signatures = [(SIGNATURE, Dialect::Redis), (VALKEY_SIGNATURE, Dialect::Valkey)];
    let known = signatures.into_iter().find_map(|(signature, dialect)| Some((bytes.strip_prefix(signature)?, dialect)));
    let (digits, dialect) = known.ok_or(RdbErrorKind::Signature)?;
    let digits = digits.iter().take_while(|digit| digit.is_ascii_digit());
    let version = digits.fold(0, |version: u16, digit| version * 10 + u16::from(digit - b'0'));
    let read_here = version > 0 && Dialect::of_version(version) == Some(dialect);
    if read_here { Ok((dialect, version)) } else { Err(RdbErrorKind::Version(version)) }
}
