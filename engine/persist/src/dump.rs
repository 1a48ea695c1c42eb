//! The payload of DUMP: a type, a value as RDB has it, the version of RDB, and a checksum of all that.

use refrain_data::Entry;

use crate::rdb::Dialect;
use crate::string::Compressor;
use crate::value::{Limits, Restored, lowest_version, read_value, value_type, write_value};
use crate::{Input, Malformed, crc64};

/// Version and checksum.
const FOOTER: usize = 2 + 8;

/// Why a payload can't be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DumpError {
    /// Too short to be one, of a version that is not read, or damaged.
    VersionOrChecksum,
    /// The checksum holds, but what it covers is no value that is known here: this is wrong with it.
    BadFormat(&'static str),
}

/// What is wrong with a value where no more is known.
const BROKEN: &str = "Payload integrity check failed.";

impl From<Malformed> for DumpError {
    fn from(_: Malformed) -> DumpError {
        DumpError::BadFormat(BROKEN)
    }
}

/// The payload of an entry's value, of the lowest version that can hold it: whoever reads that reads newer ones, too, and old servers
/// refuse what says that it is newer.
#[must_use]
pub fn dump(entry: Entry<'_>, compression: bool) -> Vec<u8> {
    let version = lowest_version(entry);
    let value_type = value_type(entry, version);
    let mut out = vec![value_type];
    write_value(&mut out, value_type, entry, &mut Compressor::new(compression));
    out.extend_from_slice(&version.number().to_le_bytes());
    let checksum = crc64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// Reads a payload of any version that is read in files. What may follow the value is ignored, as Redis does.
///
/// # Errors
/// See [`DumpError`].
pub fn restore<'a>(payload: &'a [u8], limits: &Limits) -> Result<Restored<'a>, DumpError> {
    restore_if(payload, limits, true)
}

/// The same of a payload whose checksum may be wrong: only a test of what is read wants that.
///
/// # Errors
/// See [`DumpError`].
pub fn restore_unchecked<'a>(payload: &'a [u8], limits: &Limits) -> Result<Restored<'a>, DumpError> {
    restore_if(payload, limits, false)
}

/// What a payload holds before its footer, and the dialect of its version.
pub(crate) fn open(payload: &[u8], checks: bool) -> Result<(Input<'_>, Dialect), DumpError> {
    let body = payload.len().checked_sub(FOOTER).ok_or(DumpError::VersionOrChecksum)?;
    let (held, footer) = payload.split_at(body);
    let mut footer = Input::new(footer);
    let version = u16::from_le_bytes(footer.take_array()?);
    let checksum = u64::from_le_bytes(footer.take_array()?);
    let dialect = Dialect::of_version(version).ok_or(DumpError::VersionOrChecksum)?;
    if checks && crc64(&payload[..body + 2]) != checksum {
        return Err(DumpError::VersionOrChecksum);
    }
    Ok((Input::new(held), dialect))
}

