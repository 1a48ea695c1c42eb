//! What clients did and saw: operations with their calls, replies, and the order and time of both.
//!
//! A [`History`] is filled event by event, in the order in which the events happened, by a harness ([`History::invoke`] and
//! its companions) or by one of the readers ([`read`]). The order of events is the real-time order that a linearization
//! must respect; their times matter only where a model says so. It is plain data: nothing here judges it.

mod edn;
mod etcd;
mod json_lines;
mod kv_edn;
mod operation;
mod reader;

use std::fmt;

pub(crate) use operation::printable;
pub use operation::{Call, Condition, Expiry, Reply};
pub use reader::{ReadError, read};

use crate::models::ModelKind;

/// A recorded history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// What the recorded objects are meant to be.
    pub model: ModelKind,
    /// The clock of the events' times.
    pub clock: Clock,
    operations: Vec<Operation>,
    events: usize,
    last_time: u64,
}

/// How a history's clock relates to the world's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clock {
    /// Unix time, in nanoseconds, at the clock's zero. Only absolute deadlines need it.
    pub unix_origin_ns: i64,
}

/// One operation: who called what on which key, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// The client. A client may have several operations under way.
    pub process: u64,
    /// The key it worked on; empty in histories of one object.
    pub key: Vec<u8>,
    /// What it asked for.
    pub call: Call,
    /// When it asked.
    pub invoked: Moment,
    /// What came of it.
    pub outcome: Outcome,
}

/// A place in the order of events, and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Number of the event, from zero.
    pub position: usize,
    /// Nanoseconds of the history's clock.
    pub time: u64,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was heard yet. It may have taken effect at any time after its call, or never.
    Pending,
    /// It was answered.
    Ok(Moment, Reply),
    /// It certainly did not happen.
    Failed(Moment),
    /// It was given up. It may have taken effect at any time after its call, even later than this, or never.
    Unknown(Moment),
}

impl Outcome {
    /// When the client learned it.
    pub fn moment(&self) -> Option<Moment> {
        match self {
            Outcome::Pending => None,
            Outcome::Ok(moment, _) | Outcome::Failed(moment) | Outcome::Unknown(moment) => Some(*moment),
        }
    }
}

/// Names an operation of one history: its index among [`History::operations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OperationId(pub usize);

impl History {
    /// An empty history.
    pub fn new(model: ModelKind, clock: Clock) -> History {
        History { model, clock, operations: Vec::new(), events: 0, last_time: 0 }
    }

    /// Records that `process` asks for `call` on `key`. Times are nanoseconds of the history's clock.
    ///
    /// # Panics
    /// This and the three methods that end an operation panic when `time` lies before the previous event's, or when an
    /// operation ends twice: a recorder that does either records nonsense.
    pub fn invoke(&mut self, process: u64, time: u64, key: impl Into<Vec<u8>>, call: Call) -> OperationId {
        self.try_invoke(process, time, key.into(), call).expect("events are recorded in the order of time")
    }

    /// Records that an operation was answered.
    pub fn ok(&mut self, operation: OperationId, time: u64, reply: Reply) {
        self.try_end(operation, time, |moment| Outcome::Ok(moment, reply)).expect("an operation ends once, in order");
    }

    /// Records that an operation certainly did not happen.
    pub fn fail(&mut self, operation: OperationId, time: u64) {
        self.try_end(operation, time, Outcome::Failed).expect("an operation ends once, in order");
    }

    /// Records that an operation was given up, and may yet take effect.
    pub fn info(&mut self, operation: OperationId, time: u64) {
        self.try_end(operation, time, Outcome::Unknown).expect("an operation ends once, in order");
    }

    /// All operations in the order of their calls.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The history as JSON lines (see the crate's documentation for the format).
    pub fn to_json_lines(&self) -> String {
        json_lines::write(self)
    }

    fn try_invoke(
        &mut self,
        process: u64,
        time: u64,
        key: Vec<u8>,
        call: Call,
    ) -> Result<OperationId, InconsistentEvent> {
        let invoked = self.moment(time)?;
        self.operations.push(Operation { process, key, call, invoked, outcome: Outcome::Pending });
        Ok(OperationId(self.operations.len() - 1))
    }

    fn try_end(
        &mut self,
        id: OperationId,
        time: u64,
        outcome: impl FnOnce(Moment) -> Outcome,
    ) -> Result<(), InconsistentEvent> {
        if self.operations[id.0].outcome != Outcome::Pending {
            return Err(InconsistentEvent::EndsTwice);
        }
        self.operations[id.0].outcome = outcome(self.moment(time)?);
        Ok(())
    }

    fn moment(&mut self, time: u64) -> Result<Moment, InconsistentEvent> {
        if time < self.last_time {
            return Err(InconsistentEvent::TimeRunsBackwards { from: self.last_time, to: time });
        }
        self.last_time = time;
        self.events += 1;
        Ok(Moment { position: self.events - 1, time })
    }
}

/// An event that cannot follow the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InconsistentEvent {
    TimeRunsBackwards { from: u64, to: u64 },
    EndsTwice,
}

impl fmt::Display for InconsistentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InconsistentEvent::TimeRunsBackwards { from, to } => write!(f, "time runs backwards from {from} to {to}"),
            InconsistentEvent::EndsTwice => f.write_str("the operation has already ended"),
        }
    }
}
