//! The engine as the node holds it: connect and disconnect sessions, feed them bytes, take away replies and effects.
//!
//! One engine is one order of commands: whatever it executes, it executes one after the other. It never waits, never reads a
//! clock but through its [`Hooks`], and never touches a socket.

use refrain_data::HashSeed;

use crate::acl::UserId;
use crate::clock::Now;
use crate::config::Config;
use crate::effects::{Effects, Level};
use crate::heavy::Runnable;
use crate::hold::Held;
use crate::hooks::{Bug, Hooks};
use crate::persistence::Replayer;
use crate::round::Scratch;
use crate::session::{Closing, Origin, Session, SessionId};
use crate::state::State;
use crate::tick::TickState;

/// A Redis-compatible engine over one keyspace.
pub struct Engine<H: Hooks> {
    pub(crate) hooks: H,
    pub(crate) state: State,
    pub(crate) scratch: Scratch,
    /// Sessions with bytes that can be executed now, in the order of their turns.
    pub(crate) runnable: Runnable,
    /// Extra work that ends what executes now; see [`State::extra_work`].
    pub(crate) extra_max: u64,
    /// Sessions whose next command has to wait.
    pub(crate) held: Held,
    pub(crate) tick: TickState,
    /// Ticks at which the state's `now` was last read.
    pub(crate) clock_read_at: u64,
    /// Ticks at which the previous command ended: where the next one begins.
    pub(crate) ticks_at: u64,
    /// What is left of the present round waits for the next one: others have waited for longer.
    pub(crate) round_is_over: bool,
    /// A transaction executes: all of it happens at one moment.
    pub(crate) clock_is_held: bool,
    /// The client of an append-only file that is being read.
    pub(crate) replayer: Option<Box<Replayer>>,
    /// Sessions that are gone and that a test wants to be served.
    pub(crate) ghosts: Vec<Session>,
    /// When somebody who speaks HTTP was last reported, for the log must not be floodable.
    pub(crate) last_http_warning_us: Option<u64>,
}

/// Unsent output at which a connection's commands wait until its client has read. Its input is still taken in, up to
/// `client-query-buffer-limit`: a client that sends a pipeline of any depth before it reads must not be deadlocked. So much is
/// let pile up that limits of the usual sizes are met first, and say what is wrong, before anything merely stands still.
pub const OUTPUT_HIGH_WATER: usize = 16 << 20;

/// The same for a client that has yet to log in.
const OUTPUT_HIGH_WATER_FOR_STRANGERS: usize = 1 << 20;

impl Session {
    /// Unsent output at which its commands wait.
    #[inline]
    pub(crate) fn high_water(&self) -> usize {
        if self.must_log_in { OUTPUT_HIGH_WATER_FOR_STRANGERS } else { OUTPUT_HIGH_WATER }
    }
}

/// Where the bytes that a session sends are to be read into.
pub enum ReadInto<'a> {
    /// The session has nothing pending: read into the arena of the round.
    Arena,
    /// Append to what is pending.
    Pending(&'a mut Vec<u8>),
    /// Give it to [`Engine::receive`]: a long argument is on its way.
    Long,
    /// Read nothing now: what the session has sent before has yet to get its turn.
    Later,
    /// Read nothing: the session is to be closed.
    Nothing,
}

impl<H: Hooks> Engine<H> {
    /// An engine without data or clients.
    pub fn new(config: Config, hooks: H) -> Engine<H> {
        let seed = HashSeed([hooks.entropy(), hooks.entropy()]);
        let ids = [new_id(&hooks), new_id(&hooks)];
        let mut state = State::new(config, seed, ids, hooks.now(), hooks.ticks_per_second());
        for parameter in state.config.without_effect().collect::<Vec<_>>() {
            state.warn_of_parameter(parameter);
        }
        state.serve_expired = hooks.planted(Bug::ServeExpired);
        state.serve_expired_fields = hooks.planted(Bug::ServeExpiredField);
        state.hset_keeps_deadlines = hooks.planted(Bug::DeadlineSurvivesHset);
        state.expiry_takes_a_neighbour = hooks.planted(Bug::ExpiryTakesNeighbour);
        state.require_password(None);
        state.no_output_limit = hooks.planted(Bug::NoOutputLimit);
        state.tracking.is_early = hooks.planted(Bug::InvalidationBeforeWrite);
        state.tracking.forgets_deadlines = hooks.planted(Bug::ForgottenInvalidation);
        state.message_lost = hooks.planted(Bug::MessageLost);
        state.acl.wrong_key = hooks.planted(Bug::AclChecksWrongKey);
        state.acl.keeps_rights = hooks.planted(Bug::RevokedKeepsRights);
        state.pattern_message_twice = hooks.planted(Bug::PatternMessageTwice);
        state.startup_memory = state.used_memory();
        Engine {
            hooks,
            state,
            scratch: Scratch::default(),
            runnable: Runnable::default(),
            extra_max: u64::MAX,
            held: Held::default(),
            tick: TickState::default(),
            clock_read_at: 0,
            ticks_at: 0,
            round_is_over: false,
            clock_is_held: false,
            replayer: None,
            ghosts: Vec::new(),
            last_http_warning_us: None,
        }
    }

