//! The loop itself: its state, its wait, the order of its phases, its end.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::rc::Rc;
use std::task::Poll;

use refrain_core::{Config, Engine, Input, Level, ShutdownSignal};
use refrain_runtime::{Address, Disk, Interest, Mono, Readiness, Runtime, Signal, Token};

use crate::connection::Connections;
use crate::doors::{Door, Doors, Listen};
use crate::hooks::{NodeHooks, Probe};
use crate::jobs::Jobs;
use crate::persistence::{Files, FilesDone};
use crate::shared::SharedSockets;

/// One server process: an engine, its sockets, its loop.
pub struct Node<R: Runtime, P: Probe> {
    pub(crate) runtime: R,
    pub(crate) sockets: SharedSockets<R::Sockets>,
    doors: Rc<Doors<R::Sockets>>,
    pub(crate) engine: Engine<NodeHooks<R, P>>,
    pub(crate) listeners: Vec<Listener>,
    pub(crate) connections: Connections,
    /// Connections that may have something to read, each once, in the order in which they get their turn.
    pub(crate) readable: VecDeque<Token>,
    /// Connections that were sent their share of a round and are owed more.
    pub(crate) unfinished: Vec<Token>,
    /// The bytes of this round, of all connections.
    pub(crate) arena: Vec<u8>,
    pub(crate) inputs: Vec<Input>,
    pub(crate) jobs: Jobs<Done<<R::Disk as Disk>::File>>,
    /// What is kept on disk.
    pub(crate) files: Files,
    ready: Vec<Readiness>,
    next_tick: Mono,
    on_log_level: Box<dyn Fn(&str)>,
    /// Called once, when clients are served.
    pub(crate) on_ready: Box<dyn FnMut()>,
    /// The last signal that asked for an end.
    pub(crate) signal: Option<Signal>,
    pub(crate) exit: Option<Exit>,
}

/// What jobs come to.
pub(crate) enum Done<F> {
    /// So many keys were freed.
    Freed(u64),
    /// What concerns files.
    Files(FilesDone<F>),
}

/// A socket that accepts.
#[derive(Debug)]
pub(crate) struct Listener {
    pub token: Token,
    pub address: Address,
    /// There may be more to accept than a round takes.
    pub pending: bool,
    /// Out of descriptors: left alone until the next tick.
    pub parked: bool,
}

/// How a node ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exit {
    /// SHUTDOWN, by a client.
    Command,
    /// A signal.
    Signal(Signal),
    /// What there was could not be loaded, or what was promised to be kept could not be: for this reason.
    Failed(String),
}

/// Why a node can't start.
#[derive(Debug)]
pub enum StartError {
    /// An address can't be listened on.
    Listen(Address, io::Error),
    /// Neither a port nor a Unix-domain socket is configured, or every optional address failed.
    NowhereToListen,
    /// The users that are configured can't be made.
    Users(String),
}

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartError::Listen(Address::Tcp(a), error) => {
                write!(f, "Failed listening on port {} (TCP), aborting. {a}: {error}", a.port())
            }
            StartError::Listen(address, error) => write!(f, "Failed opening Unix socket: {address}: {error}"),
            StartError::Users(why) => f.write_str(why),
            StartError::NowhereToListen => f.write_str("Configured to not listen anywhere, exiting."),
        }
    }
}

impl std::error::Error for StartError {}

impl<R: Runtime, P: Probe> Node<R, P> {
    /// A node that listens on `addresses`.
    ///
    /// # Errors
    /// When a required address can't be had, or none at all.
    pub fn start(runtime: R, config: Config, probe: P, addresses: &[Listen]) -> Result<Node<R, P>, StartError> {
        let sockets = SharedSockets::new(runtime.sockets());
        let doors = Rc::new(Doors::new(sockets.clone()));
        doors.open(addresses).map_err(|(address, error)| StartError::Listen(address, error))?;
        let mut engine = Engine::new(config, NodeHooks::new(runtime.clone(), probe, Rc::clone(&doors)));
        engine.load_users().map_err(StartError::Users)?;
        let mut node = Node {
            runtime,
            sockets,
            doors,
            engine,
            listeners: Vec::new(),
            connections: Connections::default(),
            readable: VecDeque::new(),
            unfinished: Vec::new(),
            arena: Vec::new(),
            inputs: Vec::new(),
            jobs: Jobs::new(),
            files: Files::default(),
            ready: Vec::new(),
            next_tick: Mono(0),
            on_log_level: Box::new(|_| {}),
            on_ready: Box::new(|| {}),
            signal: None,
            exit: None,
        };
        node.find_listeners();
        if node.listeners.is_empty() {
            return Err(StartError::NowhereToListen);
        }
        // What the configuration gave rise to is in the log before anybody is served.
        node.carry_out_effects();
        node.begin_start();
        Ok(node)
    }

