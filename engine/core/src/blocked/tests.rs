//! Waiting by a command of the tests' own: it takes a string away from under a key.

use std::cell::Cell;
use std::rc::Rc;

use refrain_data::Kind;
use refrain_resp::Arg;

use super::{Block, Timeout};
use crate::call::{Args, Call, KeyHashes, Outcome};
use crate::clock::Now;
use crate::engine::Engine;
use crate::hooks::{Bug, Hooks, ProcessReport};
use crate::session::{Origin, SessionId};
use crate::table::{Command, Flags, Found};
use crate::{Config, Input};

#[derive(Clone, Default)]
struct Clock(Rc<Cell<u64>>, Option<Bug>);

impl Hooks for Clock {
    fn now(&self) -> Now {
        Now { unix_us: 1_700_000_000_000_000 + self.0.get(), mono_us: 1 + self.0.get() }
    }

    fn ticks(&self) -> u64 {
        0
    }

    fn ticks_per_second(&self) -> u64 {
        1_000_000
    }

    fn work(&self, _: u64) {}

    fn entropy(&self) -> u64 {
        7
    }

    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }

    fn planted(&self, bug: Bug) -> bool {
        self.1 == Some(bug)
    }
}

/// TAKE key [key ...] timeout
static TAKE: Command = Command {
    name: "take",
    arity: -3,
    flags: Flags::of(&[Flags::WRITE, Flags::BLOCKING]),
    barrier: true,
    handler: take,
    ..Command::BLANK
};

fn take(call: &mut Call<'_>) -> Outcome {
    let last = call.args.len() - 1;
    let timeout = Timeout::seconds(call, last)?;
    for i in 1..last {
        let key = call.key(i);
        let value = call.state.read(&key).filter(|e| e.kind() == Kind::String).map(|e| e.value().to_vec());
        if let Some(value) = value {
            call.state.delete(&key);
            call.propagate(&[b"DEL", key.name]);
            call.reply().bulk(&value);
            return Ok(());
        }
    }
    call.block(Block::on(Kind::String, 1..last, timeout));
    Ok(())
}

struct Bench {
    engine: Engine<Clock>,
    clock: Clock,
}

impl Bench {
    fn new(bug: Option<Bug>) -> Bench {
        let clock = Clock(Rc::default(), bug);
        let mut engine = Engine::new(Config::default(), clock.clone());
        engine.effects().stream.enable(true);
        Bench { engine, clock }
    }

    fn connect(&mut self) -> SessionId {
        let origin = Origin { remote: "a".into(), local: "b".into(), is_local: true, is_unix: false, descriptor: -1 };
        self.engine.connect(origin).unwrap()
    }

    fn take(&mut self, id: SessionId, words: &[&str]) {
        let (mut bytes, mut offsets) = (Vec::new(), Vec::new());
        for word in words {
            offsets.push(Arg { start: bytes.len() as u32, len: word.len() as u32 });
            bytes.extend_from_slice(word.as_bytes());
        }
        let found = Found { command: &TAKE, id: self.engine.state.table.find_full(b"get").unwrap().id };
        self.engine.state.set_now(self.clock.now());
        let mut session = self.engine.state.sessions.take(id).unwrap();
        self.engine.dispatch(&mut session, Ok(found), Args::new(&bytes, &offsets), KeyHashes::default());
        self.engine.state.sessions.put_back(session);
    }

    fn send(&mut self, id: SessionId, text: &str) {
        let bytes = text.replace('/', "\r\n") + "\r\n";
        let input = match self.engine.read_into(id) {
            crate::ReadInto::Pending(pending) => {
                pending.extend_from_slice(bytes.as_bytes());
                Input { session: id, bytes: None, len: bytes.len() }
            }
            _ => Input { session: id, bytes: Some(0..bytes.len()), len: bytes.len() },
        };
        self.engine.round(bytes.as_bytes(), &[input]);
        while self.engine.is_runnable() {
            self.engine.round(&[], &[]);
        }
    }

    fn got(&mut self, id: SessionId) -> String {
        let text = String::from_utf8_lossy(self.engine.unsent(id)).replace("\r\n", " ");
        let len = self.engine.unsent(id).len();
        self.engine.sent(id, len);
        text
    }

    fn pass_ms(&mut self, ms: u64) -> u64 {
        self.clock.0.set(self.clock.0.get() + ms * 1000);
        self.engine.tick()
    }
}

