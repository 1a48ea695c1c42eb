//! A value with get, put and append. It is empty at first, never absent; append concatenates.

use super::{Interval, Misfit, Model, ModelKind, StateId, Successors, Values};
use crate::history::{Call, Reply, printable};

/// The key-value model. A state is the value's number.
#[derive(Debug)]
pub struct KeyValue {
    values: Values,
    empty: StateId,
}

/// What an operation was seen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It saw this value.
    Got(StateId),
    /// It left this value.
    Put(StateId),
    /// It added this at the end.
    Appended(StateId),
}

impl Default for KeyValue {
    fn default() -> KeyValue {
        let mut values = Values::default();
        let empty = StateId(values.intern(b""));
        KeyValue { values, empty }
    }
}

impl Model for KeyValue {
    type Step = Step;

    fn initial(&self) -> StateId {
        self.empty
    }

    fn compile(&mut self, call: &Call, reply: Option<&Reply>, _: Interval) -> Result<Option<Step>, Misfit> {
        let mut state = |value: &[u8]| StateId(self.values.intern(value));
        Ok(Some(match (call, reply) {
            (Call::Get, None) => return Ok(None),
            (Call::Get, Some(Reply::Nil)) => Step::Got(self.empty),
            (Call::Get, Some(Reply::Value(value))) => Step::Got(state(value)),
            (Call::Put { value }, None | Some(Reply::Done)) => Step::Put(state(value)),
            (Call::Append { value }, None | Some(Reply::Done)) => Step::Appended(state(value)),
            (Call::Get | Call::Put { .. } | Call::Append { .. }, Some(reply)) => {
                return Err(Misfit::reply(call, reply));
            }
            _ => return Err(Misfit::call(ModelKind::KeyValue, call)),
        }))
    }

    fn step(&mut self, state: StateId, step: &Step) -> Successors {
        match *step {
            Step::Got(seen) => (state == seen).then_some(state),
            Step::Put(value) => Some(value),
            Step::Appended(tail) => Some(StateId(self.values.concatenate(state.0, tail.0))),
        }
        .into()
    }

    fn is_read(&self, step: &Step) -> bool {
        matches!(step, Step::Got(_))
    }

    fn only_grows(&self, step: &Step) -> bool {
        !matches!(step, Step::Put(_))
    }

    fn excludes(&self, state: StateId, step: &Step) -> bool {
        matches!(step, Step::Got(seen) if !self.values.text(seen.0).starts_with(self.values.text(state.0)))
    }

    fn describe(&self, state: StateId) -> String {
        printable(self.values.text(state.0))
    }

    fn memory(&self) -> usize {
        self.values.memory()
    }
}
