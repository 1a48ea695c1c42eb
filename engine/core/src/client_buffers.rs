//! The buffers of clients between their uses: how much room each keeps, and when it is given back.
//!
//! Small buffers come from the engine's pool and return to it as soon as they are empty, so that a connection which does
//! nothing holds almost no memory. What is sized to a client's habits are the exceptions: the buffer of one that has sent
//! something long stays with it for a while, for the next is likely to be long too; and replies get as much room at once as
//! the client's replies have lately needed. The tick looks at every client now and then and lets go of what is not used.

use std::cmp::Ordering;

use crate::session::Session;

/// What a node reads of one connection at a time: room for so much is there for everybody who is not idle, in the arena.
pub const READ_CHUNK: usize = 16 * 1024;

/// Reply room that nobody gets less than.
const REPLY_ROOM_MIN: usize = 1024;

/// Reply room that a client begins with, and gets at most before it needs more.
pub(crate) const REPLY_ROOM_MAX: usize = 16 * 1024;

/// Idle for longer than this, a client keeps no room for input.
const IDLE_US: u64 = 2_000_000;

/// Free room that is not worth giving back.
const SLACK: usize = 4096;

/// A buffer that is no larger than this is not fitted to the latest peak.
const FITTED_FROM: usize = 32 * 1024;

/// Room that is made for a bulk before its bytes have come, as long as less than this has: an announcement costs nothing, so
/// it buys little.
const ANNOUNCED_MAX: usize = 1 << 20;

/// What DEBUG changes about the care for buffers.
#[derive(Debug, Clone, Copy)]
pub struct BufferPolicy {
    /// `DEBUG REPLYBUFFER PEAK-RESET-TIME`: after so long the most that was used is forgotten; `None` is never.
    pub reply_peak_reset_us: Option<u64>,
    /// `DEBUG REPLYBUFFER RESIZING`.
    pub reply_resizing: bool,
}

impl BufferPolicy {
    /// The default of `DEBUG REPLYBUFFER PEAK-RESET-TIME`.
    pub const REPLY_PEAK_RESET_US: u64 = 5_000_000;
}

impl Default for BufferPolicy {
    fn default() -> BufferPolicy {
        BufferPolicy { reply_peak_reset_us: Some(BufferPolicy::REPLY_PEAK_RESET_US), reply_resizing: true }
    }
}

/// How much room one client's buffers keep, and by what that is decided.
#[derive(Debug)]
pub(crate) struct Room {
    /// Bytes that its replies get at once.
    pub(crate) reply: usize,
    /// The most of them that was used since `reply_peak_since_us`.
    pub(crate) reply_peak: usize,
    reply_peak_since_us: u64,
    /// The most unexecuted input since the tick last looked.
    pub(crate) input_peak: usize,
}

impl Room {
    pub(crate) fn new(now_us: u64) -> Room {
        Room { reply: REPLY_ROOM_MAX, reply_peak: REPLY_ROOM_MAX, reply_peak_since_us: now_us, input_peak: 0 }
    }

    /// Doubles what was used up, halves (or more) what was not.
    fn fit_replies(&mut self, policy: &BufferPolicy, now_us: u64) -> Fitted {
        if !policy.reply_resizing {
            return Fitted::Unchanged;
        }
        let before = self.reply;
        let (used_up, half) = (self.reply_peak == self.reply, self.reply / 2);
        if half >= REPLY_ROOM_MIN && self.reply_peak < half {
            self.reply = REPLY_ROOM_MIN.max(self.reply_peak + 1);
        } else if used_up {
            self.reply = REPLY_ROOM_MAX.min(self.reply * 2);
        }
        if policy.reply_peak_reset_us.is_some_and(|after| now_us.saturating_sub(self.reply_peak_since_us) >= after) {
            (self.reply_peak, self.reply_peak_since_us) = (0, now_us);
        }
        match self.reply.cmp(&before) {
            Ordering::Less => Fitted::Shrunk,
            Ordering::Equal => Fitted::Unchanged,
            Ordering::Greater => Fitted::Expanded,
        }
    }
}

/// What has become of the room that a client's replies get at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fitted {
    Unchanged,
    Shrunk,
    Expanded,
}

/// What CLIENT LIST says of what a client is owed.
pub(crate) struct OutputFigures {
    /// Room that its replies get at once.
    pub(crate) room: usize,
    /// The most of it that was lately used.
    pub(crate) peak: usize,
    /// Bytes owed, while they fit that room.
    pub(crate) in_buffer: usize,
    /// As many such rooms as what is owed would fill once it does not fit one.
    pub(crate) blocks: usize,
    /// Bytes owed, once they do not fit that room.
    pub(crate) beyond_buffer: usize,
}

impl Session {
    /// See [`OutputFigures`].
    pub(crate) fn output_figures(&self) -> OutputFigures {
        let (owed, room) = (self.output.len(), self.room.reply);
        let fits = owed <= room;
        OutputFigures {
            room,
            peak: self.room.reply_peak,
            in_buffer: if fits { owed } else { 0 },
            blocks: if fits { 0 } else { owed.div_ceil(REPLY_ROOM_MAX) },
            beyond_buffer: if fits { 0 } else { owed },
        }
    }

