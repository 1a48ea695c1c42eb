//! What a client has yet to receive.
//!
//! Replies are appended at the end and leave from the front; nothing in between moves. The buffer of a client that owes
//! nothing goes back to the engine's pool, so an idle connection holds almost no memory. A long value is not copied: the
//! client is owed the very buffer that the keyspace holds, which whoever changes the value then has to copy.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// Bytes on their way to one client.
#[derive(Debug, Default)]
pub struct Output {
    /// What comes before `bytes`, once a long value is in it. Most clients never have any.
    pieces: Option<Box<Pieces>>,
    bytes: Vec<u8>,
    /// Bytes of all pieces, sent or not.
    pieces_len: usize,
    /// Of the first piece, or else of `bytes`, so much has left.
    sent: usize,
    /// So many of the unsent bytes, from the first on, tell nothing of the data set.
    blind: usize,
    /// Its last buffer was filled beyond what small ones hold: the next is likely to be, too.
    was_large: bool,
}

/// Buffers above this are large: the pool keeps fewer of them, and only for those who need such.
const POOLED_CAPACITY_MAX: usize = 64 * 1024;

/// Buffers above this are given back to the allocator instead of the pool.
const LARGE_CAPACITY_MAX: usize = 256 * 1024;

impl Output {
    /// Bytes that have not been sent: of all of them the first, and none only if there are none.
    #[inline]
    pub fn unsent(&self) -> &[u8] {
        match &self.pieces {
            None => &self.bytes[self.sent..],
            Some(pieces) => &pieces.first()[self.sent..],
        }
    }

    /// How many bytes have not been sent.
    #[inline]
    pub fn len(&self) -> usize {
        self.mark() - self.sent
    }

    /// True when everything has been sent.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the buffer takes. A value that is shared with the keyspace counts in full, for it may be gone from there
    /// at any time.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.pieces.as_ref().map_or(0, |pieces| pieces.memory())
    }

    /// Where replies are appended.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Appends a part of a long value, or all of it, without copying it. What is begun in the buffer and not finished must not reach over it.
    pub fn push_shared(&mut self, value: Arc<Vec<u8>>, part: Range<usize>) {
        assert!(part.end <= value.len(), "a part lies inside its value");
        if part.is_empty() {
            return;
        }
        let before = std::mem::take(&mut self.bytes);
        self.pieces_len += before.len() + part.len();
        let pieces = self.pieces.get_or_insert_default();
        if !before.is_empty() {
            pieces.queue.push_back(Piece::Own(before));
        }
        pieces.queue.push_back(Piece::Shared(value, part));
    }

    /// The present end, to come back to with [`Output::truncate`].
    #[inline]
    pub fn mark(&self) -> usize {
        self.pieces_len + self.bytes.len()
    }

    /// What was appended since `mark` tells nothing of the data set. That matters only if the same is true of all before it.
    pub fn tells_nothing_since(&mut self, mark: usize) {
        if self.blind + self.sent == mark {
            self.blind = self.len();
        }
    }

    /// How many of the unsent bytes, from the first on, tell nothing of the data set.
    pub fn blind(&self) -> usize {
        self.blind
    }

    /// Takes back everything appended since `mark`. None of it can have been sent: sending happens between commands.
    pub fn truncate(&mut self, mark: usize) {
        assert!(mark >= self.sent, "a reply that has left cannot be taken back");
        if let Some(pieces) = &mut self.pieces {
            while mark < self.pieces_len {
                let Some(piece) = pieces.queue.pop_back() else { break };
                self.pieces_len -= piece.bytes().len();
                self.bytes = match piece {
                    Piece::Own(bytes) => bytes,
                    Piece::Shared(..) => Vec::new(),
                };
            }
            if pieces.queue.is_empty() {
                self.pieces = None;
            }
        }
        self.bytes.truncate(mark - self.pieces_len);
        self.blind = self.blind.min(self.len());
    }

    /// Says that the first `n` unsent bytes have left.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        self.sent += n;
        self.blind = self.blind.saturating_sub(n);
        if self.pieces.is_some() {
            return self.advance_pieces();
        }
        assert!(self.sent <= self.bytes.len(), "more was sent than there was");
        if self.sent == self.bytes.len() {
            self.was_large = self.sent > POOLED_CAPACITY_MAX;
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent >= 1 << 20 && self.sent * 2 >= self.bytes.len() {
            // A slow reader of a long queue must not keep what it has already got.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    #[cold]
    fn advance_pieces(&mut self) {
        while let Some(pieces) = &mut self.pieces {
            let len = pieces.first().len();
            if self.sent < len {
                return;
            }
            self.sent -= len;
            self.pieces_len -= len;
            pieces.queue.pop_front();
            if pieces.queue.is_empty() {
                self.pieces = None;
            }
        }
        assert!(self.sent <= self.bytes.len(), "more was sent than there was");
    }

    /// Drops what is unsent: the client is gone.
    pub fn discard(&mut self) {
        *self = Output::default();
    }

    /// Gives a buffer with `room` from the pool to a client that is about to get its first bytes.
    #[inline]
    pub fn adopt(&mut self, pool: &mut BufferPool, room: usize) {
        if self.bytes.capacity() == 0 {
            self.bytes = if self.was_large { pool.take_large() } else { pool.take() };
            self.bytes.reserve(room);
        }
    }

    /// Gives the buffer back once everything has left.
    #[inline]
    pub fn release(&mut self, pool: &mut BufferPool) {
        if self.is_empty() {
            pool.give(std::mem::take(&mut self.bytes));
            self.sent = 0;
        }
    }
}

/// Pieces in their order: never none.
#[derive(Debug, Default)]
struct Pieces {
    queue: VecDeque<Piece>,
}

#[derive(Debug)]
enum Piece {
    Own(Vec<u8>),
    Shared(Arc<Vec<u8>>, Range<usize>),
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Own(bytes) => bytes,
            Piece::Shared(bytes, part) => &bytes[part.clone()],
        }
    }
}

