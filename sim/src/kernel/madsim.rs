//! madsim as the kernel: executor, virtual time, and the life and death of nodes.
//!
//! Nothing else of madsim is used. Its timers can't be cancelled and each poll of a sleep adds one, so there is a single sleep
//! that is re-armed, and only for moments at which the world has an event.
#![expect(clippy::disallowed_types, reason = "madsim speaks of virtual time as std Instants")]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use madsim::Config;
use madsim::runtime::{Handle, NodeHandle, Runtime};
use madsim::task::AbortHandle;
use madsim::time::{Sleep, TimeHandle};

use super::{Kernel, Task};

thread_local! {
    /// Hands a task to the node that is about to start. madsim wants what starts a node to be `Send`, which a task that shares
    /// its world is not; it is filled and emptied within one call of [`Kernel::spawn`].
    static STARTING: Cell<Option<Task>> = const { Cell::new(None) };
}

pub(crate) struct Madsim {
    runtime: Runtime,
    time: TimeHandle,
    nodes: RefCell<Vec<NodeHandle>>,
    /// madsim lets a task hold its own waker, so that one which nobody aborts is never dropped.
    host_tasks: RefCell<Vec<AbortHandle>>,
    driver: RefCell<Waker>,
    alarm: RefCell<Sleep>,
}

impl Madsim {
    pub(crate) fn new(seed: u64) -> Rc<Madsim> {
        let runtime = Runtime::with_seed_and_config(seed, Config::default());
        let time = runtime.block_on(async { TimeHandle::current() });
        // madsim makes every sleep at least a millisecond long; the alarm is reset before it is ever polled.
        let alarm = RefCell::new(time.sleep(Duration::from_millis(1)));
        let driver = RefCell::new(Waker::noop().clone());
        Rc::new(Madsim { runtime, time, nodes: RefCell::default(), host_tasks: RefCell::default(), driver, alarm })
    }

    fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    fn instant(&self, at: u64) -> Instant {
        self.time.now_instant() + Duration::from_nanos(at.saturating_sub(self.now()))
    }
}

impl Kernel for Madsim {
    fn block_on(&self, main: Pin<Box<dyn Future<Output = ()> + '_>>) {
        self.runtime.block_on(main);
    }

    fn now(&self) -> u64 {
        self.time.elapsed().as_nanos() as u64
    }

    fn drive(&self, driver: &Waker) {
        self.driver.borrow_mut().clone_from(driver);
    }

    fn arm(&self, at: u64) {
        let driver = self.driver.borrow();
        let mut alarm = self.alarm.borrow_mut();
        Pin::new(&mut *alarm).reset(self.instant(at));
        if Pin::new(&mut *alarm).poll(&mut Context::from_waker(&driver)).is_ready() {
            driver.wake_by_ref();
        }
    }

    fn add_node(&self, name: &str) {
        // The first start comes here, before there is a task: that life ends at once.
        let start = || {
            let task = STARTING.take();
            async move {
                if let Some(task) = task {
                    task.await;
                }
            }
        };
        self.nodes.borrow_mut().push(self.handle().create_node().name(name).init(start).build());
    }

    fn spawn(&self, node: usize, task: Task) {
        let id = self.nodes.borrow()[node].id();
        self.handle().kill(id);
        STARTING.set(Some(task));
        self.handle().restart(id);
        assert!(STARTING.take().is_none(), "the node takes its task when it starts");
    }

    fn spawn_host(&self, task: Task) {
        let mut tasks = self.host_tasks.borrow_mut();
        if tasks.len() == tasks.capacity() {
            tasks.retain(|t| !t.is_finished());
        }
        tasks.push(madsim::task::spawn_local(task).abort_handle());
    }

    fn end_host_tasks(&self) {
        self.host_tasks.take().iter().for_each(AbortHandle::abort);
    }

    fn kill(&self, node: usize) {
        let id = self.nodes.borrow()[node].id();
        self.handle().kill(id);
    }

    fn pause(&self, node: usize) {
        let id = self.nodes.borrow()[node].id();
        self.handle().pause(id);
    }

    fn resume(&self, node: usize) {
        let id = self.nodes.borrow()[node].id();
        self.handle().resume(id);
    }
}
