//! What one command leaves in the propagation stream is one command or one transaction: a stream that breaks off, and an
//! append-only file with it, has all of it or nothing.

mod fixture;

use std::fmt::Write as _;

use fixture::Bench;
use refrain_core::Config;
use refrain_resp::{Parsed, RequestParser};

/// The commands of the stream since the last look: their names, how many words follow, and nothing of what those are.
fn written(bench: &mut Bench) -> Vec<String> {
    let stream = &mut bench.engine.effects().stream;
    let (mut commands, mut rest) = (Vec::new(), stream.bytes());
    let (mut parser, mut offsets) = (RequestParser::default(), Vec::new());
    while !rest.is_empty() {
        offsets.clear();
        let Ok(Parsed::Command { consumed, .. }) = parser.parse(rest, &mut offsets, &Default::default()) else {
            panic!("no command: {}", rest.escape_ascii());
        };
        let name = &rest[offsets[0].start as usize..][..offsets[0].len as usize];
        commands.push(match offsets.len() {
            1 => String::from_utf8_lossy(name).into_owned(),
            words => format!("{} {}", String::from_utf8_lossy(name), words - 1),
        });
        rest = &rest[consumed..];
    }
    stream.clear();
    commands
}

fn bench() -> (Bench, refrain_core::SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    bench.ask(client, "SET first 1");
    written(&mut bench);
    (bench, client)
}

/// A set of so many members, in its own database.
fn with_members(bench: &mut Bench, client: refrain_core::SessionId, members: usize) {
    let mut line = "SADD s".to_owned();
    (0..members).for_each(|member| write!(line, " m{member}").expect("a string takes all"));
    bench.ask(client, &line);
    written(bench);
}

#[test]
fn many_members_that_are_popped_go_together() {
    // First those that go are chosen, then those that stay.
    for (members, count, last) in [(10_000, 2500, 454), (3000, 2990, 944)] {
        let (mut bench, client) = bench();
        with_members(&mut bench, client, members);
        bench.ask(client, &format!("SPOP s {count}"));
        let wanted = ["MULTI", "SREM 1025", "SREM 1025", &format!("SREM {last}"), "EXEC"].map(str::to_owned);
        let got = written(&mut bench);
        assert_eq!(got[..2], wanted[..2], "{members}");
        assert_eq!(got[got.len() - 1], wanted[4]);
        assert_eq!(got.iter().filter(|name| *name == "MULTI" || *name == "EXEC").count(), 2);
        let popped: usize = got[1..got.len() - 1].iter().map(|srem| srem[5..].parse::<usize>().unwrap() - 1).sum();
        assert_eq!(popped, count);
    }
}

#[test]
fn what_is_one_command_needs_no_transaction() {
    let (mut bench, client) = bench();
    with_members(&mut bench, client, 3000);
    for (line, wanted) in [
        ("SPOP s", "SREM 2"),
        ("SPOP s 1024", "SREM 1025"),
        ("SPOP s 3000", "DEL 1"),
        ("SET k v EX 10", "SET 4"),
        ("XGROUP CREATE x g 0 MKSTREAM", "XGROUP 5"),
        ("XREADGROUP GROUP g c STREAMS x >", "XGROUP 4"),
    ] {
        bench.ask(client, line);
        assert_eq!(written(&mut bench), [wanted], "{line}");
    }
}

#[test]
fn inside_a_transaction_there_is_no_other() {
    let (mut bench, client) = bench();
    with_members(&mut bench, client, 3000);
    bench.ask(client, "MULTI\r\nSPOP s 1500\r\nINCR first\r\nEXEC");
    assert_eq!(written(&mut bench), ["MULTI", "SREM 1025", "SREM 477", "INCR 1", "EXEC"]);
    bench.ask(client, "MULTI\r\nSPOP s 1400\r\nEXEC");
    assert_eq!(written(&mut bench), ["MULTI", "SREM 1025", "SREM 377", "EXEC"]);
}

#[test]
fn the_database_is_selected_before_the_transaction() {
    let (mut bench, client) = bench();
    bench.ask(client, "SELECT 1");
    with_members(&mut bench, client, 3000);
    bench.ask(client, "SELECT 0\r\nINCR first\r\nSELECT 1\r\nSPOP s 1500");
    assert_eq!(written(&mut bench), ["SELECT 1", "INCR 1", "SELECT 1", "MULTI", "SREM 1025", "SREM 477", "EXEC"]);
}

#[test]
fn deliveries_of_a_stream_go_together() {
    let (mut bench, client) = bench();
    for line in
        ["XGROUP CREATE x g 0 MKSTREAM", "XGROUP CREATE y g 0 MKSTREAM", "XADD x 1 f v", "XADD x 2 f v", "XADD y 1 f v"]
    {
        bench.ask(client, line);
    }
    written(&mut bench);
    bench.ask(client, "XREADGROUP GROUP g c STREAMS x y > >");
    let of_x = ["XGROUP 4", "XCLAIM 13", "XCLAIM 13", "XGROUP 6"];
    let of_y = ["XGROUP 4", "XCLAIM 13", "XGROUP 6"];
    assert_eq!(written(&mut bench), [&["MULTI"][..], &of_x, &of_y, &["EXEC"]].concat());
    bench.ask(client, "XDEL x 2");
    written(&mut bench);
    bench.ask(client, "XCLAIM x g other 0 1 2");
    assert_eq!(written(&mut bench), ["MULTI", "XGROUP 4", "XACK 3", "XCLAIM 13", "EXEC"]);
    bench.ask(client, "XAUTOCLAIM x g third 0 0");
    assert_eq!(written(&mut bench), ["MULTI", "XGROUP 4", "XCLAIM 13", "EXEC"]);
}
