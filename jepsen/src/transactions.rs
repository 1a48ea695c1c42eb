//! The oracle for atomic groups of keys: every transaction writes one value of its own to all keys of a group, and whoever
//! reads all of them in one transaction must see one value.
//!
//! Atomicity is checked by looking at each read. A group then behaves as one register, so its order in real time is checked
//! by the same search as everything else. Values must be unique to their transaction, or a torn read could look whole.

use std::fmt;

use crate::check::{Options, Verdict, check};
use crate::history::{Call, Clock, History, Operation, OperationId, Outcome, Reply};
use crate::models::ModelKind;

/// The recorded transactions on one group of keys.
#[derive(Debug, Clone)]
pub struct Transactions {
    register: History,
    torn: Vec<TornRead>,
}

/// A read that saw two values where one transaction writes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornRead {
    /// The client that read.
    pub process: u64,
    /// When it was answered, in nanoseconds of the recorder's clock.
    pub time: u64,
    /// What it saw, key by key; `None` for a key that was absent.
    pub values: Vec<Option<Vec<u8>>>,
}

/// What is wrong with the transactions of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anomaly {
    /// A read saw a transaction in part. The first such read.
    Torn(TornRead),
    /// A read saw a value that nobody had asked to write.
    Invented(OperationId),
    /// Every read is whole, but no order of the transactions explains all of them. The history is the group as a register.
    Order(Box<(History, Verdict)>),
}

impl Default for Transactions {
    fn default() -> Transactions {
        Transactions { register: History::new(ModelKind::Register, Clock::default()), torn: Vec::new() }
    }
}

impl Transactions {
    /// Records that `process` sends a transaction that writes `value` to every key of the group. Times as in
    /// [`History::invoke`].
    pub fn write(&mut self, process: u64, time: u64, value: impl Into<Vec<u8>>) -> OperationId {
        self.register.invoke(process, time, Vec::new(), Call::Write { value: value.into() })
    }

    /// Records that `process` sends a transaction that reads every key of the group.
    pub fn read(&mut self, process: u64, time: u64) -> OperationId {
        self.register.invoke(process, time, Vec::new(), Call::Read)
    }

    /// The transaction was executed.
    pub fn wrote(&mut self, id: OperationId, time: u64) {
        self.register.ok(id, time, Reply::Done);
    }

    /// The read was answered with these values, one a key.
    pub fn saw(&mut self, id: OperationId, time: u64, values: Vec<Option<Vec<u8>>>) {
        if values.windows(2).all(|pair| pair[0] == pair[1]) {
            let value = values.into_iter().next().flatten();
            self.register.ok(id, time, value.map_or(Reply::Nil, Reply::Value));
        } else {
            let process = self.register.operations()[id.0].process;
            self.torn.push(TornRead { process, time, values });
            self.register.info(id, time);
        }
    }

    /// The transaction certainly was not executed: discarded, or a watched key had changed.
    pub fn aborted(&mut self, id: OperationId, time: u64) {
        self.register.fail(id, time);
    }

    /// The reply was lost.
    pub fn lost(&mut self, id: OperationId, time: u64) {
        self.register.info(id, time);
    }

    /// Looks for an anomaly; `None` if all reads are explained. A search that ran out of its budget counts as
    /// [`Anomaly::Order`] with an unknown verdict, so that it cannot be overlooked.
    pub fn check(&self, options: &Options) -> Option<Anomaly> {
        if let Some(torn) = self.torn.first() {
            return Some(Anomaly::Torn(torn.clone()));
        }
        if let Some(read) = self.invented() {
            return Some(Anomaly::Invented(read));
        }
        match check(&self.register, options) {
            Verdict::Linearizable => None,
            verdict => Some(Anomaly::Order(Box::new((self.register.clone(), verdict)))),
        }
    }

    fn invented(&self) -> Option<OperationId> {
        let mut asked: Vec<&[u8]> = Vec::new();
        for Operation { call, outcome, .. } in self.register.operations() {
            if let (Call::Write { value }, false) = (call, matches!(outcome, Outcome::Failed(_))) {
                asked.push(value);
            }
        }
        asked.sort_unstable();
        let saw = |op: &Operation| match &op.outcome {
            Outcome::Ok(_, Reply::Value(value)) => asked.binary_search(&value.as_slice()).is_err(),
            _ => false,
        };
        self.register.operations().iter().position(saw).map(OperationId)
    }
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Anomaly::Torn(TornRead { process, time, values }) => {
                write!(f, "process {process} saw a transaction in part at {time} ns:")?;
                for value in values {
                    match value {
                        Some(value) => write!(f, " {}", crate::history::printable(value))?,
                        None => f.write_str(" nil")?,
                    }
                }
                Ok(())
            }
            Anomaly::Invented(OperationId(read)) => write!(f, "operation {read} saw a value that no transaction wrote"),
            Anomaly::Order(order) => {
                let (history, verdict) = order.as_ref();
                let details = crate::report::details(history, verdict, crate::report::Detail::Short);
                write!(f, "the order of the transactions is {verdict}\n{details}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(values: &[&str]) -> Vec<Option<Vec<u8>>> {
        values.iter().map(|value| Some(value.as_bytes().to_vec()).filter(|value| !value.is_empty())).collect()
    }

    #[test]
    fn whole_reads_in_order_are_fine() {
        let mut group = Transactions::default();
        let read = group.read(0, 0);
        let one = group.write(1, 1, "one");
        group.saw(read, 2, values(&["", ""]));
        group.lost(one, 3);
        let two = group.write(2, 4, "two");
        group.aborted(two, 5);
        let read = group.read(0, 6);
        group.saw(read, 7, values(&["one", "one"]));
        assert_eq!(group.check(&Options::default()), None);
    }

    #[test]
    fn a_read_of_two_values_is_torn() {
        for seen in [["one", "two"], ["one", ""]] {
            let mut group = Transactions::default();
            for (process, value) in [(0, "one"), (1, "two")] {
                let write = group.write(process, 0, value);
                group.wrote(write, 0);
            }
            let read = group.read(2, 1);
            group.saw(read, 2, values(&seen));
            let torn = TornRead { process: 2, time: 2, values: values(&seen) };
            assert_eq!(group.check(&Options::default()), Some(Anomaly::Torn(torn)));
        }
    }

    #[test]
    fn what_was_aborted_cannot_be_seen() {
        let mut group = Transactions::default();
        let write = group.write(0, 0, "one");
        group.aborted(write, 1);
        let read = group.read(1, 2);
        group.saw(read, 3, values(&["one", "one"]));
        assert_eq!(group.check(&Options::default()), Some(Anomaly::Invented(read)));
    }

    #[test]
    fn a_stale_read_is_out_of_order() {
        let mut group = Transactions::default();
        for value in ["one", "two"] {
            let write = group.write(0, 0, value);
            group.wrote(write, 0);
        }
        let read = group.read(1, 1);
        group.saw(read, 2, values(&["one", "one"]));
        let anomaly = group.check(&Options::default()).expect("two was acknowledged before the read");
        assert!(matches!(&anomaly, Anomaly::Order(order) if order.1.to_string() == "illegal"));
        assert!(anomaly.to_string().contains("read → \"one\""), "{anomaly}");
    }
}
