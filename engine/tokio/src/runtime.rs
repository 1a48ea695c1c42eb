//! [`TokioRuntime`]: one node's view of the real world, and [`block_on`], which gives a node a thread to live on.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use refrain_runtime::{Mono, Runtime, Signal, UnixNanos};

use crate::clock::{self, Clock};
use crate::disk::TokioDisk;
use crate::entropy::Entropy;
use crate::files;
use crate::offload::Pool;
use crate::priority;
use crate::signals::Signals;
use crate::sockets::{SocketOptions, TokioSockets};
use crate::ticks::Ticks;

/// Threads for CPU work.
const OFFLOAD_THREADS: usize = 2;

/// Runs the node that `start` makes, on this thread, until it ends. SIGTERM and SIGINT go to the node from here on, and when it has
/// something to do no thread that works in the background keeps it waiting.
///
/// # Errors
/// When the system gives no epoll instance, timer, or signal handler.
pub fn block_on<F: Future>(start: impl FnOnce(TokioRuntime) -> F) -> io::Result<F::Output> {
    priority::be_prompt();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    // The loop yields by its own count. Tokio's budget would make completions look pending in the middle of a round.
    tokio.block_on(tokio::task::coop::unconstrained(async {
        let runtime = TokioRuntime::with_signals()?;
        Ok(start(runtime).await)
    }))
}

/// The real world, as one node sees it.
#[derive(Debug, Clone)]
pub struct TokioRuntime {
    clock: Clock,
    ticks: Ticks,
    shared: Rc<Shared>,
}

#[derive(Debug)]
struct Shared {
    sockets: RefCell<Option<TokioSockets>>,
    socket_options: Rc<Cell<SocketOptions>>,
    entropy: RefCell<Entropy>,
    pool: RefCell<Pool>,
    disk: TokioDisk,
    signals: Option<RefCell<Signals>>,
}

impl TokioRuntime {
    /// A runtime that leaves signals to whoever handles them now. To be called inside a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// When the system gives no epoll instance or no descriptor to hold in reserve.
    pub fn new() -> io::Result<TokioRuntime> {
        TokioRuntime::build(None)
    }

    /// A runtime that takes over SIGTERM and SIGINT for the whole process.
    ///
    /// # Errors
    /// As [`TokioRuntime::new`], and when a signal handler can't be installed.
    pub fn with_signals() -> io::Result<TokioRuntime> {
        TokioRuntime::build(Some(Signals::register()?))
    }

    fn build(signals: Option<Signals>) -> io::Result<TokioRuntime> {
        let clock = Clock::new();
        let socket_options = Rc::new(Cell::new(SocketOptions::default()));
        let sockets = TokioSockets::new(clock, Rc::clone(&socket_options))?;
        let shared = Shared {
            sockets: RefCell::new(Some(sockets)),
            socket_options,
            entropy: RefCell::new(Entropy::new()),
            pool: RefCell::new(Pool::giving_way("refrain-work", OFFLOAD_THREADS)),
            disk: TokioDisk::default(),
            signals: signals.map(RefCell::new),
        };
        Ok(TokioRuntime { clock, ticks: Ticks::calibrated(), shared: Rc::new(shared) })
    }

    /// Sets what every socket opened from now on is given; sockets that are open keep what they have.
    pub fn set_socket_options(&self, options: SocketOptions) {
        self.shared.socket_options.set(options);
    }
}

impl Runtime for TokioRuntime {
    type Sockets = TokioSockets;
    type Disk = TokioDisk;

    fn disk(&self) -> TokioDisk {
        self.shared.disk.clone()
    }

    fn sockets(&self) -> TokioSockets {
        self.shared.sockets.borrow_mut().take().expect("one loop asks once for the sockets it will own")
    }

    #[inline]
    fn now(&self) -> Mono {
        self.clock.now()
    }

    #[inline]
    fn wall(&self) -> UnixNanos {
        clock::wall()
    }

    #[inline(always)]
    fn ticks(&self) -> u64 {
        self.ticks.read()
    }

    fn ticks_per_second(&self) -> u64 {
        self.ticks.per_second()
    }

    #[inline(always)]
    fn work(&self, _units: u64) {}

    #[expect(clippy::disallowed_methods, reason = "to stand still is what was asked for")]
    fn stall(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn entropy(&self) -> u64 {
        self.shared.entropy.borrow_mut().next()
    }

    fn offload<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + 'static {
        self.shared.pool.borrow_mut().submit(job)
    }

    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        files::read(Path::new(path))
    }

    fn replace_file(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        files::replace(Path::new(path), contents)
    }

    fn forget_signals(&self) {
        if let Some(signals) = &self.shared.signals {
            signals.borrow().forget();
        }
    }

    fn poll_signal(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        match &self.shared.signals {
            Some(signals) => signals.borrow_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
