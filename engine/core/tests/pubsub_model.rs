//! Publish/subscribe against the naive definition: every client with the set of what it subscribes to.

mod fixture;

use std::collections::BTreeSet;

use fixture::Bench;
use proptest::prelude::*;
use refrain_core::{Bug, Config, SessionId};
use refrain_resp::{Reply, decode};

const CHANNELS: [&str; 5] = ["a", "ab", "b", "a*", ""];
const PATTERNS: [&str; 6] = ["*", "a*", "?", "[ab]", r"a\*", "ab"];

/// Whether a channel matches, by what each pattern means.
fn matches(pattern: &str, channel: &str) -> bool {
    match pattern {
        // The channel without a name is nobody's but by that name.
        "*" => !channel.is_empty(),
        "a*" => channel.starts_with('a'),
        "?" => channel.len() == 1,
        "[ab]" => channel == "a" || channel == "b",
        r"a\*" => channel == "a*",
        literal => channel == literal,
    }
}

#[derive(Debug, Clone)]
enum Act {
    Subscribe(usize),
    Unsubscribe(usize),
    UnsubscribeAll,
    PSubscribe(usize),
    PUnsubscribe(usize),
    PUnsubscribeAll,
    SSubscribe(usize),
    SUnsubscribe(usize),
    Publish(usize),
    SPublish(usize),
    Reset,
    Reconnect,
    Resp3,
    NumSub(usize),
    Counts,
}

fn act() -> impl Strategy<Value = Act> {
    let (c, p) = (0..CHANNELS.len(), 0..PATTERNS.len());
    prop_oneof![
        4 => c.clone().prop_map(Act::Subscribe),
        2 => c.clone().prop_map(Act::Unsubscribe),
        1 => Just(Act::UnsubscribeAll),
        4 => p.clone().prop_map(Act::PSubscribe),
        2 => p.prop_map(Act::PUnsubscribe),
        1 => Just(Act::PUnsubscribeAll),
        3 => c.clone().prop_map(Act::SSubscribe),
        2 => c.clone().prop_map(Act::SUnsubscribe),
        8 => c.clone().prop_map(Act::Publish),
        3 => c.clone().prop_map(Act::SPublish),
        1 => Just(Act::Reset),
        1 => Just(Act::Reconnect),
        2 => Just(Act::Resp3),
        2 => c.prop_map(Act::NumSub),
        2 => Just(Act::Counts),
    ]
}

/// A client as the model knows it.
#[derive(Debug, Default, Clone)]
struct Client {
    resp3: bool,
    channels: BTreeSet<&'static str>,
    patterns: BTreeSet<&'static str>,
    shards: BTreeSet<&'static str>,
}

impl Client {
    fn subscribes(&self) -> bool {
        !(self.channels.is_empty() && self.patterns.is_empty() && self.shards.is_empty())
    }

    /// What it is sent: an array in RESP2, a push in RESP3.
    fn frame(&self, parts: Vec<Reply>) -> Reply {
        if self.resp3 { Reply::Push(parts) } else { Reply::Array(parts) }
    }

    fn confirmation(&self, word: &str, name: Option<&str>, count: usize) -> Reply {
        self.frame(vec![bulk(word), name.map_or(Reply::Null, bulk), Reply::Integer(count as i64)])
    }

    fn listening(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    /// Messages that it gets for one publication, in any order.
    fn messages(&self, channel: &str, text: &str) -> Vec<Reply> {
        let direct = self.channels.contains(channel).then(|| vec![bulk("message"), bulk(channel), bulk(text)]);
        let by_pattern = self.patterns.iter().filter(|pattern| matches(pattern, channel));
        let by_pattern = by_pattern.map(|p| vec![bulk("pmessage"), bulk(p), bulk(channel), bulk(text)]);
        direct.into_iter().chain(by_pattern).map(|parts| self.frame(parts)).collect()
    }
}

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

struct World {
    bench: Bench,
    sessions: Vec<SessionId>,
    model: Vec<Client>,
    published: usize,
}

impl World {
    fn new(clients: usize, bug: Option<Bug>) -> World {
        let mut bench = Bench::new(Config::default(), bug);
        let sessions = (0..clients).map(|_| bench.connect()).collect();
        World { bench, sessions, model: vec![Client::default(); clients], published: 0 }
    }