    /// Room for input beyond what has arrived: in the client's own buffer, or else in the arena unless it is idle.
    pub(crate) fn input_room(&self, now_us: u64) -> usize {
        let own = self.pending.capacity() + self.lent;
        if own > 0 {
            own.saturating_sub(self.pending.len() + self.in_round)
        } else if now_us.saturating_sub(self.active_us) > IDLE_US {
            0
        } else {
            READ_CHUNK.saturating_sub(self.in_round)
        }
    }

    /// Makes room for what a client has announced and not yet sent.
    pub(crate) fn expect_input(pending: &mut Vec<u8>, wanted: usize) {
        let spare = pending.capacity() - pending.len();
        if wanted >= READ_CHUNK && spare < READ_CHUNK {
            pending.reserve_exact(wanted.min(pending.len().max(ANNOUNCED_MAX)));
        }
    }

    /// Lets go of room that is not used.
    pub(crate) fn fit_buffers(&mut self, policy: &BufferPolicy, now_us: u64) -> Fitted {
        let fitted = self.room.fit_replies(policy, now_us);
        let (len, capacity) = (self.pending.len(), self.pending.capacity());
        if capacity - len > SLACK {
            let needed = self.room.input_peak.max(len + self.wanted);
            if now_us.saturating_sub(self.active_us) > IDLE_US {
                self.pending.shrink_to_fit();
            } else if capacity > FITTED_FROM && capacity / 2 > needed {
                self.pending.shrink_to(needed);
            }
        }
        self.room.input_peak = len;
        fitted
    }
}

/// The largest buffers of the last seconds, as far as the tick has met them: INFO must not look at every client.
#[derive(Debug, Default)]
pub struct RecentPeaks {
    second: u64,
    seconds: [(usize, usize); RecentPeaks::SECONDS],
}

impl RecentPeaks {
    const SECONDS: usize = 8;

    /// Sees one client's input and output buffers.
    pub(crate) fn see(&mut self, now_us: u64, input: usize, output: usize) {
        let second = now_us / 1_000_000;
        let passed = second.saturating_sub(self.second).min(RecentPeaks::SECONDS as u64);
        for i in 0..passed {
            self.seconds[((second - i) % RecentPeaks::SECONDS as u64) as usize] = (0, 0);
        }
        self.second = second;
        let slot = &mut self.seconds[(second % RecentPeaks::SECONDS as u64) as usize];
        *slot = (slot.0.max(input), slot.1.max(output));
    }

    /// `client_recent_max_input_buffer`.
    pub fn input(&self) -> usize {
        self.seconds.iter().map(|(input, _)| *input).max().unwrap_or(0)
    }

    /// `client_recent_max_output_buffer`.
    pub fn output(&self) -> usize {
        self.seconds.iter().map(|(_, output)| *output).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_room_halves_when_unused_and_doubles_when_used_up() {
        let policy = BufferPolicy { reply_peak_reset_us: Some(100), reply_resizing: true };
        let mut room = Room::new(0);
        assert_eq!(room.fit_replies(&policy, 50), Fitted::Unchanged);
        assert_eq!(room.reply, REPLY_ROOM_MAX, "nothing is known yet");
        room.fit_replies(&policy, 100);
        assert_eq!(room.fit_replies(&policy, 101), Fitted::Shrunk);
        assert_eq!(room.reply, REPLY_ROOM_MIN);
        for expected in [2048, 4096, 8192, 16384, 16384] {
            room.reply_peak = room.reply;
            let before = room.reply;
            let fitted = room.fit_replies(&BufferPolicy { reply_peak_reset_us: None, ..policy }, 1000);
            assert_eq!(fitted == Fitted::Expanded, before < expected);
            assert_eq!(room.reply, expected);
        }
        let before = room.reply;
        room.reply_peak = 0;
        room.fit_replies(&BufferPolicy { reply_resizing: false, ..policy }, 2000);
        assert_eq!(room.reply, before);
    }

    #[test]
    fn peaks_are_forgotten_after_eight_seconds() {
        let mut peaks = RecentPeaks::default();
        peaks.see(1_000_000, 500, 7);
        peaks.see(8_900_000, 10, 9);
        assert_eq!((peaks.input(), peaks.output()), (500, 9));
        peaks.see(9_000_000, 3, 3);
        assert_eq!((peaks.input(), peaks.output()), (10, 9));
        peaks.see(90_000_000, 1, 1);
        assert_eq!((peaks.input(), peaks.output()), (1, 1));
    }

    #[test]
    fn what_is_only_announced_gets_little_room_and_what_comes_gets_all() {
        let mut pending = vec![0; 20];
        Session::expect_input(&mut pending, 512 << 20);
        assert!(pending.capacity() <= ANNOUNCED_MAX + 20);
        let mut exact = vec![0; 20];
        Session::expect_input(&mut exact, 300_000);
        assert_eq!(exact.capacity(), 300_020);
    }
}
