//! The checksum at the end of RDB files and DUMP payloads: CRC-64 with the polynomial of Jones, reflected, from zero.

use crc::{CRC_64_REDIS, Crc, Digest, Table};

/// Sixteen tables take a sixteenth of the steps: a payload may be half a gigabyte.
static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// The checksum of `bytes`.
#[must_use]
pub fn crc64(bytes: &[u8]) -> u64 {
    CRC.checksum(bytes)
}

/// A checksum of bytes that come piece by piece. Pieces are better long: what is left of one after its last sixteen bytes is
/// taken byte by byte.
#[derive(Clone)]
pub struct Crc64(Digest<'static, u64, Table<16>>);

impl Crc64 {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Crc64 {
        Crc64(CRC.digest())
    }

    /// Goes on over `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The checksum of all that came so far.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.clone().finalize()
    }
}

impl Default for Crc64 {
    fn default() -> Crc64 {
        Crc64::new()
    }
}

#[cfg(test)]
mod tests {
    use super::{Crc64, crc64};
    use quickcheck::quickcheck;

    #[test]
    fn it_is_the_one_that_redis_tests_itself_with() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }

    quickcheck! {
        fn pieces_sum_up_to_the_whole(pieces: Vec<Vec<u8>>) -> bool {
            let mut sum = Crc64::new();
            pieces.iter().for_each(|piece| sum.update(piece));
            sum.sum() == crc64(&pieces.concat())
        }
    }
}
