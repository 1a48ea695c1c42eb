//! When a snapshot or a rewrite is due: save points, growth of the append-only file, and what had to wait for another.

use super::{Ask, Persistence, Purpose};
use crate::effects::Level;
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::state::State;

/// After a background save has failed the next waits for longer than this, unless a client asks for it.
const RETRY_US: u64 = 5_000_000;

/// Rewrites that have failed one after the other before the next has to wait.
const REWRITE_FAILURES_MAX: u64 = 3;

/// The longest that one has to wait.
const REWRITE_DELAY_MAX_MINUTES: u64 = 60;

/// Holds rewrites back that have failed again and again: a minute at first, twice as long each time, up to an hour.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RewriteLimit {
    delay_minutes: u64,
    /// Monotonic microseconds.
    until_us: Option<u64>,
}

/// How a wish for a background snapshot fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is under way.
    Now,
    /// It will be when what is under way has ended.
    Later,
}

impl Persistence {
    fn may_retry_save(&self, now_us: u64) -> bool {
        !self.last_save_failed || self.last_try_us.is_none_or(|tried| now_us.saturating_sub(tried) > RETRY_US)
    }
}

impl State {
    /// Begins a background save. Nothing may be under way.
    pub(crate) fn begin_save(&mut self) {
        let State { persistence, effects, now, dirty, .. } = self;
        let was_scheduled = std::mem::take(&mut persistence.save_is_scheduled);
        let is_for_flush = std::mem::take(&mut persistence.is_scheduled_for_flush) && was_scheduled;
        persistence.note_beginning(Purpose::Save, true, *now, *dirty);
        if let Some(saving) = &mut persistence.saving {
            saving.is_for_flush = is_for_flush;
        }
        persistence.last_try_us = Some(now.mono_us);
        persistence.saves += 1;
        effects.log(Level::Notice, "Background saving started");
        effects.asks.push(Ask::Snapshot);
    }

    /// Begins a rewrite of the append-only file. Nothing may be under way but what FLUSHALL has begun, behind which the node takes it.
    pub(crate) fn begin_rewrite(&mut self) {
        let State { persistence, effects, now, dirty, .. } = self;
        persistence.rewrite_is_scheduled = false;
        persistence.note_beginning(Purpose::Rewrite, true, *now, *dirty);
        persistence.rewrites += 1;
        effects.log(Level::Notice, "Background append only file rewriting started");
        effects.asks.push(Ask::Rewrite);
    }

    /// A client wants a background save: now, or when what is under way has ended.
    pub(crate) fn wish_save(&mut self, in_exec: bool) -> Begun {
        let persistence = &mut self.persistence;
        if persistence.is_busy_for_clients() || in_exec {
            (persistence.save_is_scheduled, persistence.is_scheduled_for_flush) = (true, false);
            return Begun::Later;
        }
        if persistence.saving.is_some() {
            // It holds less than is asked for. The next begins when it has stopped, and is as good as begun.
            (persistence.save_is_scheduled, persistence.is_scheduled_for_flush) = (true, false);
            self.cancel(Purpose::Save);
            return Begun::Now;
        }
        self.begin_save();
        Begun::Now
    }

    /// A client wants a rewrite, however many have failed.
    pub(crate) fn wish_rewrite(&mut self, in_exec: bool) -> Begun {
        if self.persistence.is_busy_for_clients() || in_exec {
            self.persistence.rewrite_is_scheduled = true;
            self.persistence.rewrite_failures = 0;
            return Begun::Later;
        }
        self.begin_rewrite();
        Begun::Now
    }

    /// Whether nothing stands in the way of a snapshot in the background.
    fn may_begin(&self) -> bool {
        let persistence = &self.persistence;
        !persistence.is_busy() && persistence.loading.is_none() && persistence.standing.is_none()
    }

    /// Begins what had to wait, if it need not wait any longer.
    pub(crate) fn begin_what_is_scheduled(&mut self) {
        self.begin_scheduled_rewrite();
        self.begin_scheduled_save();
    }

    fn begin_scheduled_rewrite(&mut self) {
        if self.persistence.rewrite_is_due() && self.may_begin() && !self.is_rewrite_limited() {
            self.begin_rewrite();
        }
    }

    fn begin_scheduled_save(&mut self) {
        let may_retry = self.persistence.may_retry_save(self.now.mono_us);
        if self.persistence.save_is_scheduled && self.may_begin() && may_retry {
            self.begin_save();
        }
    }

