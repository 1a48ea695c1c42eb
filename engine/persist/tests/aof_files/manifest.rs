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
                file appendonly.aof.1.base.rdb seq 1 type h\n\
                file appendonly.aof.4.incr.aof seq 4 type i\n\
                file appendonly.aof.5.incr.aof seq 5 type i\n";
    let manifest = parsed(text).expect("it is one");
    assert_eq!(manifest.format(), text);
    let names: Vec<_> = manifest.files().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["appendonly.aof.2.base.rdb", "appendonly.aof.4.incr.aof", "appendonly.aof.5.incr.aof"]);
    // With comments, with more space, in another order of words, and with what is not known yet. The first is an old server's one file.
    let text = "# a comment\r\nfile 'a b' seq 1 type b\n#\n  SEQ 4 \"file\" 'a b.4.incr.aof' type i size 3 \r\n";
    let manifest = parsed(text).expect("it is one");
    assert_eq!(manifest.format(), "file \"a b\" seq 1 type b\nfile \"a b.4.incr.aof\" seq 4 type i\n");
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
    let mismatch = |number: usize, line: &str| {
        let what = "The name of the AOF file does not agree with its sequence number, its type or the other names";
        format!("{what} at line {number}: '{line}'")
    };
    let cases: &[(&str, String)] = &[
        ("", "Found an empty AOF manifest".into()),
        ("\n", "Invalid AOF manifest file format at line 1".into()),
        ("file a seq 1 type b", "The AOF manifest file contains too long line at line 1".into()),
        (&long, "The AOF manifest file contains too long line at line 1".into()),
        ("file a seq 1\n", invalid("file a seq 1")),
        ("file a seq 1 type b more\n", invalid("file a seq 1 type b more")),
        ("file a seq 1 type b seq 1\n", invalid("file a seq 1 type b seq 1")),
        ("file a seq 1 kind b\n", invalid("file a seq 1 kind b")),
        ("file a seq 0 type b\n", invalid("file a seq 0 type b")),
        ("file a seq 01 type b\n", invalid("file a seq 01 type b")),
        ("file a seq x type b\n", invalid("file a seq x type b")),
        ("file a\u{b}seq 1 type b\n", invalid("file a\u{b}seq 1 type b")),
        ("file \"a seq 1 type b\n", invalid("file \"a seq 1 type b")),
        ("file \"\" seq 1 type b\n", invalid("file \"\" seq 1 type b")),
        ("file a/b seq 1 type b\n", "File can't be a path, just a filename at line 1: 'file a/b seq 1 type b'".into()),
        ("file .. seq 1 type b\n", "File can't be a path, just a filename at line 1: 'file .. seq 1 type b'".into()),
        ("file a seq 1 type x\n", "Unknown AOF file type at line 1: 'file a seq 1 type x'".into()),
        ("file a seq 1 type base\n", "Unknown AOF file type at line 1: 'file a seq 1 type base'".into()),
        (
            "file a seq 1 type b\nfile a.2.base.rdb seq 2 type b\n",
            "Found duplicate base file information at line 2: 'file a.2.base.rdb seq 2 type b'".into(),
        ),
        (
            "#\nfile a.2.incr.aof seq 2 type i\nfile a.2.incr.aof seq 2 type i\n",
            "Found a non-monotonic sequence number at line 3: 'file a.2.incr.aof seq 2 type i'".into(),
        ),
        ("file a seq 1 type b\n!!!\n", "Invalid AOF manifest file format at line 2: '!!!'".into()),
        ("file a seq 2 type b\n", mismatch(1, "file a seq 2 type b")),
        ("file a seq 1 type i\n", mismatch(1, "file a seq 1 type i")),
        ("file a.1.incr.aof seq 1 type b\n", mismatch(1, "file a.1.incr.aof seq 1 type b")),
        ("file a.1.base.aof seq 1 type i\n", mismatch(1, "file a.1.base.aof seq 1 type i")),
        ("file a.1.incr.aof seq 3 type i\n", mismatch(1, "file a.1.incr.aof seq 3 type i")),
        (
            "file a.1.base.rdb seq 1 type b\nfile b.1.incr.aof seq 1 type i\n",
            mismatch(2, "file b.1.incr.aof seq 1 type i"),
        ),
        (
            "file a.1.incr.aof seq 1 type i\nfile a seq 1 type b\n",
            "The base is not the first AOF file at line 2: 'file a seq 1 type b'".into(),
        ),
        (
            "file a.1.incr.aof seq 1 type i\nfile a.1.base.rdb seq 1 type h\n",
            "Found history behind what is still needed at line 2: 'file a.1.base.rdb seq 1 type h'".into(),
        ),
        (
            "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type h\nfile a.2.incr.aof seq 2 type i\n",
            "The history does not begin with a base".into(),
        ),
        ("file a seq 1 type b\n#CRC:00000000\n", "The checksum does not hold at line 2".into()),
    ];
    for (text, error) in cases {
        assert_eq!(parsed(text).as_ref(), Err(error), "{}", text.escape_debug());
    }
}

