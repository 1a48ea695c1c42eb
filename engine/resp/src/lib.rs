//! RESP2 and RESP3, both ways: what clients send (an incremental request parser) and what servers answer (encoders, and
//! a decoder for clients and tests).
//!
//! Guarantees: the outcome of parsing depends on the bytes alone, never on how they were cut into reads; every byte is
//! looked at a bounded number of times; and nothing that a peer sends makes this crate panic, or hold more memory than a
//! small multiple of what was sent. It must never do I/O, read a clock, or keep a pointer into a caller's buffer.

mod command;
mod double;
mod encoder;
mod error;
mod inline;
mod integer;
mod multibulk;
mod reply;
mod request;
mod steps;

#[cfg(test)]
mod tests;

pub use command::encode_command;
pub use double::push_double;
pub use encoder::{Deferred, Encoder, Protocol};
pub use error::ProtocolError;
pub use inline::split_words;
pub use integer::{parse_i64, push_i64};
pub use reply::{DecodeError, DecodeLimits, Reply, decode, decode_with};
pub use request::{Arg, Limits, LongBulk, Parsed, RequestParser};