    /// Follows the doors when they have moved. One that stays may have more to accept.
    fn find_listeners(&mut self) {
        let Some(doors) = self.doors.moved() else { return };
        let mut known = std::mem::take(&mut self.listeners);
        self.listeners.extend(doors.into_iter().map(|Door { token, address }| {
            let place = known.iter().position(|listener| listener.token == token);
            place.map_or(Listener { token, address, pending: false, parked: false }, |place| known.swap_remove(place))
        }));
    }

    /// Calls `f` with the new `loglevel` whenever it is changed.
    pub fn on_log_level(&mut self, f: impl Fn(&str) + 'static) {
        self.on_log_level = Box::new(f);
    }

    /// Calls `f` once, when everything is loaded and clients are served.
    pub fn on_ready(&mut self, f: impl FnOnce() + 'static) {
        let mut f = Some(f);
        self.on_ready = Box::new(move || {
            if let Some(f) = f.take() {
                f();
            }
        });
    }

    /// The engine, for a test to look at or to set up.
    pub fn engine(&mut self) -> &mut Engine<NodeHooks<R, P>> {
        &mut self.engine
    }

    /// Where the node listens.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.listeners.iter().map(|l| &l.address)
    }

    /// Runs until a signal or SHUTDOWN ends it. What clients are owed is sent as far as they take it.
    pub async fn run(mut self) -> Exit {
        self.run_while(|_| true).await
    }

    /// The same, but asks `watch` after every round whether to go on: an observer for tests.
    pub async fn run_while(&mut self, mut watch: impl FnMut(&mut Engine<NodeHooks<R, P>>) -> bool) -> Exit {
        loop {
            self.wait().await;
            let began = self.runtime.ticks();
            let started = self.round_is_measured().then(|| self.engine.hooks().probe().thread_cpu());
            self.sort_readiness();
            self.flush_more();
            self.accept();
            if !self.stands_still() {
                self.read();
                self.execute();
                self.write();
                self.serve_the_heavy();
            }
            self.tick_if_due();
            if let Some(started) = started {
                let cpu = self.engine.hooks().probe().thread_cpu().saturating_sub(started);
                self.engine.record_round(u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX));
            }
            self.carry_out_effects();
            self.look_after_files();
            self.engine.record_cycle(self.runtime.ticks().saturating_sub(began));
            let observed = watch(&mut self.engine);
            if let Some(exit) = self.exit.take() {
                self.say_goodbye();
                return exit;
            }
            if !observed {
                return Exit::Command;
            }
        }
    }

    /// The only await: for a completed job, a signal, a ready socket, or the moment at which there is something to do anyway.
    async fn wait(&mut self) {
        let executes = !self.stands_still() && (self.engine.is_runnable() || !self.readable.is_empty());
        let at_once = executes
            || !self.unfinished.is_empty()
            || self.has_file_work()
            || self.listeners.iter().any(|l| l.pending && !l.parked);
        let until = if at_once { Mono(0) } else { self.next_tick.min(self.next_moment()).min(self.files.next_slice()) };
        let Node { runtime, sockets, jobs, files, ready, signal, engine, .. } = self;
        let mut done = Vec::new();
        poll_fn(|cx| {
            if jobs.len() > 0 {
                jobs.poll(cx, &mut done);
            }
            if let Poll::Ready(came) = runtime.poll_signal(cx) {
                *signal = Some(came);
                engine.schedule_shutdown(match came {
                    Signal::Terminate => ShutdownSignal::Terminate,
                    Signal::Interrupt => ShutdownSignal::Interrupt,
                });
                return Poll::Ready(());
            }
            match sockets.poll_ready(cx, until, ready) {
                Poll::Pending if done.is_empty() && !files.have_news() => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
        for done in done {
            match done {
                Done::Freed(keys) => self.engine.freed(keys),
                Done::Files(done) => self.files_done(done),
            }
        }
    }

    /// When the engine has somebody to release who waits for a moment.
    pub(crate) fn next_moment(&self) -> Mono {
        self.engine.next_moment_us().map_or(Mono::NEVER, |us| Mono(us.saturating_mul(1000)))
    }

    /// Whether the CPU clock is read around this round: only for one that has enough to do for the reading not to matter.
    fn round_is_measured(&self) -> bool {
        const CONNECTIONS: usize = 4;
        self.ready.len() + self.readable.len() >= CONNECTIONS || self.engine.is_runnable()
    }

    /// Hands each readiness to whom it concerns. One for a token that was closed meanwhile concerns nobody.
    fn sort_readiness(&mut self) {
        let mut ready = std::mem::take(&mut self.ready);
        for Readiness { token, bits } in ready.drain(..) {
            if let Some(connection) = self.connections.get_mut(token) {
                connection.hup |= bits & Interest::HUP != 0;
                if bits & (Interest::READ | Interest::HUP) != 0 && !connection.queued && !connection.ended {
                    connection.queued = true;
                    self.readable.push_back(token);
                }
                if bits & Interest::WRITE != 0 && connection.blocked {
                    connection.blocked = false;
                    self.flush(token);
                }
            } else if let Some(listener) = self.listeners.iter_mut().find(|l| l.token == token) {
                listener.pending = true;
            }
        }
        self.ready = ready;
    }

    fn tick_if_due(&mut self) {
        let now = self.runtime.now();
        // A signal is not kept waiting.
        if now < self.next_tick && !self.engine.is_shutdown_scheduled() {
            return;
        }
        for listener in &mut self.listeners {
            listener.pending |= listener.parked;
            listener.parked = false;
        }
        let wanted_us = self.engine.tick();
        self.next_tick = now + std::time::Duration::from_micros(wanted_us);
        self.write();
    }

    /// Writes down what the engine has to say.
    pub(crate) fn say_log(&mut self) {
        for line in self.engine.effects().log.drain(..) {
            match line.level {
                Level::Debug => tracing::trace!("{}", line.text),
                Level::Verbose => tracing::debug!("{}", line.text),
                Level::Notice => tracing::info!("{}", line.text),
                Level::Warning => tracing::warn!("{}", line.text),
            }
        }
    }

    /// What the engine wants done outside.
    fn carry_out_effects(&mut self) {
        self.find_listeners();
        self.say_log();
        let effects = self.engine.effects();
        if let Some(level) = effects.log_level.take() {
            (self.on_log_level)(&level);
        }
        let shutdown = effects.shutdown.take();
        if let Some(crash) = effects.crash.take() {
            self.engine.hooks().probe().crash(crash);
        }
        if let Some(shutdown) = shutdown {
            self.begin_shutdown(shutdown);
        }
        let ends = self.exit.is_some() || self.shuts_down() || self.engine.is_shutdown_scheduled();
        if self.signal.is_some() && !ends {
            // It was refused or called off.
            self.signal = None;
            self.runtime.forget_signals();
        }
        let effects = self.engine.effects();
        if !effects.detached.is_empty() {
            let detached = std::mem::take(&mut effects.detached);
            let keys = detached.iter().map(|detached| detached.len() as u64).sum();
            self.engine.freeing(keys);
            let freed = self.runtime.offload(move || {
                drop(detached);
                keys
            });
            self.jobs.push(async move { Done::Freed(freed.await) });
        }
    }

    /// The last thing before the process ends: what is owed goes out as far as it is taken, then every socket is closed.
    fn say_goodbye(&mut self) {
        self.write();
        for token in self.connections.tokens() {
            while let Some(connection) = self.connections.get_mut(token).filter(|c| !c.blocked) {
                connection.unfinished = false;
                self.flush(token);
                if !self.connections.get_mut(token).is_some_and(|c| c.unfinished) {
                    break;
                }
            }
            self.sockets.shutdown(token);
            self.drop_connection(token);
        }
        for listener in std::mem::take(&mut self.listeners) {
            self.sockets.close(listener.token);
        }
    }
}
