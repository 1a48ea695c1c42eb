//! Entries that are sent twice, against a naive model: every reply, what a stream says that it remembers, and what the propagated
//! commands make of an empty engine that reads them from a file, much later and with other parameters.

mod fixture;

use std::collections::BTreeMap;

use fixture::{Bench, START_US};
use proptest::collection::vec;
use proptest::prelude::*;
use refrain_core::Config;
use refrain_persist::aof::{AofItem, AofReader, commands};

type Id = (u64, u64);

#[derive(Clone, Debug)]
enum Step {
    /// `value` stands for the iid where `auto` is set.
    Send {
        pid: u8,
        iid: u8,
        auto: bool,
        value: u8,
        keep: Option<u8>,
    },
    Add(u8),
    Record {
        pid: u8,
        iid: u8,
        at: usize,
    },
    Configure {
        duration: Option<u8>,
        entries: Option<u8>,
    },
    Delete(usize),
    SetId(u8),
    Wait(u16),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let (pid, iid) = (0u8..3, 0u8..8);
    prop_oneof![
        20 => (pid.clone(), iid.clone(), prop::bool::weighted(0.3), 0u8..3, prop::option::weighted(0.2, 0u8..6))
            .prop_map(|(pid, iid, auto, value, keep)| Step::Send { pid, iid, auto, value, keep }),
        2 => (0u8..3).prop_map(Step::Add),
        4 => (pid, iid, any::<usize>()).prop_map(|(pid, iid, at)| Step::Record { pid, iid, at }),
        2 => (prop::option::of(1u8..4), prop::option::of(1u8..6))
            .prop_map(|(duration, entries)| Step::Configure { duration, entries }),
        2 => any::<usize>().prop_map(Step::Delete),
        1 => (0u8..3).prop_map(Step::SetId),
        6 => (1u16..1500).prop_map(Step::Wait),
        4 => Just(Step::Tick),
    ]
}

/// What a stream is, and what it remembers, in lists.
struct Model {
    exists: bool,
    entries: Vec<Id>,
    last: Id,
    max_deleted: Id,
    sent: BTreeMap<String, Vec<(String, Id)>>,
    limits: (u64, usize),
    added: u64,
    duplicates: u64,
    now_ms: u64,
}

