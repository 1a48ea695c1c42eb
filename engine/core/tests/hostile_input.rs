//! Hostile input: whatever several clients send at once, cut anywhere, the engine neither panics nor holds more than a small
//! multiple of what it was sent, and it serves the next client as if nothing had been.
//!
//! A few megabytes by default; `REFRAIN_FUZZ_MB=100` for as many as that.

mod fixture;

use fixture::{Bench, command, fileless};
use refrain_core::{Closing, OUTPUT_HIGH_WATER, SessionId};

const SESSIONS: usize = 6;

/// SplitMix64: all the randomness here comes from one number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n.max(1) as u64) as usize
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

const WORDS: &[&str] = &[
    "GET",
    "SET",
    "MSET",
    "MGET",
    "DEL",
    "UNLINK",
    "INCR",
    "DECRBY",
    "INCRBY",
    "APPEND",
    "GETEX",
    "GETDEL",
    "STRLEN",
    "EXPIRE",
    "PEXPIREAT",
    "TTL",
    "PERSIST",
    "KEYS",
    "SCAN",
    "TYPE",
    "EXISTS",
    "TOUCH",
    "RANDOMKEY",
    "DBSIZE",
    "FLUSHALL",
    "FLUSHDB",
    "SWAPDB",
    "SELECT",
    "MULTI",
    "EXEC",
    "DISCARD",
    "WATCH",
    "UNWATCH",
    "HELLO",
    "AUTH",
    "RESET",
    "QUIT",
    "PING",
    "ECHO",
    "CLIENT",
    "COMMAND",
    "CONFIG",
    "INFO",
    "SHUTDOWN",
    "LIST",
    "KILL",
    "REPLY",
    "ID",
    "SETNAME",
    "GETNAME",
    "HELP",
    "DOCS",
    "GETKEYS",
    "GETKEYSANDFLAGS",
    "COUNT",
    "FILTERBY",
    "PATTERN",
    "ACLCAT",
    "NX",
    "XX",
    "GT",
    "LT",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "IFEQ",
    "IFNE",
    "IFDEQ",
    "IFDNE",
    "MATCH",
    "TYPE",
    "ADDR",
    "SKIPME",
    "MAXAGE",
    "ON",
    "OFF",
    "SKIP",
    "SAVE",
    "NOSAVE",
    "ABORT",
    "POST",
    "Host:",
    "maxclients",
    "timeout",
    "hz",
    "requirepass",
    "proto-max-bulk-len",
    "*",
    "[^a-",
    "k",
    "l",
    "m",
    "0",
    "1",
    "2",
    "3",
    "16",
    "-1",
    "10",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "",
    " ",
    "\"",
    "'",
    "\\x",
    "1e400",
    "\r\n",
    "0000000000000000",
];

/// A command whose words are likely to mean something, or a random one of the engine's own grammar.
fn valid(dice: &mut Dice, out: &mut Vec<u8>) {
    let shapes: &[&str] = &[
        "SET k V",
        "SET k V PX 5",
        "SET k V NX GET",
        "SET l V IFEQ V",
        "GET k",
        "MGET k l m",
        "MSET k V l V",
        "INCR n",
        "APPEND k V",
        "DEL k l",
        "PEXPIRE k 3",
        "MULTI",
        "EXEC",
        "WATCH k l",
        "SCAN 0 COUNT 100",
        "KEYS *",
        "SELECT 1",
        "SELECT 0",
        "SWAPDB 0 1",
        "FLUSHALL",
        "HELLO 3",
        "HELLO 2",
        "CLIENT LIST",
        "INFO",
        "COMMAND DOCS",
        "CONFIG GET *",
        "ECHO V",
        "CLIENT REPLY SKIP",
    ];
    let mut words: Vec<Vec<u8>> = match dice.below(3) {
        0 => (0..1 + dice.below(8)).map(|_| dice.pick(WORDS).as_bytes().to_vec()).collect(),
        _ => dice.pick(shapes).split(' ').map(|w| w.as_bytes().to_vec()).collect(),
    };
    for word in &mut words {
        if word == b"V" {
            let len = if dice.below(50) == 0 { 5000 } else { dice.pick(&[0, 1, 1, 5, 5, 20, 20, 100]) };
            let byte = dice.roll() as u8;
            *word = vec![byte; len];
        }
    }
    // SHUTDOWN is obeyed: the node would be gone. AUTH and requirepass would keep the rest of the stream out.
    if words[0].eq_ignore_ascii_case(b"SHUTDOWN") || words.iter().any(|w| w == b"requirepass") {
        words = vec![b"PING".to_vec()];
    }
    let refs: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    if dice.below(4) == 0 {
        out.extend_from_slice(&refs.join(&b' '));
        out.extend_from_slice(b"\r\n");
    } else {
        out.extend_from_slice(&command(&refs));
    }
}

