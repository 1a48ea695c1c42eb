//! Small random histories: clients that call an atomic object at random moments, lose replies, and sometimes lie.
//!
//! All randomness is a string of bytes, so that whatever shrinks bytes shrinks histories.

use refrain_jepsen::history::{Operation, Outcome};
use refrain_jepsen::{Call, Clock, Condition, Expiry, History, ModelKind, OperationId, Reply};

use crate::naive::{MS, Object};

/// Which deadlines a history may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deadlines {
    None,
    Absolute,
    Any,
}

/// How a history is made.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub model: ModelKind,
    pub deadlines: Deadlines,
    pub keys: usize,
    pub operations: usize,
    /// Which type of collection, where it is one.
    pub collection: u8,
}

struct Dice<'a>(std::slice::Iter<'a, u8>);

impl Dice<'_> {
    fn roll(&mut self, sides: u8) -> u8 {
        self.0.next().map_or(0, |byte| byte % sides)
    }

    fn value(&mut self) -> Vec<u8> {
        vec![b'0' + self.roll(3)]
    }
}

/// Operations of unknown outcome in a history. Each multiplies the orders that there may be: without a bound, one history in
/// tens of thousands would take the whole of the checker's memory and get no verdict.
const UNKNOWN_MAX: usize = 8;

/// A client with an operation under way.
struct Busy {
    id: OperationId,
    key: usize,
    call: Call,
    reply: Option<Option<Reply>>,
}

/// A history of clients that tell the truth.
pub fn honest(shape: Shape, bytes: &[u8]) -> History {
    let mut dice = Dice(bytes.iter());
    let mut history = History::new(shape.model, Clock::default());
    let mut objects = vec![Object::new(shape.model); shape.keys];
    let mut clients: Vec<Option<Busy>> = (0..3).map(|_| None).collect();
    let mut lost: Vec<Busy> = Vec::new();
    let (mut now, mut made, mut unknown) = (0, 0, 0);
    while made < shape.operations || clients.iter().any(Option::is_some) {
        if shape.deadlines != Deadlines::None {
            now += i64::from(dice.roll(3));
        }
        let time = now as u64 * MS;
        if dice.roll(4) == 3
            && let Some(mut late) = lost.pop()
        {
            execute(&mut late, &mut objects, shape.model, now);
        }
        let client = dice.roll(3) as usize;
        // Without dice left the clients take turns, so that all finish.
        let client =
            (0..3).map(|turn| (client + turn) % 3).find(|client| clients[*client].is_some() || made < shape.operations);
        let client = client.expect("the loop ends when nobody has anything to do");
        match clients[client].take() {
            None => {
                let key = dice.roll(shape.keys as u8) as usize;
                let call = call(shape, &mut dice, now);
                let id = history.invoke(client as u64, time, format!("k{key}"), call.clone());
                clients[client] = Some(Busy { id, key, call, reply: None });
                made += 1;
            }
            Some(busy) if busy.reply.is_none() && unknown < UNKNOWN_MAX && dice.roll(8) == 7 => {
                unknown += 1;
                history.info(busy.id, time);
                lost.push(busy);
            }
            Some(busy) if busy.reply.is_none() && dice.roll(8) == 7 => history.fail(busy.id, time),
            Some(mut busy) if busy.reply.is_none() => {
                execute(&mut busy, &mut objects, shape.model, now);
                clients[client] = Some(busy);
            }
            Some(busy) if busy.reply.is_some() && unknown < UNKNOWN_MAX && dice.roll(8) == 7 => {
                unknown += 1;
                history.info(busy.id, time);
            }
            Some(Busy { id, reply, .. }) => match reply.flatten() {
                Some(reply) => history.ok(id, time, reply),
                None => history.fail(id, time),
            },
        }
    }
    history
}

fn execute(busy: &mut Busy, objects: &mut [Object], model: ModelKind, now: i64) {
    let object = &mut objects[busy.key];
    *object = if model == ModelKind::RedisString { object.view(now) } else { object.clone() };
    busy.reply = Some(object.execute(model, &busy.call, now));
}

fn call(shape: Shape, dice: &mut Dice<'_>, now: i64) -> Call {
    match (shape.model, dice.roll(12)) {
        (ModelKind::Register, 0..5) => Call::Read,
        (ModelKind::Register, 5..8) => Call::Write { value: dice.value() },
        (ModelKind::Register, _) => Call::Cas { from: dice.value(), to: dice.value() },
        (ModelKind::KeyValue, 0..5) => Call::Get,
        (ModelKind::KeyValue, 5..8) => Call::Put { value: dice.value() },
        (ModelKind::KeyValue, _) | (ModelKind::RedisString, 0) => Call::Append { value: dice.value() },
        (ModelKind::RedisString, 1..4) => Call::Get,
        (ModelKind::RedisString, 4..7) => {
            let value = dice.value();
            let when = match dice.roll(8) {
                0 => Condition::Absent,
                1 => Condition::Present,
                2 => Condition::Equal(dice.value()),
                _ => Condition::Always,
            };
            Call::Set { value, when, get: dice.roll(3) == 2, expiry: expiry(shape, dice, now) }
        }
        (ModelKind::RedisCollection, roll) => collection_call(shape.collection, roll, dice),
        (ModelKind::RedisString, 7) => Call::IncrementBy { by: i64::from(dice.roll(3)) - 1 },
        (ModelKind::RedisString, 8) => Call::GetDelete,
        (ModelKind::RedisString, 9) => Call::Delete,
        (ModelKind::RedisString, 10) => Call::Exists,
        (ModelKind::RedisString, _) => match expiry(shape, dice, now) {
            Expiry::None => Call::Persist,
            Expiry::Keep => Call::ExpireTime,
            expiry => Call::Expire { expiry },
        },
    }
}

