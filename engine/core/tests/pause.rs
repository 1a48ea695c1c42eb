//! CLIENT PAUSE: nothing that is held back takes effect, nothing is lost, nobody overtakes himself, and all of it goes on in
//! the order in which it was held back, without any readiness.

mod fixture;

use std::collections::{BTreeMap, VecDeque};

use fixture::Bench;
use proptest::prelude::*;
use refrain_core::{Bug, Closing, Config, SessionId};

fn bench() -> (Bench, SessionId, SessionId) {
    let mut bench = Bench::new(Config::default(), None);
    let (operator, client) = (bench.connect(), bench.connect());
    (bench, operator, client)
}

fn blocked(bench: &mut Bench, who: SessionId) -> String {
    let info = bench.ask(who, "INFO clients");
    info.lines().find_map(|line| line.strip_prefix("blocked_clients:")).expect("INFO has the field").to_owned()
}

#[test]
fn writes_wait_and_reads_do_not() {
    let (mut bench, operator, client) = bench();
    let reader = bench.connect();
    assert_eq!(bench.ask(operator, "SET k before"), "+OK\r\n");
    assert_eq!(bench.ask(operator, "CLIENT PAUSE 1000 WRITE"), "+OK\r\n");
    assert_eq!(bench.ask(client, "GET k"), "$6\r\nbefore\r\n");
    assert_eq!(bench.ask(client, "SET k after\r\nGET k\r\nPING"), "");
    assert_eq!(bench.ask(client, "ECHO more"), "", "nothing behind the write is executed either");
    assert_eq!(bench.ask(reader, "GET k"), "$6\r\nbefore\r\n");
    assert_eq!(blocked(&mut bench, reader), "1");
    let list = bench.ask(reader, "CLIENT LIST ID 2");
    assert!(list.contains(" flags=b ") && list.contains(" cmd=set "), "{list}");
    bench.received.get_mut(&client).expect("it is connected").clear();
    assert_eq!(bench.ask(operator, "CLIENT UNPAUSE"), "+OK\r\n");
    let replies = String::from_utf8_lossy(&bench.received[&client]).into_owned();
    assert_eq!(replies, "+OK\r\n$5\r\nafter\r\n+PONG\r\n$4\r\nmore\r\n");
    assert_eq!(blocked(&mut bench, reader), "0");
}

#[test]
fn the_deadline_ends_a_pause_without_any_readiness() {
    let (mut bench, operator, client) = bench();
    bench.ask(operator, "CLIENT PAUSE 50");
    assert_eq!(bench.ask(operator, "PING"), "", "a pause of everything holds its own client, too");
    assert_eq!(bench.ask(client, "PING"), "");
    bench.advance_ms(49);
    let wanted_us = bench.tick();
    assert!(!bench.engine.is_runnable());
    assert!((1..=1000).contains(&wanted_us), "the next tick comes at the deadline: {wanted_us}");
    bench.advance_ms(1);
    bench.tick();
    assert!(bench.engine.is_runnable());
    bench.round(&[]);
    assert!(bench.received[&operator].ends_with(b"+PONG\r\n"));
    assert_eq!(bench.received[&client], b"+PONG\r\n");
}

#[test]
fn a_pause_is_never_made_shorter_or_laxer() {
    let (mut bench, operator, client) = bench();
    let third = bench.connect();
    bench.ask(operator, "CLIENT PAUSE 100 WRITE");
    // Both at once, for after the second everything waits.
    bench.ask(client, "CLIENT PAUSE 10\r\nSET k v");
    assert_eq!(bench.ask(third, "PING"), "", "the stricter of both");
    bench.advance_ms(99);
    bench.round(&[]);
    assert_eq!(bench.received[&third], b"");
    bench.advance_ms(1);
    bench.round(&[]);
    assert_eq!(bench.received[&third], b"+PONG\r\n");
    assert_eq!(bench.received[&client], b"+OK\r\n+OK\r\n");
}

