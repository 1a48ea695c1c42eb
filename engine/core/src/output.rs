//! What a client has yet to receive.
//!
//! Replies are appended at the end and leave from the front; nothing in between moves. The buffer of a client that owes
//! nothing goes back to the engine's pool, so an idle connection holds almost no memory.

/// Bytes on their way to one client.
#[derive(Debug, Default)]
pub struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

/// Buffers above this are given back to the allocator instead of the pool.
const POOLED_CAPACITY_MAX: usize = 64 * 1024;

impl Output {
    /// The bytes that have not been sent.
    #[inline]
    pub fn unsent(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// How many bytes have not been sent.
    #[inline]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// True when everything has been sent.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the buffer takes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Where replies are appended.
    #[inline]
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The present end, to come back to with [`Output::truncate`].
    #[inline]
    pub fn mark(&self) -> usize {
        self.bytes.len()
    }

    /// Takes back everything appended since `mark`. None of it can have been sent: sending happens between commands.
    pub fn truncate(&mut self, mark: usize) {
        assert!(mark >= self.sent, "a reply that has left cannot be taken back");
        self.bytes.truncate(mark);
    }

    /// Says that the first `n` unsent bytes have left.
    #[inline]
    pub fn advance(&mut self, n: usize) {
        self.sent += n;
        assert!(self.sent <= self.bytes.len(), "more was sent than there was");
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        } else if self.sent >= 1 << 20 && self.sent * 2 >= self.bytes.len() {
            // A slow reader of a long queue must not keep what it has already got.
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Drops what is unsent: the client is gone.
    pub fn discard(&mut self) {
        *self = Output::default();
    }

    /// Gives a buffer with `room` from the pool to a client that is about to get its first bytes.
    #[inline]
    pub fn adopt(&mut self, pool: &mut BufferPool, room: usize) {
        if self.bytes.capacity() == 0 {
            self.bytes = pool.take();
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

/// Empty buffers that keep their capacity, shared by all clients of an engine.
#[derive(Debug, Default)]
pub struct BufferPool {
    free: Vec<Vec<u8>>,
}

/// How many buffers the pool keeps at most: about as many as are ready in one round.
const POOL_MAX: usize = 128;

impl BufferPool {
    /// An empty buffer, with capacity where the pool has one.
    #[inline]
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
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
        }
    }
}
