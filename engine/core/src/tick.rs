//! Periodic work: active expiry, idle clients, output limits, statistics. Every part is bounded in units of work, not in
//! time, so that it costs the same in both worlds and no tick is a pause.

use crate::client_buffers::Fitted;
use crate::effects::Level;
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::session::Closing;
use crate::state::State;

/// Slots looked at for expiry in one ordinary tick, per step of `active-expire-effort`.
const EXPIRE_UNITS: u64 = 4096;

/// Units of work for forgetting records of producers in one tick: about as many records as that by four.
const RECORD_UNITS: u64 = 4096;

/// Sessions looked at in one tick, unless there are so many that each would be looked at less than once a second.
const SESSIONS_PER_TICK: usize = 256;

/// Units of expiry that make one unit of logical work (a command's).
const EXPIRE_UNITS_PER_WORK: u64 = 64;

/// Keys that the table of client-side caching gives up at once when its limit has been lowered.
const TRACKED_KEYS_GIVEN_UP: usize = 1000;

/// What periodic work remembers.
#[derive(Debug, Default)]
pub(crate) struct TickState {
    next_session: usize,
    /// Keys that have expired may be left: the next tick comes soon.
    pub behind: bool,
    last_sample_us: u64,
    last_overview_us: u64,
}

impl<H: Hooks> Engine<H> {
    /// Does a slice of the periodic work. Returns the microseconds after which it wants to be called again.
    pub fn tick(&mut self) -> u64 {
        let began = self.hooks.ticks();
        self.look_at_the_clock();
        if !self.state.periodic_work_rests {
            self.begin_scheduled_shutdown();
            self.periodic_work();
        }
        if self.state.waiters.are_due() {
            (self.state.extra_work, self.extra_max) = (0, self.round_extra());
            self.serve_waiters();
        }
        self.state.gather_graves();
        self.state.stats.cycles.periodic_ticks += self.hooks.ticks().saturating_sub(began);
        let period_us = 1_000_000 / self.state.hz();
        // Behind with expiry, ticks come fifty times as often, each still bounded: at most about a tenth of the time.
        let wanted_us = if self.tick.behind { period_us / 50 } else { period_us };
        match self.next_moment_us() {
            Some(moment_us) => wanted_us.min(moment_us.saturating_sub(self.state.now.mono_us)),
            None => wanted_us,
        }
    }

    /// It is now; what was to happen at moments that have come is begun.
    pub(crate) fn look_at_the_clock(&mut self) {
        self.state.set_now(self.hooks.now());
        self.end_pause_if_due();
        self.wake_held();
        self.end_overdue_waits();
    }

    /// Microseconds of monotonic time at which somebody is to be released who waits: a round or a tick is due then, whether or
    /// not anything has arrived.
    pub fn next_moment_us(&self) -> Option<u64> {
        [self.state.pause.until_us(), self.held.next_moment_us(), self.state.waiters.next_moment_us()]
            .into_iter()
            .flatten()
            .min()
    }

    fn periodic_work(&mut self) {
        self.apply_configuration();
        self.tick.behind = false;
        self.expire();
        self.forget_records();
        self.look_after_files();
        self.visit_sessions();
        self.state.pool.age();
        self.sample();
        self.log_overview();
    }

    /// What is derived from parameters, so that hot paths compare with one number.
    pub(crate) fn apply_configuration(&mut self) {
        self.state.apply_output_limits();
        self.state.apply_client_memory_limit();
        self.state.usage.configure(&self.state.config, &self.state.now);
        self.state.observer.configure(&self.state.config);
        self.state.listeners_changed();
        self.state.judge_disk();
        self.state.limit_tracking(TRACKED_KEYS_GIVEN_UP, || self.hooks.entropy());
    }

    fn expire(&mut self) {
        if !self.state.active_expire {
            return;
        }
        let effort = u64::try_from(self.state.config.memory.active_expire_effort).expect("its range is 1 to 10");
        let began = self.hooks.ticks();
        let (used_for_keys, keys_behind) = self.state.expire(EXPIRE_UNITS * effort);
        let (used_for_fields, fields_behind) = self.state.expire_fields(EXPIRE_UNITS * effort);
        let (used, behind) = (used_for_keys + used_for_fields, keys_behind || fields_behind);
        self.state.send_gathered_invalidations();
        self.tick.behind |= behind;
        self.hooks.work(used / EXPIRE_UNITS_PER_WORK);
        let State { observer, stats, config, now, .. } = &mut self.state;
        let us = observer.micros(self.hooks.ticks().saturating_sub(began));
        stats.expire_cycle_us += us;
        stats.expire_cycles_cut_short += u64::from(behind);
        observer.spike(config, "expire-cycle", us, now.unix_s());
    }