fn restore_if<'a>(payload: &'a [u8], limits: &Limits, checks: bool) -> Result<Restored<'a>, DumpError> {
    let (mut value, dialect) = open(payload, checks)?;
    let [value_type] = value.take_array()?;
    if !dialect.has(value_type) {
        return Err(DumpError::BadFormat("Unknown RDB encoding type"));
    }
    match read_value(value_type, &mut value, limits) {
        Ok(Restored::Nothing) => Err(DumpError::BadFormat("Empty collection")),
        Ok(restored) => Ok(restored),
        Err(Malformed) => Err(DumpError::BadFormat(value.complaint().unwrap_or(BROKEN))),
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
        // Recorded from redis-server 7.0.15.
        for (text, payload) in [
            (&b"10"[..], &b"\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb"[..]),
            (b"foo", b"\x00\x03foo\n\x00sI9\xdbM\xc1\xba\x97"),
            (&[b'a'; 30], b"\x00\xc3\t\x1e\x01aa\xe0\x11\x00\x01aa\n\x00Es|\xbb+d{\xbb"),
            (
                b"the cat sat on the mat, the cat sat on the hat",
                b"\x00\xc3!.\x08the cat s \x03\x03on t \x0e\x03mat,`\x08\xe0\x06\x17\x02hat\n\x00n-n\xb8\xcb\x88et",
            ),
        ] {
            assert_eq!(dump_of(text, true), payload, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn older_versions_are_read_and_unknown_ones_refused() {
        for version in (0..=13).chain([80]) {
            assert_eq!(restored(&payload(b"\x00\x03foo", version), 100).as_deref(), Ok(&b"foo"[..]));
        }
        for version in (14..80).chain([81, 0x0b0b, u16::MAX]) {
            let unknown = payload(b"\x00\x03foo", version);
            assert_eq!(restored(&unknown, 100), Err(DumpError::VersionOrChecksum), "{version}");
        }
    }

    type Fields = Vec<(Vec<u8>, Vec<u8>, Option<u64>)>;

    fn fields(payload: &[u8]) -> Result<Fields, DumpError> {
        let Restored::Collection(refrain_data::Kind::Hash, body) = restore(payload, &limits())? else {
            return Ok(Vec::new());
        };
        let hash: refrain_data::Hash = refrain_data::Collection::from_body(body);
        Ok(hash.view().iter().map(|f| (f.name.to_vec(), f.value.to_vec(), f.deadline)).collect())
    }

    #[test]
    fn times_before_1970_have_passed_and_one_of_them_is_none() {
        for (ms, deadline) in [(-1, None), (0, Some(1)), (-2, Some(1)), (i64::MIN, Some(1)), (7, Some(7))] {
            let value = [&b"\x16\x01\x01f\x01v"[..], &i64::to_le_bytes(ms)].concat();
            assert_eq!(fields(&payload(&value, 80)), Ok(vec![(b"f".to_vec(), b"v".to_vec(), deadline)]), "{ms}");
        }
        // The earliest deadline, and how far from it that of the field is, and one.
        let value = b"\x18\0\0\0\0\0\0\0\0\x01\x01\x01f\x01v";
        assert_eq!(fields(&payload(value, 12)), Ok(vec![(b"f".to_vec(), b"v".to_vec(), Some(1))]));
    }

    /// An empty stream, as it stands before what it remembers of producers.
    const EMPTY_STREAM: &[u8] = b"\x1a\x00\x00\x05\x01\x00\x00\x05\x01\x01\x00";

    /// What Redis 8.6 writes behind it after XADD key IDMP 77 x and the like.
    const PRODUCERS: &[u8] =
        b"\x40\x64\x40\x64\x02\xc0\x4d\x01\x01x\x05\x01\x02p1\x02\xc1\x39\x30\x05\x01\x03one\x05\x01\x04\x01";

    #[test]
    fn what_a_stream_remembers_of_producers_is_kept() {
        use refrain_data::stream::{StreamBody, StreamId};
        use refrain_data::{Collection, Deadline, Kind};
        let whole = [EMPTY_STREAM, PRODUCERS].concat();
        let read = payload(&whole, 13);
        let kept = restore(&read, &limits()).ok().unwrap();
        assert!(kept.remembers_producers() && !kept.has_consumers());
        let Restored::Collection(Kind::Stream, body) = kept else { panic!("it is a stream") };
        let stream = StreamBody::from_body(body);
        let producers = stream.producers().unwrap();
        for (pid, iid) in [("77", "x"), ("p1", "12345"), ("p1", "one")] {
            assert_eq!(producers.find(pid.as_bytes(), iid.as_bytes()), Some(StreamId::new(5, 1)));
        }
        assert_eq!((producers.records_len(), producers.added, producers.duplicates), (3, 4, 1));
        let again = with_entry(|free| free.insert_collection(stream, Deadline::Clear), |entry| dump(entry, true));
        assert_eq!(again, payload(&whole, 13));
        for end in EMPTY_STREAM.len()..whole.len() {
            assert_eq!(restored(&payload(&whole[..end], 13), 100), Err(DumpError::BadFormat(BROKEN)), "{end}");
        }
        assert_eq!(restored(&payload(&whole, 80), 100), Err(DumpError::BadFormat("Unknown RDB encoding type")));
    }

    #[test]
    fn a_stream_without_producers_is_written_for_older_servers() {
        // Redis 8.6 says of every stream that it has none.
        let nothing = [EMPTY_STREAM, b"\x40\x64\x40\x64\x00\x00\x00"].concat();
        let read = payload(&nothing, 13);
        let Ok(Restored::Collection(kind, body)) = restore(&read, &limits()) else { panic!("it is a stream") };
        let again = with_entry(|free| free.insert_body(kind, body, refrain_data::Deadline::Clear), |e| dump(e, true));
        assert_eq!((again[0], again[again.len() - FOOTER]), (19, 10));
        // Unless it is to remember them for another time than is usual, or there were some.
        for said in [&b"\x40\x65\x40\x64\x00\x00\x00"[..], b"\x40\x64\x07\x00\x00\x00", b"\x01\x01\x00\x05\x00"] {
            let read = payload(&[EMPTY_STREAM, said].concat(), 13);
            let Ok(Restored::Collection(kind, body)) = restore(&read, &limits()) else { panic!("it is a stream") };
            let again =
                with_entry(|free| free.insert_body(kind, body, refrain_data::Deadline::Clear), |e| dump(e, true));
            assert_eq!(again, read);
        }
    }

    #[test]
    fn producers_that_cannot_be_are_refused() {
        let cases: [(&[u8], &'static str); 5] = [
            (b"\x00\x01\x00\x00\x00", "Stream limits of producers are out of range"),
            (b"\x01\x00\x00\x00\x00", "Stream limits of producers are out of range"),
            (b"\x80\x00\x01\x51\x81\x01\x00\x00\x00", "Stream limits of producers are out of range"),
            (b"\x01\x67\x11\x00\x00\x00", "Stream limits of producers are out of range"),
            (b"\x01\x01\x02\x01p\x01\x01i\x01\x01\x01p\x01\x01i\x01\x01\x02\x00", "Stream producer is there twice"),
        ];
        for (said, what) in cases {
            let read = payload(&[EMPTY_STREAM, said].concat(), 13);
            assert_eq!(restored(&read, 100), Err(DumpError::BadFormat(what)), "{}", said.escape_ascii());
        }
        // Of more records than there may be the last ones are kept.
        let many = payload(&[EMPTY_STREAM, b"\x01\x01\x01\x01p\x02\x01i\x01\x01\x01j\x01\x02\x02\x00"].concat(), 13);
        let Ok(Restored::Collection(_, body)) = restore(&many, &limits()) else { panic!("it is a stream") };
        let stream: refrain_data::stream::StreamBody = refrain_data::Collection::from_body(body);
        let producers = stream.producers().unwrap();
        assert_eq!((producers.find(b"p", b"i"), producers.records_len()), (None, 1));
    }

    #[test]
    fn the_version_tells_whose_numbers_they_are() {
        let redis = b"\x18\x7b\xd8\xc3\x2c\xbb\x03\x00\x00\x01\x01\x01f\x01v";
        let valkey = b"\x16\x01\x01f\x01v\x7b\xd8\xc3\x2c\xbb\x03\x00\x00";
        let expected = Ok(vec![(b"f".to_vec(), b"v".to_vec(), Some(4_102_444_800_123))]);
        assert_eq!(fields(&payload(redis, 12)), expected);
        assert_eq!(fields(&payload(valkey, 80)), expected);
        assert_eq!(fields(&payload(redis, 80)), Err(DumpError::BadFormat("Unknown RDB encoding type")));
        assert_eq!(fields(&payload(valkey, 12)), Err(DumpError::BadFormat("Unknown RDB encoding type")));
    }

    #[test]
    fn what_is_no_value_is_bad_format() {
        for value in [&b""[..], b"\x00", b"\x00\x04foo", b"\x01\x03foo", b"\x00\xc4\x01", b"\x00\xc3\xc0\x01\x02"] {
            assert_eq!(restored(&payload(value, 11), 100), Err(DumpError::BadFormat(BROKEN)), "{value:?}");
        }
        assert_eq!(restored(b"short", 100), Err(DumpError::VersionOrChecksum));
    }

    /// A ziplist of "aa" and "bb", as it should be.
    const ZIPLIST: &[u8] = b"\x13\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x02aa\x04\x02bb\xff";

    /// The same with another byte at one place.
    fn ziplist_with(at: usize, byte: u8) -> Vec<u8> {
        let mut bytes = ZIPLIST.to_vec();
        bytes[at] = byte;
        bytes
    }

    #[test]
    fn damage_is_named_as_redis_names_it() {
        let blob = |number: u8, bytes: &[u8]| [&[number, bytes.len() as u8], bytes].concat();
        let quicklist = |bytes: &[u8]| [&[14, 1, bytes.len() as u8], bytes].concat();
        assert!(restored(&payload(&quicklist(ZIPLIST), 11), 100).is_ok());
        // The length of the element before one, too much or too little; the offset of the last element; how many there are.
        for damaged in
            [(14, 5), (14, 3), (10, 1), (4, 10), (4, 2), (8, 3), (0, 20)].map(|(at, byte)| ziplist_with(at, byte))
        {
            for (value, what) in [
                (quicklist(&damaged), "Ziplist integrity check failed."),
                (blob(10, &damaged), "List ziplist integrity check failed."),
                (blob(12, &damaged), "Zset ziplist integrity check failed."),
                (blob(13, &damaged), "Hash ziplist integrity check failed."),
            ] {
                assert_eq!(restored(&payload(&value, 11), 100), Err(DumpError::BadFormat(what)), "{value:?}");
            }
        }
        // A length of the element before one may take five bytes, whatever it is.
        let wide = b"\x17\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x02aa\xfe\x04\x00\x00\x00\x02bb\xff";
        assert!(restored(&payload(&quicklist(wide), 11), 100).is_ok());
        let twice = b"\x11\x00\x00\x00\x04\x00\x81a\x02\x01\x01\x81a\x02\x02\x01\xff";
        for (value, what) in [
            (&b"\x12\x01\x01\x00"[..], "Quicklist integrity check failed."),
            (b"\x12\x01\x03\x01a", "Quicklist integrity check failed."),
            (b"\x12\x01\x02\x01a", "Listpack integrity check failed."),
            (b"\x09\x02\x00\xff", "Zipmap integrity check failed."),
            (b"\x04\x00", "Empty collection"),
            (b"\x09\x03\x01\x01\xff", "Zipmap integrity check failed."),
            (b"\x0b\x01a", "Intset integrity check failed."),
            (b"\x14\x01a", "Set listpack integrity check failed."),
            (b"\x11\x01a", "Zset listpack integrity check failed."),
            (b"\x10\x01a", "Hash listpack integrity check failed."),
            (&blob(16, twice), "Hash listpack integrity check failed: a listpack with dup elements"),
            (b"\x02\x02\x01a\x01a", "Duplicate set members detected"),
            (b"\x04\x02\x01a\x01b\x01a\x01b", "Duplicate hash fields detected"),
            (b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f", "Zset with NAN score detected"),
            (&[&b"\x0f\x01\x10"[..], &[0; 16], b"\x01a"].concat(), "Stream listpack integrity check failed."),
            (b"\x0f\x00\x05\x00\x00\x00", "Stream length inconsistent with rax entries"),
            (
                b"\x0f\x00\x00\x00\x00\x01\x01g\x00\x00\x00\x02\x01n\0\0\0\0\0\0\0\0\x00\x01n\0\0\0\0\0\0\0\0\x00",
                "Duplicate stream consumer detected.",
            ),
            (b"\xff", "Unknown RDB encoding type"),
        ] {
            assert_eq!(restored(&payload(value, 11), 100), Err(DumpError::BadFormat(what)), "{}", value.escape_ascii());
        }
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
