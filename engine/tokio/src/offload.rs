//! A small pool of threads for what would hold up the loop: compression, digests, dropping large values; files.
//!
//! Threads start when there is work that no idle thread can take, up to the pool's bound. The queue is bounded: a job that finds it
//! full runs on the caller's thread, which slows the producer down instead of letting memory grow. Dropping a job's
//! future does not cancel the job, and dropping the pool waits until every accepted job has run.
//!
//! What only computes gives way: where cores are short, such a thread must not keep the loop, or a client on the same machine,
//! waiting for the rest of its slice. Whoever needs its result soon leaves it the core by standing still.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;

use crate::priority;

const QUEUE_MAX: usize = 4096;

type Job = Box<dyn FnOnce() + Send>;

/// The pool. Belongs to the loop's thread; only the queue is shared.
#[derive(Debug)]
pub(crate) struct Pool {
    name: &'static str,
    threads_max: usize,
    gives_way: bool,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    closing: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("jobs", &self.jobs.len())
            .field("idle", &self.idle)
            .field("closing", &self.closing)
            .finish()
    }
}

impl Pool {
    /// A pool of up to so many threads, none of which runs yet.
    pub(crate) fn new(name: &'static str, threads_max: usize) -> Pool {
        Pool { name, threads_max, gives_way: false, queue: Arc::default(), threads: Vec::new() }
    }

    /// The same, of threads that give way to all others.
    pub(crate) fn giving_way(name: &'static str, threads_max: usize) -> Pool {
        let mut pool = Pool::new(name, threads_max);
        pool.gives_way = true;
        pool
    }

    /// Queues `job` at once; the future brings its result, and its panic if it had one.
    pub(crate) fn submit<T, J>(&mut self, job: J) -> impl Future<Output = T> + use<T, J> + 'static
    where
        T: Send + 'static,
        J: FnOnce() -> T + Send + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        self.enqueue(Box::new(move || {
            // Nobody waits any more when the send fails; the work itself was asked for and is done.
            let _ = answer.send(catch_unwind(AssertUnwindSafe(job)));
        }));
        async move {
            match outcome.await.expect("every accepted job runs and answers") {
                Ok(value) => value,
                Err(panic) => resume_unwind(panic),
            }
        }
    }

    fn enqueue(&mut self, job: Job) {
        let mut state = self.queue.lock();
        if state.jobs.len() >= QUEUE_MAX {
            drop(state);
            job();
            return;
        }
        state.jobs.push_back(job);
        let short_of_threads = state.jobs.len() > state.idle && self.threads.len() < self.threads_max;
        drop(state);
        self.queue.changed.notify_one();
        if short_of_threads {
            self.start_thread();
        }
    }

    fn start_thread(&mut self) {
        let queue = Arc::clone(&self.queue);
        let name = format!("{}-{}", self.name, self.threads.len());
        let gives_way = self.gives_way;
        let life = move || {
            if gives_way {
                priority::give_way();
            } else {
                priority::take_turns();
            }
            queue.work();
        };
        match thread::Builder::new().name(name).spawn(life) {
            Ok(thread) => self.threads.push(thread),
            Err(error) if self.threads.is_empty() => {
                tracing::warn!("can't start a thread for background work, doing it in the loop: {error}");
                self.queue.run_all();
            }
            Err(error) => tracing::warn!("can't start another thread for background work: {error}"),
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().closing = true;
        self.queue.changed.notify_all();
        for thread in self.threads.drain(..) {
            // Jobs catch their own panics, so a worker ends in order.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("jobs run outside the lock, so no panic can poison it")
    }

    /// A worker's life: take jobs until the pool closes and the queue is empty.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                job();
                state = self.lock();
            } else if state.closing {
                return;
            } else {
                state.idle += 1;
                state = self.changed.wait(state).expect("jobs run outside the lock, so no panic can poison it");
                state.idle -= 1;
            }
        }
    }

    fn run_all(&self) {
        loop {
            let Some(job) = self.lock().jobs.pop_front() else { return };
            job();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const THREADS: usize = 2;

    /// Blocks the test's thread until the job behind `future` has answered.
    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn results_come_back_whatever_the_order() {
        let mut pool = Pool::new("test", THREADS);
        let futures: Vec<_> = (0..500u64).map(|n| pool.submit(move || n * n)).collect();
        for (n, future) in futures.into_iter().enumerate().rev() {
            assert_eq!(wait(future), (n * n) as u64);
        }
        assert!(pool.threads.len() <= THREADS);
    }

    #[test]
    fn a_panic_travels_to_who_waits_and_the_worker_lives_on() {
        let mut pool = Pool::new("test", THREADS);
        let bad = pool.submit(|| -> u32 { panic!("from the job") });
        let caught = catch_unwind(AssertUnwindSafe(|| wait(bad))).unwrap_err();
        assert_eq!(caught.downcast_ref::<&str>(), Some(&"from the job"));
        assert_eq!(wait(pool.submit(|| 7)), 7);
    }

    #[test]
    fn dropping_the_future_does_not_cancel_and_dropping_the_pool_waits() {
        let done = Arc::new(AtomicUsize::new(0));
        let mut pool = Pool::new("test", THREADS);
        for _ in 0..300 {
            let done = Arc::clone(&done);
            drop(pool.submit(move || done.fetch_add(1, Ordering::SeqCst)));
        }
        drop(pool);
        assert_eq!(done.load(Ordering::SeqCst), 300);
    }

    #[test]
    fn a_full_queue_makes_the_producer_work() {
        let mut pool = Pool::new("test", THREADS);
        let mut gates = Vec::new();
        for _ in 0..THREADS {
            let (open, gate) = mpsc::channel::<()>();
            let (started, has_started) = mpsc::channel();
            drop(pool.submit(move || {
                started.send(()).unwrap();
                let _ = gate.recv();
            }));
            has_started.recv().unwrap();
            gates.push(open);
        }
        for _ in 0..QUEUE_MAX {
            drop(pool.submit(|| ()));
        }
        let caller = thread::current().id();
        let mut over = std::pin::pin!(pool.submit(|| thread::current().id()));
        let mut cx = Context::from_waker(Waker::noop());
        assert_eq!(over.as_mut().poll(&mut cx), Poll::Ready(caller), "it ran here, and at once");
        drop(gates);
    }
}