/// Something that no client should send.
fn wrong(dice: &mut Dice, out: &mut Vec<u8>) {
    match dice.below(14) {
        0 => out.extend_from_slice(b"*1000000000\r\n"),
        1 => out.extend_from_slice(b"*-5\r\n*0\r\n*-1\r\n"),
        2 => out.extend_from_slice(b"*2\r\n$-1\r\n"),
        3 => out.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$536870912\r\n"),
        4 => out.extend_from_slice(b"*3\r\n$18446744073709551615\r\n"),
        5 => out.extend(std::iter::repeat_n(dice.roll() as u8, 64 * 1024 + dice.below(100))),
        6 => out.extend(std::iter::repeat_n(0, 1 + dice.below(300))),
        7 => out.extend("\"'".bytes().cycle().take(dice.below(2000))),
        8 => out.extend_from_slice(b"SET k \"\\x4\\xzz\\\"'\r\n"),
        9 => out.extend((0..dice.below(5000)).map(|_| dice.roll() as u8)),
        10 => out.extend("GET k ".bytes().cycle().take(60_000)),
        11 => out.extend("*1\r\n".bytes().cycle().take(40_000)),
        12 => out.extend("\r\n".bytes().cycle().take(40_000)),
        _ => {
            // MULTI with a queue that only grows.
            out.extend_from_slice(b"MULTI\r\n");
            out.extend("SET k v\r\n".bytes().cycle().take(9 * 3000));
        }
    }
}

/// The next bytes of one client: valid commands, then mutated.
fn stream(dice: &mut Dice) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..1 + dice.below(40) {
        match dice.below(500) {
            0 => wrong(dice, &mut out),
            _ => valid(dice, &mut out),
        }
    }
    if dice.below(5) > 0 {
        return out;
    }
    for _ in 0..1 + dice.below(4) {
        let at = dice.below(out.len());
        match dice.below(5) {
            0 if !out.is_empty() => out[at] ^= 1 << dice.below(8),
            1 => out.truncate(at),
            2 => {
                let (from, len) = (dice.below(out.len()), dice.below(200));
                let piece = out[from..out.len().min(from + len)].to_vec();
                out.splice(at..at, piece);
            }
            3 if !out.is_empty() => drop(out.drain(at..out.len().min(at + 1 + dice.below(20)))),
            _ => out.splice(at..at, dice.pick(&["\0", "\r", "\n", "*", "$", "-", "9999999999"]).bytes()).for_each(drop),
        }
    }
    out
}

/// One engine with its attackers. Some of them don't read.
struct Siege {
    bench: Bench,
    attackers: Vec<(SessionId, bool)>,
    /// Bytes sent so far by sessions that are still open.
    sent: Vec<u64>,
    accepted: u64,
}

impl Siege {
    fn new() -> Siege {
        let mut bench = Bench::new(fileless(), None);
        bench.engine.effects().stream.enable(false);
        let attackers: Vec<_> = (0..SESSIONS).map(|i| (bench.connect(), i % 3 == 2)).collect();
        Siege { bench, attackers, sent: vec![0; SESSIONS], accepted: 0 }
    }

