//! One direction of a connection: a byte stream in which only offsets move.
//!
//! `read ≤ delivered ≤ sent ≤ written` and `acked ≤ delivered`. Bytes between `read` and `written` are in the buffer; whether
//! they lie in the sender's kernel, in flight, or in the receiver's kernel is a matter of the offsets alone.

use std::collections::VecDeque;

/// No moment: not scheduled, or held up by a cut.
pub(crate) const NEVER: u64 = u64::MAX;

/// What travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// The last step of the handshake.
    Established,
    /// So many bytes.
    Data(u32),
    /// End of stream.
    Fin,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) item: Item,
    /// When the process had done the work that wrote it.
    pub(crate) ready: u64,
    /// When it arrives; [`NEVER`] while a cut or a dead host holds it up.
    pub(crate) arrive: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fin {
    None,
    Queued,
    Sent,
    Delivered,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    buffer: Vec<u8>,
    head: usize,
    pub(crate) read: u64,
    pub(crate) delivered: u64,
    pub(crate) sent: u64,
    pub(crate) written: u64,
    pub(crate) acked: u64,
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) fin: Fin,
    /// (when the sender hears of it, the offset it acknowledges), oldest first; those held up by a cut say [`NEVER`].
    pub(crate) acks: VecDeque<(u64, u64)>,
    /// When the newest item in flight arrives: nothing overtakes within a connection.
    pub(crate) last_arrival: u64,
    /// When the path broke, for the pauses of retransmission.
    pub(crate) broken_since: u64,
    /// Whether the writer was told to wait for room.
    pub(crate) want_write: bool,
    /// The one live event of each sort; an event that finds another time here is stale.
    pub(crate) delivery_at: u64,
    pub(crate) ack_check_at: u64,
    pub(crate) window_at: u64,
    pub(crate) give_up_at: u64,
}

impl Pipe {
    pub(crate) fn new() -> Pipe {
        Pipe {
            buffer: Vec::new(),
            head: 0,
            read: 0,
            delivered: 0,
            sent: 0,
            written: 0,
            acked: 0,
            in_flight: VecDeque::new(),
            fin: Fin::None,
            acks: VecDeque::new(),
            last_arrival: 0,
            broken_since: NEVER,
            want_write: false,
            delivery_at: NEVER,
            ack_check_at: NEVER,
            window_at: NEVER,
            give_up_at: NEVER,
        }
    }

