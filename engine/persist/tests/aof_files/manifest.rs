//! Manifests: what they say, how they change, and what is refused.

use quickcheck::quickcheck;
use refrain_persist::aof::manifest::{AofFile, FileKind, Manifest, manifest_name, temporary_manifest_name};

fn parsed(text: &str) -> Result<Manifest, String> {
    Manifest::parse(text.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn a_manifest_names_files_in_order() {
    let text = "file appendonly.aof.2.base.rdb seq 2 type b\n\
                file appendonly.aof.1.incr.aof seq 1 type h\n\
                file appendonly.aof.4.incr.aof seq 4 type i\n\
                file appendonly.aof.5.incr.aof seq 5 type i\n";
    let manifest = parsed(text).expect("it is one");
    assert_eq!(manifest.format(), text);
    let names: Vec<_> = manifest.files().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["appendonly.aof.2.base.rdb", "appendonly.aof.4.incr.aof", "appendonly.aof.5.incr.aof"]);
    // In any order, with comments, with more space, and with what is not known yet.
    let text = "# a comment\r\n  SEQ 4 \"file\" 'a b.incr' type incremental size 3 \r\n#\nfile b seq 1 type b\n";
    let manifest = parsed(text).expect("it is one");
    assert_eq!(manifest.format(), "file b seq 1 type b\nfile \"a b.incr\" seq 4 type i\n");
}

#[test]
fn a_rewrite_replaces_the_base_and_retires_what_it_holds() {
    let mut manifest = Manifest::default();
    assert_eq!(manifest.begin_base("a.aof", true), "a.aof.1.base.rdb");
    assert_eq!(manifest.begin_incremental("a.aof"), "a.aof.1.incr.aof");
    assert_eq!(manifest.begin_incremental("a.aof"), "a.aof.2.incr.aof");
    assert_eq!(manifest.begin_incremental("a.aof"), "a.aof.3.incr.aof");
    assert_eq!(manifest.begin_base("a.aof", false), "a.aof.2.base.aof");
    manifest.retire_incrementals(true);
    assert_eq!(
        manifest.format(),
        "file a.aof.2.base.aof seq 2 type b\n\
         file a.aof.1.incr.aof seq 1 type h\n\
         file a.aof.2.incr.aof seq 2 type h\n\
         file a.aof.1.base.rdb seq 1 type h\n\
         file a.aof.3.incr.aof seq 3 type i\n"
    );
    assert_eq!(parsed(&manifest.format()), Ok(manifest.clone()));
    manifest.retire_incrementals(false);
    assert!(manifest.incremental.is_empty());
    assert_eq!(manifest.history.len(), 4);
    assert_eq!(manifest_name("a.aof"), "a.aof.manifest");
    assert_eq!(temporary_manifest_name("a.aof"), "temp-a.aof.manifest");
}

#[test]
fn what_is_none_is_refused_with_its_line() {
    let long = format!("file {} seq 1 type b\n", "x".repeat(1024));
    let invalid = |line: &str| format!("Invalid AOF manifest file format at line 1: '{line}'");
    let cases: &[(&str, String)] = &[
        ("", "Found an empty AOF manifest".into()),
        ("\n", "Invalid AOF manifest file format at line 1".into()),
        ("file a seq 1 type b", "The AOF manifest file contains too long line at line 1".into()),
        (&long, "The AOF manifest file contains too long line at line 1".into()),
        ("file a seq 1\n", invalid("file a seq 1")),
        ("file a seq 1 type b more\n", invalid("file a seq 1 type b more")),
        ("file a seq 1 kind b\n", invalid("file a seq 1 kind b")),
        ("file a seq 0 type b\n", invalid("file a seq 0 type b")),
        ("file a seq x type b\n", invalid("file a seq x type b")),
        ("file \"a seq 1 type b\n", invalid("file \"a seq 1 type b")),
        ("file \"\" seq 1 type b\n", invalid("file \"\" seq 1 type b")),
        ("file a/b seq 1 type b\n", "File can't be a path, just a filename at line 1: 'file a/b seq 1 type b'".into()),
        ("file .. seq 1 type b\n", "File can't be a path, just a filename at line 1: 'file .. seq 1 type b'".into()),
        ("file a seq 1 type x\n", "Unknown AOF file type at line 1: 'file a seq 1 type x'".into()),
        (
            "file a seq 1 type b\nfile b seq 2 type b\n",
            "Found duplicate base file information at line 2: 'file b seq 2 type b'".into(),
        ),
        (
            "#\nfile a seq 2 type i\nfile b seq 2 type i\n",
            "Found a non-monotonic sequence number at line 3: 'file b seq 2 type i'".into(),
        ),
        ("file a seq 2 type b\n!!!\n", "Invalid AOF manifest file format at line 2: '!!!'".into()),
    ];
    for (text, error) in cases {
        assert_eq!(parsed(text).as_ref(), Err(error), "{}", text.escape_debug());
    }
}

quickcheck! {
    fn any_name_comes_back(name: String) -> bool {
        let name = name.replace(['/', '\\'], "_");
        if name.is_empty() || name == "." || name == ".." || name.len() > 200 {
            return true;
        }
        let base = Some(AofFile { name, seq: 7, kind: FileKind::Base });
        let manifest = Manifest { base, ..Manifest::default() };
        Manifest::parse(manifest.format().as_bytes()) == Ok(manifest)
    }

    fn one_flipped_bit_is_noticed(seq: u32, at: usize, bit: u8) -> bool {
        let mut manifest = Manifest::default();
        manifest.begin_base("a.aof", true);
        manifest.incremental.push(AofFile { name: "a.aof.incr".into(), seq: u64::from(seq) + 1, kind: FileKind::Incremental });
        let sealed = manifest.sealed();
        let mut damaged = sealed.clone().into_bytes();
        let at = at % damaged.len();
        damaged[at] ^= 1 << (bit % 8);
        Manifest::parse(sealed.as_bytes()) == Ok(manifest.clone())
            && Manifest::parse(&damaged).map_or(true, |read| read == manifest)
    }

    fn anything_is_a_manifest_or_not(bytes: Vec<u8>) -> bool {
        Manifest::parse(&bytes).map_or(true, |manifest| parsed(&manifest.format()) == Ok(manifest) || bytes.starts_with(b"#"))
    }
}
