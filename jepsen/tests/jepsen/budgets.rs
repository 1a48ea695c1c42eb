//! Budgets: no key can hide another, and what is not decided is unknown.

use refrain_jepsen::{Call, Clock, History, ModelKind, Options, Reason, Reply, Verdict, check};

/// Thirty counts of unknown outcome, a power of two each, and a value that no subset of them gives: the search would have to
/// try all subsets.
fn explode(history: &mut History) {
    for power in 0..30 {
        let id = history.invoke(power, 0, "explosive", Call::IncrementBy { by: 2 << power });
        history.info(id, 0);
    }
    let id = history.invoke(0, 0, "explosive", Call::Get);
    history.ok(id, 0, Reply::Value(b"7".to_vec()));
}

fn stale(history: &mut History) {
    for (call, reply) in [(Call::IncrementBy { by: 1 }, Reply::Integer(1)), (Call::Get, Reply::Nil)] {
        let id = history.invoke(0, 0, "guilty", call);
        history.ok(id, 0, reply);
    }
}

#[test]
fn an_explosive_key_cannot_hide_the_guilty_one() {
    let mut history = History::new(ModelKind::RedisString, Clock::default());
    explode(&mut history);
    stale(&mut history);
    let options = Options { steps_max: 100_000, ..Options::default() };
    let Verdict::Illegal(explanation) = check(&history, &options) else { panic!("the guilty key is plain to see") };
    assert_eq!(explanation.core, [31, 32]);
}

#[test]
fn steps_and_memory_end_a_search_without_a_verdict() {
    let mut history = History::new(ModelKind::RedisString, Clock::default());
    explode(&mut history);
    let options = Options { steps_max: 100_000, ..Options::default() };
    assert_eq!(check(&history, &options), Verdict::Unknown(Reason::Steps(1)));
    let options = Options { memory_max: 1 << 20, ..Options::default() };
    assert_eq!(check(&history, &options), Verdict::Unknown(Reason::Memory(1)));
}

#[test]
fn a_key_too_big_to_remember_cannot_hide_the_guilty_one_either() {
    let mut history = History::new(ModelKind::RedisString, Clock::default());
    explode(&mut history);
    stale(&mut history);
    let options = Options { memory_max: 1 << 20, ..Options::default() };
    assert!(matches!(check(&history, &options), Verdict::Illegal(_)));
}

/// Additions of unknown outcome could stand anywhere between those that were answered: what the range tells rules that out
/// as soon as the first of them is placed.
#[test]
fn what_a_range_does_not_tell_was_not_added() {
    let mut history = History::new(ModelKind::RedisCollection, Clock::default());
    for lost in 0..12 {
        let id = history.invoke(lost, 0, "stream", Call::StreamAdd { value: vec![b'a' + lost as u8] });
        history.info(id, 0);
    }
    let mut told = Vec::new();
    for number in 1..=12 {
        let (value, at) = (b"known".to_vec(), format!("{number}-0").into_bytes());
        let id = history.invoke(0, 0, "stream", Call::StreamAdd { value: value.clone() });
        history.ok(id, 0, Reply::Value(at.clone()));
        told.extend([at, value]);
    }
    let id = history.invoke(0, 0, "stream", Call::Range);
    history.ok(id, 0, Reply::Values(told));
    let options = Options { steps_max: 10_000, ..Options::default() };
    assert_eq!(check(&history, &options), Verdict::Linearizable);
}