    /// Takes bytes from the writing process.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.written += bytes.len() as u64;
    }

    /// What the reading process could read now.
    pub(crate) fn readable(&self) -> usize {
        (self.delivered - self.read) as usize
    }

    /// Gives bytes to the reading process.
    pub(crate) fn read_into(&mut self, into: &mut [u8]) -> usize {
        let n = into.len().min(self.readable());
        into[..n].copy_from_slice(&self.buffer[self.head..self.head + n]);
        self.head += n;
        self.read += n as u64;
        if self.head == self.buffer.len() {
            self.buffer.clear();
            self.head = 0;
        } else if self.head >= 64 << 10 && self.head * 2 >= self.buffer.len() {
            self.buffer.drain(..self.head);
            self.head = 0;
        }
        n
    }

    /// The newest `n` delivered bytes, for the trace.
    pub(crate) fn newest_delivered(&self, n: usize) -> &[u8] {
        let end = self.head + self.readable();
        &self.buffer[end - n..end]
    }

    pub(crate) fn bytes_in_flight(&self) -> u64 {
        self.sent - self.delivered
    }

    /// Forgets what `keep` refuses of the items in flight, from the newest on, and everything not yet sent.
    pub(crate) fn forget_unsent(&mut self, keep: impl Fn(&InFlight) -> bool) {
        while let Some(last) = self.in_flight.back().filter(|i| !keep(i)) {
            match last.item {
                Item::Data(n) => self.sent -= u64::from(n),
                Item::Fin => self.fin = Fin::Queued,
                Item::Established => {}
            }
            self.in_flight.pop_back();
        }
        self.buffer.truncate(self.buffer.len() - (self.written - self.sent) as usize);
        self.written = self.sent;
    }

    /// The connection is gone: nothing more will arrive. What was delivered stays readable.
    pub(crate) fn break_off(&mut self) {
        self.in_flight.clear();
        self.sent = self.delivered;
        let unread = self.readable();
        self.buffer.truncate(self.head + unread);
        self.written = self.delivered;
        self.acked = self.delivered;
        self.acks.clear();
        self.want_write = false;
        self.delivery_at = NEVER;
        self.ack_check_at = NEVER;
        self.window_at = NEVER;
        self.give_up_at = NEVER;
    }

    /// Takes in the acknowledgements that the sender has heard by `now`.
    pub(crate) fn settle(&mut self, now: u64) {
        while let Some(&(_, offset)) = self.acks.front().filter(|(at, _)| *at <= now) {
            self.acked = self.acked.max(offset);
            self.acks.pop_front();
        }
    }

    /// True while the sender waits for an acknowledgement.
    pub(crate) fn unacknowledged(&self) -> bool {
        self.acked < self.sent || !self.in_flight.is_empty()
    }

    /// What would arrive after `reach` stays where it is: since `now`, there is a cut or a host without power.
    pub(crate) fn freeze(&mut self, reach: u64, now: u64) {
        let mut held = false;
        for item in self.in_flight.iter_mut().filter(|i| i.arrive > reach) {
            item.arrive = NEVER;
            held = true;
        }
        if held {
            self.broken_since = self.broken_since.min(now);
        }
        if self.in_flight.front().is_some_and(|i| i.arrive == NEVER) {
            self.delivery_at = NEVER;
        }
    }

    /// A cut of the way back: acknowledgements stay where they are.
    pub(crate) fn freeze_acks(&mut self, now: u64) {
        let mut held = false;
        for ack in self.acks.iter_mut().filter(|a| a.0 > now) {
            ack.0 = NEVER;
            held = true;
        }
        if held {
            self.broken_since = self.broken_since.min(now);
        }
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.in_flight.back().is_some_and(|i| i.arrive == NEVER)
    }

    /// The way is open again: what was held up arrives at `at`, in order.
    pub(crate) fn thaw(&mut self, at: u64) {
        for item in self.in_flight.iter_mut().filter(|i| i.arrive == NEVER) {
            item.arrive = at.max(self.last_arrival);
            self.last_arrival = item.arrive;
        }
    }

    pub(crate) fn thaw_acks(&mut self, at: u64) {
        for ack in self.acks.iter_mut().filter(|a| a.0 == NEVER) {
            ack.0 = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deliver_all(p: &mut Pipe) {
        p.sent = p.written;
        p.delivered = p.sent;
    }

    #[test]
    fn bytes_come_out_as_they_went_in_across_compaction() {
        let mut p = Pipe::new();
        let (mut next_in, mut next_out) = (0_u32, 0_u32);
        for round in 0..2000_usize {
            let block: Vec<u8> = (0..round % 97).flat_map(|i| (next_in + i as u32).to_le_bytes()).collect();
            next_in += (round % 97) as u32;
            p.write(&block);
            deliver_all(&mut p);
            let mut into = vec![0; (round * 7 % 93) * 4];
            let n = p.read_into(&mut into);
            for word in into[..n].chunks(4) {
                assert_eq!(word, next_out.to_le_bytes());
                next_out += 1;
            }
        }
        assert!(next_out > 50_000);
    }

    #[test]
    fn what_was_not_sent_is_forgotten_and_the_rest_stays() {
        let mut p = Pipe::new();
        p.write(b"abcdef");
        p.sent = 4;
        p.in_flight.push_back(InFlight { item: Item::Data(2), ready: 1, arrive: 9 });
        p.in_flight.push_back(InFlight { item: Item::Data(2), ready: 5, arrive: 9 });
        p.forget_unsent(|i| i.ready <= 3);
        assert_eq!((p.sent, p.written, p.buffer.len()), (2, 2, 2));
    }
}