    /// One round of all attackers, and all that follows from it.
    fn round(&mut self, dice: &mut Dice) {
        let mut bytes: Vec<(usize, Vec<u8>)> = Vec::new();
        for who in 0..SESSIONS {
            if dice.below(3) > 0 {
                bytes.push((who, stream(dice)));
            }
        }
        let engine = &mut self.bench.engine;
        let (mut arena, mut inputs) = (Vec::new(), Vec::new());
        for (who, bytes) in &bytes {
            let session = self.attackers[*who].0;
            self.sent[*who] += bytes.len() as u64;
            self.accepted += bytes.len() as u64;
            let len = bytes.len();
            match engine.read_into(session) {
                refrain_core::ReadInto::Arena => {
                    let start = arena.len();
                    arena.extend_from_slice(bytes);
                    inputs.push(refrain_core::Input { session, bytes: Some(start..start + len), len });
                }
                refrain_core::ReadInto::Pending(pending) => {
                    pending.extend_from_slice(bytes);
                    inputs.push(refrain_core::Input { session, bytes: None, len });
                }
                refrain_core::ReadInto::Long => {
                    engine.receive(session, bytes);
                    inputs.push(refrain_core::Input { session, bytes: None, len });
                }
                refrain_core::ReadInto::Later | refrain_core::ReadInto::Nothing => {}
            }
            if dice.below(200) == 0 {
                engine.end_of_input(session);
            }
        }
        engine.round(&arena, &inputs);
        self.take_replies();
        let mut rounds = 0;
        while self.bench.engine.is_runnable() {
            self.bench.engine.round(&[], &[]);
            self.take_replies();
            rounds += 1;
            assert!(rounds < 20_000, "the leftovers of one round never end");
        }
        if dice.below(4) == 0 {
            self.bench.advance_ms(dice.below(20) as u64);
            self.bench.engine.tick();
            self.take_replies();
        }
        let effects = self.bench.engine.effects();
        effects.detached.clear();
        effects.log.clear();
        // A mutation may spell it; here nobody obeys.
        effects.shutdown = None;
    }

    /// Reads what is owed to those who read, and replaces those who are closed.
    fn take_replies(&mut self) {
        let attended = self.bench.engine.take_attended();
        self.bench.engine.recycle_attended(attended);
        for who in 0..SESSIONS {
            let (id, deaf) = self.attackers[who];
            let closing = self.bench.engine.closing(id);
            let owed = self.bench.engine.unsent(id).len();
            // A deaf one hears a little now and then, so that its commands go on.
            if !deaf || closing != Closing::Open || owed > OUTPUT_HIGH_WATER {
                self.bench.engine.sent(id, owed);
            }
            // One who waits for the end of a bulk that never comes swallows everything: it gives up after a while.
            let stuck = self.bench.engine.state().sessions.get(id).is_some_and(|s| s.pending.len() > 150_000);
            if closing != Closing::Open || stuck {
                self.bench.engine.disconnect(id);
                self.attackers[who].0 = self.bench.connect();
                self.sent[who] = 0;
            }
        }
    }

