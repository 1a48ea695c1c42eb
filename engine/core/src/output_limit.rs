//! `client-output-buffer-limit`: clients that are owed more than their class may be are closed.
//!
//! Looked at after every command and every pushed message of a client that is owed more than the least limit, and now and
//! then by the tick, for a soft limit may be exceeded by time alone.

use crate::client_buffers::REPLY_ROOM_MAX;
use crate::config::ClientClass;
use crate::effects::Level;
use crate::session::{Closing, Session, SessionId};
use crate::state::State;

impl State {
    /// Closes a client that is owed more than its class may be.
    pub(crate) fn check_output_limit(&mut self, id: SessionId) {
        if let Some(mut session) = self.sessions.take(id) {
            if self.exceeds_output_limit(&mut session) {
                self.effects.attend(&mut session);
            }
            self.sessions.put_back(session);
        }
    }

    /// Looks at a session's limit; true when it is to be closed for it.
    pub(crate) fn exceeds_output_limit(&mut self, session: &mut Session) -> bool {
        let limit = *self.config.limits.client_output_buffer_limit.of(session.class());
        let now_us = self.now.mono_us;
        // What fits the room that every client gets counts nothing: else a low limit would keep everybody out.
        let owed = session.output_figures().beyond_buffer as u64;
        let hard = limit.hard > 0 && owed >= limit.hard;
        let soft = limit.soft > 0 && owed >= limit.soft;
        session.over_soft_limit_since_us = match soft {
            true => session.over_soft_limit_since_us.or(Some(now_us)),
            false => None,
        };
        let since = session.over_soft_limit_since_us.unwrap_or(now_us);
        let too_long = soft && now_us.saturating_sub(since) > limit.soft_seconds.saturating_mul(1_000_000);
        if !(hard || too_long) || session.closing == Closing::Now || self.no_output_limit {
            return false;
        }
        let line = self.client_line(session);
        let text = format!("Client {line} scheduled to be closed ASAP for overcoming of output buffer limits.");
        session.closing = Closing::Now;
        self.stats.output_buffer_disconnections += 1;
        self.effects.log(Level::Warning, text);
        true
    }

    /// Unsent bytes of a session for which it is going to be closed after the command that executes; whatever is appended then, or
    /// is not, nobody will read.
    pub(crate) fn reply_end(&self, session: &Session) -> usize {
        let hard = self.config.limits.client_output_buffer_limit.of(session.class()).hard;
        if session.closing == Closing::Now {
            0
        } else if hard == 0 || self.no_output_limit {
            usize::MAX
        } else {
            // What is below this may be let pass in any case.
            usize::try_from(hard).unwrap_or(usize::MAX).max(REPLY_ROOM_MAX + 1)
        }
    }

    /// Derives from the configuration the number that hot paths compare with.
    pub(crate) fn apply_output_limits(&mut self) {
        let limits = &self.config.limits.client_output_buffer_limit;
        let of_class = |class| {
            let limit = limits.of(class);
            [limit.hard, limit.soft].into_iter().filter(|l| *l > 0).min().unwrap_or(u64::MAX)
        };
        let least = of_class(ClientClass::Normal).min(of_class(ClientClass::Pubsub));
        // Compared with `>`, and the limit itself is too much already.
        self.output_check_from = usize::try_from(least).unwrap_or(usize::MAX).saturating_sub(1);
    }
}
