//! The loop's only wait: one epoll instance for all sockets of the node, watched by tokio as a single descriptor.
//!
//! No wake-up is lost, because tokio's readiness of the outer descriptor is cleared *before* the inner instance is
//! harvested (what comes in between is harvested or seen again), and because a harvest that filled the buffer is taken to
//! mean that more is pending: the inner instance makes no new edge for what it still holds.
//!
//! A loop that always finds work would never return to tokio, and signals and other tasks would starve; so after
//! [`ROUNDS_WITHOUT_YIELD`] rounds it is made to.

use std::future::Future;
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use mio::event::Event;
use mio::unix::SourceFd;
use refrain_runtime::{Interest, Mono, Readiness, Token};
use tokio::io::unix::AsyncFd;
use tokio::time::Sleep;

use super::retried;
use crate::clock::Clock;

/// How many rounds may go by before tokio gets its turn.
const ROUNDS_WITHOUT_YIELD: u32 = 64;

/// Readiness taken over in one harvest.
const HARVEST_MAX: usize = 1024;

/// A harvest at least this large says that the node is busy, and that looking again before waiting will pay.
const BUSY: usize = 2;

/// The timer is never set further ahead; it then fires early, which costs nothing.
const SLEEP_MAX: Duration = Duration::from_secs(3600);

const _: () = assert!(usize::BITS == 64, "a token has 64 bits and must fit in mio's");

pub(super) struct Poller {
    inner: AsyncFd<mio::Poll>,
    events: mio::Events,
    /// What the last harvest brought.
    last_harvest: usize,
    rounds: u32,
    deadline: Deadline,
}

impl Poller {
    /// To be called inside a tokio runtime with I/O and time.
    pub(super) fn new(clock: Clock) -> io::Result<Poller> {
        let poll = mio::Poll::new()?;
        // SAFETY: `mio::Poll` owns its epoll descriptor, always answers `as_raw_fd` with it, and closes it only when it is
        // dropped. It moves into the `AsyncFd`, and nothing in this module replaces or takes it out of there.
        let inner = unsafe { AsyncFd::register_with_interest(poll, tokio::io::Interest::READABLE) }?;
        Ok(Poller {
            inner,
            events: mio::Events::with_capacity(HARVEST_MAX),
            last_harvest: 0,
            rounds: 0,
            deadline: Deadline::new(clock),
        })
    }

    /// Starts to report `fd` as `token`. Closing the descriptor ends it.
    pub(super) fn watch(&self, fd: RawFd, token: Token, for_write: bool) -> io::Result<()> {
        let interest = mio::Interest::READABLE;
        let interest = if for_write { interest | mio::Interest::WRITABLE } else { interest };
        self.inner.get_ref().registry().register(&mut SourceFd(&fd), outward(token), interest)
    }

    /// Adds `WRITE` to what is reported of `fd`. If it can be written already, that is reported too.
    pub(super) fn watch_for_write(&self, fd: RawFd, token: Token) -> io::Result<()> {
        let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
        self.inner.get_ref().registry().reregister(&mut SourceFd(&fd), outward(token), interest)
    }

    /// See [`refrain_runtime::Sockets::poll_ready`]. Only tokens for which `is_live` holds are appended.
    #[inline]
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        until: Mono,
        out: &mut Vec<Readiness>,
        is_live: impl Fn(Token) -> bool,
    ) -> Poll<()> {
        if self.rounds >= ROUNDS_WITHOUT_YIELD {
            self.rounds = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.rounds += 1;
        let had = out.len();
        if until == Mono(0) {
            self.harvest(out, &is_live);
            return Poll::Ready(());
        }
        if self.last_harvest >= BUSY {
            self.harvest(out, &is_live);
            if out.len() > had {
                return Poll::Ready(());
            }
        }
        while let Poll::Ready(ready) = self.inner.poll_read_ready(cx) {
            ready.expect("the tokio runtime outlives the node that runs on it").clear_ready();
            self.harvest(out, &is_live);
            if out.len() > had {
                return Poll::Ready(());
            }
        }
        if self.deadline.poll(cx, until).is_ready() {
            return Poll::Ready(());
        }
        self.rounds = 0;
        Poll::Pending
    }

    /// Takes over what the inner instance holds, without waiting.
    #[inline]
    fn harvest(&mut self, out: &mut Vec<Readiness>, is_live: &impl Fn(Token) -> bool) {
        let poll = self.inner.get_mut();
        retried(|| poll.poll(&mut self.events, Some(Duration::ZERO)))
            .expect("epoll_wait fails only for a bad descriptor or buffer, and both are ours");
        self.last_harvest = 0;
        for event in &self.events {
            self.last_harvest += 1;
            let token = inward(event.token());
            if is_live(token) {
                out.push(Readiness { token, bits: bits(event) });
            }
        }
    }
}

impl std::fmt::Debug for Poller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poller").field("last_harvest", &self.last_harvest).field("rounds", &self.rounds).finish()
    }
}

/// One timer, kept for the life of the node. Setting a timer costs more than a command, so one that is set too early is
/// left to fire for nothing, and only one that would fire too late is set anew.
struct Deadline {
    clock: Clock,
    sleep: Pin<Box<Sleep>>,
    /// When the timer will fire; `None` once it has.
    set_to: Option<Mono>,
}

impl Deadline {
    fn new(clock: Clock) -> Deadline {
        let sleep = Box::pin(tokio::time::sleep_until(clock.instant(clock.now())));
        Deadline { clock, sleep, set_to: None }
    }

    #[inline]
    fn poll(&mut self, cx: &mut Context<'_>, until: Mono) -> Poll<()> {
        if until == Mono::NEVER {
            return Poll::Pending;
        }
        loop {
            if self.set_to.is_none_or(|set_to| set_to > until) {
                let now = self.clock.now();
                if now >= until {
                    return Poll::Ready(());
                }
                let at = until.min(now + SLEEP_MAX);
                self.sleep.as_mut().reset(self.clock.instant(at));
                self.set_to = Some(at);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.set_to = None;
        }
    }
}

fn outward(token: Token) -> mio::Token {
    mio::Token(token.slot() | (token.generation() as usize) << 32)
}

#[inline]
fn inward(token: mio::Token) -> Token {
    Token::new((token.0 & 0xffff_ffff) as u32, (token.0 >> 32) as u32)
}

/// A hang-up or an error is something to read (0, or the error) and something to write (the outcome of a connect).
#[inline]
fn bits(event: &Event) -> u8 {
    let mut bits = 0;
    if event.is_readable() {
        bits |= Interest::READ;
    }
    if event.is_writable() {
        bits |= Interest::WRITE;
    }
    if event.is_read_closed() {
        bits |= Interest::READ | Interest::HUP;
    }
    if event.is_error() || event.is_write_closed() {
        bits |= Interest::READ | Interest::WRITE | Interest::HUP;
    }
    bits
}