    fn check(&mut self) {
        let state = self.bench.engine.state();
        assert!(state.sessions.len() <= SESSIONS + 1);
        for (who, (id, _)) in self.attackers.iter().enumerate() {
            let Some(session) = state.sessions.get(*id) else { continue };
            let held = (session.pending.len() - session.pending_from) as u64;
            assert!(held <= self.sent[who], "{held} bytes pending of {} sent", self.sent[who]);
        }
        let sent: u64 = self.sent.iter().sum();
        // What is left of all those gone are keys: at most ten small ones in each database, and what a buffer keeps.
        let keys: usize = (0..state.keyspace.len()).map(|db| state.keyspace.db(db).len()).sum();
        let bound = 16 * sent + (SESSIONS as u64 * 8 + 16) * OUTPUT_HIGH_WATER as u64 + self.accepted / 2;
        let used = state.used_memory();
        assert!(used <= bound, "{used} bytes used of {bound}, {keys} keys, {sent} sent by those who are there");
        let mut fresh = self.bench.connect();
        let mut pong = self.bench.send(fresh, b"*1\r\n$4\r\nPING\r\n");
        if pong.is_empty() || pong.starts_with(b"-NOAUTH") {
            // A password or a limit was set by a lucky splice.
            self.bench.engine.disconnect(fresh);
            fresh = self.bench.connect();
            pong = self.bench.send(fresh, b"HELLO 2 AUTH default 0\r\n");
        }
        assert!(pong.starts_with(b"+PONG\r\n") || pong.starts_with(b"-"), "{}", String::from_utf8_lossy(&pong));
        self.bench.engine.disconnect(fresh);
        self.bench.received.clear();
        for (id, _) in &self.attackers {
            self.bench.received.insert(*id, Vec::new());
        }
    }
}

#[test]
fn nothing_that_clients_send_breaks_the_engine() {
    #[expect(clippy::disallowed_methods, reason = "how long to fuzz is the person's choice who runs it")]
    let megabytes: u64 = std::env::var("REFRAIN_FUZZ_MB").ok().and_then(|mb| mb.parse().ok()).unwrap_or(4);
    let mut total = 0;
    let mut seed = 0;
    while total < megabytes << 20 {
        let mut siege = Siege::new();
        let mut dice = Dice(seed);
        while siege.accepted < 2 << 20 {
            siege.round(&mut dice);
            siege.check();
        }
        total += siege.accepted;
        seed += 1;
        // The input is hostile, but not so wrong that nothing happens.
        let stats = &siege.bench.engine.state().stats;
        assert!(stats.commands_processed > 3_000, "{} commands were executed", stats.commands_processed);
        assert!(stats.protocol_errors > 50, "{} frames were lost", stats.protocol_errors);
        // With everybody gone and everything deleted nothing is left.
        for (id, _) in siege.attackers.clone() {
            siege.bench.engine.disconnect(id);
        }
        let state = siege.bench.engine.state();
        assert_eq!(state.sessions.len(), 0);
        assert_eq!(state.watchers.len(), 0, "nobody is left who watches");
        let last = siege.bench.connect();
        siege.bench.send(last, "FLUSHALL\r\n");
        siege.bench.engine.effects().detached.clear();
        siege.bench.engine.disconnect(last);
        // Only what was slow or large is remembered, in logs that have their own bound.
        let but_the_logs =
            |bench: &Bench| bench.engine.state().used_memory() - bench.engine.state().observer.memory() as u64;
        let empty = but_the_logs(&Bench::new(fileless(), None));
        assert_eq!(but_the_logs(&siege.bench), empty, "seed {seed}");
    }
}

#[test]
fn one_byte_at_a_time_gives_the_same_as_all_at_once() {
    for seed in 0..150 {
        let bytes = stream(&mut Dice(1_000_000 + seed));
        if bytes.len() > 30_000 {
            continue;
        }
        let (mut one, mut all) = (Bench::new(fileless(), None), Bench::new(fileless(), None));
        let (a, b) = (one.connect(), all.connect());
        for byte in &bytes {
            one.round(&[(a, &[*byte])]);
        }
        all.round(&[(b, &bytes)]);
        assert_eq!(one.engine.closing(a), all.engine.closing(b), "seed {seed}");
        // What describes buffers and counts of calls differs with the cut; everything else is equal.
        let text = String::from_utf8_lossy(&bytes).to_ascii_uppercase();
        if !["INFO", "LIST"].iter().any(|word| text.contains(word)) {
            let text = |bench: &Bench, id| String::from_utf8_lossy(&bench.received[&id]).into_owned();
            assert_eq!(text(&one, a), text(&all, b), "seed {seed}");
        }
        assert_eq!(one.data(), all.data(), "seed {seed}");
    }
}