#[test]
fn a_transaction_waits_only_if_it_writes() {
    let (mut bench, operator, client) = bench();
    assert_eq!(bench.ask(client, "MULTI\r\nSET k v"), "+OK\r\n+QUEUED\r\n");
    bench.ask(operator, "CLIENT PAUSE 1000 WRITE");
    assert_eq!(bench.ask(operator, "MULTI\r\nGET k\r\nEXEC"), "+OK\r\n+QUEUED\r\n*1\r\n$-1\r\n");
    assert_eq!(bench.ask(client, "EXEC"), "");
    assert_eq!(bench.ask(operator, "MULTI\r\nSET k v"), "+OK\r\n", "a write is not even queued");
    let third = bench.connect();
    bench.ask(third, "CLIENT UNPAUSE");
    assert!(bench.received[&client].ends_with(b"*1\r\n+OK\r\n"));
    assert!(bench.received[&operator].ends_with(b"+QUEUED\r\n"));
}

#[test]
fn a_pause_inside_a_transaction_begins_behind_it() {
    let (mut bench, operator, client) = bench();
    let replies =
        bench.ask(operator, "MULTI\r\nSET a 1\r\nCLIENT PAUSE 1000 WRITE\r\nSET b 2\r\nEXEC\r\nGET b\r\nSET c 3");
    assert!(replies.ends_with("*3\r\n+OK\r\n+OK\r\n+OK\r\n$1\r\n2\r\n"), "{replies}");
    assert_eq!(bench.ask(client, "SET d 4"), "");
}

#[test]
fn mistakes_are_answered_at_once() {
    let (mut bench, operator, client) = bench();
    bench.ask(operator, "CLIENT PAUSE 1000");
    assert_eq!(bench.ask(client, "SET k"), "-ERR wrong number of arguments for 'set' command\r\n");
    assert_eq!(bench.ask(client, "NOSUCH"), "-ERR unknown command 'NOSUCH', with args beginning with: \r\n");
}

#[test]
fn expired_keys_are_missing_and_stay() {
    let (mut bench, operator, client) = bench();
    bench.ask(operator, "MSET a 1 b 2 c 3");
    for key in ["a", "b", "c"] {
        bench.ask(operator, &format!("PEXPIRE {key} 10"));
    }
    bench.ask(operator, "CLIENT PAUSE 1000 WRITE");
    bench.engine.effects().stream.clear();
    bench.advance_ms(20);
    assert_eq!(bench.ask(client, "GET a\r\nEXISTS b\r\nTTL c\r\nKEYS *"), "$-1\r\n:0\r\n:-2\r\n*0\r\n");
    bench.tick();
    assert_eq!(bench.ask(client, "DBSIZE"), ":3\r\n");
    assert_eq!(bench.ask(client, "WATCH a\r\nMULTI\r\nPING\r\nEXEC"), "+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n+PONG\r\n");
    assert!(bench.engine.effects().stream.bytes().is_empty(), "nobody deletes while writes wait");
    bench.ask(operator, "CLIENT UNPAUSE");
    assert_eq!(bench.ask(client, "GET a\r\nDBSIZE"), "$-1\r\n:2\r\n");
    bench.tick();
    assert_eq!(bench.ask(client, "DBSIZE"), ":0\r\n");
}

#[test]
fn one_that_hangs_up_while_it_waits_is_not_waited_for() {
    let (mut bench, operator, client) = bench();
    bench.ask(operator, "CLIENT PAUSE 1000 WRITE");
    bench.ask(client, "SET k v");
    bench.engine.end_of_input(client);
    assert_eq!(bench.engine.closing(client), Closing::AfterReplies);
    bench.engine.disconnect(client);
    assert_eq!(blocked(&mut bench, operator), "0");
    bench.ask(operator, "CLIENT UNPAUSE");
    assert!(bench.data().is_empty());
}

#[test]
fn one_that_waits_is_not_idle_and_not_unlimited() {
    let mut config = Config::default();
    (config.limits.timeout, config.limits.client_query_buffer_limit) = (1, 1 << 20);
    let mut bench = Bench::new(config, None);
    let (operator, client) = (bench.connect(), bench.connect());
    bench.ask(operator, "CLIENT PAUSE 100000 WRITE");
    bench.ask(client, "SET k v");
    bench.advance_ms(5000);
    bench.tick();
    assert_eq!(bench.engine.closing(operator), Closing::Now, "it has been idle");
    assert_eq!(bench.engine.closing(client), Closing::Open);
    let held = "SET k v\r\n".len();
    bench.send(client, vec![b'x'; (1 << 20) - held]);
    assert_eq!(bench.engine.closing(client), Closing::Open);
    bench.send(client, "x");
    assert_eq!(bench.engine.closing(client), Closing::Now);
}

