//! From a configuration to an exit code: the order in which a server becomes what it was asked to be, serves, and ends.
//!
//! The order is Redis's where somebody could see it: the log is open before anything is said, the background comes before
//! any thread, the pid file before the banner, and readiness is announced when connections are accepted and not before.

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::rc::Rc;

use refrain_core::Config;
use refrain_core::config::Choice as _;
use refrain_node::{Exit, Listen, Node};
use refrain_runtime::Address;

use super::background::{self, Side, Waiting};
use super::parameters::Parameters;
use super::pid_file::{self, PidFile};
use super::supervisor::Supervisor;
use super::title::Title;
use super::{descriptors, huge_pages, reason};
use crate::banner::Banner;
use crate::checks;
use crate::command_line::Invocation;
use crate::conf_file::REDIS_VERSION;
use crate::crash;
use crate::logging::{LogLevel, LogRole, Logger};
use crate::probe::{ServerProbe, resolve};
use crate::startup::Settings;
use crate::upkeep::Upkeep;
use crate::version;

/// Lives the life of a server. `program` is how it was called.
pub fn live(program: OsString, invocation: &Invocation, settings: Settings, logger: &Logger) -> ExitCode {
    let config = &settings.config;
    if let Err(why) = open_log(config, logger) {
        let _ = writeln!(io::stderr(), "{why}");
        return ExitCode::FAILURE;
    }
    let supervisor = Supervisor::engage(config.process.supervised);
    let mut waiting = None;
    if config.process.daemonize && !supervisor.is_there() {
        match background::detach() {
            Ok(Side::Child(parent)) => waiting = Some(parent),
            Ok(Side::Parent(code)) => return code,
            Err(error) => {
                let _ = writeln!(io::stderr(), "Can't go into the background: {}", reason(&error));
                return ExitCode::FAILURE;
            }
        }
    }
    let config_file = invocation.config_file.as_ref().map_or("-".into(), |path| path.display().to_string());
    let title = config.process.set_proc_title.then(|| Title::take_over(program, config_file)).flatten();
    let mut server = Server { supervisor, title, waiting };
    match server.serve(settings, logger) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            if let Some(parent) = server.waiting.take() {
                parent.failed(&error.to_string());
            }
            ExitCode::FAILURE
        }
    }
}

/// Opens the log where the configuration says.
fn open_log(config: &Config, logger: &Logger) -> Result<(), String> {
    let logging = &config.logging;
    logger.set_level(logging.loglevel.name().parse::<LogLevel>().unwrap_or(LogLevel::Notice));
    if !logging.logfile.is_empty() {
        let opened = logger.set_file(Some(logging.logfile.clone().into()));
        opened.map_err(|e| format!("Can't open the log file: {}", reason(&e)))?;
    }
    if logging.syslog_enabled {
        logger.set_syslog(&logging.syslog_ident, logging.syslog_facility);
    }
    Ok(())
}

/// A process that is about to serve.
struct Server {
    supervisor: Supervisor,
    title: Option<Title>,
    /// Who waits to hear that connections are accepted.
    waiting: Option<Waiting>,
}

impl Server {
    /// Runs a node until a signal or SHUTDOWN ends it, and leaves the process's place clean.
    fn serve(&mut self, settings: Settings, logger: &Logger) -> Result<(), Box<dyn std::error::Error>> {
        let Settings { mut config, from_defaults } = settings;
        self.say_hello(from_defaults);
        crash::install();
        if self.waiting.is_some() && config.process.pidfile.is_empty() {
            config.process.pidfile = pid_file::DEFAULT.into();
        }
        let pid_file = PidFile::write(&config.process.pidfile);
        let exit = self.run(config, logger, pid_file.as_ref());
        self.supervisor.stopping();
        if let Some(pid_file) = pid_file {
            pid_file.remove();
        }
        let exit = match exit? {
            Exit::Failed(why) => return Err(why.into()),
            exit => exit,
        };
        tracing::warn!("Redis is now ready to exit, bye bye...");
        tracing::debug!("ended by {exit:?}");
        Ok(())
    }

