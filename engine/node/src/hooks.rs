//! The engine's hooks, made of a runtime and a probe.

use std::cell::Cell;
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use refrain_core::config::{Config, Parameter};
use refrain_core::table::Command;
use refrain_core::{Args, Bug, Crash, Hooks, HostReport, NotApplied, Now, ProcessReport, system_text};
use refrain_runtime::Runtime;

use crate::doors::{Doors, addresses};
use crate::wall::WallClock;

/// What a node is given beyond its runtime: figures of the process in production, planted bugs in tests. Zero-sized and
/// constant in production as far as hot paths go.
pub trait Probe: 'static {
    /// What the process uses, for `INFO`.
    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }

    /// What the process is and what it runs on, for `INFO`.
    fn host(&self) -> HostReport {
        HostReport::default()
    }

    /// See [`Hooks::allocator_report`].
    fn allocator_report(&self) -> Option<String> {
        None
    }

    /// See [`Hooks::allocator_number`].
    ///
    /// # Errors
    /// See there.
    fn allocator_number(&self, _name: &str, _new: Option<i64>) -> io::Result<i64> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Hooks::allocator_text`].
    ///
    /// # Errors
    /// See there.
    fn allocator_text(&self, _name: &str) -> io::Result<String> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// See [`Hooks::purge_allocator`].
    fn purge_allocator(&self) {}

    /// CPU time of the calling thread, in microseconds; 0 where that has no meaning.
    fn thread_cpu(&self) -> Duration {
        Duration::ZERO
    }

    /// A client's command is about to be executed: see [`Hooks::command_begins`].
    #[inline(always)]
    fn command_begins(&self, _client: u64, _command: &'static Command, _args: Args<'_>) {}

    /// Puts one parameter that concerns the process into effect as `config` has it, and brings `config` to what the system made
    /// of it (a relative directory becomes an absolute one).
    ///
    /// # Errors
    /// What CONFIG SET says of it; nothing has changed then.
    fn apply(&self, _parameter: &'static str, _config: &mut Config) -> Result<(), String> {
        Ok(())
    }

    /// The address of a name in `bind`.
    fn resolve(&self, name: &str) -> Option<IpAddr> {
        name.parse().ok()
    }

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
    doors: Rc<Doors<R::Sockets>>,
}

impl<R: Runtime, P: Probe> NodeHooks<R, P> {
    /// Hooks over `runtime`.
    pub(crate) fn new(runtime: R, probe: P, doors: Rc<Doors<R::Sockets>>) -> NodeHooks<R, P> {
        let ticks_per_second = runtime.ticks_per_second();
        let wall_follows_back = Cell::new(probe.planted(Bug::WallRunsBackwards));
        NodeHooks { runtime, probe, wall: WallClock::default(), ticks_per_second, wall_follows_back, doors }
    }

    /// The probe.
    pub fn probe(&self) -> &P {
        &self.probe
    }

    /// Puts one parameter into effect.
    fn apply_one(&self, parameter: &'static str, config: &mut Config) -> Result<(), String> {
        if let "port" | "bind" = parameter {
            self.listen(config).map_err(|why| {
                tracing::warn!("{why}");
                match parameter {
                    "port" => "Unable to listen on this port. Check server logs.".to_owned(),
                    _ => "Failed to bind to specified addresses.".to_owned(),
                }
            })?;
        }
        self.probe.apply(parameter, config)
    }

    /// Listens where the configuration says, or where it did before.
    fn listen(&self, config: &Config) -> Result<(), String> {
        let wanted = addresses(config, |name| self.probe.resolve(name))?;
        self.doors.open(&wanted).map_err(|(address, error)| {
            format!("Warning: Could not create server TCP listening socket {address}: {}", system_text(&error))
        })
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

    fn host(&self) -> HostReport {
        self.probe.host()
    }

    fn allocator_report(&self) -> Option<String> {
        self.probe.allocator_report()
    }

    fn allocator_number(&self, name: &str, new: Option<i64>) -> io::Result<i64> {
        self.probe.allocator_number(name, new)
    }

    fn allocator_text(&self, name: &str) -> io::Result<String> {
        self.probe.allocator_text(name)
    }

    fn purge_allocator(&self) {
        self.probe.purge_allocator();
    }

    fn read_file(&self, path: &str) -> io::Result<Vec<u8>> {
        self.runtime.read_file(path)
    }

    fn replace_file(&self, path: &str, contents: &[u8]) -> io::Result<()> {
        self.runtime.replace_file(path, contents)
    }

    fn apply(&self, changed: &[&'static Parameter], old: &Config, new: &mut Config) -> Result<(), NotApplied> {
        for (done, parameter) in changed.iter().enumerate() {
            let Err(why) = self.apply_one(parameter.name, new) else { continue };
            for undone in changed[..done].iter().rev() {
                if let Err(why) = self.apply_one(undone.name, &mut old.clone()) {
                    tracing::warn!("Failed applying restored failed CONFIG SET command: {}: {why}", undone.name);
                }
            }
            return Err(NotApplied { parameter: parameter.name, why });
        }
        Ok(())
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
