//! The engine's state: everything that commands read and change, the executing session apart.
//!
//! Keys are reached through the lookups of [`crate::lookups`], which keep the one rule of expiry. Every change of a key goes through
//! [`State::modified`], so that whoever watches it learns of it.

use std::collections::BTreeSet;

use refrain_data::{HashSeed, Keyspace, ListLimits};

use crate::acl::Acl;
use crate::blocked::Waiters;
use crate::call::Key;
use crate::client_buffers::{BufferPolicy, RecentPeaks};
use crate::client_memory::ClientMemory;
use crate::clock::Now;
use crate::commands::shutdown::ShutdownSignal;
use crate::config::{Config, Parameter};
use crate::effects::{Effects, Level};
use crate::libraries::Libraries;
use crate::monitor::Monitors;
use crate::notify::NotifyClass;
use crate::observer::Observer;
use crate::output::BufferPool;
use crate::pause::Pause;
use crate::persistence::Persistence;
use crate::pubsub::PubSub;
use crate::push::Executing;
use crate::sessions::Sessions;
use crate::stats::Stats;
use crate::table::Table;
use crate::tracking::Tracking;
use crate::usage::Usage;
use crate::watch::Watchers;

/// State of one engine.
pub struct State {
    /// All keys.
    pub keyspace: Keyspace,
    /// Libraries of functions.
    pub libraries: Libraries,
    /// All sessions but the one that executes.
    pub sessions: Sessions,
    /// Parameters.
    pub config: Config,
    /// Counters.
    pub stats: Stats,
    /// What is written down of commands.
    pub observer: Observer,
    /// What is to be done outside.
    pub effects: Effects,
    /// Who watches which keys.
    pub watchers: Watchers,
    /// Who waits for which keys.
    pub waiters: Waiters,
    /// Users, and what they may do.
    pub acl: Acl,
    /// Who subscribes to what.
    pub pubsub: PubSub,
    /// Who is told which keys have changed.
    pub tracking: Tracking,
    /// Clients that are shown all commands.
    pub(crate) monitors: Monitors,
    /// The table of commands.
    pub table: Table,
    /// The moment at which the current command executes. The same for all commands of a transaction.
    pub now: Now,
    /// The moment by which deadlines are judged: `now` in unix milliseconds, divided once and not at every key, or none yet.
    now_ms: u64,
    /// How keys remember that they were used.
    pub(crate) usage: Usage,
    /// The moment at which the engine was made.
    pub started: Now,
    /// Changes of the data set so far; a command that raises it is propagated.
    pub dirty: u64,
    /// `DEBUG SET-SKIP-CHECKSUM-VALIDATION`: payloads are restored whatever their checksum is.
    pub(crate) skips_checksums: bool,
    /// `DEBUG QUICKLIST-PACKED-THRESHOLD`: from which length on an element of a large list stands alone.
    pub(crate) list_alone_from: usize,
    /// There has been a consumer of a stream since everything was last dropped: what a snapshot has to hold may need a newer format.
    pub(crate) has_had_consumers: bool,
    /// There has been a stream that remembers producers, for which the same holds.
    pub(crate) has_had_producers: bool,
    /// Units of work beyond one a command since the round or turn began. See [`crate::heavy`].
    pub extra_work: u64,
    /// How often a client was found to be heavy that was not known to be.
    pub found_heavy: u64,
    /// The id that the next client gets.
    pub next_client_id: u64,
    /// Identifies this run of this server, 40 hex digits.
    pub run_id: String,
    /// Names the history of writes that replicas would share, 40 hex digits.
    pub replication_id: String,
    /// Bytes that everything took before there were keys or clients.
    pub startup_memory: u64,
    /// Whether expired keys are removed before anybody asks for them (`DEBUG SET-ACTIVE-EXPIRE`).
    pub active_expire: bool,
    /// How many [`crate::Hooks::ticks`] make a second.
    pub ticks_per_second: u64,
    /// Classes of events that are published, derived from `notify-keyspace-events`.
    pub(crate) notified: NotifyClass,
    /// What is held back by CLIENT PAUSE, and who waits.
    pub pause: Pause,
    /// Whether reads by the client that executes count as uses of the keys.
    pub(crate) touches: bool,
    /// What is known of files.
    pub persistence: Persistence,
    /// What DEBUG says about buffers.
    pub buffer_policy: BufferPolicy,
    /// What clients take in all.
    pub client_memory: ClientMemory,
    /// The largest buffers of clients in the last seconds.
    pub recent_peaks: RecentPeaks,
    /// `DEBUG PAUSE-CRON`: periodic work rests.
    pub periodic_work_rests: bool,
    /// Somebody may want to hear of what happens to keys.
    pub(crate) heard: bool,
    /// Somebody is shown commands, or what they read is remembered.
    pub(crate) has_onlookers: bool,
    /// Something is to follow the reply of the command that executes.
    pub(crate) after_reply: bool,
    /// The channel of an event that is on its way; kept for its capacity.
    pub(crate) event_channel: Vec<u8>,
    /// Whose command executes; `None` between commands and in periodic work.
    pub executing: Option<Executing>,
    /// Messages to the client that executes: they follow its reply.
    pub(crate) own_pushes: Vec<u8>,
    /// Empty buffers for output and pending input.
    pub(crate) pool: BufferPool,
    /// Unsent bytes from which a session's output limits are looked at.
    pub(crate) output_check_from: usize,
    /// A test wants output limits not to be enforced.
    pub(crate) no_output_limit: bool,
    /// Parameters of which it was said that nothing obeys them.
    warned: BTreeSet<&'static str>,
    /// A signal has asked for an end, which has not begun.
    pub(crate) scheduled_shutdown: Option<ShutdownSignal>,
    /// A test wants expired keys to be served.
    pub(crate) serve_expired: bool,
    /// A test wants fields whose deadline has come to be served.
    pub(crate) serve_expired_fields: bool,
    /// A test wants HSET to leave deadlines of fields as they are.
    pub(crate) hset_keeps_deadlines: bool,
    /// A test wants periodic work to remove a field more than is due.
    pub(crate) expiry_takes_a_neighbour: bool,
    /// A test wants subscribers by pattern to get messages twice.
    pub(crate) pattern_message_twice: bool,
    /// A test wants a message to be lost now and then.
    pub(crate) message_lost: bool,
}

