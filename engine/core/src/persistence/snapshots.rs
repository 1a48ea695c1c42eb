//! Snapshots and rewrites from their beginning to their end, as the node reports them.

use super::{AofReport, Persistence, Progress, Purpose, UnderWay};
use crate::blocked::Block;
use crate::call::Call;
use crate::clock::Now;
use crate::effects::{Effects, Level};
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::state::State;

impl Persistence {
    /// Notes that a snapshot has begun, or is about to.
    pub(super) fn note_beginning(&mut self, purpose: Purpose, in_background: bool, now: Now, dirty: u64) {
        let under_way =
            UnderWay { in_background, began_us: now.mono_us, dirty, is_cancelled: false, is_for_flush: false };
        self.progress = Progress::default();
        match purpose {
            Purpose::Save => self.saving = Some(under_way),
            Purpose::Rewrite => self.rewriting = Some(under_way),
        }
    }

    fn saved(&mut self, dirty: u64, now: Now) {
        // What was flushed since has been excused already.
        self.saved_dirty = self.saved_dirty.max(dirty);
        (self.last_save_unix_s, self.last_save_us) = (now.unix_s(), now.mono_us);
        self.last_save_failed = false;
    }

    /// Changes that the last snapshot does not hold.
    pub(super) fn unsaved_changes(&self, dirty: u64) -> u64 {
        dirty.saturating_sub(self.saved_dirty)
    }

    /// Whether there is no append-only file though there should be, or one that takes nothing more, or that counts for nothing before a
    /// rewrite has made a base for it.
    pub(crate) fn lacks_base(&self) -> bool {
        self.wants_aof && (!self.aof.enabled || self.aof.awaits_base || self.aof.closing)
    }

    /// Whether there is no base, but one is being written or will be as soon as it may. Where that has failed, who wants to end is not
    /// kept until a disk is better.
    pub(crate) fn awaits_base(&self) -> bool {
        self.lacks_base() && (self.rewriting.is_some() || self.rewrite_failures == 0)
    }

    /// Whether a rewrite is to begin as soon as it may.
    pub(super) fn rewrite_is_due(&self) -> bool {
        self.rewrite_is_scheduled || (self.lacks_base() && self.rewriting.is_none())
    }

    fn save_ended(&mut self, outcome: Result<(), String>, now: Now, effects: &mut Effects) {
        let Some(UnderWay { in_background, began_us, dirty, is_for_flush, .. }) = self.saving.take() else { return };
        let excused = std::mem::take(&mut self.excused_changes);
        match outcome {
            Ok(()) => {
                effects.log(Level::Notice, "DB saved on disk");
                self.saved(dirty, now);
                if in_background {
                    effects.log(Level::Notice, "Background saving terminated with success");
                }
                // One that began before the data set was flushed holds what nobody wants any more.
                if self.saved_dirty > dirty {
                    self.excused_changes = excused;
                }
            }
            Err(why) => {
                let what = if in_background { "Background saving error" } else { "Error trying to save the DB" };
                effects.log(Level::Warning, format!("{what}: {why}"));
                self.saved_dirty -= excused;
                // Whoever has flushed has asked for no snapshot, and Redis refuses nothing for want of that one.
                self.last_save_failed |= in_background && !is_for_flush;
            }
        }
        if in_background {
            self.last_save_took_us = Some(now.mono_us.saturating_sub(began_us));
        }
    }

    fn rewrite_ended(&mut self, outcome: Result<(), String>, now: Now, effects: &mut Effects) {
        let Some(UnderWay { began_us, .. }) = self.rewriting.take() else { return };
        match outcome {
            Ok(()) => {
                effects.log(Level::Notice, "Background AOF rewrite terminated with success");
                effects.log(Level::Notice, "Background AOF rewrite finished successfully");
                (self.last_rewrite_failed, self.rewrite_failures) = (false, 0);
            }
            Err(why) => {
                effects.log(Level::Warning, format!("Background AOF rewrite terminated with error: {why}"));
                self.last_rewrite_failed = true;
                self.rewrite_failures += 1;
            }
        }
        self.last_rewrite_took_us = Some(now.mono_us.saturating_sub(began_us));
    }
}

impl State {
    /// The data set was emptied by a command. What a snapshot of before holds is wanted no more, and where snapshots are taken
    /// at all the file is to be empty, too, lest a restart brings everything back.
    pub(crate) fn data_set_was_flushed(&mut self) {
        if self.persistence.is_loading() {
            return;
        }
        self.cancel(Purpose::Save);
        if !self.config.persistence.save.points.is_empty() {
            let persistence = &mut self.persistence;
            persistence.excused_changes += self.dirty.saturating_sub(persistence.saved_dirty);
            persistence.saved_dirty = self.dirty;
            persistence.is_scheduled_for_flush = !persistence.save_is_scheduled || persistence.is_scheduled_for_flush;
            persistence.save_is_scheduled = true;
            self.begin_what_is_scheduled();
        }
    }
}

