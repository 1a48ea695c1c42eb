//! The simulated transport: TCP as a process sees it, with every way in which it goes wrong.
//!
//! A connection is one object with two ends and two pipes. Bytes are copied once into a pipe and once out of it; in between
//! only offsets move. A pipe has at most one delivery in the world's event queue, acknowledgements are settled lazily, and a
//! path without faults costs no other event. Nobody learns anything but by what travels through here: a cut stalls what is in
//! flight, a dead process's FIN and resets take their time, and a host without power is silent.

pub(crate) mod connection;
pub(crate) mod ending;
pub(crate) mod handshake;
pub(crate) mod links;
pub(crate) mod pipe;
pub(crate) mod transmit;
