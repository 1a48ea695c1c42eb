//! RDB's encodings of values, and the payloads of DUMP and RESTORE that are made of them.
//!
//! Pure: bytes in, bytes out. What is written equals what Redis 7.2 writes, byte for byte, compression included. What is read may
//! be anything: a malformed or hostile input gives an error, never a panic, and never more memory than it could rightly ask for.

mod crc64;
mod dump;
mod length;
mod lzf;
mod string;

pub use crc64::crc64;
pub use dump::{DumpError, RDB_VERSION, dump, restore};
pub use length::{Length, read_length, write_length};
pub use string::{StringValue, read_string, write_string};

/// The input ends too early, or is nothing that RDB knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Takes the first `count` bytes off the input.
fn take<'a>(input: &mut &'a [u8], count: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = input.split_at_checked(count).ok_or(Malformed)?;
    *input = rest;
    Ok(taken)
}

/// Takes the first `N` bytes off the input, as an array.
fn take_array<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, rest) = input.split_first_chunk::<N>().ok_or(Malformed)?;
    *input = rest;
    Ok(*taken)
}
