//! Bitmaps: strings as arrays of bits.
