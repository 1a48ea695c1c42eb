//! Messages that a client gets without having asked just now: publications, invalidations, what MONITOR shows.
//!
//! [`State::push`] is the one door. A message to another client joins what that client is owed, in the order of the commands
//! that caused it. One to the client whose command executes is held back until that command's reply is complete, for a
//! message must never stand inside a reply. Messages ignore CLIENT REPLY, which silences replies only.

use refrain_resp::{Encoder, Protocol};

use crate::session::{Closing, Session, SessionId};
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
    /// Whether it subscribes to anything.
    pub subscribed: bool,
}

impl Executing {
    /// A session whose command is about to execute.
    pub(crate) fn of(session: &Session) -> Executing {
        Executing {
            session: session.handle,
            client_id: session.id,
            protocol: session.protocol,
            subscribed: session.subscriptions.is_some(),
        }
    }
}

impl State {
    /// Appends what `write` writes to what a client is owed. A client that is gone or about to be closed gets nothing; then it
    /// is false.
    pub fn push(&mut self, to: SessionId, write: impl FnOnce(&mut Encoder<'_>)) -> bool {
        if let Some(executing) = self.executing.filter(|e| e.session == to) {
            write(&mut Encoder::new(&mut self.own_pushes, executing.protocol));
            self.after_reply = true;
            return true;
        }
        let Some(session) = self.sessions.get_mut(to) else { return false };
        if session.closing != Closing::Open {
            return false;
        }
        session.output.adopt(&mut self.pool, session.room.reply);
        write(&mut session.reply());
        let owed = session.output.len();
        self.effects.attend(session);
        self.client_memory.account(session);
        if owed > self.output_check_from {
            self.check_output_limit(to);
        }
        true
    }

    /// Says that the client whose command executes has changed in what messages to it depend on.
    pub(crate) fn executing_changed(&mut self, session: &Session) {
        if let Some(executing) = self.executing.as_mut().filter(|e| e.session == session.handle) {
            *executing = Executing::of(session);
        }
    }

    /// Appends a message that was encoded in RESP2.
    pub fn push_encoded(&mut self, to: SessionId, message: &[u8]) -> bool {
        self.push(to, |encoder| encoder.encoded_push(message))
    }
}