fn text((ms, seq): Id) -> String {
    format!("{ms}-{seq}")
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

impl Model {
    fn new() -> Model {
        Model {
            exists: false,
            entries: Vec::new(),
            last: (0, 0),
            max_deleted: (0, 0),
            sent: BTreeMap::new(),
            limits: (100, 100),
            added: 0,
            duplicates: 0,
            now_ms: START_US / 1000,
        }
    }

    fn append(&mut self) -> Id {
        let id = if self.now_ms > self.last.0 { (self.now_ms, 0) } else { (self.last.0, self.last.1 + 1) };
        (self.exists, self.last) = (true, id);
        self.entries.push(id);
        id
    }

    fn known(&self, pid: &str, iid: &str) -> Option<Id> {
        self.sent.get(pid)?.iter().find(|(other, _)| other == iid).map(|(_, id)| *id)
    }

    fn record(&mut self, pid: String, iid: String, id: Id) {
        let records = self.sent.entry(pid).or_default();
        records.push((iid, id));
        let too_many = records.len().saturating_sub(self.limits.1);
        records.drain(..too_many);
        self.added += 1;
    }

    fn tick(&mut self) {
        let (now, duration) = (self.now_ms, self.limits.0 * 1000);
        for records in self.sent.values_mut() {
            let due = records.iter().take_while(|(_, id)| id.0 + duration <= now).count();
            records.drain(..due);
        }
        self.sent.retain(|_, records| !records.is_empty());
    }

    fn at(&self, at: usize) -> Id {
        match self.entries.is_empty() || at.is_multiple_of(7) {
            true => (1, 1),
            false => self.entries[at % self.entries.len()],
        }
    }

    /// The command that a step is, and its reply.
    fn apply(&mut self, step: &Step) -> Option<(String, String)> {
        Some(match step {
            Step::Send { pid, iid, auto, value, keep } => {
                let pid = format!("p{pid}");
                let (option, iid) = match auto {
                    // Two orders of the same pairs.
                    true => (format!("IDMPAUTO {pid}"), format!("by content {value}")),
                    false => (format!("IDMP {pid} {iid}"), iid.to_string()),
                };
                let fields = match iid.len() % 2 == self.duplicates as usize % 2 {
                    true => format!("f {value} g x"),
                    false => format!("g x f {value}"),
                };
                let trim = keep.map(|keep| format!(" MAXLEN {keep}")).unwrap_or_default();
                let line = format!("XADD s {option}{trim} * {fields}");
                if let Some(id) = self.known(&pid, &iid) {
                    self.duplicates += 1;
                    return Some((line, bulk(&text(id))));
                }
                let id = self.append();
                self.record(pid, iid, id);
                if let Some(keep) = keep {
                    let gone = self.entries.len().saturating_sub(usize::from(*keep));
                    self.entries.drain(..gone);
                }
                (line, bulk(&text(id)))
            }
            Step::Add(value) => (format!("XADD s * f {value}"), bulk(&text(self.append()))),
            Step::Record { pid, iid, at } => {
                let (pid, iid, id) = (format!("p{pid}"), iid.to_string(), self.at(*at));
                let line = format!("XIDMPRECORD s {pid} {iid} {}", text(id));
                let reply = match self.known(&pid, &iid) {
                    _ if !self.exists => "-ERR no such key\r\n",
                    _ if !self.entries.contains(&id) => "-ERR No such message in stream\r\n",
                    Some(known) if known != id => {
                        "-ERR IID already exists for this producer with a different stream ID\r\n"
                    }
                    Some(_) => "+OK\r\n",
                    None => {
                        self.record(pid, iid, id);
                        "+OK\r\n"
                    }
                };
                (line, reply.to_owned())
            }
            Step::Configure { duration, entries } => {
                let mut line = "XCFGSET s".to_owned();
                line += &duration.map(|seconds| format!(" IDMP-DURATION {seconds}")).unwrap_or_default();
                line += &entries.map(|entries| format!(" IDMP-MAXSIZE {entries}")).unwrap_or_default();
                if !self.exists {
                    return Some((line, "-ERR no such key\r\n".to_owned()));
                }
                if duration.is_none() && entries.is_none() {
                    return Some((line, "-ERR At least one parameter must be specified\r\n".to_owned()));
                }
                let wanted = (duration.map_or(self.limits.0, u64::from), entries.map_or(self.limits.1, usize::from));
                if wanted != self.limits {
                    self.limits = wanted;
                    self.sent.clear();
                }
                (line, "+OK\r\n".to_owned())
            }
            Step::Delete(at) => {
                let id = self.at(*at);
                let found = self.entries.iter().position(|other| *other == id);
                if let Some(at) = found {
                    self.entries.remove(at);
                    self.max_deleted = self.max_deleted.max(id);
                }
                (format!("XDEL s {}", text(id)), format!(":{}\r\n", u8::from(found.is_some())))
            }
            Step::SetId(ahead) => {
                // Ids of the future make records that outlive those that come after them.
                if !self.exists {
                    return None;
                }
                self.last = (self.last.0 + u64::from(*ahead) * 700, self.last.1);
                (format!("XSETID s {}", text(self.last)), "+OK\r\n".to_owned())
            }
            Step::Wait(_) | Step::Tick => return None,
        })
    }

    fn figures(&self) -> [(&'static str, u64); 6] {
        [
            ("idmp-duration", self.limits.0),
            ("idmp-maxsize", self.limits.1 as u64),
            ("pids-tracked", self.sent.len() as u64),
            ("iids-tracked", self.sent.values().map(Vec::len).sum::<usize>() as u64),
            ("iids-added", self.added),
            ("iids-duplicates", self.duplicates),
        ]
    }
}

/// What XINFO says behind a name.
fn figure(info: &str, name: &str) -> u64 {
    let mut lines = info.split("\r\n").skip_while(|line| *line != name);
    lines.nth(1).and_then(|line| line.strip_prefix(':')).and_then(|line| line.parse().ok()).expect("it is a number")
}

/// All that a stream says but how many producers and records it has: those may be more where nothing was forgotten.
fn describe(bench: &mut Bench, with_limits: bool) -> String {
    let client = bench.connect();
    let mut info = bench.ask(client, "XINFO STREAM s FULL COUNT 0");
    for (name, compared) in [
        ("pids-tracked", false),
        ("iids-tracked", false),
        ("idmp-duration", with_limits),
        ("idmp-maxsize", with_limits),
    ] {
        if !compared && info.contains(name) {
            let found = figure(&info, name);
            info = info.replace(&format!("{name}\r\n:{found}\r\n"), "");
        }
    }
    info
}

/// An engine that has read these commands from a file.
fn loaded(config: Config, commands: &[u8], later_ms: u64) -> Bench {
    let mut bench = Bench::new(config, None);
    bench.advance_ms(later_ms);
    let mut reader = AofReader::new(0, 1 << 20);
    reader.feed(commands);
    reader.end_of_input();
    bench.engine.loading_began(commands.len() as u64);
    while let Some(item) = reader.next().expect("the file is whole") {
        if let AofItem::Command(command) = item {
            bench.engine.replay(command).expect("the command is known");
        }
    }
    bench.engine.loading_ended();
    assert_eq!(bench.engine.state().stats.unexpected_errors, 0);
    bench
}

proptest! {
    #[test]
    fn what_was_sent_before_is_not_added_again(steps in vec(step(), 1..120)) {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        let mut model = Model::new();
        for step in &steps {
            match step {
                Step::Wait(ms) => {
                    bench.advance_ms(u64::from(*ms));
                    model.now_ms += u64::from(*ms);
                }
                Step::Tick => {
                    bench.tick();
                    model.tick();
                }
                _ => {}
            }
            if let Some((line, wanted)) = model.apply(step) {
                let reply = bench.ask(client, &line);
                prop_assert_eq!(&reply, &wanted, "{}", line);
            }
            if model.exists {
                let info = bench.ask(client, "XINFO STREAM s");
                for (name, wanted) in model.figures() {
                    prop_assert_eq!(figure(&info, name), wanted, "{} after {:?}", name, step);
                }
                prop_assert_eq!(figure(&info, "length"), model.entries.len() as u64);
            }
        }
        let commands = bench.engine.effects().stream.bytes().to_vec();
        // What was added is added, and what was known is known, long after all of it is due.
        let mut copy = loaded(Config::default(), &commands, 1_000_000_000);
        prop_assert_eq!(describe(&mut copy, true), describe(&mut bench, true));
        let client = copy.connect();
        for (pid, records) in &model.sent {
            for (iid, id) in records.iter().filter(|(iid, _)| !iid.starts_with("by content")) {
                prop_assert_eq!(copy.ask(client, &format!("XADD s IDMP {pid} {iid} * a b")), bulk(&text(*id)));
            }
        }
        // Entries are the same even where less is remembered from the beginning on.
        let mut config = Config::default();
        (config.encodings.stream_idmp_duration, config.encodings.stream_idmp_maxsize) = (1, 1);
        let mut forgetful = loaded(config, &commands, 0);
        prop_assert_eq!(describe(&mut forgetful, false), describe(&mut bench, false));
    }

    /// A payload holds all of it.
    #[test]
    fn a_copy_remembers_what_the_original_does(steps in vec(step(), 1..80)) {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        let mut model = Model::new();
        for (line, _) in steps.iter().filter_map(|step| model.apply(step)) {
            bench.ask(client, &line);
        }
        if model.exists {
            let original = bench.ask(client, "XINFO STREAM s FULL COUNT 0");
            let payload = bench.ask(client, "DUMP s");
            bench.ask(client, "COPY s t");
            prop_assert_eq!(&bench.ask(client, "DUMP t"), &payload);
            prop_assert_eq!(bench.ask(client, "XINFO STREAM t FULL COUNT 0"), original);
        }
    }
}

/// What a command leaves in the propagation stream, as words.
fn propagated(bench: &mut Bench, line: &str) -> String {
    let client = bench.connect();
    bench.engine.effects().stream.clear();
    let reply = bench.ask(client, line);
    assert!(!reply.starts_with('-'), "{line}: {reply}");
    let bytes = String::from_utf8_lossy(bench.engine.effects().stream.bytes()).into_owned();
    let words: Vec<&str> =
        bytes.split("\r\n").filter(|word| !(word.starts_with(['*', '$']) && word.len() > 1)).collect();
    words.join(" ").trim_start_matches("SELECT 0 ").trim_end().to_owned()
}

#[test]
fn new_entries_are_propagated_with_their_ids_and_known_ones_as_they_came() {
    let mut bench = Bench::new(Config::default(), None);
    let first = format!("{}-0", START_US / 1000);
    let next = |seq| format!("{}-{seq}", START_US / 1000);
    for (line, wanted) in [
        ("XADD s IDMP p i * a b", format!("XADD s IDMP p i {first} a b")),
        ("XADD s idmp p i * a c", "XADD s idmp p i * a c".to_owned()),
        ("XADD s IDMP p i MAXLEN 0 * a c", "XADD s IDMP p i MAXLEN 0 * a c".to_owned()),
        ("XADD s NOMKSTREAM idmpauto p MAXLEN ~ 5 * a b", format!("XADD s IDMPAUTO p MAXLEN = 2 {} a b", next(1))),
        ("XADD s IDMPAUTO p * a b", "XADD s IDMPAUTO p * a b".to_owned()),
        ("XADD s DELREF IDMP q i MAXLEN 3 * a b", format!("XADD s IDMP q i DELREF MAXLEN = 3 {} a b", next(2))),
        ("XADD no NOMKSTREAM IDMP p i * a b", String::new()),
        ("XCFGSET s IDMP-DURATION 100 IDMP-MAXSIZE 100", String::new()),
        ("XCFGSET s IDMP-DURATION 99", "XCFGSET s IDMP-DURATION 99".to_owned()),
        ("XIDMPRECORD s p i 1700000000000-0", "XIDMPRECORD s p i 1700000000000-0".to_owned()),
        ("XIDMPRECORD s p i 1700000000000-0", String::new()),
    ] {
        let line = line.replace("1700000000000-0", &first);
        assert_eq!(propagated(&mut bench, &line), wanted.replace("1700000000000-0", &first), "{line}");
    }
}

#[test]
fn an_entry_that_is_known_is_no_change_for_anybody_but_those_who_count() {
    let mut bench = Bench::new(Config::default(), None);
    let [client, watching, waiting] = [bench.connect(), bench.connect(), bench.connect()];
    let id = bench.ask(client, "XADD s IDMP p i * a b");
    bench.ask(waiting, "XREAD BLOCK 0 STREAMS s $");
    bench.ask(client, "CONFIG SET notify-keyspace-events KEA");
    let hearing = bench.connect();
    bench.ask(hearing, "PSUBSCRIBE *");
    for line in [
        "XADD s MAXLEN 0 IDMP p i * a b".to_owned(),
        "XCFGSET s IDMP-MAXSIZE 9".to_owned(),
        format!("XIDMPRECORD s q i {}", id.split("\r\n").nth(1).unwrap()),
    ] {
        bench.ask(watching, "WATCH s");
        bench.ask(client, &line);
        assert_eq!(bench.ask(watching, "MULTI\r\nPING\r\nEXEC"), "+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n", "{line}");
    }
    assert_eq!((bench.send(waiting, b""), bench.send(hearing, b"")), (Vec::new(), Vec::new()));
    assert_eq!(bench.ask(client, "XLEN s"), ":1\r\n");
}

#[test]
fn what_is_due_goes_by_itself_and_its_memory_with_it() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    bench.ask(client, "XADD s 1-1 a b");
    let info = |bench: &mut Bench| figure(&bench.ask(client, "XINFO STREAM s"), "iids-tracked");
    let memory = |bench: &Bench| bench.engine.state().keyspace.memory();
    bench.ask(client, "XCFGSET s IDMP-DURATION 5 IDMP-MAXSIZE 10000");
    let before = memory(&bench);
    for i in 0..9_000 {
        bench.ask(client, &format!("XADD s MAXLEN 1 IDMP p {i} * a b"));
    }
    assert_eq!(info(&mut bench), 9_000);
    assert!(memory(&bench) > before + 9_000 * 80);
    bench.advance_ms(4_999);
    bench.tick();
    assert_eq!(info(&mut bench), 9_000);
    // No tick takes long: it comes again soon instead.
    bench.advance_ms(1);
    let again_us = bench.tick();
    assert!((5_000..8_999).contains(&info(&mut bench)));
    assert!(again_us < 10_000, "{again_us}");
    for _ in 0..20 {
        bench.tick();
    }
    assert_eq!(info(&mut bench), 0);
    let left = memory(&bench) - before;
    assert!(left < 6_000, "a block of entries and no more: {left}");
    // The same is no duplicate then.
    bench.ask(client, "XADD s IDMP p 1 * a b");
    assert_eq!(bench.ask(client, "XLEN s"), ":2\r\n");
}

#[test]
fn only_files_say_which_id_an_entry_got() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    let refused = "-ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs\r\n";
    assert_eq!(bench.ask(client, "XADD s IDMP p i 1-1 a b"), refused);
    // What stands in the place of a repeated entry was not there when the file was written.
    let commands = "XADD s IDMP p i 1-1 a b\nXADD s IDMP p i 2-1 a b\nXADD s IDMP p i * a b\nXADD s IDMP q i * a b\nXADD t IDMP q i * a b";
    let file: Vec<u8> = commands
        .lines()
        .flat_map(|line| fixture::command(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>()))
        .collect();
    let mut bench = loaded(Config::default(), &file, 5);
    let client = bench.connect();
    assert_eq!(bench.ask(client, "XLEN s"), ":2\r\n");
    assert_eq!(bench.ask(client, "XADD s IDMP p i * a b"), "$3\r\n2-1\r\n");
    assert_eq!(figure(&bench.ask(client, "XINFO STREAM s"), "iids-duplicates"), 3);
    assert_eq!(bench.ask(client, "EXISTS t"), ":0\r\n");
}