#[test]
fn who_came_first_is_served_first_and_goes_on_before_anybody_else() {
    let mut b = Bench::new(None);
    let (first, second, writer) = (b.connect(), b.connect(), b.connect());
    b.take(first, &["TAKE", "k", "l", "0"]);
    b.take(second, &["TAKE", "k", "0"]);
    assert_eq!(b.engine.state().waiters.keys(), 2);
    b.send(first, "APPEND log 1/GET log");
    assert_eq!(b.got(first), "");
    b.send(writer, "SET k v/APPEND log 2/EXISTS k/GET log");
    assert_eq!(b.got(first), "$1 v :1 $1 1 ");
    assert_eq!(b.got(writer), "+OK :2 :0 $2 12 ");
    assert_eq!(b.got(second), "");
    assert_eq!(b.engine.state().waiters.keys(), 1);
    b.send(writer, "MULTI/SET k w/GET k/SET k x/EXEC");
    assert_eq!(b.got(writer), "+OK +QUEUED +QUEUED +QUEUED *3 +OK $1 w +OK ");
    assert_eq!(b.got(second), "$1 x ");
    assert!(b.engine.state().waiters.is_empty());
    let stream = String::from_utf8_lossy(b.engine.effects().stream.bytes()).into_owned();
    assert!(!stream.to_lowercase().contains("take"), "{stream}");
    assert_eq!(stream.matches("DEL").count(), 2);
}

#[test]
fn waits_end_by_time_by_an_operator_or_with_the_connection() {
    let mut b = Bench::new(None);
    let (a, c, d, e, writer) = (b.connect(), b.connect(), b.connect(), b.connect(), b.connect());
    b.take(a, &["TAKE", "k", "0.0301"]);
    assert_eq!(b.pass_ms(0), 31_000);
    for id in [c, d, e] {
        b.take(id, &["TAKE", "k", "k", "0"]);
    }
    b.pass_ms(30);
    assert_eq!(b.got(a), "");
    b.pass_ms(1);
    assert_eq!(b.got(a), "*-1 ");
    b.send(writer, "CLIENT UNBLOCK 2 ERROR/CLIENT UNBLOCK 2/CLIENT UNBLOCK 3 TIMEOUT/CLIENT UNBLOCK 1/INFO clients");
    let told = b.got(writer);
    assert!(told.starts_with(":1 :0 :1 :0 "), "{told}");
    assert!(told.contains("blocked_clients:1 ") && told.contains("total_blocking_keys:1 "), "{told}");
    assert_eq!(b.got(c), "-UNBLOCKED client unblocked via CLIENT UNBLOCK ");
    assert_eq!(b.got(d), "*-1 ");
    b.engine.disconnect(e);
    b.send(writer, "SET k v/GET k");
    assert_eq!(b.got(writer), "+OK $1 v ");
    assert!(b.engine.state().waiters.is_empty());
    b.take(a, &["TAKE", "k", "0"]);
    assert_eq!(b.got(a), "$1 v ");
}

#[test]
fn a_pause_holds_those_back_who_would_write() {
    let mut b = Bench::new(None);
    let (waiting, writer) = (b.connect(), b.connect());
    b.take(waiting, &["TAKE", "k", "0"]);
    b.send(writer, "MULTI/SET k v/CLIENT PAUSE 100 WRITE/EXEC");
    assert_eq!(b.got(waiting), "");
    assert!(!b.engine.is_runnable());
    b.pass_ms(99);
    assert_eq!(b.got(waiting), "");
    b.pass_ms(1);
    assert_eq!(b.got(waiting), "$1 v ");
}

#[test]
fn more_than_can_be_served_in_one_go_are_served_before_anybody_else_goes_on() {
    let mut b = Bench::new(None);
    let writer = b.connect();
    let waiting: Vec<_> = (0..1000).map(|_| b.connect()).collect();
    for (i, id) in waiting.iter().enumerate() {
        b.take(*id, &["TAKE", &format!("k{i}"), "0"]);
    }
    let sets: Vec<String> = (0..1000).map(|i| format!("SET k{i} v")).collect();
    b.send(writer, &format!("MULTI/{}/EXEC/DBSIZE", sets.join("/")));
    assert!(b.got(writer).ends_with("+OK :0 "));
    assert!(waiting.iter().all(|id| b.engine.unsent(*id) == b"$1\r\nv\r\n"));
}

#[test]
fn planted_bugs_are_there() {
    let mut b = Bench::new(Some(Bug::ServesTheDead));
    let (gone, writer) = (b.connect(), b.connect());
    b.take(gone, &["TAKE", "k", "0"]);
    b.engine.disconnect(gone);
    b.send(writer, "SET k v/EXISTS k");
    assert_eq!(b.got(writer), "+OK :0 ");
}

#[test]
fn every_way_to_write_a_time_that_redis_refuses() {
    let mut b = Bench::new(None);
    let a = b.connect();
    for (text, reply) in [
        ("x", "-ERR timeout is not a float or out of range "),
        ("nan", "-ERR timeout is not a float or out of range "),
        ("-1", "-ERR timeout is negative "),
        ("-inf", "-ERR timeout is negative "),
        ("inf", "-ERR timeout is out of range "),
        ("1e30", "-ERR timeout is out of range "),
        ("9223372036854775", "-ERR timeout is out of range "),
        ("-0.0001", ""),
    ] {
        b.take(a, &["TAKE", "k", text]);
        assert_eq!(b.got(a), reply, "{text}");
    }
    assert_eq!(b.engine.state().waiters.deadlines(), 0);
}
