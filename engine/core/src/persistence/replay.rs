//! Commands of an append-only file, executed again.
//!
//! They are executed for a client that has no connection and may do everything. Nobody reads what it is answered, nothing is
//! propagated, nothing waits, and nothing is counted as a client's command. A transaction takes effect as a whole when its EXEC
//! has come, or not at all. So do those that change libraries of functions, which no client's command does here.

mod libraries;

use std::ops::Range;

use refrain_persist::aof::AofCommand;
use refrain_resp::{Arg, Protocol};

use crate::blocked::Run;
use crate::call::{Args, KeyHashes};
use crate::dispatch::Ran;
use crate::effects::Level;
use crate::engine::Engine;
use crate::error::printable;
use crate::hooks::{Bug, Hooks};
use crate::session::{Origin, Session, SessionId};
use crate::table::{Flags, Found, Unresolved};

use self::libraries::LibraryChange;

/// Bytes of a string that a command may make anew: 4 GiB.
const STRING_BYTES_MAX: u64 = u32::MAX as u64;

/// A command that no server can have written into the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayError {
    /// What is wrong with it.
    pub what: String,
}

impl std::fmt::Display for ReplayError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for ReplayError {}

impl ReplayError {
    fn because(error: impl std::fmt::Display) -> ReplayError {
        ReplayError { what: error.to_string() }
    }
}

/// The client whose commands are executed again.
pub(crate) struct Replayer {
    session: Session,
    offsets: Vec<Arg>,
    /// What the transaction that has begun does to libraries.
    queued: Vec<LibraryChange>,
    /// Commands that were answered with an error.
    failures: u64,
}

impl Replayer {
    /// A client that has just connected, from nowhere.
    fn new(now_us: u64) -> Replayer {
        let nobody = SessionId { slot: u32::MAX, generation: u32::MAX };
        let origin =
            Origin { remote: String::new(), local: String::new(), is_local: true, is_unix: false, descriptor: -1 };
        let mut session = Session::new(nobody, 0, origin, now_us);
        session.protocol = Protocol::Resp2;
        (session.must_log_in, session.unrestricted, session.never_waits) = (false, true, true);
        Replayer { session, offsets: Vec::new(), queued: Vec::new(), failures: 0 }
    }
}

impl<H: Hooks> Engine<H> {
    /// Executes a command as the file has it, or keeps it until the EXEC of its transaction has come. What neither writes nor
    /// selects a database has no effect.
    ///
    /// # Errors
    /// When there is no such command or database, or it does not take so many arguments, or a transaction begins within another
    /// or ends without a beginning. The file is not to be read any further.
    pub fn replay(&mut self, command: AofCommand<'_>) -> Result<(), ReplayError> {
        let mut replayer = self.take_replayer();
        let mut offsets = std::mem::take(&mut replayer.offsets);
        offsets.clear();
        let narrow = |range: &Range<usize>| {
            Some(Arg { start: u32::try_from(range.start).ok()?, len: u32::try_from(range.len()).ok()? })
        };
        let ranges = command.ranges().iter();
        let whole = ranges.map(narrow).try_for_each(|arg| arg.map(|arg| offsets.push(arg)));
        let outcome = match whole {
            Some(()) => self.replay_args(&mut replayer, Args::new(command.bytes(), &offsets)),
            None => Err(ReplayError { what: "The command is longer than 4 GiB".to_owned() }),
        };
        replayer.offsets = offsets;
        self.replayer = Some(replayer);
        outcome
    }

    fn take_replayer(&mut self) -> Box<Replayer> {
        let now_us = self.state.now.mono_us;
        self.replayer.take().unwrap_or_else(|| Box::new(Replayer::new(now_us)))
    }

    /// The file has ended. True if that was within a transaction, of which then nothing has happened.
    pub fn replay_ends(&mut self) -> bool {
        self.replayer.take().is_some_and(|replayer| replayer.session.in_transaction())
    }

