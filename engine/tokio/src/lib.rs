//! [`refrain_runtime::Runtime`] on tokio: real sockets, real time, real signals.
//!
//! A node is one future on a current-thread tokio runtime. Its sockets hang on an epoll instance of their own, and that
//! instance is the only descriptor tokio watches for them: the loop asks "what is ready?" once a round and never awaits a
//! single connection. Everything here is monomorphised into the node's loop; nothing allocates per readiness, read, or
//! write, and nothing below the seam ever blocks the thread.
//!
//! This is the only crate, beside the server binary, that may name tokio, `mio`, the clocks of std, or threads.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this crate stands below the seam: it is what makes clocks, files and sockets of the real world"
)]

mod clock;
mod disk;
mod entropy;
mod files;
mod offload;
mod priority;
mod runtime;
mod signals;
mod sockets;
mod ticks;

pub use clock::thread_cpu_time;
pub use disk::{TokioDisk, TokioFile};
pub use runtime::{TokioRuntime, block_on};
pub use signals::announce_signals;
pub use sockets::{SocketOptions, TokioSockets};
