//! One register: read, write, and compare-and-set. It holds nothing at first.
//!
//! A compare-and-set that succeeded needs the register to hold what it expected; one that was refused needs it to hold
//! something else; one whose outcome is unknown did what a successful one does, or nothing.

use super::{Interval, Misfit, Model, ModelKind, StateId, Successors, Values};
use crate::history::{Call, Reply, printable};

/// The register model. A state is a value's number; [`NOTHING`] is the register that was never written.
#[derive(Debug, Default)]
pub struct Register {
    values: Values,
}

const NOTHING: StateId = StateId(u32::MAX);

/// What an operation was seen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It saw this state.
    Saw(StateId),
    /// It left this state, whatever was there before.
    Wrote(StateId),
    /// It found the first and left the second.
    Swapped(StateId, StateId),
    /// It found something else than this.
    Refused(StateId),
}

impl Register {
    fn state(&mut self, value: &[u8]) -> StateId {
        StateId(self.values.intern(value))
    }
}

impl Model for Register {
    type Step = Step;

    fn initial(&self) -> StateId {
        NOTHING
    }

    fn compile(&mut self, call: &Call, reply: Option<&Reply>, _: Interval) -> Result<Option<Step>, Misfit> {
        Ok(Some(match (call, reply) {
            (Call::Read, None) => return Ok(None),
            (Call::Read, Some(Reply::Nil)) => Step::Saw(NOTHING),
            (Call::Read, Some(Reply::Value(value))) => Step::Saw(self.state(value)),
            (Call::Read, Some(Reply::Integer(value))) => Step::Saw(self.state(value.to_string().as_bytes())),
            (Call::Write { value }, None | Some(Reply::Done)) => Step::Wrote(self.state(value)),
            (Call::Cas { from, to }, None | Some(Reply::Done)) => Step::Swapped(self.state(from), self.state(to)),
            (Call::Cas { from, .. }, Some(Reply::Refused)) => Step::Refused(self.state(from)),
            (Call::Read | Call::Write { .. } | Call::Cas { .. }, Some(reply)) => {
                return Err(Misfit::reply(call, reply));
            }
            _ => return Err(Misfit::call(ModelKind::Register, call)),
        }))
    }

    fn step(&mut self, state: StateId, step: &Step) -> Successors {
        match *step {
            Step::Saw(seen) => (state == seen).then_some(state),
            Step::Wrote(written) => Some(written),
            Step::Swapped(from, to) => (state == from).then_some(to),
            Step::Refused(from) => (state != from).then_some(state),
        }
        .into()
    }

    fn is_read(&self, step: &Step) -> bool {
        matches!(step, Step::Saw(_) | Step::Refused(_))
    }

    fn describe(&self, state: StateId) -> String {
        if state == NOTHING { "nothing".into() } else { printable(self.values.text(state.0)) }
    }

    fn memory(&self) -> usize {
        self.values.memory()
    }
}