fn collection_call(collection: u8, roll: u8, dice: &mut Dice<'_>) -> Call {
    let number = |dice: &mut Dice<'_>| i64::from(dice.roll(3)) - 1;
    match (collection % 5, roll) {
        (_, 0) => Call::Exists,
        (_, 1) => Call::Delete,
        (_, 2) => Call::Length,
        (0, 3..6) => Call::Push { value: dice.value(), left: dice.roll(2) == 0 },
        (0, 6..9) => Call::Pop { left: dice.roll(2) == 0 },
        (0 | 4, 9..) => Call::Range,
        (1, 3..6) => Call::SetAdd { member: dice.value() },
        (1, 6..9) => Call::SetRemove { member: dice.value() },
        (1, _) => Call::Contains { member: dice.value() },
        (2, 3..6) => Call::ScoreSet { member: dice.value(), score: number(dice) },
        (2, 6..9) => Call::PopLeast,
        (2, _) => Call::Score { member: dice.value() },
        (3, 3..5) => Call::FieldSet { field: dice.value(), value: dice.value() },
        (3, 5..7) => Call::FieldIncrement { field: dice.value(), by: number(dice) },
        (3, 7..9) => Call::FieldRemove { field: dice.value() },
        (3, _) => Call::FieldGet { field: dice.value() },
        _ => Call::StreamAdd { value: dice.value() },
    }
}

fn expiry(shape: Shape, dice: &mut Dice<'_>, now: i64) -> Expiry {
    match (shape.deadlines, dice.roll(6)) {
        (Deadlines::None, _) | (_, 0) => Expiry::None,
        (_, 1) => Expiry::Keep,
        (Deadlines::Any, 2..4) => Expiry::In { ms: i64::from(dice.roll(6)) + 1 },
        _ => Expiry::At { unix_ms: now + i64::from(dice.roll(6)) },
    }
}

/// The same history with one reply changed, if it has one that can be.
pub fn lie(history: &History, bytes: &[u8]) -> History {
    let mut dice = Dice(bytes.iter());
    let answered = |op: &&Operation| matches!(op.outcome, Outcome::Ok(..));
    let count = history.operations().iter().filter(answered).count();
    let mut victim = if count == 0 { usize::MAX } else { dice.roll(count as u8) as usize };
    retell(history, usize::MAX, |_, op, reply| {
        let lies = victim == 0;
        victim = victim.wrapping_sub(1);
        Some(if lies { other(history.model, &op.call, reply, &mut dice) } else { reply.clone() })
    })
}

/// The events of a history up to number `end`, with other replies, or none where `reply` gives none. What failed is known to
/// have failed, whenever that was learned.
pub fn retell(
    history: &History,
    end: usize,
    mut reply: impl FnMut(usize, &Operation, &Reply) -> Option<Reply>,
) -> History {
    let mut told = History::new(history.model, history.clock);
    let mut events: Vec<(usize, usize, bool)> = Vec::new();
    for (index, op) in history.operations().iter().enumerate() {
        events.push((op.invoked.position, index, true));
        events.extend(op.outcome.moment().map(|moment| (moment.position, index, false)));
    }
    events.sort_unstable();
    for (position, index, invoked) in events {
        let op = &history.operations()[index];
        if position > end && (invoked || op.invoked.position > end || !matches!(op.outcome, Outcome::Failed(_))) {
            continue;
        }
        if invoked {
            let id = told.invoke(op.process, op.invoked.time, op.key.clone(), op.call.clone());
            assert_eq!(id.0, index, "operations are numbered in the order of their calls");
            continue;
        }
        match &op.outcome {
            Outcome::Ok(moment, was) => match reply(index, op, was) {
                Some(reply) => told.ok(OperationId(index), moment.time, reply),
                None => told.info(OperationId(index), moment.time),
            },
            Outcome::Failed(moment) => told.fail(OperationId(index), moment.time),
            Outcome::Unknown(moment) => told.info(OperationId(index), moment.time),
            Outcome::Pending => {}
        }
    }
    told
}

fn other(model: ModelKind, call: &Call, reply: &Reply, dice: &mut Dice<'_>) -> Reply {
    match (call, reply) {
        (Call::Cas { .. }, Reply::Done) => Reply::Refused,
        (Call::Cas { .. }, _) => Reply::Done,
        (Call::Set { get: false, .. }, Reply::Done) => Reply::Nil,
        (Call::Set { get: false, .. }, _) => Reply::Done,
        (Call::StreamAdd { .. }, Reply::Value(_)) => Reply::Value(format!("{}-0", dice.roll(4)).into_bytes()),
        (Call::PopLeast, Reply::Values(values)) if values.is_empty() => {
            Reply::Values(vec![dice.value(), b"0".to_vec()])
        }
        (_, Reply::Values(values)) => {
            let mut values = values.clone();
            match values.len() {
                0 => values.extend([b"1-0".to_vec(), dice.value()]),
                2 if matches!(call, Call::PopLeast) => values.clear(),
                _ => values.reverse(),
            }
            Reply::Values(values)
        }
        (_, Reply::Integer(number)) => Reply::Integer(number + i64::from(dice.roll(2)) * 2 - 1),
        (_, Reply::Value(_)) if model != ModelKind::KeyValue && dice.roll(3) == 0 => Reply::Nil,
        (_, Reply::Value(_) | Reply::Nil) => Reply::Value(dice.value()),
        (_, reply) => reply.clone(),
    }
}