impl State {
    /// An empty data set.
    pub fn new(config: Config, seed: HashSeed, ids: [String; 2], now: Now, ticks_per_second: u64) -> State {
        let [run_id, replication_id] = ids;
        let databases = usize::try_from(config.memory.databases).expect("the range of `databases` is checked");
        let table = config.start.table().expect("each renaming was tried when it was read");
        let ticks_per_second = ticks_per_second.max(1);
        let mut observer = Observer::new(table.len(), ticks_per_second);
        observer.configure(&config);
        State {
            keyspace: Keyspace::new(databases, 1, seed),
            libraries: Libraries::default(),
            sessions: Sessions::default(),
            stats: Stats::default(),
            observer,
            effects: Effects::default(),
            watchers: Watchers::new(databases),
            waiters: Waiters::new(databases),
            acl: Acl::new(&table),
            pubsub: PubSub::default(),
            tracking: Tracking::default(),
            monitors: Monitors::default(),
            table,
            now,
            now_ms: now.unix_ms(),
            usage: Usage::new(&config, &now, seed.0[0]),
            started: now,
            dirty: 0,
            skips_checksums: false,
            list_alone_from: ListLimits::ALONE_FROM,
            has_had_consumers: false,
            has_had_producers: false,
            extra_work: 0,
            found_heavy: 0,
            next_client_id: 1,
            run_id,
            replication_id,
            startup_memory: 0,
            active_expire: true,
            ticks_per_second,
            notified: NotifyClass::NONE,
            pause: Pause::default(),
            touches: true,
            persistence: Persistence::new(now, config.persistence.appendonly),
            buffer_policy: BufferPolicy::default(),
            client_memory: ClientMemory::default(),
            recent_peaks: RecentPeaks::default(),
            periodic_work_rests: false,
            heard: false,
            has_onlookers: false,
            after_reply: false,
            event_channel: Vec::new(),
            executing: None,
            own_pushes: Vec::new(),
            pool: BufferPool::default(),
            output_check_from: usize::MAX,
            no_output_limit: false,
            warned: BTreeSet::new(),
            scheduled_shutdown: None,
            serve_expired: false,
            serve_expired_fields: false,
            hset_keeps_deadlines: false,
            expiry_takes_a_neighbour: false,
            pattern_message_twice: false,
            message_lost: false,
            config,
        }
    }

