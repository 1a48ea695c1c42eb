//! Clients that wait until what they have written is durable.

use super::Persistence;
use crate::engine::Engine;
use crate::hooks::Hooks;
use crate::session::SessionId;

impl Persistence {
    /// Whether everything up to a position of the propagation stream is durable.
    pub(crate) fn is_durable(&self, position: u64) -> bool {
        position <= self.aof.durable
    }

    /// A client waits until everything up to a position is durable, or to hear that it never will be.
    pub(crate) fn await_durable(&mut self, position: u64, client: SessionId) {
        self.awaiting.insert((position, client));
    }

    /// It waits no longer.
    pub(crate) fn stop_awaiting(&mut self, client: SessionId) {
        if !self.awaiting.is_empty() {
            self.awaiting.retain(|(_, who)| *who != client);
        }
    }
}

impl<H: Hooks> Engine<H> {
    /// Lets those go on who wait for what is durable now, in the order of what they wait for; all of them when there is no
    /// file any more.
    pub(super) fn release_durable(&mut self) {
        let wants_aof = self.state.config.persistence.appendonly;
        let durable = self.state.persistence.aof.durable;
        while let Some((position, client)) = self.state.persistence.awaiting.first().copied()
            && (position <= durable || !wants_aof)
        {
            self.state.persistence.awaiting.pop_first();
            self.serve_again(client);
        }
    }
}