    /// Whether rewrites have failed so often that the next has to wait.
    pub(super) fn is_rewrite_limited(&mut self) -> bool {
        let State { persistence, effects, now, .. } = self;
        let limit = &mut persistence.rewrite_limit;
        if persistence.rewrite_failures < REWRITE_FAILURES_MAX {
            *limit = RewriteLimit::default();
            return false;
        }
        if let Some(until_us) = limit.until_us {
            if now.mono_us < until_us {
                return true;
            }
            limit.until_us = None;
            return false;
        }
        limit.delay_minutes = (limit.delay_minutes * 2).clamp(1, REWRITE_DELAY_MAX_MINUTES);
        limit.until_us = Some(now.mono_us.saturating_add(limit.delay_minutes * 60_000_000));
        let text = format!(
            "Background AOF rewrite has repeatedly failed and triggered the limit, will retry in {} minutes",
            limit.delay_minutes
        );
        effects.log(Level::Warning, text);
        true
    }

    /// Begins a background save if one of the save points has been reached.
    fn save_if_due(&mut self) {
        let State { persistence, config, effects, now, dirty, .. } = self;
        let changes = persistence.unsaved_changes(*dirty);
        let since_us = now.mono_us.saturating_sub(persistence.last_save_us);
        let mut points = config.persistence.save.points.iter();
        let due = points.find(|point| changes >= point.changes && since_us > point.seconds.saturating_mul(1_000_000));
        if let Some(point) = due
            && persistence.may_retry_save(now.mono_us)
        {
            effects.log(Level::Notice, format!("{} changes in {} seconds. Saving...", point.changes, point.seconds));
            self.begin_save();
        } else if due.is_none() && persistence.refuses_for_snapshots() && persistence.may_retry_save(now.mono_us) {
            // Nothing can change while writes are refused, so that no save point would ever be reached.
            effects.log(Level::Notice, "Writes are refused because the last background saving failed. Saving again...");
            self.begin_save();
        }
    }

    /// Begins a rewrite if the append-only file has grown enough since the last.
    fn rewrite_if_grown(&mut self) {
        let (aof, config) = (&self.persistence.aof, &self.config.persistence);
        let percentage = u128::try_from(config.auto_aof_rewrite_percentage).expect("its range is not negative");
        let is_candidate =
            aof.enabled && !aof.awaits_base && percentage > 0 && aof.current_size > config.auto_aof_rewrite_min_size;
        if !is_candidate {
            return;
        }
        let of_base = u128::from(aof.current_size) * 100 / u128::from(aof.base_size.max(1));
        let growth = of_base.saturating_sub(100);
        if of_base >= 100 && growth >= percentage && !self.is_rewrite_limited() {
            self.effects.log(Level::Notice, format!("Starting automatic rewriting of AOF on {growth}% growth"));
            self.begin_rewrite();
        }
    }

    /// Turns the append-only file on or off, if that is what the configuration now says. The node carries out the rest.
    pub(crate) fn follow_appendonly(&mut self, in_exec: bool) {
        let wants = self.config.persistence.appendonly;
        if wants == self.persistence.wants_aof {
            return;
        }
        self.persistence.wants_aof = wants;
        if !wants {
            self.persistence.rewrite_is_scheduled = false;
            self.cancel(Purpose::Rewrite);
            return;
        }
        const SCHEDULED: &str = "An AOF background was scheduled to start when possible.";
        if in_exec {
            self.effects.log(Level::Notice, format!("AOF was enabled during a transaction. {SCHEDULED}"));
        } else if self.persistence.is_saving_for_clients() {
            let why = "AOF was enabled but there is already another background operation.";
            self.effects.log(Level::Notice, format!("{why} {SCHEDULED}"));
        } else if self.persistence.rewriting.is_some() {
            // It began without a file to continue, so it can't become the beginning of one.
            let text = "AOF was enabled but there is already an AOF rewriting in background. Stopping background AOF and \
                        starting a rewrite now.";
            self.effects.log(Level::Notice, text);
            self.cancel(Purpose::Rewrite);
        }
        self.wish_rewrite(in_exec);
    }

    /// Asks for the end of what is under way in the background. True if there is anything.
    pub(crate) fn cancel(&mut self, purpose: Purpose) -> bool {
        let persistence = &mut self.persistence;
        let under_way = match purpose {
            Purpose::Save => &mut persistence.saving,
            Purpose::Rewrite => &mut persistence.rewriting,
        };
        let Some(under_way) = under_way.as_mut().filter(|under_way| under_way.in_background) else { return false };
        if !under_way.is_cancelled {
            under_way.is_cancelled = true;
            self.effects.asks.push(Ask::Cancel(purpose));
            if purpose == Purpose::Rewrite {
                self.effects.log(Level::Notice, "Killing AOF child");
            }
        }
        true
    }
}

impl<H: Hooks> Engine<H> {
    /// Begins what is due, at every round of periodic work: of several the first, in Redis's order.
    pub(crate) fn look_after_files(&mut self) {
        let state = &mut self.state;
        state.begin_scheduled_rewrite();
        if state.may_begin() {
            state.save_if_due();
        }
        if state.may_begin() {
            state.rewrite_if_grown();
        }
        state.begin_scheduled_save();
    }
}
