//! Messages that a client gets without having asked just now: publications, invalidations, what MONITOR shows.
//!
//! [`State::push`] is the one door. A message to another client joins what that client is owed, in the order of the commands
//! that caused it. One to the client whose command executes is held back until that command's reply is complete, for a
//! message must never stand inside a reply. Messages ignore CLIENT REPLY, which silences replies only.

use refrain_resp::{Encoder, Protocol};

use crate::session::{Closing, SessionId};
use crate::state::State;

/// Whose command executes now.
#[derive(Debug, Clone, Copy)]
pub struct Executing {
    /// Its session, which is taken out of the state meanwhile.
    pub session: SessionId,
    /// `CLIENT ID`.
    pub client_id: u64,
    /// What its messages are encoded in.
    pub protocol: Protocol,
}

impl State {
    /// Appends what `write` writes to what a client is owed. A client that is gone or about to be closed gets nothing.
    pub fn push(&mut self, to: SessionId, write: impl FnOnce(&mut Encoder<'_>)) {
        if let Some(executing) = self.executing.filter(|e| e.session == to) {
            write(&mut Encoder::new(&mut self.own_pushes, executing.protocol));
            return;
        }
        let Some(session) = self.sessions.get_mut(to) else { return };
        if session.closing != Closing::Open {
            return;
        }
        session.output.adopt(&mut self.pool);
        write(&mut session.reply());
        let owed = session.output.len();
        self.effects.attend(session);
        if owed > self.output_check_from {
            self.check_output_limit(to);
        }
    }
}
