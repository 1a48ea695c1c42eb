//! A file that is cut anywhere gives whole transactions, and says where they end.

use proptest::prelude::*;
use refrain_persist::aof::{AofError, AofItem, AofReader};
use refrain_resp::encode_command;

/// What a server appends at once.
#[derive(Debug, Clone)]
enum Appended {
    Command(Vec<Vec<u8>>),
    Transaction(Vec<Vec<Vec<u8>>>),
    Annotation(u32),
}

/// Bytes of arguments: among them those that commands are made of.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'*'), Just(b'#'), Just(b'1')], 0..9),
        proptest::collection::vec(any::<u8>(), 1000..1001),
    ]
}

fn command() -> impl Strategy<Value = Vec<Vec<u8>>> {
    proptest::collection::vec(argument(), 0..4).prop_map(|mut arguments| {
        arguments.insert(0, b"SET".to_vec());
        arguments
    })
}

fn appended() -> impl Strategy<Value = Vec<Appended>> {
    let one = prop_oneof![
        4 => command().prop_map(Appended::Command),
        2 => proptest::collection::vec(command(), 0..4).prop_map(Appended::Transaction),
        1 => any::<u32>().prop_map(Appended::Annotation),
    ];
    proptest::collection::vec(one, 0..12)
}

fn push(out: &mut Vec<u8>, arguments: &[Vec<u8>]) {
    encode_command(out, &arguments.iter().map(Vec::as_slice).collect::<Vec<_>>());
}

/// The file, the items in it, and behind which bytes and items it is whole.
fn file(appended: &[Appended]) -> (Vec<u8>, Vec<String>, Vec<(usize, usize)>) {
    let (mut bytes, mut items) = (Vec::new(), Vec::new());
    let mut whole = vec![(0, 0)];
    let name = |name: &[u8]| vec![name.to_vec()];
    for appended in appended {
        match appended {
            Appended::Command(command) => {
                push(&mut bytes, command);
                items.push(describe(command.iter().map(Vec::as_slice)));
            }
            Appended::Transaction(commands) => {
                let commands = [&[name(b"multi")][..], commands, &[name(b"EXEC")]].concat();
                for command in &commands {
                    push(&mut bytes, command);
                    items.push(describe(command.iter().map(Vec::as_slice)));
                }
            }
            Appended::Annotation(time) => {
                bytes.extend_from_slice(format!("#TS:{time}\r\n").as_bytes());
                items.push(format!("#TS:{time}"));
            }
        }
        whole.push((bytes.len(), items.len()));
    }
    (bytes, items, whole)
}

fn describe<'a>(arguments: impl Iterator<Item = &'a [u8]>) -> String {
    arguments.map(|argument| format!("{:?} ", argument.escape_ascii().to_string())).collect()
}

fn read_on(reader: &mut AofReader, items: &mut Vec<String>) -> Result<(), AofError> {
    while let Some(item) = reader.next()? {
        items.push(match item {
            AofItem::Command(command) => describe(command.arguments()),
            AofItem::Annotation(line) => line.escape_ascii().to_string(),
        });
    }
    Ok(())
}

proptest! {
    #[test]
    fn however_it_arrives_it_is_the_same(appended in appended(), piece in 1_usize..50) {
        let (bytes, items, _) = file(&appended);
        for piece in [piece, bytes.len().max(1)] {
            let mut reader = AofReader::new(0, 1 << 20);
            let mut read = Vec::new();
            for piece in bytes.chunks(piece) {
                reader.feed(piece);
                prop_assert_eq!(read_on(&mut reader, &mut read), Ok(()));
            }
            reader.end_of_input();
            prop_assert_eq!(read_on(&mut reader, &mut read), Ok(()));
            prop_assert_eq!(&read, &items);
            prop_assert_eq!(reader.valid_up_to(), bytes.len() as u64);
            prop_assert_eq!(reader.offset(), bytes.len() as u64);
        }
    }

    #[test]
    fn a_cut_anywhere_leaves_whole_transactions(appended in appended(), at in any::<prop::sample::Index>(), offset in 0_u64..100) {
        let (bytes, items, whole) = file(&appended);
        let cut = at.index(bytes.len() + 1);
        let mut reader = AofReader::new(offset, 1 << 20);
        reader.feed(&bytes[..cut]);
        reader.end_of_input();
        let mut read = Vec::new();
        let outcome = read_on(&mut reader, &mut read);
        let mut before = whole.iter().rev().skip_while(|(end, _)| *end > cut);
        let &(mut valid, mut count) = before.next().expect("nothing is whole, too");
        let (torn, mut tears_seal) = (&bytes[valid..cut], false);
        if !torn.is_empty() && b"#CRC:".starts_with(torn) && items[..count].last().is_some_and(|item| item.starts_with("#TS:")) {
            // A seal may have begun here, and the stamp before it would be that seal's: it goes with it.
            (valid, count) = *before.next().expect("nothing is whole, too");
            tears_seal = true;
        }
        prop_assert_eq!(reader.valid_up_to(), offset + valid as u64);
        prop_assert!(read.len() >= count, "what is whole was given");
        prop_assert_eq!(&read[..], &items[..read.len()]);
        match outcome {
            Ok(()) => prop_assert_eq!(valid, cut),
            Err(error) => {
                let torn = if tears_seal { error.kind.may_be_unsynced() } else { error.kind.is_truncation() };
                prop_assert!(valid < cut && torn, "{error}");
                prop_assert!(error.offset <= offset + cut as u64);
            }
        }
    }
}