    /// Makes the users that the configuration declares or names a file of. Before anybody connects.
    ///
    /// # Errors
    /// Why the server cannot start.
    pub fn load_users(&mut self) -> Result<(), String> {
        self.state.users_at_start(|path| self.hooks.read_file(path))
    }

    /// A client has connected.
    ///
    /// # Errors
    /// The error line to send before closing: too many clients, or protected mode.
    pub fn connect(&mut self, origin: Origin) -> Result<SessionId, &'static [u8]> {
        let state = &mut self.state;
        state.set_now(self.hooks.now());
        state.stats.connections_received += 1;
        let clients = i64::try_from(state.sessions.len()).unwrap_or(i64::MAX);
        if clients >= state.config.limits.maxclients {
            state.stats.rejected_connections += 1;
            return Err(b"-ERR max number of clients reached\r\n");
        }
        let open = state.acl.user(UserId::DEFAULT).needs_no_password();
        if state.config.network.protected_mode && open && !origin.is_local {
            state.stats.rejected_connections += 1;
            return Err(PROTECTED_MODE);
        }
        let id = state.next_client_id;
        state.next_client_id += 1;
        if state.config.logging.loglevel.includes_verbose() {
            state.effects.log(Level::Verbose, format!("Accepted {}", origin.remote));
        }
        let now_us = state.now.mono_us;
        let acl = &state.acl;
        let handle = state.sessions.insert(|handle| {
            let mut session = Session::new(handle, id, origin, now_us);
            acl.greet(&mut session);
            session
        });
        state.account(handle);
        Ok(handle)
    }

    /// The connection is gone: nothing more can be sent or will be received.
    pub fn disconnect(&mut self, id: SessionId) {
        if self.hooks.planted(Bug::ServesTheDead) {
            self.keep_ghost(id);
        }
        let Some(mut session) = self.state.sessions.remove(id) else { return };
        if self.state.config.logging.loglevel.includes_verbose() && session.closing == Closing::Open {
            let client = self.state.client_line(&session);
            self.state.effects.log(Level::Verbose, format!("Client closed connection {client}"));
        }
        Self::release(&mut self.held, &mut session);
        self.forget_wait(&mut session);
        self.state.unsubscribe_from_all(&mut session);
        self.state.untrack(&mut session);
        self.state.stop_monitoring(&mut session);
        self.state.watchers.forget(&mut session);
        self.state.pause.forget(&session);
        self.state.client_memory.forget(&mut session);
        self.state.pool.give(session.pending);
    }

    /// Where this session's next bytes belong.
    pub fn read_into(&mut self, id: SessionId) -> ReadInto<'_> {
        match self.state.sessions.get_mut(id) {
            Some(s) if s.closing != Closing::Open => ReadInto::Nothing,
            Some(s) if s.runnable => ReadInto::Later,
            Some(s) if s.long.is_some() => ReadInto::Long,
            Some(s) if s.pending.is_empty() => ReadInto::Arena,
            Some(s) => ReadInto::Pending(&mut s.pending),
            None => ReadInto::Nothing,
        }
    }

    /// Takes bytes where [`Engine::read_into`] has said [`ReadInto::Long`].
    pub fn receive(&mut self, id: SessionId, bytes: &[u8]) {
        let Some(session) = self.state.sessions.get_mut(id) else { return };
        let rest = session.long.as_mut().map_or(bytes, |long| long.take(bytes));
        session.pending.extend_from_slice(rest);
    }

    /// How many bytes a session is owed in all.
    pub fn owed(&self, id: SessionId) -> usize {
        self.state.sessions.get(id).map_or(0, |s| s.output.len())
    }

    /// How many bytes of that, from the first on, tell nothing of the data set: they need not wait until it is durable.
    pub fn owed_blindly(&self, id: SessionId) -> usize {
        self.state.sessions.get(id).map_or(0, |s| s.output.blind())
    }

    /// What a session is owed, for the node to send.
    pub fn unsent(&self, id: SessionId) -> &[u8] {
        self.state.sessions.get(id).map_or(&[], |s| s.output.unsent())
    }

    /// The first `n` bytes of [`Engine::unsent`] have been sent.
    pub fn sent(&mut self, id: SessionId, n: usize) {
        let Some(session) = self.state.sessions.get_mut(id) else { return };
        self.state.stats.net_output_bytes += n as u64;
        self.state.stats.writes_processed += 1;
        // One who is still taking a long reply is not idle.
        session.active_us = self.state.now.mono_us;
        session.room.reply_peak = session.room.reply_peak.max(session.output.len().min(session.room.reply));
        session.output.advance(n);
        session.output.release(&mut self.state.pool);
        self.state.client_memory.account(session);
        if session.stalled && session.output.len() < session.high_water() / 2 {
            self.runnable.push(session);
        }
        if session.over_soft_limit_since_us.is_some() {
            self.state.check_output_limit(id);
        }
    }

    /// Whether and when this session's connection is to end. `Now` for one that does not exist.
    pub fn closing(&self, id: SessionId) -> Closing {
        self.state.sessions.get(id).map_or(Closing::Now, |s| s.closing)
    }

    /// The peer has ended its sending side: what it has sent is still executed and answered, then the connection ends.
    pub fn end_of_input(&mut self, id: SessionId) {
        let Some(session) = self.state.sessions.get_mut(id) else { return };
        session.input_ended = true;
        if !session.runnable && !session.stalled {
            Self::end(&mut self.state.effects, session);
        }
    }

    /// Lets a session go once its replies are out.
    pub(crate) fn end(effects: &mut Effects, session: &mut Session) {
        if session.closing == Closing::Open {
            session.closing = Closing::AfterReplies;
        }
        effects.attend(session);
    }

    /// True when there are bytes left to execute, or clients to serve, without waiting for any readiness.
    #[inline]
    pub fn is_runnable(&self) -> bool {
        !self.runnable.is_empty() || self.state.waiters.are_due()
    }

    /// What is to be done outside. The node drains it after every round and tick.
    pub fn effects(&mut self) -> &mut Effects {
        &mut self.state.effects
    }

    /// The state, to look at.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The configuration, to look at.
    pub fn config(&self) -> &Config {
        &self.state.config
    }

    /// The hooks that the engine was made with.
    pub fn hooks(&self) -> &H {
        &self.hooks
    }

    /// Says how many ticks a turn of the loop took, the waiting apart.
    #[inline]
    pub fn record_cycle(&mut self, ticks: u64) {
        self.state.stats.count_cycle(ticks);
    }

    /// Keys that effects had detached are being freed; the caller says when they are.
    pub fn freeing(&mut self, keys: u64) {
        self.state.stats.lazyfree_pending += keys;
    }

    /// They are freed.
    pub fn freed(&mut self, keys: u64) {
        let stats = &mut self.state.stats;
        stats.lazyfree_pending = stats.lazyfree_pending.saturating_sub(keys);
        stats.lazyfreed += keys;
    }

    /// Says how long a round took, in microseconds of CPU.
    pub fn record_round(&mut self, cpu_us: u64) {
        let stats = &mut self.state.stats;
        stats.rounds += 1;
        stats.longest_round_us = stats.longest_round_us.max(cpu_us);
    }

    /// Everything that `now` decides is decided by this moment from here on.
    pub fn advance_to(&mut self, now: Now) {
        self.state.set_now(now);
    }

    /// Takes the list of sessions that have something to send or are to be closed. Give it back with
    /// [`Engine::recycle_attended`] to keep its capacity.
    pub fn take_attended(&mut self) -> Vec<SessionId> {
        let attended = std::mem::take(&mut self.state.effects.attend);
        for id in &attended {
            if let Some(session) = self.state.sessions.get_mut(*id) {
                session.attended = false;
            }
        }
        attended
    }

    /// See [`Engine::take_attended`].
    pub fn recycle_attended(&mut self, mut list: Vec<SessionId>) {
        if self.state.effects.attend.is_empty() {
            list.clear();
            self.state.effects.attend = list;
        }
    }
}

/// A name that nothing else has: 40 hex digits of chance.
pub(crate) fn new_id(hooks: &(impl Hooks + ?Sized)) -> String {
    (0..5).map(|_| format!("{:08x}", hooks.entropy() as u32)).collect()
}

/// What a client from elsewhere is told while protected mode keeps it out.
const PROTECTED_MODE: &[u8] = b"-DENIED Refrain is running in protected mode because protected mode is enabled and no password \
is set for the default user. In this mode connections are only accepted from the loopback interface. To connect from other \
computers, either set a password for the default user (requirepass), or disable protected mode with 'CONFIG SET \
protected-mode no' from the loopback interface or with '--protected-mode no' at start, after making sure that the server is \
not reachable from the Internet.\r\n";