impl Call<'_> {
    /// Waits for the snapshot of the empty data set, if that is on its way and a start would load it: whoever is told of the flush
    /// finds nothing of before in any file, as in Redis, which writes it before it answers. False if there is nothing to wait for.
    pub(crate) fn awaits_empty_snapshot(&mut self) -> bool {
        let persistence = &self.state.persistence;
        let is_coming = match persistence.save_is_scheduled {
            true => persistence.is_busy(),
            false => persistence.saving.is_some_and(|saving| saving.is_for_flush),
        };
        if !is_coming || persistence.wants_aof || persistence.aof.enabled || !self.may_block() {
            return false;
        }
        self.state.persistence.flushing.push(self.session.handle);
        self.block(Block::for_node());
        true
    }
}

impl<H: Hooks> Engine<H> {
    /// Answers those who have flushed the data set: the file is there, or none is on its way any more. A snapshot that has failed is
    /// told of by the log and by INFO.
    fn answer_flushing(&mut self) {
        for client in std::mem::take(&mut self.state.persistence.flushing) {
            self.end_node_wait(client, Ok(()));
        }
    }

    /// The moment that a snapshot holds is now, and so many keys are to be written. One that was not asked for is taken while
    /// everything stands still, for a client that reloads or before the end.
    pub fn snapshot_began(&mut self, purpose: Purpose, keys_total: u64) {
        let State { persistence, now, dirty, .. } = &mut self.state;
        let known = match purpose {
            Purpose::Save => &mut persistence.saving,
            Purpose::Rewrite => &mut persistence.rewriting,
        };
        match known {
            Some(under_way) => under_way.dirty = *dirty,
            None => persistence.note_beginning(purpose, false, *now, *dirty),
        }
        persistence.progress = Progress { done: 0, total: keys_total };
    }

    /// So many keys of it are written.
    pub fn snapshot_progress(&mut self, keys_done: u64) {
        self.state.persistence.progress.done = keys_done;
    }

    /// It is written and durable under its name, or will not be, and why. What waited for it is asked for.
    pub fn snapshot_ended(&mut self, purpose: Purpose, outcome: Result<(), String>) {
        self.state.set_now(self.hooks.now());
        let State { persistence, effects, now, .. } = &mut self.state;
        // One whose end was asked for holds what there was before a flush, though it could not be stopped any more.
        let holds_the_last_flush = persistence.saving.is_some_and(|saving| !saving.is_cancelled);
        match purpose {
            Purpose::Save => persistence.save_ended(outcome, *now, effects),
            Purpose::Rewrite => persistence.rewrite_ended(outcome, *now, effects),
        }
        persistence.progress = Progress::default();
        self.state.judge_disk();
        self.state.begin_what_is_scheduled();
        if holds_the_last_flush && purpose == Purpose::Save || !self.state.persistence.is_busy() {
            self.answer_flushing();
        }
    }

    /// It was stopped because it was no longer wanted, which is no failure. What waited for it is asked for.
    pub fn snapshot_cancelled(&mut self, purpose: Purpose) {
        let State { persistence, effects, now, .. } = &mut self.state;
        let (known, what) = match purpose {
            Purpose::Save => (persistence.saving.take(), "Background saving cancelled"),
            Purpose::Rewrite => (persistence.rewriting.take(), "Background AOF rewrite cancelled"),
        };
        let Some(UnderWay { began_us, .. }) = known else { return };
        effects.log(Level::Warning, what);
        let took_us = Some(now.mono_us.saturating_sub(began_us));
        match purpose {
            Purpose::Save => persistence.last_save_took_us = took_us,
            Purpose::Rewrite => persistence.last_rewrite_took_us = took_us,
        }
        persistence.progress = Progress::default();
        self.state.begin_what_is_scheduled();
        if !self.state.persistence.is_busy() {
            self.answer_flushing();
        }
    }

    /// The append-only file is in a state from which only a rewrite leads out: one is begun as soon as it may be, however many
    /// have failed, for until then nothing is written.
    pub fn want_rewrite(&mut self) {
        if !self.state.persistence.is_busy() {
            self.state.begin_rewrite();
        }
    }

    /// Says how the append-only file fares; to be called whenever something of it has changed.
    pub fn aof_reported(&mut self, report: AofReport) {
        self.state.persistence.aof = report;
        self.state.judge_disk();
        self.release_durable();
    }
}
