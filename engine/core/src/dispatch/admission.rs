//! The checks that come before every execution, in Redis's order, and what is done with a command that they refuse.
//!
//! What is refused here has changed nothing, but for the transaction that it should have been a part of.

use crate::call::{Args, Outcome};
use crate::commands::transaction::forget_watches;
use crate::effects::Level;
use crate::engine::Engine;
use crate::error::{ErrorReply, NOT_IN_MULTI};
use crate::hooks::Hooks;
use crate::session::{Closing, Session};
use crate::table::{Command, Flags, Found, Unresolved};

/// What may become of a command that was not refused.
pub(super) enum Admitted {
    Run(Found),
    Queue(Found),
    /// After the pause.
    Later,
}

impl<H: Hooks> Engine<H> {
    /// Answers with an error, and remembers it against the transaction that is being queued.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        session: &mut Session,
        resolution: Result<Found, Unresolved>,
        args: Args<'_>,
        error: ErrorReply,
    ) {
        let exec = match resolution {
            Ok(Found { command, .. }) | Err(Unresolved::Arity(Found { command, .. })) if command.name == "exec" => {
                Some(command)
            }
            _ => None,
        };
        let error = match exec {
            // An EXEC that is refused takes its transaction with it; monitors, who saw MULTI, see that it has ended.
            Some(exec) => {
                self.state.show_to_monitors(session, exec, args, self.hooks.now());
                session.transaction = None;
                forget_watches(&mut self.state, session);
                let why = error.bytes().strip_prefix(b"ERR ").unwrap_or(error.bytes());
                ErrorReply::owned([b"EXECABORT Transaction discarded because of: ", why].concat())
            }
            None => error,
        };
        if let Some(transaction) = &mut session.transaction {
            transaction.flawed = true;
        }
        self.state.stats.count_error(&error.code());
        let mark = session.output.mark();
        session.reply().error(error.bytes());
        session.output.tells_nothing_since(mark);
    }

    /// A browser that was tricked into talking to us sends a POST or a Host header: nothing of it may be executed.
    #[cold]
    pub(super) fn refuse_http(&mut self, session: &mut Session) {
        session.closing = Closing::Now;
        const WARN_EVERY_US: u64 = 60_000_000;
        let now_us = self.state.now.mono_us;
        if self.last_http_warning_us.is_none_or(|last| now_us.saturating_sub(last) > WARN_EVERY_US) {
            self.last_http_warning_us = Some(now_us);
            let text = format!(
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. This is \
                 likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis instance. \
                 Connection from {} aborted.",
                session.origin.remote
            );
            self.state.effects.log(Level::Warning, text);
        }
    }

    /// Everything that can refuse a command before it runs.
    #[inline(always)]
    pub(super) fn admit(
        &mut self,
        session: &mut Session,
        resolution: Result<Found, Unresolved>,
        args: Args<'_>,
    ) -> Result<Admitted, ErrorReply> {
        let found = resolution.map_err(|why| self.unresolved(session, why, args))?;
        let command = found.command;
        session.last_command = Some(command);
        if command.flags.contains(Flags::PROTECTED) {
            self.check_protected(session, found)?;
        }
        if !session.unrestricted
            && let Err(refused) = self.state.check_rights(session, found, args)
        {
            self.state.observer.commands[found.id.index()].rejected += 1;
            return Err(refused);
        }
        if session.in_transaction() && command.flags.contains(Flags::NO_MULTI) {
            self.state.observer.commands[found.id.index()].rejected += 1;
            return Err(NOT_IN_MULTI);
        }
        if session.subscriptions.is_some() | session.monitors | self.state.persistence.refuses()
            && let Err(refused) = self.check_circumstances(session, command)
        {
            self.state.observer.commands[found.id.index()].rejected += 1;
            return Err(refused);
        }
        if self.state.pause.is_on() && self.is_held_back(session, command) {
            return Ok(Admitted::Later);
        }
        if session.in_transaction() && !runs_inside_multi(command) {
            return Ok(Admitted::Queue(found));
        }
        Ok(Admitted::Run(found))
    }

    /// What else may refuse a command at this moment.
    #[cold]
    fn check_circumstances(&mut self, session: &Session, command: &Command) -> Outcome {
        // It is looked at what its reply may tell of.
        self.state.after_reply |= self.state.persistence.refuses();
        self.state.check_disk(session, command)?;
        serves_subscriber(session, command)?;
        self.state.check_loading(session, command)?;
        serves_monitor(session, command)
    }

    /// What could take the server down or over needs a parameter that only the operator sets, before the start.
    #[cold]
    fn check_protected(&mut self, session: &Session, found: Found) -> Result<(), ErrorReply> {
        let config = &self.state.config.acl;
        let (name, parameter, allowed) = match found.command.name {
            "debug" => ("DEBUG", "enable-debug-command", config.enable_debug_command),
            _ => ("MODULE", "enable-module-command", config.enable_module_command),
        };
        if allowed.to(session.origin.is_local) {
            return Ok(());
        }
        self.state.observer.commands[found.id.index()].rejected += 1;
        Err(ErrorReply::owned(format!(
            "ERR {name} command not allowed. If the {parameter} option is set to \"local\", you can run it from a local \
             connection, otherwise you need to set this option in the configuration file, and then restart the server."
        )))
    }

    #[cold]
    fn unresolved(&mut self, session: &mut Session, why: Unresolved, args: Args<'_>) -> ErrorReply {
        session.last_command = None;
        if let Unresolved::Arity(found) = &why {
            session.last_command = Some(found.command);
            self.state.observer.commands[found.id.index()].rejected += 1;
        }
        let mut text = Vec::new();
        why.describe(args.len(), |i| args.at(i), &mut text);
        ErrorReply::owned(text)
    }
}

/// The first word of an HTTP request, or of its most common header.
pub(super) fn is_http(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"post") || word.eq_ignore_ascii_case(b"host:")
}

/// Between MULTI and EXEC everything is queued but these.
fn runs_inside_multi(command: &Command) -> bool {
    matches!(command.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}

/// What a client may execute that is sent messages: hardly anything if it could take them for replies.
fn serves_subscriber(session: &Session, command: &Command) -> Outcome {
    if session.is_subscriber_only() && !belongs_to_subscriptions(command) {
        return Err(ErrorReply::owned(format!(
            "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context",
            command.name
        )));
    }
    Ok(())
}

/// What a client may execute that is shown all commands.
fn serves_monitor(session: &Session, command: &Command) -> Outcome {
    let touches_data = Flags::of(&[Flags::READONLY, Flags::WRITE, Flags::MAY_REPLICATE]);
    if session.monitors && command.flags.intersects(touches_data) {
        return Err(ErrorReply::new("ERR Replica can't interact with the keyspace"));
    }
    Ok(())
}

/// What a client may execute while it subscribes to something and speaks RESP2.
fn belongs_to_subscriptions(command: &Command) -> bool {
    const NAMES: [&str; 9] = [
        "ping",
        "subscribe",
        "unsubscribe",
        "psubscribe",
        "punsubscribe",
        "ssubscribe",
        "sunsubscribe",
        "quit",
        "reset",
    ];
    NAMES.contains(&command.name)
}
