//! A small kernel of our own: the same world runs on it unchanged, which cross-checks madsim and costs less.
//!
//! One loop: while a task is ready, a random one of them is polled and 50 to 100 nanoseconds pass; when none is, time moves to
//! the next moment for which somebody armed it. Whatever madsim does beyond that (libc interception above all) is missing
//! here, so that code which leaks real time or real randomness shows as a difference between two runs.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use super::{Kernel, Task};
use crate::entropy::Stream;

/// The main task's number. Tasks are numbered upwards and no number is used twice.
const MAIN: u64 = 0;

/// Numbers of tasks that are ready, each at most once. Wakers must be `Send`, though nothing here leaves its thread.
type Ready = Arc<Mutex<Vec<u64>>>;

struct TaskWaker {
    task: u64,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        if !ready.contains(&self.task) {
            ready.push(self.task);
        }
    }
}

struct Entry {
    /// `None` while it is being polled.
    task: Option<Task>,
    waker: Waker,
    node: Option<usize>,
}

#[derive(Default)]
struct Life {
    task: Option<u64>,
    paused: bool,
    /// Whether the task became ready while it was paused.
    waits: bool,
}

pub(crate) struct Own {
    now: Cell<u64>,
    chance: RefCell<Stream>,
    ready: Ready,
    tasks: RefCell<BTreeMap<u64, Entry>>,
    nodes: RefCell<Vec<Life>>,
    last: Cell<u64>,
    armed: RefCell<BinaryHeap<Reverse<u64>>>,
    driver: RefCell<Waker>,
}

impl Own {
    pub(crate) fn new(chance: Stream) -> Rc<Own> {
        Rc::new(Own {
            now: Cell::new(0),
            chance: RefCell::new(chance),
            ready: Ready::default(),
            tasks: RefCell::default(),
            nodes: RefCell::default(),
            last: Cell::new(MAIN),
            armed: RefCell::default(),
            driver: RefCell::new(Waker::noop().clone()),
        })
    }

    fn waker(&self, task: u64) -> Waker {
        Waker::from(Arc::new(TaskWaker { task, ready: self.ready.clone() }))
    }

    fn add(&self, task: Task, node: Option<usize>) -> u64 {
        let id = self.last.get() + 1;
        self.last.set(id);
        let waker = self.waker(id);
        waker.wake_by_ref();
        self.tasks.borrow_mut().insert(id, Entry { task: Some(task), waker, node });
        id
    }

    fn pick(&self) -> Option<u64> {
        let mut ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let n = ready.len() as u64;
        (n > 0).then(|| ready.swap_remove(self.chance.borrow_mut().below(n) as usize))
    }

    fn poll(&self, id: u64) {
        let taken = self.tasks.borrow_mut().get_mut(&id).map(|e| (e.task.take(), e.waker.clone(), e.node));
        let Some((Some(mut task), waker, node)) = taken else { return };
        if node.is_some_and(|n| self.holds_back(n)) {
            self.put_back(id, task);
            return;
        }
        match task.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => self.put_back(id, task),
            Poll::Ready(()) => drop(self.tasks.borrow_mut().remove(&id)),
        }
    }

    /// Whether the node is paused; if so, its task is remembered to be ready.
    fn holds_back(&self, node: usize) -> bool {
        let life = &mut self.nodes.borrow_mut()[node];
        life.waits |= life.paused;
        life.paused
    }

    /// A task that was ended while it was polled is dropped instead, when nothing is borrowed.
    fn put_back(&self, id: u64, task: Task) {
        let mut tasks = self.tasks.borrow_mut();
        match tasks.get_mut(&id) {
            Some(entry) => entry.task = Some(task),
            None => {
                drop(tasks);
                drop(task);
            }
        }
    }

    fn end(&self, id: Option<u64>) {
        let ended = id.and_then(|id| self.tasks.borrow_mut().remove(&id));
        drop(ended);
    }

    fn pass(&self, ns: u64) {
        self.move_to(self.now.get() + ns);
    }

    fn move_to(&self, at: u64) {
        self.now.set(self.now.get().max(at));
        let mut armed = self.armed.borrow_mut();
        while armed.peek().is_some_and(|t| t.0 <= self.now.get()) {
            armed.pop();
            self.driver.borrow().wake_by_ref();
        }
    }
}

impl Kernel for Own {
    fn block_on(&self, mut main: Pin<Box<dyn Future<Output = ()> + '_>>) {
        let waker = self.waker(MAIN);
        waker.wake_by_ref();
        loop {
            while let Some(id) = self.pick() {
                if id != MAIN {
                    self.poll(id);
                } else if main.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                    return;
                }
                let passed = self.chance.borrow_mut().range(50..100);
                self.pass(passed);
            }
            let next = self.armed.borrow().peek().map(|t| t.0);
            self.move_to(next.expect("something can still happen"));
        }
    }

    fn now(&self) -> u64 {
        self.now.get()
    }

    fn drive(&self, driver: &Waker) {
        self.driver.borrow_mut().clone_from(driver);
    }

    fn arm(&self, at: u64) {
        self.armed.borrow_mut().push(Reverse(at));
    }

    fn add_node(&self, _name: &str) {
        self.nodes.borrow_mut().push(Life::default());
    }

    fn spawn(&self, node: usize, task: Task) {
        self.kill(node);
        let id = self.add(task, Some(node));
        self.nodes.borrow_mut()[node].task = Some(id);
    }

    fn spawn_host(&self, task: Task) {
        self.add(task, None);
    }

    fn end_host_tasks(&self) {
        let hosts: Vec<u64> = self.tasks.borrow().iter().filter(|(_, e)| e.node.is_none()).map(|(id, _)| *id).collect();
        hosts.into_iter().for_each(|id| self.end(Some(id)));
    }

    fn kill(&self, node: usize) {
        let life = std::mem::take(&mut self.nodes.borrow_mut()[node]);
        self.end(life.task);
    }

    fn pause(&self, node: usize) {
        self.nodes.borrow_mut()[node].paused = true;
    }

    fn resume(&self, node: usize) {
        let mut nodes = self.nodes.borrow_mut();
        let life = &mut nodes[node];
        life.paused = false;
        if let (true, Some(id)) = (std::mem::take(&mut life.waits), life.task)
            && let Some(entry) = self.tasks.borrow().get(&id)
        {
            entry.waker.wake_by_ref();
        }
    }
}
