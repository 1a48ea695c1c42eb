//! Jobs under way outside the loop: owned futures, polled before the sockets in every round, their completions handled like
//! any other input. Dropping a job does not cancel its work.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Work whose completion the loop waits for together with its sockets.
#[derive(Default)]
pub struct Jobs<T> {
    running: Vec<Pin<Box<dyn Future<Output = T>>>>,
}

impl<T> Jobs<T> {
    /// No jobs.
    pub fn new() -> Jobs<T> {
        Jobs { running: Vec::new() }
    }

    /// Adds one.
    pub fn push(&mut self, job: impl Future<Output = T> + 'static) {
        self.running.push(Box::pin(job));
    }

    /// How many are under way.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Moves what has completed to `done`. The waker of `cx` is woken when another one completes.
    pub fn poll(&mut self, cx: &mut Context<'_>, done: &mut Vec<T>) {
        self.running.retain_mut(|job| match job.as_mut().poll(cx) {
            Poll::Ready(result) => {
                done.push(result);
                false
            }
            Poll::Pending => true,
        });
    }
}
