//! A collection as plain data, and what each operation makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;

use crate::history::{Call, Reply, printable};

type Text = Rc<[u8]>;

/// The id of a stream's entry.
type EntryId = (u64, u64);

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Object {
    Absent,
    List(Vec<Text>),
    Set(BTreeSet<Text>),
    SortedSet(BTreeMap<Text, i64>),
    Hash(BTreeMap<Text, Text>),
    /// Entries in order; an id that nobody has been told is `None`.
    Stream(Vec<(Option<EntryId>, Text)>),
}

impl Object {
    /// Whether the call is one of this model.
    pub(super) fn knows(call: &Call) -> bool {
        Object::only_reads(call)
            || matches!(
                call,
                Call::Push { .. }
                    | Call::Pop { .. }
                    | Call::SetAdd { .. }
                    | Call::SetRemove { .. }
                    | Call::ScoreSet { .. }
                    | Call::PopLeast
                    | Call::FieldSet { .. }
                    | Call::FieldIncrement { .. }
                    | Call::FieldRemove { .. }
                    | Call::StreamAdd { .. }
                    | Call::Delete
            )
    }

    /// Whether the call changes nothing, whatever it meets.
    pub(super) fn only_reads(call: &Call) -> bool {
        matches!(
            call,
            Call::Length
                | Call::Range
                | Call::Contains { .. }
                | Call::Score { .. }
                | Call::FieldGet { .. }
                | Call::Exists
        )
    }

    /// Whether a reply is of the call's type.
    pub(super) fn can_answer(call: &Call, reply: &Reply) -> bool {
        match call {
            Call::Pop { .. } | Call::Score { .. } | Call::FieldGet { .. } => {
                matches!(reply, Reply::Nil | Reply::Value(_))
            }
            Call::Range => matches!(reply, Reply::Values(_)),
            Call::PopLeast => matches!(reply, Reply::Values(values) if matches!(values.len(), 0 | 2)),
            Call::StreamAdd { .. } => matches!(reply, Reply::Value(id) if entry_id(id).is_some()),
            _ => matches!(reply, Reply::Integer(_)),
        }
    }

    /// Whether a reply says that the call has left everything as it was.
    pub(super) fn changed_nothing(call: &Call, reply: &Reply) -> bool {
        match call {
            Call::Pop { .. } => *reply == Reply::Nil,
            Call::PopLeast => *reply == Reply::Values(Vec::new()),
            Call::SetAdd { .. } | Call::SetRemove { .. } | Call::FieldRemove { .. } | Call::Delete => {
                *reply == Reply::Integer(0)
            }
            _ => false,
        }
    }

    /// Whether the call adds elements, and neither removes nor changes any.
    pub(super) fn only_adds(call: &Call) -> bool {
        matches!(call, Call::Push { .. } | Call::SetAdd { .. } | Call::StreamAdd { .. })
    }

    /// Whether a call can't have been answered so by this object, nor by what more elements would make of it. False also
    /// where that isn't known.
    pub(super) fn is_beyond(&self, call: &Call, reply: &Reply) -> bool {
        let lacks = |length: i64| (self.len() as i64) > length;
        match (self, call, reply) {
            (Object::Absent, ..) => false,
            (_, Call::Exists | Call::Delete, Reply::Integer(0)) => true,
            (_, Call::Length, Reply::Integer(length)) => lacks(*length),
            (Object::List(_), Call::Push { .. }, Reply::Integer(length)) => lacks(*length - 1),
            (Object::List(list), Call::Range, Reply::Values(told)) => {
                !told.windows(list.len()).any(|run| run.iter().zip(list).all(|(told, text)| **told == **text))
            }
            (Object::Set(set), Call::SetAdd { member }, Reply::Integer(1))
            | (Object::Set(set), Call::Contains { member }, Reply::Integer(0)) => set.contains(member.as_slice()),
            (Object::Stream(entries), Call::Range, Reply::Values(told)) => {
                let told = told.get(..entries.len() * 2);
                told.is_none_or(|told| told_entries(entries, told).is_none())
            }
            (Object::Stream(_), Call::StreamAdd { .. }, _) => self.after(call, Some(reply)).is_none(),
            _ => false,
        }
    }

