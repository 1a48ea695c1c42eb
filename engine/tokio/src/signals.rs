//! SIGTERM and SIGINT, registered once and polled by the loop.

use std::io;
use std::task::{Context, Poll};

use refrain_runtime::Signal;
use tokio::signal::unix::{self, SignalKind};

/// The streams of both signals.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: unix::Signal,
    interrupt: unix::Signal,
}

impl Signals {
    /// Takes both signals over from the system's default, which would end the process.
    pub(crate) fn register() -> io::Result<Signals> {
        Ok(Signals {
            terminate: unix::signal(SignalKind::terminate())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        if self.terminate.poll_recv(cx) == Poll::Ready(Some(())) {
            return Poll::Ready(Signal::Terminate);
        }
        if self.interrupt.poll_recv(cx) == Poll::Ready(Some(())) {
            return Poll::Ready(Signal::Interrupt);
        }
        Poll::Pending
    }
}
