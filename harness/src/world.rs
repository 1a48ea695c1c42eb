//! The nodes of a run by name, and what the harness and its clients tell each other while it runs.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use refrain_sim::{DiskConfig, LinkConfig, NodeId};

use crate::client::Loss;
use crate::plan::{ClientPlan, SERVER};
use crate::record::Record;
use crate::server::Observed;

/// The two phases of every run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Clients work while faults strike.
    Faults,
    /// Everything is healed: clients finish, and show that they are served.
    Recovery,
}

/// What the harness tells a client.
#[derive(Debug)]
pub struct Control {
    /// The phase of the run.
    pub phase: Rc<Cell<Phase>>,
    /// After the next commands, end the sending side.
    pub half_close: Cell<bool>,
}

/// All nodes of a run.
pub struct Nodes {
    /// The server.
    pub server: NodeId,
    /// The clients' nodes and controls, by name.
    pub clients: BTreeMap<String, (NodeId, Rc<Control>)>,
    /// What a unit of the server's work costs without a fault.
    pub ns_per_work_unit: u64,
    /// What every link is like without a fault.
    pub link: LinkConfig,
    /// What the server's disk is like without a fault.
    pub disk: DiskConfig,
    /// What the harness sees of the server.
    pub observed: Rc<RefCell<Observed>>,
    /// The first phase is over: no fault strikes any more, and none ends.
    pub healed: Cell<bool>,
}

impl Nodes {
    /// The node of that name. A plan that names none has been edited; its fault then strikes nobody.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        if name == SERVER { Some(self.server) } else { self.clients.get(name).map(|(node, _)| *node) }
    }

    /// The control of the client of that name.
    pub fn control(&self, name: &str) -> Option<&Rc<Control>> {
        self.clients.get(name).map(|(_, control)| control)
    }
}

/// What a client's process shares with the harness. It outlives the process when that is killed.
pub struct Context {
    /// What the plan says of this client.
    pub plan: ClientPlan,
    /// The run's seed.
    pub seed: u64,
    /// What the harness says.
    pub control: Rc<Control>,
    /// Where everything is recorded.
    pub record: Rc<RefCell<Record>>,
    /// The observer's time, in nanoseconds: true time in the simulator.
    pub clock: Box<dyn Fn() -> u64>,
    /// Puts a line into the trace.
    pub note: Box<dyn Fn(&str)>,
    /// The next batch of operations. It goes on counting when the process is killed, so that no value is written twice.
    pub batch: Cell<u64>,
    /// The name under which operations are recorded; a new one after each operation whose outcome is unknown.
    pub process: Cell<u64>,
}

impl Context {
    /// Whether the workload is to go on.
    pub fn working(&self) -> bool {
        self.control.phase.get() == Phase::Faults
    }

    /// The observer's time.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// Takes a number for the next batch.
    pub fn next_batch(&self) -> u64 {
        let batch = self.batch.get();
        self.batch.set(batch + 1);
        batch
    }

    /// Replies were lost: says so in the trace and the record.
    pub fn lost(&self, loss: &Loss) {
        (self.note)(&loss.to_string());
        self.record.borrow_mut().lost(self.now(), &self.plan.name, loss);
    }

    /// From here on operations belong to another process: the one before has an operation that may happen at any time.
    pub fn become_another_process(&self) {
        self.process.set(self.record.borrow_mut().next_process());
    }
}