    /// What the object is after a call that was answered so, or of which no answer is known. `None` if that cannot be.
    pub(super) fn after(&self, call: &Call, reply: Option<&Reply>) -> Option<Object> {
        match (self, call) {
            (Object::Absent, Call::StreamAdd { .. }) => Object::Stream(Vec::new()).after(call, reply),
            (Object::Stream(entries), Call::StreamAdd { value }) => {
                let id = match reply {
                    None => None,
                    Some(Reply::Value(text)) => Some(entry_id(text)?),
                    Some(_) => return None,
                };
                let last = entries.iter().rev().find_map(|(id, _)| *id);
                let grows = id.is_none_or(|id| last.is_none_or(|last| id > last));
                grows.then(|| Object::Stream(with(entries, (id, value.as_slice().into()))))
            }
            (Object::Stream(entries), Call::Range) => match reply {
                Some(Reply::Values(told)) => told_entries(entries, told).map(Object::Stream),
                _ => None,
            },
            _ => {
                let (after, said) = self.execute(call)?;
                reply.is_none_or(|reply| *reply == said).then_some(after)
            }
        }
    }

    /// A call with one outcome. `None` if the object is of another type.
    fn execute(&self, call: &Call) -> Option<(Object, Reply)> {
        let flag = |yes: bool| Reply::Integer(i64::from(yes));
        let value = |text: Option<&Text>| text.map_or(Reply::Nil, |text| Reply::Value(text.to_vec()));
        Some(match call {
            Call::Exists => (self.clone(), flag(*self != Object::Absent)),
            Call::Delete => (Object::Absent, flag(*self != Object::Absent)),
            Call::Length => (self.clone(), Reply::Integer(self.len() as i64)),
            Call::Push { value, left } => {
                let mut list = self.list()?;
                list.insert(if *left { 0 } else { list.len() }, value.as_slice().into());
                let length = list.len() as i64;
                (Object::List(list), Reply::Integer(length))
            }
            Call::Pop { left } => {
                let mut list = self.list()?;
                let popped = match (list.is_empty(), left) {
                    (true, _) => None,
                    (false, true) => Some(list.remove(0)),
                    (false, false) => list.pop(),
                };
                (Object::List(list).unless_empty(), value(popped.as_ref()))
            }
            Call::Range => {
                let list = self.list()?;
                let values = list.iter().map(|text| text.to_vec()).collect();
                (self.clone(), Reply::Values(values))
            }
            Call::SetAdd { member } => {
                let mut set = self.set()?;
                let added = set.insert(member.as_slice().into());
                (Object::Set(set), flag(added))
            }
            Call::SetRemove { member } => {
                let mut set = self.set()?;
                let removed = set.remove(member.as_slice());
                (Object::Set(set).unless_empty(), flag(removed))
            }
            Call::Contains { member } => {
                let set = self.set()?;
                (self.clone(), flag(set.contains(member.as_slice())))
            }
            Call::ScoreSet { member, score } => {
                let mut scores = self.scores()?;
                let added = scores.insert(member.as_slice().into(), *score).is_none();
                (Object::SortedSet(scores), flag(added))
            }
            Call::Score { member } => {
                let scores = self.scores()?;
                let score = scores.get(member.as_slice()).map(|score| Text::from(score.to_string().as_bytes()));
                (self.clone(), value(score.as_ref()))
            }
            Call::PopLeast => {
                let mut scores = self.scores()?;
                let least = scores.iter().min_by_key(|(member, score)| (**score, (*member).clone()));
                let least = least.map(|(member, score)| (member.clone(), *score));
                let said = match least {
                    None => Vec::new(),
                    Some((member, score)) => {
                        scores.remove(&member);
                        vec![member.to_vec(), score.to_string().into_bytes()]
                    }
                };
                (Object::SortedSet(scores).unless_empty(), Reply::Values(said))
            }
            Call::FieldSet { field, value } => {
                let mut fields = self.fields()?;
                let added = fields.insert(field.as_slice().into(), value.as_slice().into()).is_none();
                (Object::Hash(fields), flag(added))
            }
            Call::FieldGet { field } => {
                let fields = self.fields()?;
                (self.clone(), value(fields.get(field.as_slice())))
            }
            Call::FieldIncrement { field, by } => {
                let mut fields = self.fields()?;
                let old = fields.get(field.as_slice()).map_or(Some(0), |text| number(text))?;
                let new = old.checked_add(*by)?;
                fields.insert(field.as_slice().into(), new.to_string().as_bytes().into());
                (Object::Hash(fields), Reply::Integer(new))
            }
            Call::FieldRemove { field } => {
                let mut fields = self.fields()?;
                let removed = fields.remove(field.as_slice()).is_some();
                (Object::Hash(fields).unless_empty(), flag(removed))
            }
            _ => return None,
        })
    }