#[test]
fn a_checksum_that_somebody_wrote_is_checked() {
    assert!(parsed("file a seq 1 type b\n#CRC:05abbcb0\n").is_ok());
}

/// Manifests as servers write them: of one file, new, growing, and after rewrites.
fn written(prefix: &str) -> Vec<Manifest> {
    let old = AofFile { name: prefix.into(), seq: 1, kind: FileKind::Base };
    let mut upgraded = Manifest { base: Some(old), ..Manifest::default() };
    let mut all = vec![upgraded.clone()];
    upgraded.begin_incremental(prefix);
    let mut new = Manifest::default();
    new.begin_base(prefix, true);
    all.extend([new.clone(), upgraded.clone()]);
    for manifest in [&mut upgraded, &mut new] {
        for round in 0..12 {
            manifest.begin_incremental(prefix);
            all.push(manifest.clone());
            if round % 3 == 2 {
                manifest.begin_base(prefix, round % 2 == 0);
                manifest.retire_incrementals(true);
                all.push(manifest.clone());
            }
            if round == 8 {
                manifest.history.clear();
                all.push(manifest.clone());
            }
        }
    }
    all
}

/// Every bit of it changes, one at a time: the rest is refused or says the same. Only of a single file the name may be another, which no
/// file has.
fn no_flipped_bit_changes(manifest: &Manifest) {
    let text = manifest.format();
    assert_eq!(parsed(&text).as_ref(), Ok(manifest), "{text}");
    let stands_alone = text.lines().count() == 1;
    let unnamed = |mut manifest: Manifest| {
        let files = manifest.base.iter_mut().chain(&mut manifest.history).chain(&mut manifest.incremental);
        files.for_each(|file| file.name.clear());
        manifest
    };
    for bit in 0..text.len() * 8 {
        let mut damaged = text.clone().into_bytes();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let Ok(read) = Manifest::parse(&damaged) else { continue };
        let is_same = read == *manifest || stands_alone && unnamed(read) == unnamed(manifest.clone());
        assert!(is_same, "{}", damaged.escape_ascii());
    }
}

#[test]
fn any_flipped_bit_is_refused_or_changes_nothing() {
    for prefix in ["appendonly.aof", "a", "a.9.b", " file seq \n\n.aof ", "\"q'\u{7f}\u{e9}"] {
        written(prefix).iter().for_each(no_flipped_bit_changes);
    }
}

#[test]
fn what_newer_servers_write_beside_changes_nothing() {
    let text = "file a.1.base.rdb seq 1 type b\nfile a.1.incr.aof seq 1 type i startoffset 7 endoffset 90\n";
    assert_eq!(parsed(text).expect("it is one").incremental[0].name, "a.1.incr.aof");
}

quickcheck! {
    fn any_name_comes_back(prefix: String, at: usize) -> bool {
        let prefix = prefix.replace(['/', '\\'], "_");
        if prefix.is_empty() || prefix == "." || prefix == ".." || prefix.len() > 200 {
            return true;
        }
        let all = written(&prefix);
        let manifest = &all[at % all.len()];
        Manifest::parse(manifest.format().as_bytes()).as_ref() == Ok(manifest)
    }

    fn one_flipped_bit_is_noticed(base: u32, numbers: Vec<u16>, history: u8) -> bool {
        let prefix = "appendonly.aof";
        let base = u64::from(base) + 2;
        let mut manifest = Manifest::default();
        let file = |seq: u64, format: &str, kind| AofFile { name: format!("{prefix}.{seq}.{format}"), seq, kind };
        manifest.base = Some(file(base, "base.rdb", FileKind::Base));
        let mut seq = 1;
        let mut numbers = numbers.into_iter().take(8).map(|skip| {
            seq += u64::from(skip) + 1;
            file(seq, "incr.aof", FileKind::Incremental)
        });
        let retired = numbers.by_ref().take(usize::from(history % 4));
        manifest.history = retired.map(|file| AofFile { kind: FileKind::History, ..file }).collect();
        manifest.history.push(file(base - 1, "base.aof", FileKind::History));
        manifest.incremental = numbers.collect();
        no_flipped_bit_changes(&manifest);
        true
    }

    fn anything_is_a_manifest_or_not(bytes: Vec<u8>) -> bool {
        Manifest::parse(&bytes).map_or(true, |manifest| parsed(&manifest.format()) == Ok(manifest) || bytes.starts_with(b"#"))
    }
}
