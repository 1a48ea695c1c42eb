//! Every type, in every version, comes back as it was.

use quickcheck::quickcheck;
use refrain_persist::Version;
use refrain_persist::rdb::{Checksum, RdbReader};

use crate::fixture::{Planned, databases, expected, file, read, read_on, read_options};

const VERSIONS: [Version; 4] = [Version::V10, Version::V11, Version::V12, Version::V13];

quickcheck! {
    fn what_is_written_comes_back(planned: Vec<Planned>, compression: bool, checksum: bool, piece: u16) -> bool {
        let databases = databases(&planned);
        VERSIONS.into_iter().all(|version| {
            let file = file(&databases, version, compression, checksum);
            let lines = read(&file, usize::from(piece) + 1, read_options(), version).expect("it was written");
            assert_eq!(lines, expected(&databases, version));
            true
        })
    }

    fn one_flipped_bit_is_noticed(planned: Vec<Planned>, at: usize, bit: u8) -> bool {
        let databases = databases(&planned);
        let mut file = file(&databases, Version::V11, true, true);
        let at = at % file.len();
        file[at] ^= 1 << (bit % 8);
        // An end that comes too early leaves the rest unread.
        let mut reader = RdbReader::new(read_options());
        reader.feed(&file);
        reader.end_of_input();
        read_on(&mut reader, Version::V11, &mut Vec::new()).is_err()
    }
}

#[test]
fn the_checksum_is_compared_unless_there_is_none_or_nobody_asks() {
    let databases = databases(&[(0, 1, 0, vec![3], None)]);
    for (written, asked, said) in [
        (true, true, Checksum::Verified),
        (false, true, Checksum::Disabled),
        (true, false, Checksum::Ignored),
        (false, false, Checksum::Ignored),
    ] {
        let file = file(&databases, Version::V10, true, written);
        let mut options = read_options();
        options.checksum = asked;
        let mut reader = RdbReader::new(options);
        reader.feed(&file);
        read_on(&mut reader, Version::V10, &mut Vec::new()).expect("it is whole");
        assert!(reader.is_done());
        assert_eq!(reader.checksum(), said);
        assert_eq!(reader.offset(), file.len() as u64);
    }
}

#[test]
fn what_stands_behind_the_end_is_left() {
    let mut file = file(&databases(&[]), Version::V10, true, true);
    let len = file.len();
    file.extend_from_slice(b"*1\r\n$4\r\nPING\r\n");
    let mut reader = RdbReader::new(read_options());
    reader.feed(&file);
    read_on(&mut reader, Version::V10, &mut Vec::new()).expect("it is whole");
    assert_eq!(reader.rest(), b"*1\r\n$4\r\nPING\r\n");
    assert_eq!(reader.offset(), len as u64);
    reader.feed(b"more");
    assert!(reader.next().is_ok_and(|item| item.is_none()));
    assert_eq!(reader.rest(), b"*1\r\n$4\r\nPING\r\nmore");
}