    fn list(&self) -> Option<Vec<Text>> {
        match self {
            Object::Absent => Some(Vec::new()),
            Object::List(list) => Some(list.clone()),
            _ => None,
        }
    }

    fn set(&self) -> Option<BTreeSet<Text>> {
        match self {
            Object::Absent => Some(BTreeSet::new()),
            Object::Set(set) => Some(set.clone()),
            _ => None,
        }
    }

    fn scores(&self) -> Option<BTreeMap<Text, i64>> {
        match self {
            Object::Absent => Some(BTreeMap::new()),
            Object::SortedSet(scores) => Some(scores.clone()),
            _ => None,
        }
    }

    fn fields(&self) -> Option<BTreeMap<Text, Text>> {
        match self {
            Object::Absent => Some(BTreeMap::new()),
            Object::Hash(fields) => Some(fields.clone()),
            _ => None,
        }
    }

    fn len(&self) -> usize {
        match self {
            Object::Absent => 0,
            Object::List(list) => list.len(),
            Object::Set(set) => set.len(),
            Object::SortedSet(scores) => scores.len(),
            Object::Hash(fields) => fields.len(),
            Object::Stream(entries) => entries.len(),
        }
    }

    /// A key whose last element is gone does not exist any more.
    fn unless_empty(self) -> Object {
        if self.len() == 0 { Object::Absent } else { self }
    }

    /// Bytes held, about.
    pub(super) fn memory(&self) -> usize {
        size_of::<Object>() + self.len() * 48
    }
}

fn with<T: Clone>(list: &[T], last: T) -> Vec<T> {
    list.iter().cloned().chain([last]).collect()
}

/// The entries, with the ids that a range has told: ids and values in turn.
fn told_entries(entries: &[(Option<EntryId>, Text)], told: &[Vec<u8>]) -> Option<Vec<(Option<EntryId>, Text)>> {
    let (pairs, odd) = told.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != entries.len() {
        return None;
    }
    let mut last = None;
    let mut known = Vec::with_capacity(entries.len());
    for ((id, value), [told_id, told_value]) in entries.iter().zip(pairs) {
        let told_id = entry_id(told_id)?;
        if **value != **told_value || id.is_some_and(|id| id != told_id) || last.is_some_and(|last| told_id <= last) {
            return None;
        }
        last = Some(told_id);
        known.push((Some(told_id), value.clone()));
    }
    Some(known)
}

fn entry_id(text: &[u8]) -> Option<EntryId> {
    let (ms, sequence) = std::str::from_utf8(text).ok()?.split_once('-')?;
    Some((ms.parse().ok()?, sequence.parse().ok()?))
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pair = |(key, value): (&Text, String)| format!("{}: {value}", printable(key));
        let (kind, elements): (&str, Vec<String>) = match self {
            Object::Absent => return f.write_str("absent"),
            Object::List(list) => ("list", list.iter().map(|text| printable(text)).collect()),
            Object::Set(set) => ("set", set.iter().map(|text| printable(text)).collect()),
            Object::SortedSet(scores) => {
                ("sorted set", scores.iter().map(|(member, score)| pair((member, score.to_string()))).collect())
            }
            Object::Hash(fields) => {
                ("hash", fields.iter().map(|(field, value)| pair((field, printable(value)))).collect())
            }
            Object::Stream(entries) => {
                let id = |id: &Option<EntryId>| id.map_or("?".to_owned(), |(ms, sequence)| format!("{ms}-{sequence}"));
                ("stream", entries.iter().map(|(at, value)| format!("{} {}", id(at), printable(value))).collect())
            }
        };
        write!(f, "{kind} [{}]", elements.join(", "))
    }
}
