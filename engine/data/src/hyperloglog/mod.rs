//! HyperLogLogs, byte for byte as Redis stores them in strings, so that dumps and files can be exchanged.
//!
//! ```text
//! "HYLL" 4 | encoding 1 (0 dense, 1 sparse) | unused 3 | cached estimate 8, its highest bit: not valid | registers
//! ```
//!
//! 16,384 registers of 6 bits each remember, for the elements whose hash has their number in its low bits, the longest run of
//! zeros that begins the rest. Dense registers are packed 12,288 bytes; sparse ones are runs ([`sparse`]), which become dense
//! when they would grow beyond what the caller allows, or hold a value beyond 32.
//!
//! Whatever bytes come in, nothing here panics or allocates more than a dense HyperLogLog; runs that do not add up are
//! [`Corrupted`]. What is written is what Redis would have written after the same operations.

mod dense;
mod estimate;
mod hash;
mod registers;
mod sparse;
#[cfg(all(target_arch = "x86_64", not(miri)))]
mod vector;

pub use registers::Registers;
pub use sparse::Run;

/// How many registers there are.
pub const REGISTERS: usize = 1 << INDEX_BITS;

/// Bits of the hash that choose a register.
const INDEX_BITS: u32 = 14;

/// Bits of the hash that are left for the run of zeros.
const RUN_BITS: u32 = 64 - INDEX_BITS;

const MAGIC: &[u8; 4] = b"HYLL";
const ENCODING_AT: usize = 4;
const CACHE_AT: usize = 8;
const HEADER_BYTES: usize = 16;
const DENSE: u8 = 0;
const SPARSE: u8 = 1;
/// The bit of the header's last byte that says that the cached estimate is of another time.
const NOT_VALID: u8 = 0x80;

/// Bytes of a dense HyperLogLog.
pub const DENSE_BYTES: usize = HEADER_BYTES + dense::BYTES;

/// The registers are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// The smallest HyperLogLog: all registers zero, in one sparse run.
#[must_use]
pub fn empty() -> Vec<u8> {
    let mut bytes = header(SPARSE);
    bytes.extend(sparse::zeros_bytes(REGISTERS));
    bytes
}

fn header(encoding: u8) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 8);
    bytes.extend_from_slice(MAGIC);
    bytes.push(encoding);
    bytes.resize(HEADER_BYTES, 0);
    bytes
}

/// Whether the bytes begin and end as a HyperLogLog does. Sparse runs are looked at when they are used.
#[must_use]
pub fn is_plausible(bytes: &[u8]) -> bool {
    bytes.len() >= HEADER_BYTES
        && bytes.starts_with(MAGIC)
        && match bytes[ENCODING_AT] {
            DENSE => bytes.len() == DENSE_BYTES,
            encoding => encoding == SPARSE,
        }
}

/// Whether plausible bytes are dense.
#[must_use]
pub fn is_dense(bytes: &[u8]) -> bool {
    bytes[ENCODING_AT] == DENSE
}

/// The estimate that was kept, if nothing was added since.
#[must_use]
pub fn cached_estimate(bytes: &[u8]) -> Option<u64> {
    let cache = bytes[CACHE_AT..HEADER_BYTES].try_into().expect("the header has eight bytes for it");
    (bytes[HEADER_BYTES - 1] & NOT_VALID == 0).then(|| u64::from_le_bytes(cache))
}

/// The header with an estimate to keep: the bytes that replace those at the beginning.
#[must_use]
pub fn header_with_estimate(bytes: &[u8], estimate: u64) -> Vec<u8> {
    let mut header = bytes[..HEADER_BYTES].to_vec();
    header[CACHE_AT..].copy_from_slice(&estimate.to_le_bytes());
    header
}

/// Says that the kept estimate is of another time.
pub fn forget_estimate(bytes: &mut [u8]) {
    bytes[HEADER_BYTES - 1] |= NOT_VALID;
}

/// How many different elements were added, about: 0.81 % off in the mean.
///
/// # Errors
/// [`Corrupted`]
pub fn estimate(bytes: &[u8]) -> Result<u64, Corrupted> {
    if is_dense(bytes) {
        let mut registers = Registers::new();
        registers.merge(bytes)?;
        return Ok(registers.estimate());
    }
    sparse::histogram(&bytes[HEADER_BYTES..]).map(|histogram| estimate::of(&histogram))
}