    fn replay_args(&mut self, replayer: &mut Replayer, args: Args<'_>) -> Result<(), ReplayError> {
        if let Some(change) = LibraryChange::of(args)? {
            match replayer.session.in_transaction() {
                true => replayer.queued.extend(change),
                false => self.change_libraries(change)?,
            }
            return Ok(());
        }
        let found = self.find_replayed(args)?;
        let session = &mut replayer.session;
        match (found.command.name, session.transaction.take()) {
            ("multi" | "exec", None) if self.hooks.planted(Bug::HalfTransactionReplayed) => {}
            ("multi", None) => session.transaction = Some(Box::default()),
            ("multi", Some(_)) => return Err(ReplayError { what: "MULTI inside a transaction".to_owned() }),
            ("exec", Some(transaction)) => {
                for queued in &transaction.queue {
                    self.execute_again(replayer, queued.found, queued.args())?;
                }
                self.change_libraries(std::mem::take(&mut replayer.queued))?;
            }
            ("exec", None) => return Err(ReplayError { what: "EXEC without MULTI".to_owned() }),
            (_, Some(mut transaction)) => {
                transaction.push(found, args);
                session.transaction = Some(transaction);
            }
            (_, None) => self.execute_again(replayer, found, args)?,
        }
        Ok(())
    }

    fn change_libraries(&mut self, changes: impl IntoIterator<Item = LibraryChange>) -> Result<(), ReplayError> {
        changes.into_iter().try_for_each(|change| change.apply(&mut self.state.libraries))
    }

    /// What the command names: by the name that clients use, or by its own, which is what the server itself writes of commands
    /// that were given another.
    fn find_replayed(&self, args: Args<'_>) -> Result<Found, ReplayError> {
        let table = &self.state.table;
        let found = match table.resolve(args.len(), |i| args.at(i)) {
            Err(Unresolved::Command) if !args.is_empty() => {
                let found = table.by_own_name(args.at(0)).ok_or(Unresolved::Command);
                found.and_then(|found| match found.command.takes(args.len()) {
                    true => Ok(found),
                    false => Err(Unresolved::Arity(found)),
                })
            }
            resolution => resolution,
        };
        found.map_err(|why| {
            let what = match why {
                Unresolved::Arity(found) => format!("Wrong number of arguments for '{}'", found.command.name),
                Unresolved::Command | Unresolved::Subcommand => {
                    let name = args.get(0).unwrap_or_default();
                    format!("Unknown command '{}'", printable(name).escape_ascii())
                }
            };
            ReplayError { what }
        })
    }

    fn execute_again(&mut self, replayer: &mut Replayer, found: Found, args: Args<'_>) -> Result<(), ReplayError> {
        let selects = found.command.name == "select";
        if !found.command.flags.contains(Flags::WRITE) && !selects {
            return Ok(());
        }
        let session = &mut replayer.session;
        (self.state.executing, self.state.touches) = (None, true);
        let listening = self.state.effects.stream.suspend();
        let limits = &mut self.state.config.limits;
        // What could be made when the file was written is made again, whatever clients may send by now.
        let allowed = limits.proto_max_bulk_len;
        limits.proto_max_bulk_len = allowed.max(STRING_BYTES_MAX);
        let Ran { failed, reply_from, .. } = self.invoke(session, found, args, KeyHashes::default(), Run::First);
        self.state.config.limits.proto_max_bulk_len = allowed;
        self.state.effects.stream.resume(listening);
        self.state.sessions.take_broken();
        if self.state.after_reply {
            self.state.send_gathered_invalidations();
            self.state.after_reply = false;
        }
        if failed && selects {
            let database = printable(args.at(1)).escape_ascii();
            return Err(ReplayError { what: format!("There is no database '{database}'") });
        }
        if failed {
            replayer.failures += 1;
            self.report_failure(replayer.failures, &replayer.session, found, reply_from);
        }
        replayer.session.output.truncate(reply_from);
        Ok(())
    }

    /// A command that has changed something once must do it again: if it fails, the data set is not what it was.
    #[cold]
    fn report_failure(&mut self, failures: u64, session: &Session, found: Found, reply_from: usize) {
        const LOGGED: u64 = 10;
        self.state.stats.unexpected_errors += 1;
        if failures <= LOGGED {
            let reply = session.output.unsent().get(reply_from..).unwrap_or_default();
            let text = format!(
                "== CRITICAL == This server is sending an error to its AOF-loading-client: '{}' after processing the command '{}'",
                String::from_utf8_lossy(reply.trim_ascii().strip_prefix(b"-").unwrap_or(reply)),
                found.command.name
            );
            self.state.effects.log(Level::Warning, text);
        }
    }
}
