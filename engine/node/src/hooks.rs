//! The engine's hooks, made of a runtime and a probe.

use std::cell::Cell;
use std::io;
use std::time::Duration;

use refrain_core::table::Command;
use refrain_core::{Args, Bug, Config, Crash, Hooks, Now, ProcessReport, Unapplied};
use refrain_runtime::Runtime;

use crate::wall::WallClock;

/// What a node is given beyond its runtime: figures of the process in production, planted bugs in tests. Zero-sized and
/// constant in production as far as hot paths go.
pub trait Probe: 'static {
    /// What the process uses, for `INFO`.
    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }

    /// CPU time of the calling thread, in microseconds; 0 where that has no meaning.
    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    /// A changed configuration is about to hold: see [`Hooks::apply_configuration`].
    ///
    /// # Errors
    /// What the system refuses.
    fn apply_configuration(&self, _config: &mut Config) -> Result<(), Unapplied> {
        Ok(())
    }

    /// A client's command is about to be executed: see [`Hooks::command_begins`].
    #[inline(always)]
    fn command_begins(&self, _client: u64, _command: &'static Command, _args: Args<'_>) {}

    /// Fails as it was asked to. Not to return.
    fn crash(&self, crash: Crash) -> ! {
        panic!("asked to fail: {crash:?}")
    }

    /// Whether a test wants this bug present.
    #[inline(always)]
    fn planted(&self, _bug: Bug) -> bool {
        false
    }
}

/// A probe that says nothing and plants nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProbe;

impl Probe for NoProbe {}

/// See [`Hooks`].
pub struct NodeHooks<R: Runtime, P: Probe> {
    runtime: R,
    probe: P,
    wall: WallClock,
    /// Read once, for it may cost a call.
    ticks_per_second: u64,
    wall_follows_back: Cell<bool>,
}

impl<R: Runtime, P: Probe> NodeHooks<R, P> {
    /// Hooks over `runtime`.
    pub fn new(runtime: R, probe: P) -> NodeHooks<R, P> {
        let ticks_per_second = runtime.ticks_per_second();
        let wall_follows_back = Cell::new(probe.planted(Bug::WallRunsBackwards));
        NodeHooks { runtime, probe, wall: WallClock::default(), ticks_per_second, wall_follows_back }
    }

    /// The probe.
    pub fn probe(&self) -> &P {
        &self.probe
    }
}

impl<R: Runtime, P: Probe> Hooks for NodeHooks<R, P> {
    #[inline]
    fn now(&self) -> Now {
        let mono_us = self.runtime.now().0 / 1000;
        let wall_us = self.runtime.wall().micros();
        if self.wall_follows_back.get() {
            return Now { unix_us: wall_us, mono_us };
        }
        Now { unix_us: self.wall.read(wall_us, mono_us), mono_us }
    }

    #[inline]
    fn ticks(&self) -> u64 {
        self.runtime.ticks()
    }

    fn ticks_per_second(&self) -> u64 {
        self.ticks_per_second
    }

    #[inline]
    fn work(&self, units: u64) {
        self.runtime.work(units);
    }

    fn stall(&self, duration: Duration) {
        self.runtime.stall(duration);
    }

    fn entropy(&self) -> u64 {
        self.runtime.entropy()
    }

    fn process(&self) -> ProcessReport {
        self.probe.process()
    }

    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        self.runtime.read_file(path)
    }

    fn replace_file(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.runtime.replace_file(path, contents)
    }

    fn apply_configuration(&self, config: &mut Config) -> Result<(), Unapplied> {
        self.probe.apply_configuration(config)
    }

    #[inline(always)]
    fn command_begins(&self, client: u64, command: &'static Command, args: Args<'_>) {
        self.probe.command_begins(client, command, args);
    }

    #[inline(always)]
    fn planted(&self, bug: Bug) -> bool {
        self.probe.planted(bug)
    }
}