#[test]
fn silenced_replies_stay_silenced_for_the_right_command() {
    let (mut bench, operator, client) = bench();
    bench.ask(operator, "CLIENT PAUSE 1000 WRITE");
    assert_eq!(bench.ask(client, "CLIENT REPLY SKIP\r\nSET k 1\r\nSET k 2"), "");
    bench.ask(operator, "CLIENT UNPAUSE");
    assert_eq!(bench.received[&client], b"+OK\r\n", "the first of both is the one that is not answered");
}

/// What a client sends. `Unpause` and the pauses are sent by any of them.
#[derive(Debug, Clone)]
enum Step {
    Incr(u8),
    Get(u8),
    Ping,
    Multi,
    Exec,
    Pause(u64, bool),
    Unpause,
}

impl Step {
    fn line(&self) -> String {
        match self {
            Step::Incr(k) => format!("INCR k{k}"),
            Step::Get(k) => format!("STRLEN k{k}"),
            Step::Ping => "PING".into(),
            Step::Multi => "MULTI".into(),
            Step::Exec => "EXEC".into(),
            Step::Pause(ms, true) => format!("CLIENT PAUSE {ms} WRITE"),
            Step::Pause(ms, false) => format!("CLIENT PAUSE {ms} ALL"),
            Step::Unpause => "CLIENT UNPAUSE".into(),
        }
    }

    fn writes(&self) -> bool {
        matches!(self, Step::Incr(_))
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0u8..2).prop_map(Step::Incr),
        3 => (0u8..2).prop_map(Step::Get),
        1 => Just(Step::Ping),
        2 => Just(Step::Multi),
        2 => Just(Step::Exec),
        2 => (0u64..30, prop::bool::weighted(0.7)).prop_map(|(ms, writes)| Step::Pause(ms, writes)),
        2 => Just(Step::Unpause),
    ]
}

/// The rules of a pause, as naively as they can be said.
#[derive(Default)]
struct Model {
    now_ms: u64,
    until_ms: u64,
    /// Everything, and not writes alone.
    strict: bool,
    values: BTreeMap<u8, u64>,
    clients: Vec<ModelClient>,
    /// Whose turn comes, in order.
    runnable: VecDeque<usize>,
    waiting: VecDeque<usize>,
}

#[derive(Default)]
struct ModelClient {
    sent: VecDeque<Step>,
    queue: Option<Vec<Step>>,
    replies: String,
}

impl Model {
    fn paused(&self) -> bool {
        self.now_ms < self.until_ms
    }

    fn wake_if_over(&mut self) {
        if !self.paused() {
            self.strict = false;
            self.until_ms = 0;
            self.runnable.append(&mut self.waiting);
        }
    }

    fn holds(&self, client: usize, step: &Step) -> bool {
        let writes = match (step, &self.clients[client].queue) {
            (Step::Exec, Some(queue)) => queue.iter().any(Step::writes),
            _ => step.writes(),
        };
        self.paused() && (self.strict || writes)
    }

    /// Some sends; then everybody who can goes on.
    fn round(&mut self, inputs: &[(usize, Vec<Step>)]) {
        self.wake_if_over();
        for (client, steps) in inputs {
            self.clients[*client].sent.extend(steps.iter().cloned());
            if !self.waiting.contains(client) && !self.runnable.contains(client) {
                self.runnable.push_back(*client);
            }
        }
        while let Some(client) = self.runnable.pop_front() {
            while let Some(step) = self.clients[client].sent.pop_front() {
                if self.holds(client, &step) {
                    self.clients[client].sent.push_front(step);
                    self.waiting.push_back(client);
                    break;
                }
                let unpaused = matches!(step, Step::Unpause | Step::Exec) && self.execute(client, step.clone());
                if !matches!(step, Step::Unpause | Step::Exec) {
                    self.execute(client, step);
                }
                if unpaused && !self.waiting.is_empty() {
                    // Those who waited go first, then this one, then the others.
                    let rest = std::mem::take(&mut self.runnable);
                    self.wake_if_over();
                    self.runnable.push_back(client);
                    self.runnable.extend(rest);
                    break;
                }
            }
        }
    }