    /// Says of a parameter that nothing obeys it, the first time that it asks for something.
    pub(crate) fn warn_of_parameter(&mut self, parameter: &'static Parameter) {
        if let Some(text) = parameter.warning(&self.config)
            && self.warned.insert(parameter.name)
        {
            self.effects.log(Level::Warning, text);
        }
    }

    /// Rounds of periodic work a second, now.
    pub fn hz(&self) -> u64 {
        self.config.rounds_per_second(self.sessions.len())
    }

    /// From here on it is this moment.
    #[inline]
    pub fn set_now(&mut self, now: Now) {
        // While a data set is loaded no deadline comes.
        (self.now, self.now_ms) = (now, if self.persistence.is_loading() { 0 } else { now.unix_ms() });
        self.usage.set_now(&now);
    }

    /// The moment by which deadlines are judged, in unix milliseconds: one that is not later has come.
    #[inline]
    pub fn deadlines_ms(&self) -> u64 {
        self.now_ms
    }

    /// Says that a key was changed: counts it, breaks the watches on it, and tells whoever may have kept its value.
    #[inline]
    pub fn modified(&mut self, key: &Key<'_>) {
        self.dirty += 1;
        self.also_modified(key);
    }

    /// Says that what was changed is no value that anybody reads, such as how far a group has come on a stream: it is counted, and as
    /// with Redis neither breaks watches nor wakes whoever waits for the key.
    #[inline]
    pub fn modified_aside(&mut self) {
        self.dirty += 1;
    }

    /// Lets those who wait for a key look at it again, for another reason than that it has changed.
    pub(crate) fn look_again(&mut self, key: &Key<'_>) {
        if !self.waiters.is_empty() {
            self.waiters.key_changed(key);
        }
    }

    /// As [`State::modified`], for another key of a change that is counted once.
    #[inline]
    pub fn also_modified(&mut self, key: &Key<'_>) {
        if !self.watchers.is_empty() | !self.waiters.is_empty() | self.heard {
            self.tell_of_change(key);
        }
    }

    #[cold]
    fn tell_of_change(&mut self, key: &Key<'_>) {
        self.watchers.break_on(&mut self.sessions, &mut self.client_memory, key.db, key.name);
        self.waiters.key_changed(key);
        self.invalidate(key, self.executing.map(|e| e.session));
    }

    /// Breaks all watches on a key that was changed by no command.
    pub(crate) fn break_watches_on(&mut self, key: &Key<'_>) {
        if !self.watchers.is_empty() {
            self.watchers.break_on(&mut self.sessions, &mut self.client_memory, key.db, key.name);
        }
    }

    /// Derives from what is configured and who tracks the flags by which hot paths go.
    pub(crate) fn listeners_changed(&mut self) {
        let classes = self.config.monitoring.notify_keyspace_events;
        // Without a form in which to publish there is nothing to publish.
        let published = classes.intersects(NotifyClass::KEYSPACE.with(NotifyClass::KEYEVENT));
        self.notified = if published { classes } else { NotifyClass::NONE };
        self.heard = !self.notified.is_empty() || self.tracking.is_active();
        self.has_onlookers = self.tracking.is_remembering() || !self.monitors.is_empty();
    }

    /// Whether the value would be refused for its length.
    pub fn string_fits(&self, len: usize) -> bool {
        len as u64 <= self.config.limits.proto_max_bulk_len
    }

    /// Bytes that the data set and the clients take, by their structure: the same in every world.
    pub fn used_memory(&self) -> u64 {
        let rest = self.keyspace.memory() + self.pubsub.memory() + self.tracking.memory() + self.observer.memory();
        (rest + self.libraries.memory() + self.client_memory.total()) as u64
    }
}
