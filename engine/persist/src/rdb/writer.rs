//! A file being written: into buffers of the caller's, in the order of the calls.
//!
//! The order is the caller's to keep: libraries, then each database with its keys, then the end, once. All bytes that were
//! appended, in their order and nothing between, are the file.

use refrain_data::{Entry, Value};

use super::{SIGNATURE, Usage, Version, opcode};
use crate::crc64::Crc64;
use crate::length::write_length;
use crate::string::{Compressor, write_bytes_or_compressed, write_string};
use crate::value::{value_type, write_value};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RdbOptions {
    /// Whether long strings are compressed.
    pub compression: bool,
    /// Whether a checksum is made; 0 stands for none.
    pub checksum: bool,
    /// What the file says of itself.
    pub aux: Aux,
}

/// What a file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aux {
    /// When it was made.
    pub ctime_unix_s: u64,
    /// How much memory the data took.
    pub used_memory: u64,
    /// Whether it is the base of an append-only file.
    pub aof_base: bool,
    /// The version of the server that made it.
    pub redis_version: &'static str,
}

/// Encodes a file piece by piece. It may be moved between threads from one piece to the next.
pub struct RdbWriter {
    version: Version,
    /// What the file says of itself, until it has been written.
    aux: Option<Aux>,
    compressor: Compressor,
    checksum: Option<Crc64>,
}

/// Pieces that are appended to one buffer, and summed together when the batch is dropped: a checksum over many short pieces
/// costs several times that of one long piece.
pub struct Batch<'a> {
    writer: &'a mut RdbWriter,
    out: &'a mut Vec<u8>,
    /// Where the bytes begin that are not in the checksum yet.
    unsummed: usize,
}

impl RdbWriter {
    /// A file of this version. Its first bytes come with the first piece.
    #[must_use]
    pub fn new(version: Version, options: RdbOptions) -> RdbWriter {
        RdbWriter {
            version,
            aux: Some(options.aux),
            compressor: Compressor::new(options.compression),
            checksum: options.checksum.then(Crc64::new),
        }
    }

    /// Begins to append to `out`.
    pub fn batch<'a>(&'a mut self, out: &'a mut Vec<u8>) -> Batch<'a> {
        let unsummed = out.len();
        if let Some(aux) = self.aux.take() {
            write_header(out, self.version, &aux, &mut self.compressor);
        }
        Batch { writer: self, out, unsummed }
    }

    /// A batch of one: see [`Batch::library`].
    pub fn library(&mut self, out: &mut Vec<u8>, source: &[u8]) {
        self.batch(out).library(source);
    }

    /// A batch of one: see [`Batch::database`].
    pub fn database(&mut self, out: &mut Vec<u8>, number: usize, keys: u64, with_deadline: u64) {
        self.batch(out).database(number, keys, with_deadline);
    }

    /// A batch of one: see [`Batch::entry`].
    pub fn entry(&mut self, out: &mut Vec<u8>, entry: Entry<'_>, usage: Usage) {
        self.batch(out).entry(entry, usage);
    }

    /// A batch of one: see [`Batch::finish`].
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.batch(out).finish();
    }
}

impl Batch<'_> {
    /// How many bytes there are in the buffer by now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether there is nothing in the buffer.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// A library of functions: its whole source.
    pub fn library(&mut self, source: &[u8]) {
        self.out.push(opcode::FUNCTION2);
        write_string(self.out, Value::Bytes(source), &mut self.writer.compressor);
    }

    /// The keys that follow are in this database, which has so many keys, and so many with a deadline.
    pub fn database(&mut self, number: usize, keys: u64, with_deadline: u64) {
        self.out.push(opcode::SELECTDB);
        write_length(self.out, number as u64);
        self.out.push(opcode::RESIZEDB);
        write_length(self.out, keys);
        write_length(self.out, with_deadline);
    }

    /// A key with its value and deadline.
    pub fn entry(&mut self, entry: Entry<'_>, usage: Usage) {
        if let Some(deadline_ms) = entry.deadline() {
            self.out.push(opcode::EXPIRETIME_MS);
            self.out.extend_from_slice(&deadline_ms.to_le_bytes());
        }
        match usage {
            Usage::Nothing => {}
            Usage::Idle { seconds } => {
                self.out.push(opcode::IDLE);
                write_length(self.out, seconds);
            }
            Usage::Frequency(counter) => self.out.extend_from_slice(&[opcode::FREQ, counter]),
        }
        let value_type = value_type(entry, self.writer.version);
        self.out.push(value_type);
        write_string(self.out, Value::Bytes(entry.key()), &mut self.writer.compressor);
        write_value(self.out, value_type, entry, &mut self.writer.compressor);
    }

    /// The end. The writer is of no use afterwards.
    pub fn finish(mut self) {
        self.out.push(opcode::EOF);
        self.sum();
        let checksum = self.writer.checksum.as_ref().map_or(0, Crc64::sum);
        self.out.extend_from_slice(&checksum.to_le_bytes());
        self.unsummed = self.out.len();
    }

    fn sum(&mut self) {
        if let Some(checksum) = &mut self.writer.checksum {
            checksum.update(&self.out[self.unsummed..]);
        }
        self.unsummed = self.out.len();
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.sum();
    }
}

fn write_header(out: &mut Vec<u8>, version: Version, aux: &Aux, compressor: &mut Compressor) {
    out.extend_from_slice(SIGNATURE);
    out.extend_from_slice(format!("{:04}", version.number()).as_bytes());
    let number = |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    for (name, value) in [
        ("redis-ver", Value::Bytes(aux.redis_version.as_bytes())),
        ("redis-bits", Value::Int(64)),
        ("ctime", number(aux.ctime_unix_s)),
        ("used-mem", number(aux.used_memory)),
        ("aof-base", Value::Int(i64::from(aux.aof_base))),
    ] {
        out.push(opcode::AUX);
        write_bytes_or_compressed(out, name.as_bytes(), compressor);
        write_string(out, value, compressor);
    }
}