    /// Executes, or queues. True when it ended a pause.
    fn execute(&mut self, client: usize, step: Step) -> bool {
        let mut ended = false;
        let reply = match (&mut self.clients[client].queue, step) {
            (Some(_), Step::Multi) => "-ERR MULTI calls can not be nested\r\n".to_owned(),
            (queue @ Some(_), Step::Exec) => {
                let queue = queue.take().unwrap_or_default();
                let mut all = format!("*{}\r\n", queue.len());
                for step in queue {
                    ended |= matches!(step, Step::Unpause);
                    all.push_str(&self.run(step));
                }
                all
            }
            (Some(queue), step) => {
                queue.push(step);
                "+QUEUED\r\n".to_owned()
            }
            (None, Step::Exec) => "-ERR EXEC without MULTI\r\n".to_owned(),
            (queue, Step::Multi) => {
                *queue = Some(Vec::new());
                "+OK\r\n".to_owned()
            }
            (None, step) => {
                ended = matches!(step, Step::Unpause);
                self.run(step)
            }
        };
        self.clients[client].replies.push_str(&reply);
        ended
    }

    fn run(&mut self, step: Step) -> String {
        match step {
            Step::Incr(k) => {
                let value = self.values.entry(k).or_default();
                *value += 1;
                format!(":{value}\r\n")
            }
            Step::Get(k) => format!(":{}\r\n", self.values.get(&k).map_or(0, |v| v.to_string().len())),
            Step::Ping => "+PONG\r\n".into(),
            Step::Pause(ms, writes) => {
                if !self.paused() {
                    self.strict = false;
                }
                self.until_ms = self.until_ms.max(self.now_ms + ms);
                self.strict |= !writes;
                "+OK\r\n".into()
            }
            Step::Unpause => {
                self.until_ms = 0;
                "+OK\r\n".into()
            }
            Step::Multi | Step::Exec => unreachable!("they are never queued"),
        }
    }
}

type Story = Vec<(u64, Vec<Vec<Step>>)>;

fn story() -> impl Strategy<Value = Story> {
    let inputs = prop::collection::vec(prop::collection::vec(step(), 0..6), 3);
    prop::collection::vec((0u64..20, inputs), 1..12)
}

/// Plays a story in both; the first difference.
fn differs(story: &Story, bug: Option<Bug>) -> Option<String> {
    let mut bench = Bench::new(Config::default(), bug);
    let ids: Vec<SessionId> = (0..3).map(|_| bench.connect()).collect();
    let mut model = Model { clients: (0..3).map(|_| ModelClient::default()).collect(), ..Model::default() };
    let last = (100, vec![Vec::new(); 3]);
    for (ms, inputs) in story.iter().chain([&last]) {
        bench.advance_ms(*ms);
        model.now_ms += ms;
        bench.round(&[]);
        model.round(&[]);
        let inputs: Vec<(usize, Vec<Step>)> =
            inputs.iter().cloned().enumerate().filter(|(_, steps)| !steps.is_empty()).collect();
        let bytes: Vec<String> =
            inputs.iter().map(|(_, steps)| steps.iter().map(|s| s.line() + "\r\n").collect()).collect();
        let sent: Vec<(SessionId, &[u8])> =
            inputs.iter().zip(&bytes).map(|((client, _), bytes)| (ids[*client], bytes.as_bytes())).collect();
        bench.round(&sent);
        model.round(&inputs);
        for (i, id) in ids.iter().enumerate() {
            let got = String::from_utf8_lossy(&bench.received[id]).into_owned();
            if got != model.clients[i].replies {
                return Some(format!("client {i} got {got:?} instead of {:?}", model.clients[i].replies));
            }
        }
        assert_eq!(bench.engine.state().pause.waiting(), model.waiting.len());
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn a_pause_follows_its_rules(story in story()) {
        prop_assert_eq!(differs(&story, None), None);
    }
}

#[test]
fn a_leak_would_be_seen() {
    let story = vec![(0, vec![vec![Step::Pause(50, true)], vec![Step::Incr(0)], vec![]])];
    assert_eq!(differs(&story, None), None);
    assert!(differs(&story, Some(Bug::PauseLeaksWrite)).is_some());
}
