//! What clients see of the table, byte for byte.

use refrain_resp::{Encoder, Protocol};

use super::super::{Command, FindKeys, Flags, KeyFlags, KeySpec, documentation, help, information, syntax};
use super::entry;

/// A reply with one line for each of its own.
fn shown(protocol: Protocol, write: impl FnOnce(&mut Encoder<'_>)) -> String {
    let mut out = Vec::new();
    write(&mut Encoder::new(&mut out, protocol));
    String::from_utf8(out).expect("the table is ASCII").replace("\r\n", "\n")
}

#[test]
fn information_of_get() {
    insta::assert_snapshot!(shown(Protocol::Resp3, |reply| information(entry("get"), reply)));
}

#[test]
fn information_of_set_in_resp2() {
    insta::assert_snapshot!(shown(Protocol::Resp2, |reply| information(entry("set"), reply)));
}

#[test]
fn documentation_of_get() {
    insta::assert_snapshot!(shown(Protocol::Resp3, |reply| documentation(entry("get"), reply)));
}

#[test]
fn documentation_of_quit_says_that_it_is_discouraged() {
    insta::assert_snapshot!(shown(Protocol::Resp3, |reply| documentation(entry("quit"), reply)));
}

#[test]
fn documentation_nests_choices() {
    insta::assert_snapshot!(shown(Protocol::Resp3, |reply| documentation(entry("flushdb"), reply)));
}

#[test]
fn key_specs_of_every_kind() {
    static KEYS: &[KeySpec] = &[
        KeySpec::counted(2, &[KeyFlags::RW, KeyFlags::ACCESS]).notes("as many as it says"),
        KeySpec::keyword("STREAMS", -2, -1, 2, &[KeyFlags::RO]),
        KeySpec { begin: super::super::BeginSearch::Unknown, find: FindKeys::Unknown, ..KeySpec::one(1, &[]) },
    ];
    let command = Command { name: "x", flags: Flags::of(&[Flags::MAY_REPLICATE]), keys: KEYS, ..Command::BLANK };
    insta::assert_snapshot!(shown(Protocol::Resp3, |reply| information(&command, reply)));
}

#[test]
fn help_of_a_container() {
    let of = |name| shown(Protocol::Resp2, |reply| help(entry(name), reply));
    assert_eq!(of("command"), of("command|help"));
    insta::assert_snapshot!(of("command"));
}

/// The lengths that replies announce are those that follow: every entry decodes, and nothing is left over.
#[test]
fn every_reply_is_well_formed() {
    for command in super::entries() {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut out = Vec::new();
            let mut reply = Encoder::new(&mut out, protocol);
            reply.array(4);
            information(command, &mut reply);
            documentation(command, &mut reply);
            help(command, &mut reply);
            let (_, used) = refrain_resp::decode(&out)
                .expect("it is RESP")
                .unwrap_or_else(|| panic!("{} is cut short", command.name));
            assert_eq!(used, out.len(), "{}", command.name);
        }
    }
}

#[test]
fn syntax_reads_as_in_the_manual() {
    let of = |name| syntax(entry(name).arguments);
    assert_eq!(of("get"), "key");
    assert_eq!(of("del"), "key [key ...]");
    assert_eq!(of("mset"), "key value [key value ...]");
    assert_eq!(of("expire"), "key seconds [NX | XX | GT | LT]");
    assert_eq!(of("hello"), "[protover [AUTH username password] [SETNAME clientname]]");
    assert_eq!(of("client|reply"), "<ON | OFF | SKIP>");
    assert_eq!(of("client|list"), "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]");
    assert_eq!(
        of("set"),
        "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | \
         PXAT unix-time-milliseconds | KEEPTTL]"
    );
}
