//! The checksum at the end of RDB files and DUMP payloads: CRC-64 with the polynomial of Jones, reflected, from zero.

use crc::{CRC_64_REDIS, Crc, Table};

/// Sixteen tables take a sixteenth of the steps: a payload may be half a gigabyte.
static CRC: Crc<u64, Table<16>> = Crc::<u64, Table<16>>::new(&CRC_64_REDIS);

/// The checksum of `bytes`.
#[must_use]
pub fn crc64(bytes: &[u8]) -> u64 {
    CRC.checksum(bytes)
}

#[cfg(test)]
mod tests {
    use super::crc64;

    #[test]
    fn it_is_the_one_that_redis_tests_itself_with() {
        assert_eq!(crc64(b"123456789"), 0xe9c6_d914_c4b8_d9ca);
        assert_eq!(crc64(b""), 0);
    }
}