    /// Forgets what streams have remembered of producers for as long as they should.
    fn forget_records(&mut self) {
        let (used, behind) = self.state.forget_records(RECORD_UNITS);
        self.tick.behind |= behind;
        self.hooks.work(used / EXPIRE_UNITS_PER_WORK);
    }

    /// Closes idle clients and those that have exceeded a soft limit for too long, some sessions a tick.
    fn visit_sessions(&mut self) {
        let slots = self.state.sessions.slots();
        let timeout_us =
            u64::try_from(self.state.config.limits.timeout).expect("its range is not negative") * 1_000_000;
        // Each of them about once a second, however many there are.
        let every = slots / usize::try_from(self.state.hz()).expect("hz is small");
        for _ in 0..slots.min(SESSIONS_PER_TICK.max(every)) {
            self.tick.next_session = (self.tick.next_session + 1) % slots;
            let now_us = self.state.now.mono_us;
            let slot = self.tick.next_session;
            let state = &mut self.state;
            let Some(session) = state.sessions.at_slot_mut(slot) else { continue };
            let idle = now_us.saturating_sub(session.active_us);
            if timeout_us > 0 && idle > timeout_us && session.may_time_out() {
                session.closing = Closing::Now;
                let text = format!("Closing idle client: id={} addr={}", session.id, session.origin.remote);
                state.effects.attend(session);
                state.effects.log(Level::Verbose, text);
                continue;
            }
            match session.fit_buffers(&state.buffer_policy, now_us) {
                Fitted::Unchanged => {}
                Fitted::Shrunk => state.stats.reply_buffer_shrinks += 1,
                Fitted::Expanded => state.stats.reply_buffer_expands += 1,
            }
            state.client_memory.account(session);
            let long = session.long.as_ref().map_or(0, |long| long.memory());
            let input = session.pending.capacity() + session.parser.arguments_len() + long;
            state.recent_peaks.see(now_us, input, session.output_figures().beyond_buffer);
            if session.output.len() > state.output_check_from {
                let id = session.handle;
                state.check_output_limit(id);
            }
        }
    }

    /// A line for each database that holds something, and one of the clients, for a log that wants to know so much.
    fn log_overview(&mut self) {
        const EVERY_US: u64 = 5_000_000;
        let state = &mut self.state;
        let (level, now_us) = (state.config.logging.loglevel, state.now.mono_us);
        if !level.includes_verbose() || now_us.saturating_sub(self.tick.last_overview_us) < EVERY_US {
            return;
        }
        self.tick.last_overview_us = now_us;
        for number in 0..state.keyspace.len() {
            let database = state.keyspace.db(number);
            let (keys, volatile, slots) = (database.len(), database.volatile_len(), database.slots());
            if keys > 0 {
                let text = format!("DB {number}: {keys} keys ({volatile} volatile) in {slots} slots HT.");
                state.effects.log(Level::Verbose, text);
            }
        }
        let (clients, memory) = (state.sessions.len(), state.used_memory());
        state.effects.log(Level::Debug, format!("{clients} clients connected (0 replicas), {memory} bytes in use"));
    }

    fn sample(&mut self) {
        const SAMPLE_EVERY_US: u64 = 100_000;
        let state = &mut self.state;
        let now_us = state.now.mono_us;
        if now_us.saturating_sub(self.tick.last_sample_us) < SAMPLE_EVERY_US {
            return;
        }
        self.tick.last_sample_us = now_us;
        let stats = &state.stats;
        let totals = [
            stats.commands_processed,
            stats.net_input_bytes,
            stats.net_output_bytes,
            stats.cycles.count,
            stats.cycles.ticks,
        ];
        state.stats.rates.sample(now_us, totals);
        state.stats.peak_memory = state.stats.peak_memory.max(state.used_memory());
    }
}
