//! The payload of DUMP: a type, a value as RDB has it, the version of RDB, and a checksum of all that.

use refrain_data::Entry;

use crate::string::Compressor;
use crate::value::{Limits, Restored, read_value, value_type, version_of, write_value};
use crate::{Input, Malformed, Version, crc64};

/// The version that a payload says it is of, unless its value needs a newer one: Redis 7.2's.
const PAYLOAD_VERSION: Version = Version::V11;

/// Version and checksum.
const FOOTER: usize = 2 + 8;

/// Why a payload can't be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpError {
    /// Too short to be one, from a newer version, or damaged.
    VersionOrChecksum,
    /// The checksum holds, but what it covers is no value that is known here.
    BadFormat,
}

impl From<Malformed> for DumpError {
    fn from(_: Malformed) -> DumpError {
        DumpError::BadFormat
    }
}

/// The payload of an entry's value.
#[must_use]
pub fn dump(entry: Entry<'_>, compression: bool) -> Vec<u8> {
    let value_type = value_type(entry, PAYLOAD_VERSION);
    let mut out = vec![value_type];
    write_value(&mut out, value_type, entry, &mut Compressor::new(compression));
    out.extend_from_slice(&version_of(value_type).max(PAYLOAD_VERSION).number().to_le_bytes());
    let checksum = crc64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads a payload of this or an older version. What may follow the value is ignored, as Redis does.
///
/// # Errors
/// See [`DumpError`].
pub fn restore<'a>(payload: &'a [u8], limits: &Limits) -> Result<Restored<'a>, DumpError> {
    let body = payload.len().checked_sub(FOOTER).ok_or(DumpError::VersionOrChecksum)?;
    let (value, footer) = payload.split_at(body);
    let (mut value, mut footer) = (Input::new(value), Input::new(footer));
    let version = u16::from_le_bytes(footer.take_array()?);
    let checksum = u64::from_le_bytes(footer.take_array()?);
    if version > Version::NEWEST.number() || crc64(&payload[..body + 2]) != checksum {
        return Err(DumpError::VersionOrChecksum);
    }
    let [value_type] = value.take_array()?;
    match read_value(value_type, &mut value, limits)? {
        Restored::Nothing => Err(DumpError::BadFormat),
        restored => Ok(restored),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{limits, with_entry};
    use quickcheck::quickcheck;
    use refrain_data::NewValue;

    fn dump_of(text: &[u8], compression: bool) -> Vec<u8> {
        with_entry(|free| free.insert(NewValue::parse(text), refrain_data::Deadline::Clear), |e| dump(e, compression))
    }

    fn restored(payload: &[u8], string_bytes: u64) -> Result<Vec<u8>, DumpError> {
        match restore(payload, &Limits { string_bytes, ..limits() })? {
            Restored::String(crate::StringValue::Int(number)) => Ok(number.to_string().into_bytes()),
            Restored::String(crate::StringValue::Bytes(bytes)) => Ok(bytes.into_owned()),
            Restored::Collection(..) | Restored::Nothing => Ok(b"a collection".to_vec()),
        }
    }

    /// A payload made by hand around `value`.
    fn payload(value: &[u8], version: u16) -> Vec<u8> {
        let mut out = value.to_vec();
        out.extend_from_slice(&version.to_le_bytes());
        let checksum = crc64(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    #[test]
    fn payloads_are_those_of_redis() {
        // Recorded from redis-server 7.2.4.
        for (text, payload) in [
            (&b"10"[..], &b"\x00\xc0\n\x0b\x00\x07@\xea6\xf31\x8a2"[..]),
            (b"foo", b"\x00\x03foo\x0b\x00\x1a\x96\x84\xa8\xb0^S\x1e"),
            (&[b'a'; 30], b"\x00\xc3\t\x1e\x01aa\xe0\x11\x00\x01aa\x0b\x00,\xac\xc1\xc8\xd6\xfb\x922"),
            (
                b"the cat sat on the mat, the cat sat on the hat",
                b"\x00\xc3!.\x08the cat s \x03\x03on t \x0e\x03mat,`\x08\xe0\x06\x17\x02hat\x0b\x00\x07\xf2\xd3\xcb6\x17\x8c\xfd",
            ),
        ] {
            assert_eq!(dump_of(text, true), payload, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn older_versions_are_read_and_newer_ones_refused() {
        for version in 0..=Version::NEWEST.number() {
            assert_eq!(restored(&payload(b"\x00\x03foo", version), 100).as_deref(), Ok(&b"foo"[..]));
        }
        let newer = payload(b"\x00\x03foo", Version::NEWEST.number() + 1);
        assert_eq!(restored(&newer, 100), Err(DumpError::VersionOrChecksum));
    }

    #[test]
    fn what_is_no_value_is_bad_format() {
        for value in
            [&b""[..], b"\x00", b"\x00\x04foo", b"\x01\x03foo", b"\xff", b"\x00\xc4\x01", b"\x00\xc3\xc0\x01\x02"]
        {
            assert_eq!(restored(&payload(value, 11), 100), Err(DumpError::BadFormat), "{value:?}");
        }
        assert_eq!(restored(b"short", 100), Err(DumpError::VersionOrChecksum));
    }

    quickcheck! {
        fn a_value_comes_back(bytes: Vec<u8>, times: u8, compression: bool) -> bool {
            let bytes = bytes.repeat(usize::from(times));
            restored(&dump_of(&bytes, compression), u64::MAX) == Ok(bytes)
        }

        fn one_flipped_bit_is_noticed(bytes: Vec<u8>, at: usize, bit: u8) -> bool {
            let mut payload = dump_of(&bytes, true);
            let at = at % payload.len();
            payload[at] ^= 1 << (bit % 8);
            restored(&payload, u64::MAX) == Err(DumpError::VersionOrChecksum)
        }

        fn whatever_has_a_checksum_is_a_value_or_bad_format(bytes: Vec<u8>) -> bool {
            restored(&payload(&bytes, 11), 1 << 20) != Err(DumpError::VersionOrChecksum)
        }
    }
}
