//! SHUTDOWN, and the shutdown that a signal asks for.
//!
//! Nobody is waited for, so a shutdown that begins comes to its end, unless the data set is to be saved and can't be. From its
//! beginning on everything stands still: what was executed before is saved, and nothing is executed after.

use crate::blocked::Block;
use crate::call::{Call, Outcome};
use crate::config::{Config, ShutdownOn};
use crate::effects::{Level, Shutdown};
use crate::engine::Engine;
use crate::error::{ErrorReply, SYNTAX};
use crate::hooks::Hooks;
use crate::persistence::{Purpose, Standing};
use crate::session::SessionId;
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
    if !call.state.begin_shutdown(options, Some(call.session.handle)) {
        return Err(SHUTDOWN_FAILED);
    }
    call.block(Block::for_node());
    Ok(())
}

/// What whoever asked for the end is told when it does not come.
pub(crate) const SHUTDOWN_FAILED: ErrorReply = ErrorReply::new("ERR Errors trying to SHUTDOWN. Check logs.");

impl State {
    /// Begins the end of the process. False when it can't be had, which the log explains.
    fn begin_shutdown(&mut self, options: ShutdownOn, client: Option<SessionId>) -> bool {
        self.scheduled_shutdown = None;
        self.effects.log(Level::Notice, "User requested shutdown...");
        let ShutdownOn { nosave, now, force, .. } = options;
        if self.persistence.awaits_base() {
            // Without its base the file would not hold the data set.
            let how = if force { "Exit anyway." } else { "can't exit." };
            let between = if force { "." } else { "," };
            self.effects.log(Level::Warning, format!("Writing initial AOF{between} {how}"));
            if !force {
                self.say_shutdown_failed();
                return false;
            }
        }
        if self.cancel(Purpose::Save) {
            self.effects.log(Level::Warning, "There is a child saving an .rdb. Killing it!");
        }
        if self.cancel(Purpose::Rewrite) {
            self.effects.log(Level::Warning, "There is a child rewriting the AOF. Killing it!");
        }
        if self.persistence.aof().enabled {
            self.effects.log(Level::Notice, "Calling fsync() on the AOF file.");
        }
        // A data set of which only a part is there must not take the place of the whole.
        let wanted = options.save || (!self.config.persistence.save.points.is_empty() && !nosave);
        let save = wanted && !self.persistence.is_loading();
        if save {
            self.effects.log(Level::Notice, "Saving the final RDB snapshot before exiting.");
        }
        self.stand_still(Standing::Shutdown { client, force });
        self.effects.shutdown = Some(Shutdown { save, now, force });
        true
    }

    /// Says that the end does not come.
    pub(crate) fn say_shutdown_failed(&mut self) {
        let text = "Errors trying to shut down the server. Check the logs for more information.";
        self.effects.log(Level::Warning, text);
    }

    fn say_signal_failed(&mut self, signal: ShutdownSignal) {
        let name = signal.name();
        let text =
            format!("{name} received but errors trying to shut down the server, check the logs for more information");
        self.effects.log(Level::Warning, text);
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
        if state.persistence.awaits_node() {
            return;
        }
        let Some(signal) = state.scheduled_shutdown.take() else { return };
        if !state.begin_shutdown(signal.options(&state.config), None) {
            state.say_signal_failed(signal);
        }
    }
}
