//! However a file arrives, it gives the same items; one that ends too early says so.

use refrain_persist::Version;
use refrain_persist::rdb::{RdbErrorKind, RdbReader};

use crate::fixture::{databases, expected, file, read, read_on, read_options};

/// A file with every type, small and large.
fn some_file() -> (Vec<u8>, Vec<String>) {
    let planned: Vec<_> = (0..12)
        .map(|i| {
            let seeds = if i < 6 { vec![2, 3, 4, 15] } else { (u16::from(i)..u16::from(i) + 40).collect() };
            (i % 2, u16::from(i) * 3, i, seeds, (i % 3 == 0).then_some(5))
        })
        .collect();
    let databases = databases(&planned);
    (file(&databases, Version::V11, true, true), expected(&databases, Version::V11))
}

#[test]
fn a_cut_anywhere_changes_nothing() {
    let (file, expected) = some_file();
    for cut in 0..=file.len() {
        let mut reader = RdbReader::new(read_options());
        let mut lines = Vec::new();
        for piece in [&file[..cut], &file[cut..]] {
            reader.feed(piece);
            read_on(&mut reader, Version::V11, &mut lines).expect("nothing is wrong");
        }
        // What is not looked at again before twice as much has come is looked at when no more will come.
        reader.end_of_input();
        read_on(&mut reader, Version::V11, &mut lines).expect("nothing is wrong");
        assert_eq!(lines, expected, "cut at {cut}");
    }
    for piece in 1..100 {
        assert_eq!(read(&file, piece, read_options(), Version::V11).as_ref(), Ok(&expected), "pieces of {piece}");
    }
}

#[test]
fn an_end_anywhere_is_unexpected() {
    let (file, expected) = some_file();
    for end in 0..file.len() {
        let mut reader = RdbReader::new(read_options());
        reader.feed(&file[..end]);
        reader.end_of_input();
        let mut lines = Vec::new();
        let error = read_on(&mut reader, Version::V11, &mut lines).expect_err("it is cut short");
        assert_eq!(error.kind, RdbErrorKind::UnexpectedEnd, "end at {end}: {error}");
        assert!(error.offset <= end as u64);
        assert_eq!(lines, expected[..lines.len()]);
        assert_eq!(reader.next().err(), Some(error), "and it stays so");
    }
}
