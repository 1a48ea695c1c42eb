//! SIGTERM and SIGINT, caught when they come and polled by the loop.
//!
//! The handler is ours, and not the one that tokio would install, because it has to act when the loop can't: a loop that is busy
//! with one long command polls nothing, but a second SIGINT, which means that somebody insists, still ends the process at once.
//! A handler may only touch atomics and write(2); everything else is the loop's to do when it polls.

use std::io::{self, Read as _};
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use refrain_runtime::Signal;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Signals that the loop has not polled yet, a bit each.
static UNPOLLED: AtomicU8 = AtomicU8::new(0);

/// A shutdown was asked for and has neither happened nor been called off: a bit that lasts beyond the poll.
static ASKED: AtomicU8 = AtomicU8::new(0);

/// Where the handler writes to wake the loop.
static WAKE: AtomicI32 = AtomicI32::new(-1);

/// Tells the operator what was received, from within a handler.
static NOTE: OnceLock<fn(&'static str)> = OnceLock::new();

const TERMINATE: u8 = 1;
const INTERRUPT: u8 = 2;

/// Has every signal announced through `note`, which is called in a signal handler and must only do what may be done there.
/// The first call counts.
pub fn announce_signals(note: fn(&'static str)) {
    // Whoever comes second finds the announcer of the first: a process has one log.
    let _ = NOTE.set(note);
}

/// Both signals, for the one loop of a process.
#[derive(Debug)]
pub(crate) struct Signals {
    woken: AsyncFd<UnixStream>,
    /// The end that the handler writes to, kept open.
    _wake: UnixStream,
}

impl Signals {
    /// Takes both signals over from the system's default, which would end the process. SIGHUP and SIGPIPE do nothing from here on.
    pub(crate) fn register() -> io::Result<Signals> {
        let (wake, woken) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        woken.set_nonblocking(true)?;
        WAKE.store(wake.as_raw_fd(), Ordering::SeqCst);
        // SAFETY: the stream owns its descriptor, moves in here, and is never replaced or taken out of there: the descriptor
        // stays the one that was registered for as long as the registration.
        let woken = unsafe { AsyncFd::register_with_interest(woken, Interest::READABLE) }?;
        for (signal, action) in [
            (libc::SIGTERM, on_signal as extern "C" fn(libc::c_int) as usize),
            (libc::SIGINT, on_signal as extern "C" fn(libc::c_int) as usize),
            (libc::SIGHUP, libc::SIG_IGN),
            (libc::SIGPIPE, libc::SIG_IGN),
        ] {
            handle(signal, action)?;
        }
        Ok(Signals { woken, _wake: wake })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        loop {
            for (bit, signal) in [(TERMINATE, Signal::Terminate), (INTERRUPT, Signal::Interrupt)] {
                if UNPOLLED.load(Ordering::SeqCst) & bit != 0 {
                    UNPOLLED.fetch_and(!bit, Ordering::SeqCst);
                    return Poll::Ready(signal);
                }
            }
            // A descriptor that can't be watched any more brings no further signals, and has lost none.
            let Ok(mut guard) = ready!(self.woken.poll_read_ready(cx)) else { return Poll::Pending };
            // Bytes that arrive after this make it ready again; their signals were noted before they were written.
            let drained = guard.try_io(|woken| woken.get_ref().read(&mut [0; 64]));
            if !matches!(drained, Ok(Ok(1..))) {
                guard.clear_ready();
            }
        }
    }

    /// The shutdown that was asked for was called off: the next signal is a first one again.
    pub(crate) fn forget(&self) {
        ASKED.store(0, Ordering::SeqCst);
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        WAKE.store(-1, Ordering::SeqCst);
    }
}

fn handle(signal: libc::c_int, action: usize) -> io::Result<()> {
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask.
    let mut how = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    how.sa_sigaction = action;
    // Calls that a signal interrupts go on: nothing but the loop has to do with it.
    how.sa_flags = libc::SA_RESTART;
    // SAFETY: `how` is valid, and the handler does only what one may (see the module).
    match unsafe { libc::sigaction(signal, &raw const how, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

extern "C" fn on_signal(signal: libc::c_int) {
    // SAFETY: the address of this thread's errno, valid for as long as the thread. Whatever was interrupted finds its errno
    // as it was.
    let errno = unsafe { *libc::__errno_location() };
    let (bit, text) = match signal {
        libc::SIGINT => (INTERRUPT, "Received SIGINT scheduling shutdown..."),
        _ => (TERMINATE, "Received SIGTERM scheduling shutdown..."),
    };
    let asked = ASKED.swap(1, Ordering::SeqCst);
    if asked != 0 && signal == libc::SIGINT {
        note("You insist... exiting now.");
        // SAFETY: ends the process at once and runs nothing more of it; may be called in a handler.
        unsafe { libc::_exit(1) };
    }
    // Whoever has read the note may rely on it: the loop's next poll, whatever wakes it, finds the signal.
    UNPOLLED.fetch_or(bit, Ordering::SeqCst);
    note(text);
    let wake = WAKE.load(Ordering::SeqCst);
    if wake >= 0 {
        // A full pipe wakes as well.
        // SAFETY: one live byte; write(2) may be called in a handler.
        unsafe { libc::write(wake, [0u8].as_ptr().cast(), 1) };
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

fn note(text: &'static str) {
    if let Some(note) = NOTE.get() {
        note(text);
    }
}
