//! Writing a history as JSON lines and reading it again gives the same history.

use quickcheck::{Arbitrary, Gen, quickcheck};
use refrain_jepsen::{Call, Clock, Condition, Expiry, History, ModelKind, OperationId, Reply, read};

#[derive(Clone, Debug)]
struct Any(History);

impl Arbitrary for Any {
    fn arbitrary(g: &mut Gen) -> Any {
        let model = *g
            .choose(&[ModelKind::Register, ModelKind::KeyValue, ModelKind::RedisString, ModelKind::RedisCollection])
            .unwrap();
        let mut history = History::new(model, Clock { unix_origin_ns: i64::arbitrary(g) });
        let mut open: Vec<OperationId> = Vec::new();
        let mut time = u64::from(u32::arbitrary(g));
        for _ in 0..1 + usize::arbitrary(g) % 40 {
            time += u64::from(u8::arbitrary(g)) * u64::from(u32::arbitrary(g));
            match (u8::arbitrary(g) % 5, open.is_empty()) {
                (0..2, _) | (_, true) => {
                    open.push(history.invoke(u64::arbitrary(g), time, Vec::arbitrary(g), any_call(g)));
                }
                (kind, false) => {
                    let id = open.swap_remove(usize::arbitrary(g) % open.len());
                    match kind {
                        2 => history.fail(id, time),
                        3 => history.info(id, time),
                        _ => history.ok(id, time, any_reply(g)),
                    }
                }
            }
        }
        Any(history)
    }
}

fn any_call(g: &mut Gen) -> Call {
    let value: Vec<u8> = if bool::arbitrary(g) { Vec::arbitrary(g) } else { String::arbitrary(g).into_bytes() };
    let moment = [Expiry::In { ms: i64::arbitrary(g) }, Expiry::At { unix_ms: i64::arbitrary(g) }];
    let expiry = *g.choose(&[Expiry::None, Expiry::Keep, moment[0], moment[1]]).unwrap();
    let equal = Condition::Equal(Vec::arbitrary(g));
    let when = g.choose(&[Condition::Always, Condition::Absent, Condition::Present, equal]).unwrap().clone();
    let calls = [
        Call::Read,
        Call::Write { value: value.clone() },
        Call::Cas { from: value.clone(), to: Vec::arbitrary(g) },
        Call::Get,
        Call::Put { value: value.clone() },
        Call::Append { value: value.clone() },
        Call::Push { value: value.clone(), left: bool::arbitrary(g) },
        Call::Pop { left: bool::arbitrary(g) },
        Call::Length,
        Call::Range,
        Call::SetAdd { member: value.clone() },
        Call::SetRemove { member: value.clone() },
        Call::Contains { member: value.clone() },
        Call::ScoreSet { member: value.clone(), score: i64::arbitrary(g) },
        Call::Score { member: value.clone() },
        Call::PopLeast,
        Call::FieldSet { field: value.clone(), value: Vec::arbitrary(g) },
        Call::FieldGet { field: value.clone() },
        Call::FieldIncrement { field: value.clone(), by: i64::arbitrary(g) },
        Call::FieldRemove { field: value.clone() },
        Call::StreamAdd { value: value.clone() },
        Call::Set { value, when, get: bool::arbitrary(g), expiry },
        Call::IncrementBy { by: i64::arbitrary(g) },
        Call::GetDelete,
        Call::Delete,
        Call::Exists,
        Call::Expire { expiry: *g.choose(&moment).unwrap() },
        Call::Persist,
        Call::ExpireTime,
    ];
    g.choose(&calls).unwrap().clone()
}

fn any_reply(g: &mut Gen) -> Reply {
    let value = Reply::Value(Vec::arbitrary(g));
    let replies = [
        Reply::Nil,
        Reply::Done,
        Reply::Refused,
        Reply::Integer(i64::arbitrary(g)),
        value,
        Reply::Values(Vec::arbitrary(g)),
    ];
    g.choose(&replies).unwrap().clone()
}

quickcheck! {
    fn json_lines_round_trip(history: Any) -> bool {
        read(&history.0.to_json_lines()).as_ref() == Ok(&history.0)
    }

    /// Whatever is read, reading ends with a history or an error and never with a panic.
    fn any_text_is_survived(history: Any, cut: usize, junk: String) -> bool {
        let text = history.0.to_json_lines();
        let cut = (0..=cut % text.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let _ = read(&format!("{}{junk}{}", &text[..cut], &text[cut..]));
        let _ = read(&junk);
        true
    }
}
