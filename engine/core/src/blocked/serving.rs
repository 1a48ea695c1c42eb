//! Waits from their beginning to their end: keeping a command, running it again, answering for it.

use super::{AtEnd, Blocked, Ending, Run, Wish};
use crate::call::{Args, KeyHashes, Request};
use crate::dispatch::Ran;
use crate::engine::Engine;
use crate::error::ErrorReply;
use crate::expiry::expired;
use crate::hooks::{Bug, Hooks};
use crate::kept::KeptCommand;
use crate::observer::Execution;
use crate::push::Executing;
use crate::session::{Closing, Session, SessionId};
use crate::state::State;
use crate::table::Found;

/// Waiters looked at in one go; what is left goes on before anybody's next command, in the next round.
const GO: u32 = 256;

/// What a client is answered whose wait an operator has ended.
const UNBLOCKED: ErrorReply = ErrorReply::new("UNBLOCKED client unblocked via CLIENT UNBLOCK");

impl<H: Hooks> Engine<H> {
    /// A command that has just come waits from here on.
    #[cold]
    pub(crate) fn begin_wait(&mut self, session: &mut Session, found: Found, args: Args<'_>, wish: Wish) {
        assert!(found.command.barrier, "what blocks must be the last that was parsed of its connection");
        let Wish { block, keys, args: other, looks_us } = wish;
        let command = match &other {
            Some(words) => KeptCommand::new(found, words.iter().map(|word| &**word)),
            None => KeptCommand::new(found, args.iter()),
        };
        let state = &mut self.state;
        let blocked = Blocked {
            command,
            keys,
            kind: block.kind,
            when_unusable: block.when_unusable,
            at_end: block.at_end,
            age_ms: block.age_ms,
            ticket: state.waiters.ticket(),
            deadline_us: block.timeout.deadline_us(state.now.mono_us),
            ends: false,
            ticks: 0,
            has_more: false,
        };
        state.waiters.enter(session.handle, session.db, &blocked);
        state.waiters.set_alarms(session.db, &blocked, &looks_us);
        session.blocked = Some(Box::new(blocked));
    }

    /// A session that may wait is gone.
    pub(crate) fn forget_wait(&mut self, session: &mut Session) {
        if let Some(blocked) = session.blocked.take() {
            self.state.waiters.leave(session.handle, session.db, &blocked);
            self.state.persistence.stop_awaiting(session.handle);
        }
    }

    /// What a test wants instead: a session that waits is gone, and is served all the same.
    pub(crate) fn keep_ghost(&mut self, id: SessionId) {
        if self.state.sessions.get(id).is_some_and(Session::is_blocked)
            && let Some(mut session) = self.state.sessions.remove(id)
        {
            self.state.client_memory.forget(&mut session);
            self.ghosts.push(*session);
        }
    }

    /// Decides the end of all waits whose time is up, and has looked at again what is old enough by now.
    #[inline]
    pub(crate) fn end_overdue_waits(&mut self) {
        if self.state.waiters.moments() > 0 {
            self.end_waits_until(self.state.now.mono_us);
        }
    }

    #[cold]
    fn end_waits_until(&mut self, now_us: u64) {
        self.state.waiters.ring(now_us);
        while let Some(id) = self.state.waiters.take_overdue(now_us) {
            let State { sessions, waiters, .. } = &mut self.state;
            if let Some(session) = sessions.get_mut(id) {
                waiters.end(session, Ending::TimeIsUp);
            }
        }
    }

    /// Serves whoever can be served, and answers those whose wait has ended without it, up to a bound. No session is taken out.
    /// False when some are left, who come before everybody's next command.
    #[cold]
    pub(crate) fn serve_waiters(&mut self) -> bool {
        let mut left = GO;
        while self.state.waiters.are_due() {
            if left == 0 || self.state.extra_work >= self.extra_max {
                self.round_is_over = true;
                break;
            }
            left -= 1;
            if let Some((id, ending)) = self.state.waiters.next_ended() {
                self.end_wait(id, ending);
            } else if let Some(id) = self.next_to_serve() {
                self.serve(id);
            }
        }
        self.state.executing = None;
        !self.state.waiters.are_due()
    }

    /// The next whom a changed key may concern and whom no pause holds back.
    fn next_to_serve(&mut self) -> Option<SessionId> {
        let State { waiters, keyspace, sessions, pause, now, persistence, .. } = &mut self.state;
        let key = waiters.current_key()?;
        let entry = keyspace.db(key.db).get(key.hash, &key.name);
        let kind = entry.filter(|entry| !expired(entry.deadline(), now.unix_ms())).map(|entry| entry.kind());
        let id = waiters.next_of_current(kind)?;
        if persistence.is_loading() {
            waiters.hold_current_back();
            return None;
        }
        if pause.is_on() {
            let command = sessions.get(id).and_then(|s| s.blocked.as_ref()).map(|blocked| blocked.found().command);
            if command.is_some_and(|command| pause.holds(command, None)) {
                waiters.hold_current_back();
                return None;
            }
        }
        Some(id)
    }

    /// Runs a waiting command again.
    fn serve(&mut self, id: SessionId) {
        self.attend_to(id, |engine, session, blocked| {
            let found = blocked.command.found;
            let rights = match session.unrestricted {
                true => Ok(()),
                false => engine.state.check_rights(session, found, blocked.command.args()),
            };
            if let Err(refused) = rights.and_then(|()| engine.state.check_disk(session, found.command)) {
                engine.state.observer.commands[found.id.index()].rejected += 1;
                engine.state.stats.count_error(&refused.code());
                session.reply().error(refused.bytes());
                return true;
            }
            let served = engine.run_again(session, blocked, Run::Again);
            if served && engine.hooks.planted(Bug::ServedTwice) {
                engine.run_again(session, blocked, Run::Again);
            }
            served
        });
    }

