//! `refrain-server`: reads its command line and configuration, opens its log, and runs one node on real sockets.
//!
//! Whenever it can't go on it says why on standard error (or in its log, once that is open) and exits with a code that is not
//! 0. The binary never depends on the simulator.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the binary stands below the seam: its arguments, configuration and log are the real world's"
)]

mod allocator;
mod command_line;
mod conf_file;
mod huge_pages;
mod logging;
mod probe;
mod startup;

use std::process::ExitCode;
use std::time::Duration;

use refrain_core::config::Choice as _;
use refrain_node::{Exit, Node};
use refrain_runtime::Signal;
use refrain_tokio::SocketOptions;

use crate::command_line::Request;
use crate::logging::{LogLevel, LogRole, Logger};
use crate::startup::Settings;

fn main() -> ExitCode {
    let request = match command_line::parse(std::env::args_os().skip(1)) {
        Ok(request) => request,
        Err(error) => return refuse(&error.to_string()),
    };
    let invocation = match request {
        Request::Serve(invocation) => invocation,
        Request::Version => {
            println!("{}", command_line::version_line());
            return ExitCode::SUCCESS;
        }
        Request::Help => {
            print!("{}", command_line::HELP);
            return ExitCode::SUCCESS;
        }
    };
    if invocation.sentinel {
        return refuse("This server has no Sentinel mode. Run redis-sentinel beside it.");
    }
    let settings = match startup::read(&invocation) {
        Ok(settings) => settings,
        Err(error) => return refuse(&error.to_string()),
    };
    let logger = match logging::install() {
        Ok(logger) => logger,
        Err(error) => return refuse(&error.to_string()),
    };
    match serve(settings, &logger) {
        Ok(exit) => {
            tracing::warn!("Refrain is now ready to exit, bye bye...");
            tracing::debug!("ended by {exit:?}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn refuse(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}

/// Runs the node until a signal or SHUTDOWN ends it.
fn serve(settings: Settings, logger: &Logger) -> Result<Exit, Box<dyn std::error::Error>> {
    let config = settings.config;
    logger.set_level(config.logging.loglevel.name().parse::<LogLevel>().unwrap_or(LogLevel::Notice));
    if config.process.dir.0 != "." {
        let dir = &config.process.dir.0;
        std::env::set_current_dir(dir).map_err(|e| format!("Can't chdir to '{dir}': {e}"))?;
    }
    let logfile = &config.logging.logfile;
    if !logfile.is_empty() {
        logger.set_file(Some(logfile.clone().into())).map_err(|e| format!("Can't open the log file {logfile}: {e}"))?;
    }
    tracing::info!(
        "Refrain version={}, bits={}, pid={}, just started",
        env!("CARGO_PKG_VERSION"),
        usize::BITS,
        std::process::id()
    );
    if settings.from_defaults {
        tracing::warn!(
            "No config file specified, using the default config. To name one use refrain-server /path/to/redis.conf"
        );
    }
    logger.set_role(LogRole::Primary);
    let mut config = config;
    config.limits.maxclients = startup::raise_descriptor_limit(config.limits.maxclients)?;
    let listens = startup::addresses(&config)?;
    huge_pages::start();
    let logger = logger.clone();
    let exit = refrain_tokio::block_on(|runtime| async move {
        runtime.set_socket_options(SocketOptions {
            backlog: u32::try_from(config.network.tcp_backlog).unwrap_or(511),
            keepalive: u64::try_from(config.network.tcp_keepalive).ok().filter(|s| *s > 0).map(Duration::from_secs),
        });
        let mut node = Node::start(runtime, config, probe::ServerProbe::new(), &listens)?;
        node.on_log_level(move |level| logger.set_level(level.parse().unwrap_or(LogLevel::Notice)));
        for address in node.addresses() {
            tracing::debug!("listening on {address}");
        }
        tracing::info!("Server initialized");
        tracing::info!("Ready to accept connections");
        let exit = node.run().await;
        match exit {
            Exit::Signal(Signal::Terminate) => tracing::warn!("Received SIGTERM scheduling shutdown..."),
            Exit::Signal(Signal::Interrupt) => tracing::warn!("Received SIGINT scheduling shutdown..."),
            Exit::Command => {}
        }
        Ok::<Exit, refrain_node::StartError>(exit)
    })??;
    Ok(exit)
}