    /// Plays one act in both, and compares what every client receives: replies and confirmations in their order, then
    /// messages, those of one publication in any order.
    fn play(&mut self, who: usize, act: &Act) -> Result<(), String> {
        let mut words: Vec<String> = Vec::new();
        let mut reply: Vec<Reply> = Vec::new();
        let mut messages: Vec<Vec<Reply>> = vec![Vec::new(); self.model.len()];
        let me = &mut self.model[who];
        let confined = me.subscribes() && !me.resp3;
        let mut send = |parts: &[&str]| words.extend(parts.iter().map(|part| (*part).to_owned()));
        match act {
            Act::Subscribe(c) => {
                send(&["SUBSCRIBE", CHANNELS[*c]]);
                me.channels.insert(CHANNELS[*c]);
                reply.push(me.confirmation("subscribe", Some(CHANNELS[*c]), me.listening()));
            }
            Act::Unsubscribe(c) => {
                send(&["UNSUBSCRIBE", CHANNELS[*c], "nosuch"]);
                me.channels.remove(CHANNELS[*c]);
                reply.push(me.confirmation("unsubscribe", Some(CHANNELS[*c]), me.listening()));
                reply.push(me.confirmation("unsubscribe", Some("nosuch"), me.listening()));
            }
            Act::UnsubscribeAll => {
                send(&["UNSUBSCRIBE"]);
                while let Some(channel) = me.channels.pop_first() {
                    reply.push(me.confirmation("unsubscribe", Some(channel), me.listening()));
                }
                if reply.is_empty() {
                    reply.push(me.confirmation("unsubscribe", None, me.listening()));
                }
            }
            Act::PSubscribe(p) => {
                send(&["PSUBSCRIBE", PATTERNS[*p]]);
                me.patterns.insert(PATTERNS[*p]);
                reply.push(me.confirmation("psubscribe", Some(PATTERNS[*p]), me.listening()));
            }
            Act::PUnsubscribe(p) => {
                send(&["PUNSUBSCRIBE", PATTERNS[*p]]);
                me.patterns.remove(PATTERNS[*p]);
                reply.push(me.confirmation("punsubscribe", Some(PATTERNS[*p]), me.listening()));
            }
            Act::PUnsubscribeAll => {
                send(&["PUNSUBSCRIBE"]);
                while let Some(pattern) = me.patterns.pop_first() {
                    reply.push(me.confirmation("punsubscribe", Some(pattern), me.listening()));
                }
                if reply.is_empty() {
                    reply.push(me.confirmation("punsubscribe", None, me.listening()));
                }
            }
            Act::SSubscribe(c) => {
                send(&["SSUBSCRIBE", CHANNELS[*c]]);
                me.shards.insert(CHANNELS[*c]);
                reply.push(me.confirmation("ssubscribe", Some(CHANNELS[*c]), me.shards.len()));
            }
            Act::SUnsubscribe(c) => {
                send(&["SUNSUBSCRIBE", CHANNELS[*c]]);
                me.shards.remove(CHANNELS[*c]);
                reply.push(me.confirmation("sunsubscribe", Some(CHANNELS[*c]), me.shards.len()));
            }
            Act::Reset => {
                send(&["RESET"]);
                *me = Client::default();
                reply.push(Reply::Simple(b"RESET".to_vec()));
            }
            Act::Reconnect => {
                self.bench.engine.disconnect(self.sessions[who]);
                self.sessions[who] = self.bench.connect();
                *me = Client::default();
                return Ok(());
            }
            // The rest is refused to one who could not tell replies from messages.
            _ if confined => return Ok(()),
            Act::Publish(c) => {
                let text = self.published.to_string();
                self.published += 1;
                send(&["PUBLISH", CHANNELS[*c], &text]);
                for (i, client) in self.model.iter().enumerate() {
                    messages[i] = client.messages(CHANNELS[*c], &text);
                }
                reply.push(Reply::Integer(messages.iter().map(Vec::len).sum::<usize>() as i64));
            }
            Act::SPublish(c) => {
                send(&["SPUBLISH", CHANNELS[*c], "m"]);
                for (i, client) in self.model.iter().enumerate().filter(|(_, m)| m.shards.contains(CHANNELS[*c])) {
                    messages[i] = vec![client.frame(vec![bulk("smessage"), bulk(CHANNELS[*c]), bulk("m")])];
                }
                reply.push(Reply::Integer(messages.iter().map(Vec::len).sum::<usize>() as i64));
            }
            Act::Resp3 => {
                send(&["HELLO", "3"]);
                me.resp3 = true;
            }
            Act::NumSub(c) => {
                send(&["PUBSUB", "NUMSUB", CHANNELS[*c]]);
                let count = self.model.iter().filter(|m| m.channels.contains(CHANNELS[*c])).count();
                reply.push(Reply::Array(vec![bulk(CHANNELS[*c]), Reply::Integer(count as i64)]));
            }
            Act::Counts => {
                send(&["PUBSUB", "CHANNELS"]);
                let all: BTreeSet<&str> = self.model.iter().flat_map(|m| &m.channels).copied().collect();
                reply.push(Reply::Array(all.into_iter().map(bulk).collect()));
                let patterns: BTreeSet<&str> = self.model.iter().flat_map(|m| &m.patterns).copied().collect();
                let state = self.bench.engine.state();
                assert_eq!(state.pubsub.count(refrain_core::SubscriptionKind::Pattern), patterns.len());
                assert_eq!(state.pubsub.clients(), self.model.iter().filter(|m| m.subscribes()).count());
            }
        }
        let before: Vec<usize> = self.sessions.iter().map(|s| self.bench.received[s].len()).collect();
        let words: Vec<&[u8]> = words.iter().map(|w| w.as_bytes()).collect();
        self.bench.round(&[(self.sessions[who], &fixture::command(&words))]);
        for (i, session) in self.sessions.iter().enumerate() {
            let mut rest = &self.bench.received[session][before[i]..];
            let mut got = Vec::new();
            while !rest.is_empty() {
                let (item, len) = decode(rest).expect("well formed").expect("whole");
                got.push(item);
                rest = &rest[len..];
            }
            if matches!(act, Act::Resp3) && i == who {
                assert_eq!(got.len(), 1);
                continue;
            }
            let mut expected = if i == who { reply.clone() } else { Vec::new() };
            let replies = expected.len().min(got.len());
            got[replies..].sort_by_key(|m| format!("{m:?}"));
            messages[i].sort_by_key(|m| format!("{m:?}"));
            expected.append(&mut messages[i]);
            if got != expected {
                return Err(format!("{act:?} of {who}: client {i} got {got:?} and not {expected:?}"));
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_definition(acts in prop::collection::vec((0usize..4, act()), 1..80)) {
        let mut world = World::new(4, None);
        for (who, act) in acts {
            let played = world.play(who, &act);
            prop_assert!(played.is_ok(), "{}", played.unwrap_err());
        }
        // Who leaves leaves nothing behind.
        for session in world.sessions.clone() {
            world.bench.engine.disconnect(session);
        }
        let pubsub = &world.bench.engine.state().pubsub;
        for kind in [
            refrain_core::SubscriptionKind::Channel,
            refrain_core::SubscriptionKind::Pattern,
            refrain_core::SubscriptionKind::Shard,
        ] {
            prop_assert_eq!(pubsub.count(kind), 0);
        }
        prop_assert_eq!(pubsub.clients(), 0);
        prop_assert!(pubsub.memory() < 4096, "only a buffer is left, not {} bytes", pubsub.memory());
    }
}

#[test]
fn a_pattern_subscriber_that_gets_a_message_twice_is_caught() {
    let story = |bug| {
        let mut world = World::new(2, bug);
        world.play(0, &Act::PSubscribe(1)).and_then(|()| world.play(1, &Act::Publish(0)))
    };
    assert_eq!(story(None), Ok(()));
    assert!(story(Some(Bug::PatternMessageTwice)).is_err());
}

#[test]
fn all_subscribers_get_the_same_order_and_a_slow_one_is_dropped_at_its_limit() {
    let mut bench = Bench::new(Config::default(), None);
    let publisher = bench.connect();
    bench.ask(publisher, "CONFIG SET client-output-buffer-limit \"pubsub 20000 0 0\"");
    let subscribers: Vec<SessionId> = (0..50).map(|_| bench.connect()).collect();
    for subscriber in &subscribers {
        bench.ask(*subscriber, "SUBSCRIBE news");
    }
    let before: Vec<usize> = subscribers.iter().map(|s| bench.received[s].len()).collect();
    for i in 0..20 {
        assert_eq!(bench.ask(publisher, &format!("PUBLISH news {i}")), ":50\r\n");
    }
    let first = bench.received[&subscribers[0]][before[0]..].to_vec();
    for (subscriber, from) in subscribers.iter().zip(before) {
        assert_eq!(bench.received[subscriber][from..], first);
    }
    // Nobody reads what is sent in one round: the bound holds within it.
    let flood: Vec<u8> = format!("PUBLISH news {}\r\n", "0123456789".repeat(100)).repeat(25).into_bytes();
    bench.round(&[(publisher, &flood)]);
    for subscriber in &subscribers {
        assert_ne!(bench.engine.closing(*subscriber), refrain_core::Closing::Open);
    }
    assert_eq!(bench.ask(publisher, "PUBLISH news late"), ":0\r\n");
}
