//! LMOVEM and BLMOVEM in the propagation stream: commands that every server knows, whatever is moved and where.

mod fixture;

use fixture::{Bench, command};
use proptest::prelude::*;
use refrain_core::Config;

/// The words of the commands in the propagation stream.
fn propagated(bench: &mut Bench) -> String {
    let bytes = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
    let words: Vec<&str> = bytes.split("\r\n").filter(|word| !word.starts_with(['*', '$'])).collect();
    words.join(" ").trim_end().to_owned()
}

#[test]
fn they_are_propagated_as_what_older_servers_know() {
    for (line, wanted) in [
        ("LMOVEM a b LEFT RIGHT", "LMOVE a b LEFT RIGHT"),
        ("LMOVEM a b LEFT RIGHT COUNT 2 BULK", "MULTI LPOP a 2 RPUSH b 1 2 EXEC"),
        ("LMOVEM a b RIGHT RIGHT COUNT 2 BULK", "MULTI RPOP a 2 RPUSH b 3 4 EXEC"),
        ("LMOVEM a b RIGHT RIGHT COUNT 2 OBO", "MULTI RPOP a 2 RPUSH b 4 3 EXEC"),
        ("LMOVEM a b LEFT LEFT COUNT 9 BULK", "MULTI LPOP a 4 LPUSH b 4 3 2 1 EXEC"),
        ("BLMOVEM a b LEFT LEFT 0 EXACTLY 2 OBO", "MULTI LPOP a 2 LPUSH b 1 2 EXEC"),
        ("LMOVEM a a LEFT RIGHT COUNT 3 BULK", "MULTI LPOP a 3 RPUSH a 1 2 3 EXEC"),
        // One stays, so that the list does.
        ("LMOVEM a a LEFT RIGHT COUNT 4 BULK", "MULTI LPOP a 3 LPUSH a 3 2 1 EXEC"),
        ("LMOVEM no b LEFT RIGHT COUNT 4 BULK", ""),
    ] {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        bench.ask(client, "RPUSH a 1 2 3 4");
        bench.engine.effects().stream.clear();
        bench.ask(client, line);
        assert_eq!(propagated(&mut bench), wanted, "{line}");
    }
}

#[test]
fn many_elements_are_pushed_by_parts() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    let elements: Vec<String> = (0..3000).map(|i| i.to_string()).collect();
    let words: Vec<&[u8]> =
        ["RPUSH", "a"].into_iter().chain(elements.iter().map(String::as_str)).map(str::as_bytes).collect();
    bench.send(client, command(&words));
    bench.engine.effects().stream.clear();
    bench.ask(client, "LMOVEM a b RIGHT LEFT COUNT 2500 BULK");
    assert_eq!(propagated(&mut bench).matches("LPUSH b").count(), 3);
}

proptest! {
    #[test]
    fn the_commands_reproduce_the_lists_and_their_deadlines(
        lens in (1usize..6, 0usize..4),
        moves in prop::collection::vec(
            (any::<[bool; 2]>(), any::<[bool; 2]>(), 1usize..7, any::<[bool; 2]>()),
            1..6,
        ),
    ) {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        for (key, len) in [("a", lens.0), ("b", lens.1)] {
            for i in 0..len {
                bench.ask(client, &format!("RPUSH {key} {key}{i}"));
            }
            bench.ask(client, &format!("EXPIRE {key} 1000"));
        }
        for ([from_b, to_b], [from_left, to_left], count, [exactly, bulk]) in moves {
            let key = |b| if b { "b" } else { "a" };
            let end = |left| if left { "LEFT" } else { "RIGHT" };
            let line = format!(
                "LMOVEM {} {} {} {} {} {count} {}",
                key(from_b),
                key(to_b),
                end(from_left),
                end(to_left),
                if exactly { "EXACTLY" } else { "COUNT" },
                if bulk { "BULK" } else { "OBO" },
            );
            bench.ask(client, &line);
        }
        let stream = bench.engine.effects().stream.bytes().to_vec();
        prop_assert!(!String::from_utf8_lossy(&stream).contains("LMOVEM"));
        let mut copy = Bench::new(Config::default(), None);
        let link = copy.connect();
        copy.send(link, &stream);
        prop_assert_eq!(copy.data(), bench.data());
        let read = "LRANGE a 0 -1\r\nLRANGE b 0 -1";
        let client_of_copy = copy.connect();
        prop_assert_eq!(copy.ask(client_of_copy, read), bench.ask(client, read));
    }
}