impl Pieces {
    fn first(&self) -> &[u8] {
        self.queue.front().expect("there are pieces only while there is one").bytes()
    }

    fn memory(&self) -> usize {
        let of = |piece: &Piece| match piece {
            Piece::Own(bytes) => bytes.capacity(),
            Piece::Shared(bytes, _) => bytes.len(),
        };
        size_of::<Pieces>() + self.queue.iter().map(of).sum::<usize>()
    }
}

/// Empty buffers that keep their capacity, shared by all clients of an engine.
#[derive(Debug, Default)]
pub struct BufferPool {
    free: Vec<Vec<u8>>,
    /// Of those who have long replies at the moment: made anew each round, their pages would be, too.
    large: Vec<Vec<u8>>,
}

/// How many large buffers the pool keeps at most: 16 MiB of them.
const LARGE_MAX: usize = 64;

/// How many buffers the pool keeps at most: about as many as are ready in one round.
const POOL_MAX: usize = 128;

impl BufferPool {
    /// An empty buffer, with capacity where the pool has one.
    #[inline]
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// A large buffer, if there is one.
    #[cold]
    fn take_large(&mut self) -> Vec<u8> {
        self.large.pop().unwrap_or_else(|| self.take())
    }

    /// Lets go of one large buffer. They are kept for as long as there are long replies: called now and then, this leaves none
    /// after them.
    pub fn age(&mut self) {
        self.large.pop();
    }

    /// Whether a buffer is of a size that the pool keeps.
    #[inline]
    pub fn takes(buffer: &Vec<u8>) -> bool {
        buffer.capacity() <= POOLED_CAPACITY_MAX
    }

    /// Takes a buffer back.
    #[inline]
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && BufferPool::takes(&buffer) && self.free.len() < POOL_MAX {
            buffer.clear();
            self.free.push(buffer);
        } else if (POOLED_CAPACITY_MAX + 1..=LARGE_CAPACITY_MAX).contains(&buffer.capacity())
            && self.large.len() < LARGE_MAX
        {
            buffer.clear();
            self.large.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Step {
        Append(usize),
        /// What tells nothing.
        Blind(usize),
        Share(usize),
        Send(usize),
        /// Appends and shares, and takes it back.
        Undo(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (0..40usize).prop_map(Step::Append),
            (0..40usize).prop_map(Step::Blind),
            (0..40usize).prop_map(Step::Share),
            (0..60usize).prop_map(Step::Send),
            (0..40usize).prop_map(Step::Undo),
        ]
    }

    proptest! {
        #[test]
        fn what_is_appended_leaves_in_order_and_once(steps in prop::collection::vec(step(), 0..60)) {
            let (mut output, mut owed, mut next) = (Output::default(), VecDeque::new(), 0u8);
            // Of each byte that is owed, whether it may tell something.
            let mut tells: VecDeque<bool> = VecDeque::new();
            let mut fresh = |n: usize| -> Vec<u8> {
                (0..n).map(|_| { next = next.wrapping_add(1); next }).collect()
            };
            for step in steps {
                match step {
                    Step::Append(n) => {
                        let bytes = fresh(n);
                        output.buffer().extend_from_slice(&bytes);
                        owed.extend(bytes);
                    }
                    Step::Blind(n) => {
                        let (bytes, mark) = (fresh(n), output.mark());
                        output.buffer().extend_from_slice(&bytes);
                        output.tells_nothing_since(mark);
                        owed.extend(bytes);
                        let (is_blind, all) = (output.blind() == output.len(), !tells.contains(&true));
                        prop_assert!(!is_blind || all);
                        tells.resize(owed.len(), false);
                    }
                    Step::Share(n) => {
                        let bytes = fresh(n);
                        let part = n / 4..n - n / 3;
                        owed.extend(&bytes[part.clone()]);
                        output.push_shared(Arc::new(bytes), part);
                    }
                    Step::Send(n) => {
                        let n = n.min(output.unsent().len());
                        let sent = output.unsent()[..n].to_vec();
                        prop_assert_eq!(sent, owed.drain(..n).collect::<Vec<_>>());
                        tells.drain(..n);
                        output.advance(n);
                    }
                    Step::Undo(n) => {
                        let mark = output.mark();
                        output.buffer().extend(fresh(n));
                        output.push_shared(Arc::new(fresh(n)), 0..n);
                        output.push_shared(Arc::new(fresh(n / 2)), 0..n / 2);
                        output.buffer().extend(fresh(n));
                        output.truncate(mark);
                        prop_assert_eq!(output.mark(), mark);
                    }
                }
                tells.resize(owed.len(), true);
                prop_assert!(output.blind() <= tells.iter().take_while(|tells| !**tells).count());
                prop_assert_eq!(output.len(), owed.len());
                prop_assert_eq!(output.unsent().is_empty(), owed.is_empty());
                prop_assert!(owed.iter().zip(output.unsent()).all(|(a, b)| a == b));
            }
        }
    }
}