/// A base of commands, for files that hold no RDB.
#[test]
fn commands_say_what_is_remembered_of_entries_that_are_there_and_of_those_that_were_trimmed() {
    let mut bench = Bench::new(Config::default(), None);
    let client = bench.connect();
    let mut ids = Vec::new();
    for i in 0..6 {
        let id = bench.ask(client, &format!("XADD s IDMP p{} {i} * f {i}", i % 2));
        ids.push(id.split("\r\n").nth(1).unwrap().to_owned());
        // The limits are none of their own.
        bench.ask(client, &format!("XADD t IDMP p {i} MAXLEN 0 * a b"));
    }
    bench.ask(client, "XCFGSET s IDMP-MAXSIZE 4");
    for (i, id) in ids.iter().enumerate() {
        bench.ask(client, &format!("XIDMPRECORD s p{} {i} {id}", i % 2));
    }
    // The third is deleted from among the others.
    bench.ask(client, &format!("XTRIM s MAXLEN 5\r\nXDEL s {}\r\nXADD plain 1-1 a b", ids[2]));
    let mut file = Vec::new();
    for key in ["s", "t", "plain"] {
        let keyspace = &bench.engine.state().keyspace;
        let hash = keyspace.hash(key.as_bytes());
        commands::create(&mut file, keyspace.db(0).get(hash, key.as_bytes()).unwrap());
    }
    // The parameters are others when it is read.
    let mut config = Config::default();
    (config.encodings.stream_idmp_duration, config.encodings.stream_idmp_maxsize) = (1, 1);
    let mut copy = loaded(config, &file, 1_000_000);
    let other = copy.connect();
    for key in ["s", "t"] {
        let line = format!("XINFO STREAM {key} FULL");
        let wanted = bench.ask(client, &line);
        let wanted = match key {
            "s" => wanted
                .replace("iids-tracked\r\n:6", "iids-tracked\r\n:5")
                .replace("iids-added\r\n:12", "iids-added\r\n:5"),
            _ => wanted,
        };
        assert_eq!(copy.ask(other, &line), wanted);
    }
    for (i, id) in ids.iter().enumerate().filter(|(i, _)| *i != 2) {
        assert_eq!(copy.ask(other, &format!("XADD s IDMP p{} {i} * a b", i % 2)), bulk(id));
    }
    assert_eq!(figure(&copy.ask(other, "XINFO STREAM plain"), "idmp-maxsize"), 1);
}