    /// Answers one whose wait has ended.
    fn end_wait(&mut self, id: SessionId, ending: Ending) {
        self.attend_to(id, |engine, session, blocked| {
            let mark = session.output.mark();
            let failed = match (ending, blocked.at_end) {
                (Ending::TimeIsUp, AtEnd::RunAgain) => return engine.run_again(session, blocked, Run::TimeIsUp),
                (Ending::TimeIsUp, AtEnd::NullArray) => {
                    session.reply().null_array();
                    false
                }
                (Ending::TimeIsUp, AtEnd::Never) => unreachable!("only the node ends what waits for it"),
                (Ending::Error, _) => {
                    engine.state.stats.count_error(&UNBLOCKED.code());
                    session.reply().error(UNBLOCKED.bytes());
                    true
                }
            };
            let args = blocked.command.args();
            let reply = session.output.mark().saturating_sub(mark);
            let execution = Execution { ticks: blocked.ticks, request: args.extent(), reply, failed };
            engine.count_execution(session, blocked.command.found, args, &execution);
            true
        });
    }

    /// Answers one that waits for the node, if it is still there.
    pub(crate) fn end_node_wait(&mut self, id: SessionId, outcome: Result<(), ErrorReply>) {
        self.attend_to(id, |engine, session, blocked| {
            if blocked.at_end != AtEnd::Never {
                return false;
            }
            let mark = session.output.mark();
            match &outcome {
                Ok(()) => session.reply().ok(),
                Err(error) => {
                    engine.state.stats.count_error(&error.code());
                    session.reply().error(error.bytes());
                }
            }
            let args = blocked.command.args();
            let reply = session.output.mark().saturating_sub(mark);
            let failed = outcome.is_err();
            let execution = Execution { ticks: blocked.ticks, request: args.extent(), reply, failed };
            engine.count_execution(session, blocked.command.found, args, &execution);
            true
        });
        self.state.executing = None;
    }

    /// Runs the command of one that waits for something else than a key.
    pub(crate) fn serve_again(&mut self, id: SessionId) {
        self.attend_to(id, |engine, session, blocked| engine.run_again(session, blocked, Run::Again));
        self.state.executing = None;
    }

    /// Takes a waiting session out, lets `answer` do something about it, and lets it go on if that is true.
    fn attend_to(&mut self, id: SessionId, answer: impl FnOnce(&mut Engine<H>, &mut Session, &mut Blocked) -> bool) {
        let Some(mut session) = self.state.sessions.take(id) else {
            if let Some(at) = self.ghosts.iter().position(|ghost| ghost.handle == id) {
                let mut ghost = self.ghosts.swap_remove(at);
                if let Some(mut blocked) = ghost.blocked.take() {
                    answer(self, &mut ghost, &mut blocked);
                    self.state.waiters.leave(id, ghost.db, &blocked);
                }
            }
            return;
        };
        let alive = session.closing == Closing::Open;
        let Some(mut blocked) = session.blocked.take_if(|_| alive) else {
            self.state.sessions.put_back(session);
            return;
        };
        session.output.adopt(&mut self.state.pool, session.room.reply);
        self.state.executing = Some(Executing::of(&session));
        self.state.touches = !session.no_touch;
        let extra_before = self.state.extra_work;
        let (mark, found) = (session.output.mark(), blocked.command.found);
        if answer(self, &mut session, &mut blocked) {
            self.state.waiters.leave(id, session.db, &blocked);
            self.state.persistence.stop_awaiting(id);
            if blocked.has_more || session.has_input() {
                // What it has sent meanwhile comes before anything else of the present round.
                self.runnable.push(&mut session);
                self.round_is_over = true;
            }
        } else {
            session.blocked = Some(blocked);
        }
        self.settle_reply(&mut session, mark, Ok(found));
        if (self.state.extra_work != extra_before || session.is_heavy()) && self.extra_max < u64::MAX {
            let found = session.had_turn(self.state.extra_work - extra_before);
            self.state.found_heavy += u64::from(found);
        }
        if session.output.len() > self.state.output_check_from {
            self.state.exceeds_output_limit(&mut session);
        }
        if !session.output.is_empty() || session.closing != Closing::Open {
            self.state.effects.attend(&mut session);
        }
        self.state.client_memory.account(&mut session);
        self.state.sessions.put_back(session);
    }

    /// Runs a waiting command's handler once more. True when it has answered.
    fn run_again(&mut self, session: &mut Session, blocked: &mut Blocked, why: Run) -> bool {
        let (found, args) = (blocked.command.found, blocked.command.args());
        let began = self.hooks.ticks();
        let Ran { failed, request, reply_from } = self.invoke(session, found, args, KeyHashes::default(), why);
        let ended = self.hooks.ticks();
        self.ticks_at = ended;
        blocked.ticks += ended.saturating_sub(began);
        if self.state.sessions.take_broken() {
            session.watch.broken = true;
            self.state.watchers.forget(session);
        }
        self.remember_reads(session, found.command, args, KeyHashes::default());
        debug_assert!(matches!(request, None | Some(Request::Block(_))), "a command that blocks asks for nothing else");
        if let Some(request) = request {
            if let Request::Block(wish) = request {
                self.state.waiters.set_alarms(session.db, blocked, &wish.looks_us);
            }
            return false;
        }
        let reply = session.output.mark().saturating_sub(reply_from);
        let execution = Execution { ticks: blocked.ticks, request: args.extent(), reply, failed };
        self.count_execution(session, found, args, &execution);
        true
    }
}
