//! SHUTDOWN, and the shutdown that a signal asks for.
//!
//! There is nothing to save and nobody to wait for, so a shutdown that begins ends. What stands in its way is only a wish to
//! save: that can't be granted, and is refused like a save that failed, unless it is forced.

use crate::call::{Call, Outcome};
use crate::config::{Config, ShutdownOn};
use crate::effects::{Level, Shutdown};
use crate::engine::Engine;
use crate::error::{ErrorReply, SYNTAX};
use crate::hooks::Hooks;
use crate::session::Closing;
use crate::state::State;

/// A signal that asks for an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
}

impl ShutdownSignal {
    /// What the configuration says of it.
    fn options(self, config: &Config) -> ShutdownOn {
        match self {
            ShutdownSignal::Terminate => config.process.shutdown_on_sigterm,
            ShutdownSignal::Interrupt => config.process.shutdown_on_sigint,
        }
    }

    fn name(self) -> &'static str {
        match self {
            ShutdownSignal::Terminate => "SIGTERM",
            ShutdownSignal::Interrupt => "SIGINT",
        }
    }
}

/// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]. Without error there is no reply: the connection ends.
pub fn shutdown(call: &mut Call<'_>) -> Outcome {
    let (mut options, mut abort) = (ShutdownOn::default(), false);
    for i in 1..call.args.len() {
        let option = match () {
            () if call.args.is(i, "SAVE") => &mut options.save,
            () if call.args.is(i, "NOSAVE") => &mut options.nosave,
            () if call.args.is(i, "NOW") => &mut options.now,
            () if call.args.is(i, "FORCE") => &mut options.force,
            () if call.args.is(i, "ABORT") => &mut abort,
            () => return Err(SYNTAX),
        };
        *option = true;
    }
    if (options.save && options.nosave) || (abort && options != ShutdownOn::default()) {
        return Err(SYNTAX);
    }
    if abort {
        return match call.state.abort_shutdown() {
            true => {
                call.reply().ok();
                Ok(())
            }
            false => Err(ErrorReply::new("ERR No shutdown in progress.")),
        };
    }
    if !call.state.begin_shutdown(options) {
        return Err(ErrorReply::new("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    // Nothing that this client has sent behind it may be executed, let alone answered.
    call.session.closing = Closing::AfterReplies;
    Ok(())
}

impl State {
    /// Begins the end of the process. False when it can't be had, which the log explains.
    fn begin_shutdown(&mut self, options: ShutdownOn) -> bool {
        self.scheduled_shutdown = None;
        self.effects.log(Level::Notice, "User requested shutdown...");
        if options.save && options.force {
            self.effects.log(
                Level::Warning,
                "Error trying to save the DB. Exit anyway. This server keeps its data in memory only.",
            );
        } else if options.save {
            let why = "Error trying to save the DB, can't exit. This server keeps its data in memory only: end it without SAVE.";
            self.effects.log(Level::Warning, why);
            let what = "Errors trying to shut down the server. Check the logs for more information.";
            self.effects.log(Level::Warning, what);
            return false;
        }
        self.effects.shutdown = Some(Shutdown { now: options.now, force: options.force });
        true
    }

    /// Forgets a shutdown that a signal has asked for and that has not begun. False when there is none.
    fn abort_shutdown(&mut self) -> bool {
        if self.scheduled_shutdown.take().is_none() {
            return false;
        }
        self.effects.log(Level::Notice, "Shutdown manually aborted.");
        true
    }
}

impl<H: Hooks> Engine<H> {
    /// A signal asks for an end, which begins with the next tick.
    pub fn schedule_shutdown(&mut self, signal: ShutdownSignal) {
        self.state.scheduled_shutdown = Some(signal);
    }

    /// Whether a signal has asked for an end that has not begun.
    pub fn is_shutdown_scheduled(&self) -> bool {
        self.state.scheduled_shutdown.is_some()
    }

    /// Begins the shutdown that a signal has asked for, if there is one.
    pub(crate) fn begin_scheduled_shutdown(&mut self) {
        let state = &mut self.state;
        let Some(signal) = state.scheduled_shutdown.take() else { return };
        if !state.begin_shutdown(signal.options(&state.config)) {
            let text = format!(
                "{} received but errors trying to shut down the server, check the logs for more information",
                signal.name()
            );
            state.effects.log(Level::Warning, text);
        }
    }
}