    fn say_hello(&self, from_defaults: bool) {
        tracing::info!("oO0OoO0OoO0Oo Refrain is starting oO0OoO0OoO0Oo");
        tracing::info!(
            "Refrain version={} (Redis {REDIS_VERSION}), bits={}, commit={}, modified={}, pid={}, just started",
            env!("CARGO_PKG_VERSION"),
            usize::BITS,
            version::COMMIT,
            version::MODIFIED,
            std::process::id()
        );
        if from_defaults {
            tracing::warn!(
                "No config file specified, using the default config. To name one use refrain-server /path/to/redis.conf"
            );
        } else {
            tracing::info!("Configuration loaded");
        }
    }

    fn run(
        &mut self,
        mut config: Config,
        logger: &Logger,
        pid_file: Option<&PidFile>,
    ) -> Result<Exit, Box<dyn std::error::Error>> {
        logger.set_role(LogRole::Primary);
        crash::set_pid_file(pid_file.map(PidFile::path));
        if config.memory.disable_thp {
            huge_pages::leave_out_at_page_faults();
        }
        config.limits.maxclients = descriptors::make_room(config.limits.maxclients)?;
        let title = self.title.take();
        let mut upkeep = Upkeep::new(self.supervisor.watchdog());
        self.show_banner(&config, logger);
        checks::system::warn_at_start(config.network.tcp_backlog);
        let listens = refrain_node::addresses(&config, resolve)?;
        huge_pages::start();
        refrain_tokio::announce_signals(crash::signal_note);
        let logger = logger.clone();
        let is_supervised = self.supervisor.is_there();
        refrain_tokio::block_on(|runtime| async move {
            let mut parameters = Parameters::new(runtime.clone(), title);
            parameters.apply_all(&mut config);
            let mut node = Node::start(runtime, config, ServerProbe::new(is_supervised, parameters), &listens)?;
            node.on_log_level(move |level| logger.set_level(level.parse().unwrap_or(LogLevel::Notice)));
            for address in node.addresses() {
                tracing::debug!("listening on {address}");
            }
            // A fault in the very first round has something to tell as well.
            upkeep.tell(node.engine());
            tracing::info!("Server initialized");
            let is_ready = Rc::new(Cell::new(false));
            let becomes_ready = Rc::clone(&is_ready);
            node.on_ready(move || becomes_ready.set(true));
            let exit = node
                .run_while(|engine| {
                    if is_ready.take() {
                        self.announce(&listens);
                    }
                    upkeep.round_has_ended(engine, &self.supervisor);
                    true
                })
                .await;
            Ok(exit)
        })?
    }

    /// A drawing where a person looks on or wants one, a line in the log elsewhere.
    fn show_banner(&self, config: &Config, logger: &Logger) {
        let banner = Banner { mode: "standalone", port: config.network.port.into(), pid: std::process::id() };
        let looks_on = logger.is_on_terminal() && !config.logging.syslog_enabled;
        if looks_on || config.logging.always_show_logo {
            logger.raw(LogLevel::Notice, &banner.drawn());
        } else {
            tracing::info!("{}", banner.line());
        }
    }

    /// Connections are accepted: everybody who waits for that is told.
    fn announce(&mut self, listens: &[Listen]) {
        let is_unix = |listen: &Listen| matches!(listen.address, Address::Unix { .. });
        if listens.iter().any(|listen| !is_unix(listen)) {
            tracing::info!("Ready to accept connections tcp");
        }
        if listens.iter().any(is_unix) {
            tracing::info!("Ready to accept connections unix");
        }
        self.supervisor.ready();
        if let Some(parent) = self.waiting.take() {
            parent.ready();
        }
    }
}
