//! While everything stands still: a client has asked for something during which nobody else may be served (SAVE, DEBUG RELOAD,
//! SHUTDOWN), and waits for what the node says of it.
//!
//! The command that asks ends its round, so nothing is executed between the wish and its beginning. Its client may go
//! meanwhile; what it has asked for is done all the same.

use crate::blocked::Block;
use crate::call::{Call, Outcome};
use crate::commands::shutdown::SHUTDOWN_FAILED;
use crate::effects::Level;
use crate::engine::Engine;
use crate::error::{ErrorReply, NOT_IN_MULTI};
use crate::hooks::Hooks;
use crate::session::SessionId;
use crate::state::State;

use super::{Ask, Purpose};

/// SAVE, or the saving half of DEBUG RELOAD, has failed: Redis says no more than that.
pub const NOT_SAVED: ErrorReply = ErrorReply::new("ERR");
/// The file of DEBUG RELOAD can't be loaded.
pub const SNAPSHOT_NOT_LOADED: ErrorReply =
    ErrorReply::new("ERR Error trying to load the RDB dump, check server logs.");
/// The file of DEBUG LOADAOF can't be loaded.
pub const APPEND_ONLY_NOT_LOADED: ErrorReply =
    ErrorReply::new("ERR Error trying to load the AOF files, check server logs.");

/// What everything stands still for, and who waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A wish of a client's, to be answered.
    Wish(Ask, SessionId),
    /// The end; nobody waits for it if a signal has asked for it. It comes though the data set can't be saved if it is forced.
    Shutdown { client: Option<SessionId>, force: bool },
}

impl Call<'_> {
    /// Leaves `ask` to the node and waits until it has said what came of it; everybody waits.
    pub(crate) fn stand_still(&mut self, ask: Ask) -> Outcome {
        if !self.may_block() {
            return Err(NOT_IN_MULTI);
        }
        if let Ask::Save { .. } | Ask::Reload { save: true, .. } = ask {
            self.state.cancel(Purpose::Save);
        }
        self.state.stand_still(Standing::Wish(ask, self.session.handle));
        self.state.effects.asks.push(ask);
        self.block(Block::for_node());
        Ok(())
    }
}

impl State {
    /// Everything stands still from here on.
    pub(crate) fn stand_still(&mut self, standing: Standing) {
        self.persistence.standing = Some(standing);
    }

    /// Notes SAVE as the snapshot that it is, at once if there is none whose end comes first.
    pub(crate) fn note_save(&mut self) {
        let State { persistence, now, dirty, .. } = self;
        if persistence.saving.is_none() {
            persistence.note_beginning(Purpose::Save, false, *now, *dirty);
        }
        persistence.saves += 1;
    }
}

impl<H: Hooks> Engine<H> {
    /// Whether a client waits for something during which nobody may be served: no round is to be executed until
    /// [`Engine::answer`], but for what a loading data set lets through.
    pub fn stands_still(&self) -> bool {
        self.state.persistence.standing.is_some()
    }

    /// Answers a client for whom everything stood still, if it is still there, and lets everybody go on.
    pub fn answer(&mut self, client: SessionId, outcome: Result<(), ErrorReply>) {
        let state = &mut self.state;
        let is_wish = |standing: &mut Standing| matches!(standing, Standing::Wish(_, who) if *who == client);
        let Some(Standing::Wish(ask, _)) = state.persistence.standing.take_if(is_wish) else { return };
        match ask {
            Ask::Reload { .. } if outcome.is_ok() => {
                state.effects.log(Level::Notice, "DB reloaded by DEBUG RELOAD");
            }
            Ask::LoadAof { .. } if outcome.is_ok() => {
                state.effects.log(Level::Notice, "Append Only File loaded by DEBUG LOADAOF");
                // What is there is what a file holds.
                state.persistence.saved_dirty = state.dirty;
                state.persistence.excused_changes = 0;
            }
            _ => {}
        }
        self.end_node_wait(client, outcome);
        self.state.begin_what_is_scheduled();
    }

    /// The data set could not be saved before the end. True if the end comes all the same; otherwise whoever asked for it is
    /// told, and everybody goes on.
    pub fn shutdown_failed(&mut self, why: &str) -> bool {
        let Some(Standing::Shutdown { client, force }) = self.state.persistence.standing else { return false };
        if force {
            self.state.effects.log(Level::Warning, format!("Error trying to save the DB. Exit anyway. {why}"));
            return true;
        }
        self.state.persistence.standing = None;
        self.state.effects.log(Level::Warning, format!("Error trying to save the DB, can't exit. {why}"));
        self.state.say_shutdown_failed();
        if let Some(client) = client {
            self.end_node_wait(client, Err(SHUTDOWN_FAILED));
        }
        self.state.begin_what_is_scheduled();
        false
    }

    /// Drops all keys of all databases and all libraries, as nobody's command: nothing of it is propagated or counted as a change.
    pub fn empty_data_set(&mut self) {
        self.state.libraries.clear();
        self.state.drop_everything();
    }
}
