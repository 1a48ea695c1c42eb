//! What the loop knows of one socket that is a client.

use refrain_core::SessionId;
use refrain_runtime::Token;

use crate::persistence::Gates;

/// One client's socket.
#[derive(Debug)]
pub struct Connection {
    /// Its name below the seam; a readiness of an earlier tenant of the slot is recognised by it.
    pub token: Token,
    /// Its session above.
    pub session: SessionId,
    /// In the queue of connections to read.
    pub queued: bool,
    /// The peer ended its side or broke the connection: read on until 0 or an error, whatever is short.
    pub hup: bool,
    /// Reading has come to the peer's end.
    pub ended: bool,
    /// The last write was refused in part: nothing is written until WRITE is reported.
    pub blocked: bool,
    /// In the list of connections that are to be sent more in the next round.
    pub unfinished: bool,
    /// What of its output waits for the append-only file.
    pub gates: Gates,
    /// In the list of connections that wait for it.
    pub gated: bool,
}

/// All clients' sockets, by the token's slot.
#[derive(Debug, Default)]
pub struct Connections {
    by_slot: Vec<Option<Connection>>,
    by_session: Vec<Option<Token>>,
    gated: Vec<Token>,
}

impl Connections {
    /// Enters a new connection.
    pub fn insert(&mut self, token: Token, session: SessionId) {
        put(&mut self.by_slot, token.slot(), {
            Connection {
                token,
                session,
                queued: false,
                hup: false,
                ended: false,
                blocked: false,
                unfinished: false,
                gates: Gates::default(),
                gated: false,
            }
        });
        put(&mut self.by_session, session.slot as usize, token);
    }

    /// The connection of that token; `None` for a stale one.
    #[inline]
    pub fn get_mut(&mut self, token: Token) -> Option<&mut Connection> {
        self.by_slot.get_mut(token.slot())?.as_mut().filter(|c| c.token == token)
    }

    /// The connection of that session.
    #[inline]
    pub fn of_session(&mut self, session: SessionId) -> Option<&mut Connection> {
        let token = (*self.by_session.get(session.slot as usize)?)?;
        self.get_mut(token).filter(|c| c.session == session)
    }

    /// Forgets a connection.
    pub fn remove(&mut self, token: Token) -> Option<Connection> {
        let slot = self.by_slot.get_mut(token.slot())?;
        if slot.as_ref().is_some_and(|c| c.token == token) {
            let connection = slot.take()?;
            self.by_session[connection.session.slot as usize] = None;
            return Some(connection);
        }
        None
    }

    /// This one is to be flushed when more is durable.
    pub fn wait_at_gate(&mut self, token: Token) {
        if let Some(connection) = self.get_mut(token)
            && !connection.gated
        {
            connection.gated = true;
            self.gated.push(token);
        }
    }

    /// Those that are to be flushed now that more is durable, in the order in which they began to wait.
    pub fn take_gated(&mut self) -> Vec<Token> {
        let gated = std::mem::take(&mut self.gated);
        for token in &gated {
            if let Some(connection) = self.get_mut(*token) {
                connection.gated = false;
            }
        }
        gated
    }

    /// Every token.
    pub fn tokens(&self) -> Vec<Token> {
        self.by_slot.iter().flatten().map(|c| c.token).collect()
    }
}

fn put<T>(slots: &mut Vec<Option<T>>, index: usize, value: T) {
    if slots.len() <= index {
        slots.resize_with(index + 1, || None);
    }
    slots[index] = Some(value);
}
