//! Expiry, case by case: who must see a key, who must not, and who may do either.

use refrain_jepsen::{Call, Clock, Condition, Expiry, History, ModelKind, Options, Reply, Verdict, check};

const MS: u64 = 1_000_000;

/// A `SET k v` with this expiry that ran from 10 to 12 ms, and then one operation.
fn set_then(expiry: Expiry, call: Call, from_ms: u64, to_ms: u64, reply: Reply) -> History {
    let mut history = History::new(ModelKind::RedisString, Clock::default());
    let set = Call::Set { value: b"v".to_vec(), when: Condition::Always, get: false, expiry };
    let id = history.invoke(0, 10 * MS, "k", set);
    history.ok(id, 12 * MS, Reply::Done);
    let id = history.invoke(1, from_ms * MS, "k", call);
    history.ok(id, to_ms * MS, reply);
    history
}

fn legal(history: &History, tolerance_ms: u64) -> bool {
    check(history, &Options { clock_tolerance_ns: tolerance_ms * MS, ..Options::default() }) == Verdict::Linearizable
}

fn value() -> Reply {
    Reply::Value(b"v".to_vec())
}

#[test]
fn a_key_lives_until_its_earliest_deadline_and_no_longer_than_its_latest() {
    let px = Expiry::In { ms: 100 };
    let get = |from, to, reply| set_then(px, Call::Get, from, to, reply);
    // The deadline lies between 110 and 113 ms.
    assert!(legal(&get(50, 109, value()), 0));
    assert!(!legal(&get(50, 109, Reply::Nil), 0), "vanished too early");
    assert!(legal(&get(50, 110, Reply::Nil), 0));
    assert!(legal(&get(113, 200, value()), 0));
    assert!(!legal(&get(114, 200, value()), 0), "seen too late");
    assert!(legal(&get(114, 200, Reply::Nil), 0));
    // Five milliseconds of tolerance move both bounds by as much.
    assert!(!legal(&get(50, 104, Reply::Nil), 5));
    assert!(legal(&get(50, 105, Reply::Nil), 5));
    assert!(legal(&get(118, 200, value()), 5));
    assert!(!legal(&get(119, 200, value()), 5));
}

#[test]
fn absolute_deadlines_follow_the_clocks_origin() {
    let mut history = set_then(Expiry::At { unix_ms: 1_100 }, Call::Get, 50, 99, Reply::Nil);
    assert!(!legal(&history, 0), "the deadline is 1.1 s of a clock that starts at zero");
    history.clock = Clock { unix_origin_ns: 1_000 * MS as i64 };
    assert!(!legal(&history, 0), "100 ms of a clock that starts at one second");
    history.clock = Clock { unix_origin_ns: 1_001 * MS as i64 };
    assert!(legal(&history, 0), "99 ms of a clock that starts a millisecond later");
}

#[test]
fn who_found_the_key_expired_tells_the_time() {
    // The deadline is 110 ms at the earliest. One client finds the key expired between 50 and 200 ms; another, from 40 to
    // 80 ms, finds nothing as well: the first cannot be the other's excuse.
    let mut history = History::new(ModelKind::RedisString, Clock::default());
    let set = Call::Set { value: b"v".to_vec(), when: Condition::Always, get: false, expiry: Expiry::In { ms: 100 } };
    let id = history.invoke(0, 10 * MS, "k", set);
    history.ok(id, 12 * MS, Reply::Done);
    let early = history.invoke(1, 40 * MS, "k", Call::Get);
    let late = history.invoke(2, 50 * MS, "k", Call::Get);
    history.ok(early, 80 * MS, Reply::Nil);
    history.ok(late, 200 * MS, Reply::Nil);
    assert!(!legal(&history, 0));
    assert!(legal(&history, 30));
}

#[test]
fn a_deadline_goes_with_its_value_unless_it_is_kept() {
    let gone = |call: Call, reply: Reply| {
        let mut history = set_then(Expiry::In { ms: 100 }, call, 50, 51, reply);
        let id = history.invoke(0, 300 * MS, "k", Call::Get);
        history.ok(id, 301 * MS, Reply::Nil);
        legal(&history, 0)
    };
    let set = |expiry| Call::Set { value: b"w".to_vec(), when: Condition::Always, get: false, expiry };
    assert!(!gone(set(Expiry::None), Reply::Done));
    assert!(gone(set(Expiry::Keep), Reply::Done));
    assert!(gone(set(Expiry::In { ms: 200 }), Reply::Done));
    assert!(!gone(set(Expiry::In { ms: 260 }), Reply::Done));
    assert!(gone(Call::Append { value: b"w".to_vec() }, Reply::Integer(2)));
    assert!(!gone(Call::Persist, Reply::Integer(1)));
    assert!(gone(Call::Expire { expiry: Expiry::In { ms: 1 } }, Reply::Integer(1)));
    assert!(!gone(Call::Expire { expiry: Expiry::In { ms: 1000 } }, Reply::Integer(1)));
    assert!(gone(Call::Expire { expiry: Expiry::In { ms: 0 } }, Reply::Integer(1)));
}

#[test]
fn a_reported_deadline_narrows_the_window() {
    let told = |unix_ms| {
        let mut history = set_then(Expiry::In { ms: 100 }, Call::ExpireTime, 20, 21, Reply::Integer(unix_ms));
        let id = history.invoke(0, 30 * MS, "k", Call::Get);
        history.ok(id, 111 * MS, Reply::Nil);
        legal(&history, 0)
    };
    assert!(told(110) && told(111));
    assert!(!told(112), "told to live until 112 ms, it may not be gone at 111");
    assert!(!told(50), "no such deadline was ever set");
    assert!(!told(-1));
}

#[test]
fn an_expiry_of_unknown_outcome_may_happen_at_any_later_time_or_never() {
    let after = |from_ms: u64, reply: Reply| {
        let mut history = set_then(Expiry::None, Call::Get, 13, 14, value());
        let id = history.invoke(2, 20 * MS, "k", Call::Expire { expiry: Expiry::In { ms: 100 } });
        history.info(id, 30 * MS);
        let id = history.invoke(1, from_ms * MS, "k", Call::Get);
        history.ok(id, (from_ms + 1) * MS, reply);
        legal(&history, 0)
    };
    assert!(after(1_000, value()));
    assert!(after(1_000, Reply::Nil));
    assert!(after(40, value()));
    assert!(!after(40, Reply::Nil), "not before its time-to-live");
}

#[test]
fn replies_and_operations_of_other_models_are_not_judged() {
    let unknown = |history: &History| matches!(check(history, &Options::default()), Verdict::Unknown(_));
    assert!(unknown(&set_then(Expiry::None, Call::Get, 20, 21, Reply::Integer(1))));
    assert!(unknown(&set_then(Expiry::None, Call::Read, 20, 21, Reply::Nil)));
}
