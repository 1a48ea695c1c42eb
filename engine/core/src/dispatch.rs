//! From a parsed command to its reply: the checks that come before every execution, in Redis's order, and the bookkeeping
//! that comes after it.

use crate::blocked::Run;
use crate::call::{Args, Call, KeyHashes, Outcome, Propagation, Request};
use crate::commands::transaction::forget_watches;
use crate::effects::Level;
use crate::engine::Engine;
use crate::error::{ErrorReply, NOT_IN_MULTI};
use crate::heavy::extra_of;
use crate::hooks::{Bug, Hooks};
use crate::observer::Execution;
use crate::session::{Closing, ReplyMode, Session};
use crate::table::{Command, Flags, Found, Unresolved};

/// Work after which the clock is read again within a round: half a millisecond, in fractions of a second.
const CLOCK_REFRESH_PER_SECOND: u64 = 2000;

impl<H: Hooks> Engine<H> {
    /// Executes one command of a session that was taken out, or queues it, or refuses it. False when a pause holds it back: then
    /// nothing has happened, and the session has to wait.
    #[inline(always)]
    pub(crate) fn dispatch(
        &mut self,
        session: &mut Session,
        resolution: Result<Found, Unresolved>,
        args: Args<'_>,
        hashes: KeyHashes<'_>,
    ) -> bool {
        let mark = session.output.mark();
        match self.admit(session, resolution, args) {
            Ok(Admitted::Run(found)) => self.run(session, found, args, hashes),
            Ok(Admitted::Later) => return false,
            Ok(Admitted::Queue(found)) => {
                if let Some(transaction) = &mut session.transaction {
                    transaction.push(found, args);
                }
                if self.state.tracking.is_early {
                    self.state.invalidate_early(found.command, args);
                }
                session.reply().simple("QUEUED");
            }
            Err(_) if matches!(resolution, Err(Unresolved::Command)) && is_http(args.at(0)) => {
                self.refuse_http(session)
            }
            Err(error) => self.refuse(session, resolution, args, error),
        }
        self.settle_reply(session, mark, resolution);
        true
    }

    /// The same for what is rarely met: once more as code, so that the common way is all in one piece.
    #[inline(never)]
    pub(crate) fn dispatch_rare(
        &mut self,
        session: &mut Session,
        resolution: Result<Found, Unresolved>,
        args: Args<'_>,
        hashes: KeyHashes<'_>,
    ) -> bool {
        self.dispatch(session, resolution, args, hashes)
    }

    /// What is done when a command has been answered, from `mark` on, or has turned out to wait.
    #[inline]
    pub(crate) fn settle_reply(&mut self, session: &mut Session, mark: usize, resolution: Result<Found, Unresolved>) {
        match session.reply_mode {
            ReplyMode::On => {}
            // Nothing has been answered yet.
            _ if session.held_until_us.is_some() || session.blocked.is_some() => {}
            ReplyMode::Off => session.output.truncate(mark),
            ReplyMode::SkipThis => {
                session.output.truncate(mark);
                session.reply_mode = ReplyMode::On;
            }
            ReplyMode::SkipNext => session.reply_mode = ReplyMode::SkipThis,
        }
        if self.state.after_reply {
            self.follow_up(session, resolution);
        }
    }

    /// What follows a complete reply: messages to the same client, invalidations, the end of an exception.
    #[cold]
    fn follow_up(&mut self, session: &mut Session, resolution: Result<Found, Unresolved>) {
        let command = match resolution {
            Ok(Found { command, .. }) | Err(Unresolved::Arity(Found { command, .. })) => Some(command),
            Err(_) => None,
        };
        self.state.send_gathered_invalidations();
        self.state.after_reply = false;
        self.state.end_exception(session, command);
        session.output.buffer().append(&mut self.state.own_pushes);
    }

    /// Lets others see a command that has executed: monitors all of it, the table of client-side caching the keys that it read.
    #[cold]
    fn show(&mut self, session: &Session, command: &Command, args: Args<'_>, hashes: KeyHashes<'_>) {
        self.state.show_to_monitors(session, command, args, self.hooks.now());
        self.remember_reads(session, command, args, hashes);
    }

    /// Remembers the keys that a command has read, for a client that wants to be told when they change.
    pub(crate) fn remember_reads(
        &mut self,
        session: &Session,
        command: &Command,
        args: Args<'_>,
        hashes: KeyHashes<'_>,
    ) {
        if session.remembers_reads {
            self.state.remember_reads(session, command, args, hashes, || self.hooks.entropy());
        }
    }

