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
    /// What a collection holds: elements, or names with what belongs to them; in the order of their coming.
    pub elements: Vec<(Vec<u8>, Vec<u8>)>,
    /// The type of collection, by the calls that it knows; 0 if there is none.
    kind: u8,
    /// Entries that the stream has ever had.
    entries: usize,
}

impl Object {
    pub fn new(model: ModelKind) -> Object {
        Object { value: (model == ModelKind::KeyValue).then(Vec::new), ..Object::default() }
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
        if model == ModelKind::RedisCollection {
            return self.collect(call);
        }
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
            _ => unreachable!("a call of another model"),
        })
    }

    /// A call on a collection.
    fn collect(&mut self, call: &Call) -> Option<Reply> {
        let kind = match call {
            Call::Push { .. } | Call::Pop { .. } => 1,
            Call::SetAdd { .. } | Call::SetRemove { .. } | Call::Contains { .. } => 2,
            Call::ScoreSet { .. } | Call::Score { .. } | Call::PopLeast => 3,
            Call::FieldSet { .. } | Call::FieldGet { .. } | Call::FieldIncrement { .. } | Call::FieldRemove { .. } => 4,
            Call::StreamAdd { .. } => 5,
            Call::Range if !matches!(self.kind, 0 | 1 | 5) => return None,
            _ => self.kind,
        };
        if self.kind != 0 && self.kind != kind {
            return None;
        }
        let at = |name: &[u8]| self.elements.iter().position(|(known, _)| known == name);
        let number = |n: usize| Reply::Integer(n as i64);
        let reply = match call {
            Call::Exists => number(usize::from(self.kind != 0)),
            Call::Length => number(self.elements.len()),
            Call::Delete => {
                let was = self.kind != 0;
                *self = Object::default();
                return Some(number(usize::from(was)));
            }
            Call::Push { value, left } => {
                let place = if *left { 0 } else { self.elements.len() };
                self.elements.insert(place, (value.clone(), Vec::new()));
                number(self.elements.len())
            }
            Call::Pop { .. } if self.elements.is_empty() => Reply::Nil,
            Call::Pop { left } => {
                let place = if *left { 0 } else { self.elements.len() - 1 };
                Reply::Value(self.elements.remove(place).0)
            }
            Call::Range if kind == 5 => {
                Reply::Values(self.elements.iter().flat_map(|(id, value)| [id.clone(), value.clone()]).collect())
            }
            Call::Range => Reply::Values(self.elements.iter().map(|(value, _)| value.clone()).collect()),
            Call::SetAdd { member } => match at(member) {
                Some(_) => number(0),
                None => {
                    self.elements.push((member.clone(), Vec::new()));
                    number(1)
                }
            },
            Call::SetRemove { member: name } | Call::FieldRemove { field: name } => match at(name) {
                Some(place) => {
                    self.elements.remove(place);
                    number(1)
                }
                None => number(0),
            },
            Call::Contains { member } => number(usize::from(at(member).is_some())),
            Call::ScoreSet { member, score } => self.put(member, score.to_string().into_bytes()),
            Call::FieldSet { field, value } => self.put(field, value.clone()),
            Call::Score { member: name } | Call::FieldGet { field: name } => {
                at(name).map_or(Reply::Nil, |place| Reply::Value(self.elements[place].1.clone()))
            }
            Call::PopLeast => {
                let score = |text: &[u8]| String::from_utf8_lossy(text).parse::<i64>().unwrap();
                self.elements.sort_by_key(|(member, text)| (score(text), member.clone()));
                match self.elements.is_empty() {
                    true => Reply::Values(Vec::new()),
                    false => {
                        let (member, score) = self.elements.remove(0);
                        Reply::Values(vec![member, score])
                    }
                }
            }
            Call::FieldIncrement { field, by } => {
                let old = at(field).map_or(b"0".to_vec(), |place| self.elements[place].1.clone());
                let new = String::from_utf8(old).unwrap().parse::<i64>().ok()? + by;
                self.put(field, new.to_string().into_bytes());
                Reply::Integer(new)
            }
            Call::StreamAdd { value } => {
                self.entries += 1;
                let id = format!("{}-0", self.entries).into_bytes();
                self.elements.push((id.clone(), value.clone()));
                Reply::Value(id)
            }
            _ => unreachable!("a call of another model"),
        };
        self.kind = kind;
        if self.elements.is_empty() {
            *self = Object::default();
        }
        Some(reply)
    }

    fn put(&mut self, name: &[u8], value: Vec<u8>) -> Reply {
        match self.elements.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => {
                *old = value;
                Reply::Integer(0)
            }
            None => {
                self.elements.push((name.to_vec(), value));
                Reply::Integer(1)
            }
        }
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
