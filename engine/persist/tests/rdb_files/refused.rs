//! What can't be read, and what is said of it.

use refrain_persist::Version;
use refrain_persist::rdb::{Modules, RdbReader};

use crate::fixture::{read, read_on, read_options};

/// What is said of a file: the lines, or the error.
fn said(file: &[u8]) -> String {
    match read(file, 7, read_options(), Version::V11) {
        Ok(lines) => lines.join("; "),
        Err(error) => error.to_string(),
    }
}

fn with(body: &[u8]) -> Vec<u8> {
    [b"REDIS0009", body].concat()
}

const END: &[u8] = b"\xff\0\0\0\0\0\0\0\0";

#[test]
fn each_says_what_is_wrong_and_where() {
    let files: &[(&[u8], &str)] = &[
        (b"", "Unexpected EOF reading RDB file at offset 0"),
        (b"REDIS00", "Unexpected EOF reading RDB file at offset 0"),
        (b"RADIS0009", "Wrong signature trying to load DB from file at offset 9"),
        (b"REDIS0014", "Can't handle RDB format version 14 at offset 9"),
        (b"REDIS0080", "Can't handle RDB format version 80 at offset 9"),
        (b"VALKEY079", "Can't handle RDB format version 79 at offset 9"),
        (b"VALKEY081", "Can't handle RDB format version 81 at offset 9"),
        (b"VALKEY011", "Can't handle RDB format version 11 at offset 9"),
        (b"VALKEX080", "Wrong signature trying to load DB from file at offset 9"),
        // Numbers that the other one has.
        (b"REDIS0013\x16\x01k\x00", "Invalid object type: 22 at offset 10"),
        (b"REDIS0013\x17\x01k\x00", "Invalid object type: 23 at offset 10"),
        (b"REDIS0013\x1b\x01k\x00", "Invalid object type: 27 at offset 10"),
        (b"VALKEY080\x18\x01k\x00", "Invalid object type: 24 at offset 10"),
        (b"VALKEY080\x19\x01k\x00", "Invalid object type: 25 at offset 10"),
        (b"VALKEY080\x1a\x01k\x00", "Invalid object type: 26 at offset 10"),
        (b"VALKEY080\x17\x01k\x00", "Invalid object type: 23 at offset 10"),
        (
            b"VALKEY080\xf3\x04jobs\x01\x00\x05",
            "The RDB file contains a slot import that had not finished, which I can't load at offset 10",
        ),
        (
            b"REDIS0013\xf3\x02\x08\x83\x10\x00\x02\x05\x00\x08\x00\x00\xfc\x05\x01x\x00",
            "The RDB file contains key metadata I can't load: no matching class 'ABCD, _AAA' at offset 26",
        ),
        (b"REDIS0013\xf3\x08", "Bad data format at offset 11"),
        (b"REDIS0000", "Can't handle RDB format version 0 at offset 9"),
        (b"REDIS000x", "Can't handle RDB format version 0 at offset 9"),
        (b"REDIS9999", "Can't handle RDB format version 9999 at offset 9"),
        (b"REDIS0009\x2a", "Invalid object type: 42 at offset 10"),
        (b"REDIS0009\x06", "Invalid object type: 6 at offset 10"),
        (b"REDIS0009\x00\x01k\x03va", "Unexpected EOF reading RDB file at offset 13, reading key 'k'"),
        (b"REDIS0009\x00\x01k\xc4", "Bad data format at offset 13, reading key 'k'"),
        (b"REDIS0009\x02\xc0\x05\x02\x01a\x01a", "Duplicate set members detected at offset 17, reading key '5'"),
        (b"REDIS0009\x00\x01k\x81\xff\0\0\0\0\0\0\0", "Bad data format at offset 21, reading key 'k'"),
        (b"REDIS0009\xf6\x01k", "Pre-release function format not supported. at offset 10"),
        (
            b"REDIS0009\xff\x01\x02\x03\x04\x05\x06\x07\x08",
            "RDB CRC error. Wrong RDB checksum expected: (74ad0ffbbc7aac9a) but got (807060504030201) at offset 18",
        ),
        (
            b"REDIS0009\x07\x01k\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03\x02\x05\x00",
            "The RDB file contains module data I can't load: no matching module type 'ReJSON-RL' at offset 21, reading key 'k'",
        ),
        (
            b"REDIS0009\xf7\x81\xff\xff\xff\xff\xff\xff\xfc\x00\x02\x01\x00",
            "The RDB file contains AUX module data I can't load: no matching module '_________' at offset 19",
        ),
    ];
    for (file, error) in files {
        assert_eq!(said(file), *error, "{}", file.escape_ascii());
    }
}