/// What adding an element to a dense HyperLogLog would change, to be told from nothing before anything is copied.
#[must_use]
pub fn would_change(dense_bytes: &[u8], element: &[u8]) -> bool {
    let (index, run) = hash::place(element);
    dense::get(&dense_bytes[HEADER_BYTES..], index) < run
}

/// Adds an element to a dense HyperLogLog in place. True when that changed it.
pub fn add_dense(dense_bytes: &mut [u8], element: &[u8]) -> bool {
    let (index, run) = hash::place(element);
    dense::raise(&mut dense_bytes[HEADER_BYTES..], index, run)
}

/// Adds an element. True when that changed a register; the kept estimate is left to the caller. A sparse one becomes dense
/// rather than to grow beyond `sparse_bytes_max` (its header included).
///
/// # Errors
/// [`Corrupted`]; nothing was changed by this element then.
pub fn add(bytes: &mut Vec<u8>, element: &[u8], sparse_bytes_max: u64) -> Result<bool, Corrupted> {
    let (index, run) = hash::place(element);
    if is_dense(bytes) {
        return Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, run));
    }
    let mut place = sparse::Place::FIRST;
    raise_sparse(bytes, &mut place, index, run, sparse_bytes_max)
}

/// Raises a register of a sparse HyperLogLog, looking for it from `place` on.
fn raise_sparse(
    bytes: &mut Vec<u8>,
    place: &mut sparse::Place,
    index: usize,
    run: u8,
    sparse_bytes_max: u64,
) -> Result<bool, Corrupted> {
    match sparse::raise(bytes, place, index, run, sparse_bytes_max)? {
        sparse::Raised::Yes => Ok(true),
        sparse::Raised::AlreadyThere => Ok(false),
        sparse::Raised::NoRoom => {
            make_dense(bytes)?;
            Ok(dense::raise(&mut bytes[HEADER_BYTES..], index, run))
        }
    }
}

/// Makes a sparse HyperLogLog dense; the kept estimate goes along. A dense one stays.
///
/// # Errors
/// [`Corrupted`]; it is as it was then.
pub fn make_dense(bytes: &mut Vec<u8>) -> Result<(), Corrupted> {
    if is_dense(bytes) {
        return Ok(());
    }
    let mut registers = Registers::new();
    registers.merge(bytes)?;
    bytes.truncate(HEADER_BYTES);
    bytes[ENCODING_AT] = DENSE;
    bytes.resize(DENSE_BYTES, 0);
    dense::pack(registers.bytes(), &mut bytes[HEADER_BYTES..]);
    Ok(())
}

/// Gives a dense HyperLogLog these registers, among which its own have been merged. The kept estimate is forgotten.
pub fn set_dense(dense_bytes: &mut [u8], registers: &Registers) {
    dense::pack(registers.bytes(), &mut dense_bytes[HEADER_BYTES..]);
    forget_estimate(dense_bytes);
}

/// Raises registers to those given. A sparse HyperLogLog becomes dense when it is asked to or as by [`add`]. The kept estimate is
/// forgotten.
///
/// # Errors
/// [`Corrupted`]
pub fn raise_all(
    bytes: &mut Vec<u8>,
    registers: &Registers,
    dense: bool,
    sparse_bytes_max: u64,
) -> Result<(), Corrupted> {
    if dense {
        make_dense(bytes)?;
    }
    let mut place = sparse::Place::FIRST;
    for (index, run) in registers.bytes().iter().enumerate().filter(|(_, run)| **run != 0) {
        if is_dense(bytes) {
            let mut all = Registers::new();
            all.merge(bytes)?;
            all.raise(registers);
            dense::pack(all.bytes(), &mut bytes[HEADER_BYTES..]);
            break;
        }
        raise_sparse(bytes, &mut place, index, *run, sparse_bytes_max)?;
    }
    forget_estimate(bytes);
    Ok(())
}

/// The runs of a sparse HyperLogLog, in their order.
pub fn runs(sparse_bytes: &[u8]) -> impl Iterator<Item = Run> + '_ {
    sparse::runs(&sparse_bytes[HEADER_BYTES..])
}

#[cfg(test)]
mod tests;
