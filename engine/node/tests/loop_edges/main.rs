//! The loop at its edges: a real node in the simulated world, with clients that do what clients should not.
//!
//! Every figure is virtual time, bytes or counts; nothing here reads a real clock.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod accepting;
mod backpressure;
mod endings;
mod fairness;
mod killing;
mod limits;
mod moving;
mod pausing;
mod refusing;
mod saving;
mod support;
mod syncing;
