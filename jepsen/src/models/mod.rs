//! What is checked: sequential specifications.
//!
//! A [`Model`] says which states an object may be in after an operation that was called with these arguments and answered
//! with this reply. It works in two stages, so that the search touches no text: [`Model::compile`] turns each operation
//! into a small comparable [`Model::Step`] once, and [`Model::step`] applies it to a state, which is an interned number.
//!
//! A model must be a pure function of what it was given: the same compile calls and steps give the same numbers.

mod key_value;
mod redis_collection;
mod redis_string;
mod register;
mod values;

use std::fmt;

pub use key_value::KeyValue;
pub use redis_collection::RedisCollection;
pub use redis_string::RedisString;
pub use register::Register;
pub use values::Values;

use crate::history::{Call, Reply};

/// A state of one object, interned by its model: two equal states have the same number, so comparing and hashing them is
/// comparing and hashing a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId(pub u32);

/// The states that an operation may lead to: none if it cannot have happened, more than one where the model leaves room.
#[derive(Debug, Clone, Copy, Default)]
pub struct Successors {
    states: [Option<StateId>; 2],
}

impl Successors {
    /// Adds a state. A third distinct one is a bug in the model.
    pub fn push(&mut self, state: StateId) {
        if self.contains(state) {
            return;
        }
        let free = self.states.iter_mut().find(|slot| slot.is_none());
        *free.expect("no model has more than two outcomes of one operation") = Some(state);
    }

    /// Whether `state` is one of them.
    pub fn contains(&self, state: StateId) -> bool {
        self.states.contains(&Some(state))
    }

    /// In the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = StateId> {
        self.states.into_iter().flatten()
    }
}

impl From<Option<StateId>> for Successors {
    fn from(state: Option<StateId>) -> Successors {
        Successors { states: [state, None] }
    }
}

/// When an operation ran, in nanoseconds of the history's clock. Only models in which time matters look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// When it was invoked.
    pub invoked: u64,
    /// When it returned; `u64::MAX` if it may take effect at any later time.
    pub returned: u64,
}

/// A sequential specification.
pub trait Model {
    /// An operation with its reply, ready to be applied.
    type Step: Clone + Eq;

    /// The state of an object that nobody has touched.
    fn initial(&self) -> StateId;

    /// Prepares an operation. `reply` is `None` if nobody knows what it would have been: then the step leads to every
    /// state that the operation may bring about. `Ok(None)` means that the operation cannot constrain anything.
    ///
    /// # Errors
    /// When the operation or its reply is not one of this model.
    fn compile(&mut self, call: &Call, reply: Option<&Reply>, interval: Interval)
    -> Result<Option<Self::Step>, Misfit>;

    /// The states after `step` in `state`.
    fn step(&mut self, state: StateId, step: &Self::Step) -> Successors;

    /// Whether `step` leaves the state as it is wherever it is legal, or at most changes it in a way that any operation
    /// after it could have done in its stead. Only then may it be moved freely to where it is legal: a write of the
    /// value that is there already is no read, for elsewhere it may be needed as a write.
    fn is_read(&self, step: &Self::Step) -> bool;

    /// Whether `step` never takes back what a state has: what [`excludes`](Model::excludes) says of a state it says of
    /// all states after such steps.
    fn only_grows(&self, step: &Self::Step) -> bool {
        let _ = step;
        false
    }

    /// Whether `step` is illegal in `state` and in every state that steps which only grow can make of it.
    fn excludes(&self, state: StateId, step: &Self::Step) -> bool {
        let _ = (state, step);
        false
    }

    /// A state in words.
    fn describe(&self, state: StateId) -> String;

    /// Bytes held by interned values and states.
    fn memory(&self) -> usize;
}

/// An operation or reply that a model does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit(pub String);

impl Misfit {
    fn call(model: ModelKind, call: &Call) -> Misfit {
        Misfit(format!("the model `{model}` has no operation `{}`", call.name()))
    }

    fn reply(call: &Call, reply: &Reply) -> Misfit {
        Misfit(format!("`{}` cannot be answered with {reply}", call.name()))
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The models by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum ModelKind {
    /// A register with read, write and compare-and-set; holds nothing at first.
    Register,
    /// A map with get, put and append; every value is empty at first.
    KeyValue,
    /// Redis strings with conditions, counters and expiry; no key exists at first.
    RedisString,
    /// Redis lists, sets, sorted sets, hashes and streams; no key exists at first.
    RedisCollection,
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ModelKind::Register => "register",
            ModelKind::KeyValue => "key-value",
            ModelKind::RedisString => "redis-string",
            ModelKind::RedisCollection => "redis-collection",
        })
    }
}
