//! The oracle: tries every order of a small history on a plain object, and for histories with time every millisecond at
//! which each operation may have taken effect. Written without a look at the checker: no partition, no memo, no windows.

use refrain_jepsen::history::{Operation, Outcome};
use refrain_jepsen::{Call, Condition, Expiry, History, ModelKind, Reply};

pub const MS: u64 = 1_000_000;

/// One key of any of the models. Times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Object {
    pub value: Option<Vec<u8>>,
    pub deadline: Option<i64>,
}

impl Object {
    pub fn new(model: ModelKind) -> Object {
        Object { value: (model == ModelKind::KeyValue).then(Vec::new), deadline: None }
    }

    /// What an operation at `now` may find. A server may count the deadline's own millisecond to either side.
    fn views(&self, now: i64) -> Vec<Object> {
        match self.deadline {
            Some(deadline) if now > deadline + 1 => vec![Object::default()],
            Some(deadline) if now >= deadline => vec![self.clone(), Object::default()],
            _ => vec![self.clone()],
        }
    }

    /// What Redis finds.
    pub fn view(&self, now: i64) -> Object {
        if self.deadline.is_some_and(|deadline| now > deadline) { Object::default() } else { self.clone() }
    }

    /// Executes a call; the deadline has been looked at already. `None` is an error reply.
    pub fn execute(&mut self, model: ModelKind, call: &Call, now: i64) -> Option<Reply> {
        let old = self.value.clone();
        let old_reply = old.clone().map_or(Reply::Nil, Reply::Value);
        let exists = Reply::Integer(i64::from(old.is_some()));
        let redis = model == ModelKind::RedisString;
        let at = |expiry: &Expiry| match *expiry {
            Expiry::In { ms } => Some(now + ms),
            Expiry::At { unix_ms } => Some(unix_ms),
            Expiry::None | Expiry::Keep => None,
        };
        Some(match call {
            Call::Read | Call::Get => old_reply,
            Call::Write { value } | Call::Put { value } => {
                self.value = Some(value.clone());
                Reply::Done
            }
            Call::Cas { from, to } if old.as_ref() == Some(from) => {
                self.value = Some(to.clone());
                Reply::Done
            }
            Call::Cas { .. } => Reply::Refused,
            Call::Append { value } => {
                let joined = [old.unwrap_or_default(), value.clone()].concat();
                let length = joined.len() as i64;
                self.value = Some(joined);
                if redis { Reply::Integer(length) } else { Reply::Done }
            }
            Call::Set { value, when, get, expiry } => {
                let sets = match when {
                    Condition::Always => true,
                    Condition::Absent => old.is_none(),
                    Condition::Present => old.is_some(),
                    Condition::Equal(other) => old.as_ref() == Some(other),
                };
                if sets {
                    self.value = Some(value.clone());
                    if *expiry != Expiry::Keep {
                        self.deadline = at(expiry);
                    }
                }
                match (get, sets) {
                    (true, _) => old_reply,
                    (false, true) => Reply::Done,
                    (false, false) => Reply::Nil,
                }
            }
            Call::IncrementBy { by } => {
                let text = String::from_utf8(old.unwrap_or(b"0".to_vec())).ok()?;
                let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text)?.checked_add(*by)?;
                self.value = Some(number.to_string().into_bytes());
                Reply::Integer(number)
            }
            Call::GetDelete => {
                *self = Object::default();
                old_reply
            }
            Call::Delete => {
                *self = Object::default();
                exists
            }
            Call::Exists => exists,
            Call::Expire { expiry } => {
                if old.is_some() {
                    self.deadline = at(expiry);
                }
                exists
            }
            Call::Persist => Reply::Integer(i64::from(self.deadline.take().is_some())),
            Call::ExpireTime => Reply::Integer(if old.is_none() { -2 } else { self.deadline.unwrap_or(-1) }),
        })
    }
}

/// Whether some order explains a history of one key.
pub fn is_linearizable(history: &History) -> bool {
    let operations: Vec<&Operation> =
        history.operations().iter().filter(|op| !matches!(op.outcome, Outcome::Failed(_))).collect();
    let ms = |ns: u64| (ns / MS) as i64;
    let horizon = operations.iter().map(|op| ms(op.outcome.moment().unwrap_or(op.invoked).time)).max().unwrap_or(0);
    Orders { model: history.model, operations, horizon }.complete(0, &Object::new(history.model), 0)
}

struct Orders<'a> {
    model: ModelKind,
    operations: Vec<&'a Operation>,
    horizon: i64,
}

impl Orders<'_> {
    fn complete(&self, placed: u32, object: &Object, now: i64) -> bool {
        let left = || self.operations.iter().enumerate().filter(|(index, _)| placed & 1 << index == 0);
        let returned = |op: &Operation| match &op.outcome {
            Outcome::Ok(moment, reply) => Some((*moment, reply.clone())),
            _ => None,
        };
        if left().all(|(_, op)| returned(op).is_none()) {
            return true;
        }
        let front = left().filter_map(|(_, op)| returned(op)).map(|(moment, _)| moment.position).min();
        left().filter(|(_, op)| front.is_none_or(|front| op.invoked.position < front)).any(|(index, op)| {
            let earliest = now.max((op.invoked.time / MS) as i64);
            let latest = returned(op).map_or(self.horizon, |(moment, _)| (moment.time / MS) as i64);
            (earliest..=latest).any(|at| {
                object.views(at).into_iter().any(|mut object| {
                    let reply = object.execute(self.model, &op.call, at);
                    let fits = match returned(op) {
                        Some((_, seen)) => reply == Some(seen),
                        None => reply.is_some(),
                    };
                    fits && self.complete(placed | 1 << index, &object, at)
                })
            })
        })
    }
}
