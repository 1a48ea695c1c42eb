//! One Redis key that holds a list, a set, a sorted set, a hash or a stream, whichever the first operation made it.
//!
//! Time plays no part, and every operation but one has one outcome. The exception is `XADD *`, whose id the server chooses: an
//! entry of an addition of unknown outcome has an unknown id until a range shows it, and ids must grow in the order of
//! execution.

mod object;

use object::Object;

use super::{Interval, Misfit, Model, ModelKind, StateId, Successors};
use crate::hashing::Table;
use crate::history::{Call, Reply};

/// The collections model.
#[derive(Debug)]
pub struct RedisCollection {
    states: Vec<Object>,
    ids: Table<Object, StateId>,
    /// Steps that were applied before: collections are long to copy and to compare.
    known: Table<(StateId, u32), Option<StateId>>,
    steps: Vec<(Call, Option<Reply>)>,
    step_ids: Table<(Call, Option<Reply>), u32>,
    bytes: usize,
}

/// An operation with its reply, by number: equal ones have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step(u32);

impl Default for RedisCollection {
    fn default() -> RedisCollection {
        let mut model = RedisCollection {
            states: Vec::new(),
            ids: Table::default(),
            known: Table::default(),
            steps: Vec::new(),
            step_ids: Table::default(),
            bytes: 0,
        };
        model.intern(Object::Absent);
        model
    }
}

impl RedisCollection {
    fn intern(&mut self, object: Object) -> StateId {
        if let Some(id) = self.ids.get(&object) {
            return *id;
        }
        let id = u32::try_from(self.states.len()).expect("the memory budget ends a search before 2^32 states");
        self.bytes += 2 * object.memory() + 64;
        self.states.push(object.clone());
        self.ids.insert(object, StateId(id));
        StateId(id)
    }
}

impl Model for RedisCollection {
    type Step = Step;

    fn initial(&self) -> StateId {
        StateId(0)
    }

    fn compile(&mut self, call: &Call, reply: Option<&Reply>, _: Interval) -> Result<Option<Step>, Misfit> {
        if !Object::knows(call) {
            return Err(Misfit::call(ModelKind::RedisCollection, call));
        }
        match reply {
            None if Object::only_reads(call) => return Ok(None),
            Some(reply) if !Object::can_answer(call, reply) => return Err(Misfit::reply(call, reply)),
            _ => {}
        }
        let step = (call.clone(), reply.cloned());
        let next = u32::try_from(self.steps.len()).expect("a history has fewer than 2^32 operations");
        let id = *self.step_ids.entry(step.clone()).or_insert(next);
        if id == next {
            self.steps.push(step);
        }
        Ok(Some(Step(id)))
    }

    fn step(&mut self, state: StateId, step: &Step) -> Successors {
        let key = (state, step.0);
        if let Some(after) = self.known.get(&key) {
            return (*after).into();
        }
        let (call, reply) = &self.steps[step.0 as usize];
        let after = self.states[state.0 as usize].after(call, reply.as_ref()).map(|object| self.intern(object));
        self.bytes += 32;
        self.known.insert(key, after);
        after.into()
    }

    fn is_read(&self, step: &Step) -> bool {
        let (call, reply) = &self.steps[step.0 as usize];
        Object::only_reads(call) || reply.as_ref().is_some_and(|reply| Object::changed_nothing(call, reply))
    }

    fn only_grows(&self, step: &Step) -> bool {
        let (call, _) = &self.steps[step.0 as usize];
        self.is_read(step) || Object::only_adds(call)
    }

    fn excludes(&self, state: StateId, step: &Step) -> bool {
        let (call, reply) = &self.steps[step.0 as usize];
        reply.as_ref().is_some_and(|reply| self.states[state.0 as usize].is_beyond(call, reply))
    }

    fn describe(&self, state: StateId) -> String {
        self.states[state.0 as usize].to_string()
    }

    fn memory(&self) -> usize {
        self.bytes
    }
}