#[test]
fn old_files_are_read() {
    // Without a checksum before version 5, and with deadlines in seconds.
    assert_eq!(
        said(b"REDIS0003\xfe\x02\xfd\x01\0\0\0\x00\x01k\xc0\x05\x00\x01l\x01v\xff"),
        "database 2; key 2 k Some(1000) Nothing string 5; key 2 l None Nothing string v; end"
    );
    // Version 5 has one; opcodes of slots say nothing; the last word about use holds; a deadline of -1 is none.
    let file = with(b"\xf4\x01\x02\x03\xf8\x40\x80\xf9\x07\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x00\x01k\x01v");
    assert_eq!(said(&[&file, END].concat()), "key 0 k None Frequency(7) string v; end");
    // What is empty is no value, but no error either.
    assert_eq!(said(&[&with(b"\x02\x01k\x00")[..], END].concat()), "key 0 k None Nothing nothing; end");
}

#[test]
fn what_clusters_write_is_read() {
    // Numbers of keys by slot: an opcode of its own with Redis, with Valkey something said among the keys.
    assert_eq!(
        said(b"REDIS0013\xfa\x10cluster-asm-task\x00\xfe\x00\xf4a\xac\x01\x01\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0"),
        "aux cluster-asm-task ; database 0; key 0 k None Nothing string v; end"
    );
    assert_eq!(
        said(b"VALKEY080\xfe\x00\xfa\x09slot-info\x0a8620,1,1,0\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0"),
        "database 0; aux slot-info 8620,1,1,0; key 0 k None Nothing string v; end"
    );
}

#[test]
fn data_of_modules_is_passed_over_if_that_is_wanted() {
    let mut file = with(b"\xf7\x81\0\0\0\0\0\0\x04\x00\x02\x02\x02\x05\x05\x01x\x01\x07\x03abcd\x04abcdefgh\x00");
    file.extend_from_slice(b"\x07\x01k\x00\x05\xc0\x01\x00\x00\x01l\x01v");
    file.extend_from_slice(END);
    let mut options = read_options();
    options.modules = Modules::Skip;
    let attached = read(
        b"REDIS0013\xf3\x01\x08\x83\x10\x00\x02\x05\x00\x00\x01l\x01v\xff\0\0\0\0\0\0\0\0",
        3,
        options,
        Version::V11,
    );
    assert_eq!(attached.expect("there is nothing wrong"), ["module ABCD None", "key 0 l None Nothing string v", "end"]);
    let lines = read(&file, 3, options, Version::V11).expect("there is nothing wrong");
    assert_eq!(
        lines,
        ["module AAAAAAAAB None", "module AAAAAAAAA Some(\"k\")", "key 0 l None Nothing string v", "end"]
    );
}

#[test]
fn what_is_longer_than_it_may_be_is_not_waited_for() {
    let mut reader = RdbReader::new(read_options());
    reader.feed(b"REDIS0009\x00\x01k\x80\x01\x00\x00\x01");
    assert!(read_on(&mut reader, Version::V11, &mut Vec::new()).is_err(), "one byte more than the limit");
    let mut reader = RdbReader::new(read_options());
    reader.feed(b"REDIS0009\x00\x01k\x80\x01\x00\x00\x00");
    assert!(read_on(&mut reader, Version::V11, &mut Vec::new()).is_ok(), "it may still come");
}