    /// Answers with an error, and remembers it against the transaction that is being queued.
    #[cold]
    fn refuse(
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
        session.reply().error(error.bytes());
    }

    /// A browser that was tricked into talking to us sends a POST or a Host header: nothing of it may be executed.
    #[cold]
    fn refuse_http(&mut self, session: &mut Session) {
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
    fn admit(
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
    fn check_circumstances(&self, session: &Session, command: &Command) -> Outcome {
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

    /// Runs one command, and what it asks for.
    #[inline(always)]
    fn run(&mut self, session: &mut Session, found: Found, args: Args<'_>, hashes: KeyHashes<'_>) {
        self.call(session, found, args, hashes);
        let twice = match found.command.name {
            "incr" => self.hooks.planted(Bug::DoubleIncrement),
            "lpush" | "rpush" => self.hooks.planted(Bug::DoublePush),
            _ => false,
        };
        if twice && !session.in_transaction() {
            let mark = session.output.mark();
            self.call(session, found, args, hashes);
            session.output.truncate(mark);
        }
        if self.state.sessions.take_broken() {
            session.watch.broken = true;
            self.state.watchers.forget(session);
        }
    }

    /// The same for a command that was queued.
    #[inline(never)]
    fn run_queued(&mut self, session: &mut Session, found: Found, args: Args<'_>) {
        self.run(session, found, args, KeyHashes::default());
    }

    /// One handler, what it asks for, and the bookkeeping around both.
    #[inline(always)]
    fn call(&mut self, session: &mut Session, found: Found, args: Args<'_>, hashes: KeyHashes<'_>) {
        let began = self.ticks_at;
        let Ran { failed, request, reply_from } = self.invoke(session, found, args, hashes, Run::First);
        let done = match request {
            None => CarriedOut::Done,
            Some(request) => self.carry_out(session, found, args, request),
        };
        if done == CarriedOut::TakenBack {
            return;
        }
        if self.state.has_onlookers {
            self.show(session, found.command, args, hashes);
        }
        let ended = self.hooks.ticks();
        self.ticks_at = ended;
        let ticks = ended.saturating_sub(began);
        if done == CarriedOut::Waits {
            // It is counted when its wait has ended.
            if let Some(blocked) = &mut session.blocked {
                blocked.ticks = ticks;
            }
            return;
        }
        let reply = session.output.mark().saturating_sub(reply_from);
        self.count_execution(session, found, args, &Execution { ticks, request: args.extent(), reply, failed });
    }

    /// One handler: its reply, what it leaves in the propagation stream, the work that it has caused.
    #[inline(always)]
    pub(crate) fn invoke(
        &mut self,
        session: &mut Session,
        found: Found,
        args: Args<'_>,
        hashes: KeyHashes<'_>,
        run: Run,
    ) -> Ran {
        self.hooks.command_begins(session.id, found.command, args);
        let reply_from = session.output.mark();
        let (dirty, db) = (self.state.dirty, session.db);
        let mut call = Call {
            state: &mut self.state,
            session: &mut *session,
            hooks: &self.hooks,
            args,
            command: found.command,
            hashes,
            run,
            propagation: Propagation::Verbatim,
            request: None,
        };
        let outcome: Outcome = (found.command.handler)(&mut call);
        let Call { propagation, request, .. } = call;
        let state = &mut self.state;
        if propagation == Propagation::Several && !session.in_exec() {
            state.effects.stream.commit();
        }
        let failed = outcome.is_err();
        if let Err(error) = outcome {
            state.stats.count_error(&error.code());
            session.reply().error(error.bytes());
        }
        if state.dirty != dirty {
            if propagation == Propagation::Verbatim && state.effects.stream.is_enabled() {
                state.effects.stream.push_args(db, args);
            }
            session.written_to = state.effects.stream.position();
        }
        let (asked, replied) = (args.extent(), session.output.mark().saturating_sub(reply_from));
        let extra = extra_of(args.len(), asked + replied);
        if extra > 0 {
            state.extra_work += extra;
        }
        self.hooks.work(1 + extra);
        Ran { failed, request, reply_from }
    }

    /// Counts a command that has been answered at `ticks_at`.
    #[inline(always)]
    pub(crate) fn count_execution(&mut self, session: &Session, found: Found, args: Args<'_>, execution: &Execution) {
        let ended = self.ticks_at;
        self.state.stats.commands_processed += 1;
        if self.state.observer.count(found, execution) {
            self.inspect(session, found, args, *execution);
        }
        if ended.saturating_sub(self.clock_read_at) > self.state.ticks_per_second / CLOCK_REFRESH_PER_SECOND
            && !self.clock_is_held
        {
            self.read_the_clock(ended);
        }
    }

    /// Enters a remarkable command where it belongs.
    #[cold]
    #[inline(never)]
    fn inspect(&mut self, session: &Session, found: Found, args: Args<'_>, execution: Execution) {
        let unix_s = self.hooks.now().unix_s();
        self.state.observer.inspect(&self.state.config, session, found, args, &execution, unix_s);
    }

    /// A round takes long: time goes on in it.
    #[cold]
    #[inline(never)]
    fn read_the_clock(&mut self, ticks: u64) {
        self.clock_read_at = ticks;
        self.state.set_now(self.hooks.now());
    }

    /// What only the engine can do for a handler. It is part of the command: a changed configuration already decides how the
    /// command that changed it is accounted for.
    #[cold]
    fn carry_out(&mut self, session: &mut Session, found: Found, args: Args<'_>, request: Request) -> CarriedOut {
        match request {
            Request::Block(wish) => {
                self.begin_wait(session, found, args, *wish);
                self.round_is_over |= self.stands_still();
                return CarriedOut::Waits;
            }
            Request::ExecuteQueue => self.execute_queue(session),
            Request::ApplyConfiguration => {
                self.apply_configuration();
                self.state.follow_appendonly(session.in_exec());
            }
            Request::HoldUntil(until_us) => {
                self.hold(session, found, until_us);
                return CarriedOut::TakenBack;
            }
            Request::EndPause => self.end_pause(),
        }
        CarriedOut::Done
    }

    /// EXEC: the queue as one unit, at one moment, to all who look.
    fn execute_queue(&mut self, session: &mut Session) {
        let Some(transaction) = session.transaction.take() else { return };
        session.reply().array(transaction.queue.len());
        let began = self.hooks.ticks();
        self.ticks_at = began;
        let (dirty, closing) = (self.state.dirty, session.closing);
        self.state.effects.stream.begin();
        self.clock_is_held = true;
        session.executing = Some(transaction.extent());
        self.state.skip_invalidations(self.state.tracking.is_early);
        let half = self.hooks.planted(Bug::HalfTransaction);
        for (i, queued) in transaction.queue.iter().enumerate() {
            if half && i > 0 && i + 1 == transaction.queue.len() {
                session.reply().ok();
                continue;
            }
            let (found, args) = (queued.found, queued.args());
            let (mark, is_leaving) = (session.output.mark(), session.closing != closing);
            let checked = if session.unrestricted { Ok(()) } else { self.state.check_queued(session, found, args) };
            match checked {
                Ok(()) => self.run_queued(session, found, args),
                Err(refused) => {
                    self.state.stats.count_error(&refused.code());
                    session.reply().error(refused.bytes());
                }
            }
            // The rest is executed in any case, for a transaction is whole; but nobody will read what it answers, and who has asked
            // to be closed gets nothing behind that.
            if is_leaving {
                session.output.truncate(mark);
            }
            if session.output.len() > self.state.output_check_from && self.state.exceeds_output_limit(session)
                || session.closing == Closing::Now
            {
                session.output.discard();
            }
        }
        session.executing = None;
        self.state.skip_invalidations(false);
        self.clock_is_held = false;
        self.state.observer.nested_ticks += self.ticks_at.saturating_sub(began);
        self.state.effects.stream.commit();
        if self.state.dirty != dirty {
            session.written_to = self.state.effects.stream.position();
        }
    }
}

/// The first word of an HTTP request, or of its most common header.
fn is_http(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"post") || word.eq_ignore_ascii_case(b"host:")
}

/// What has become of a command that asked for something.
#[derive(PartialEq, Eq)]
enum CarriedOut {
    Done,
    /// It was not executed yet.
    TakenBack,
    /// It is kept, and has answered nothing yet.
    Waits,
}

/// What a handler has left behind.
pub(crate) struct Ran {
    /// It was answered with an error.
    pub(crate) failed: bool,
    /// What it asks for.
    pub(crate) request: Option<Request>,
    /// Where its reply begins.
    pub(crate) reply_from: usize,
}

/// What may become of a command that was not refused.
enum Admitted {
    Run(Found),
    Queue(Found),
    /// After the pause.
    Later,
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
