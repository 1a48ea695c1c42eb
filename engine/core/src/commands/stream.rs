//! Streams and their groups of consumers.
