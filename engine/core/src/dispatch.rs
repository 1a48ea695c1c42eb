//! From a parsed command to its reply: whether it is executed at all says `admission`; what is done around every execution is here.

mod admission;

use self::admission::{Admitted, is_http};
use crate::blocked::Run;
use crate::call::{Args, Call, KeyHashes, Outcome, Propagation, Request};
use crate::engine::Engine;
use crate::heavy::extra_of;
use crate::hooks::{Bug, Hooks};
use crate::observer::Execution;
use crate::persistence::tells_nothing;
use crate::session::{Closing, ReplyMode, Session};
use crate::table::{Command, Found, Unresolved};

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
            self.follow_up(session, mark, resolution);
        }
    }

    /// What follows a complete reply: whether it may leave while nothing becomes durable, messages to the same client, invalidations,
    /// the end of an exception.
    #[cold]
    fn follow_up(&mut self, session: &mut Session, mark: usize, resolution: Result<Found, Unresolved>) {
        let command = match resolution {
            Ok(Found { command, .. }) | Err(Unresolved::Arity(Found { command, .. })) => Some(command),
            Err(_) => None,
        };
        if command.is_some_and(tells_nothing) {
            session.output.tells_nothing_since(mark);
        }
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
