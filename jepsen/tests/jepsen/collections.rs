//! Histories of collections that are wrong are refused, each by its own law.

use refrain_jepsen::{Call, Clock, History, ModelKind, Options, Reply, Verdict, check};

/// One after the other; `None` is an operation of unknown outcome.
fn verdict(steps: &[(Call, Option<Reply>)]) -> bool {
    let mut history = History::new(ModelKind::RedisCollection, Clock::default());
    for (i, (call, reply)) in steps.iter().enumerate() {
        let time = i as u64 * 10;
        let id = history.invoke(i as u64, time, "k", call.clone());
        match reply {
            Some(reply) => history.ok(id, time + 5, reply.clone()),
            None => history.info(id, time + 5),
        }
    }
    match check(&history, &Options::default()) {
        Verdict::Linearizable => true,
        Verdict::Illegal(_) => false,
        Verdict::Unknown(reason) => panic!("{reason}"),
    }
}

fn value(text: &str) -> Option<Reply> {
    Some(Reply::Value(text.into()))
}

fn values(texts: &[&str]) -> Option<Reply> {
    Some(Reply::Values(texts.iter().map(|text| text.as_bytes().to_vec()).collect()))
}

fn number(n: i64) -> Option<Reply> {
    Some(Reply::Integer(n))
}

fn push(text: &str) -> Call {
    Call::Push { value: text.into(), left: false }
}

const POP: Call = Call::Pop { left: true };

#[test]
fn an_element_is_popped_once_and_in_order() {
    assert!(verdict(&[(push("a"), number(1)), (push("b"), number(2)), (POP, value("a")), (POP, value("b"))]));
    assert!(!verdict(&[(push("a"), number(1)), (push("b"), number(2)), (POP, value("b"))]), "overtaken");
    assert!(!verdict(&[(push("a"), number(1)), (POP, value("a")), (POP, value("a"))]), "served twice");
    assert!(!verdict(&[(push("a"), number(1)), (POP, Some(Reply::Nil))]), "lost");
    assert!(verdict(&[(push("a"), number(1)), (POP, None), (POP, Some(Reply::Nil))]), "somebody may have got it");
    assert!(verdict(&[(push("a"), None), (POP, value("a")), (Call::Exists, number(0))]));
    assert!(!verdict(&[(push("a"), number(1)), (Call::SetAdd { member: b"a".into() }, number(1))]), "another type");
}

#[test]
fn the_least_is_popped_of_a_sorted_set() {
    let add = |member: &str, score| Call::ScoreSet { member: member.into(), score };
    let both = [(add("b", 1), number(1)), (add("a", 1), number(1))];
    let with = |last: Option<Reply>| verdict(&[both[0].clone(), both[1].clone(), (Call::PopLeast, last)]);
    assert!(with(values(&["a", "1"])));
    assert!(!with(values(&["b", "1"])));
    assert!(!with(values(&["a", "2"])));
    assert!(!with(values(&[])));
}

#[test]
fn fields_of_a_hash_count() {
    let increment = |by| Call::FieldIncrement { field: b"f".to_vec(), by };
    let get = Call::FieldGet { field: b"f".to_vec() };
    assert!(verdict(&[(increment(2), number(2)), (increment(3), None), (get.clone(), value("5"))]));
    assert!(!verdict(&[(increment(2), number(2)), (increment(3), None), (get, value("3"))]));
}

#[test]
fn ids_of_a_stream_grow_and_stay() {
    let add = |text: &str| Call::StreamAdd { value: text.into() };
    let first = (add("a"), value("5-1"));
    assert!(verdict(&[first.clone(), (add("b"), value("5-2")), (Call::Range, values(&["5-1", "a", "5-2", "b"]))]));
    assert!(!verdict(&[first.clone(), (add("b"), value("5-1"))]), "an id twice");
    assert!(!verdict(&[first.clone(), (add("b"), value("4-9"))]), "a smaller id");
    assert!(!verdict(&[first.clone(), (Call::Range, values(&[]))]), "an entry lost");
    let shown = (Call::Range, values(&["5-1", "a", "6-0", "b"]));
    assert!(verdict(&[first.clone(), (add("b"), None), shown.clone(), shown.clone()]));
    let other = (Call::Range, values(&["5-1", "a", "7-0", "b"]));
    assert!(!verdict(&[first, (add("b"), None), shown, other]), "an id that changes");
}
