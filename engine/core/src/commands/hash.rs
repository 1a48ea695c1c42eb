//! Hashes: fields with values, each of which may have a time to live.
