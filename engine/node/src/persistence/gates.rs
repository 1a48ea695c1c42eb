//! What of a client's output may leave before everything that it tells of is durable.
//!
//! Under `appendfsync always` every byte of output, a reply to a read as well as one to a write, waits at its place until
//! the append-only file is durable as far as it was written when the byte came to be. Each connection keeps its gates in
//! order: up to so many bytes of output need the file up to such an offset. Nobody ever sees a value that the loss of power
//! could undo (design: group commit; the loop never waits).

use std::collections::VecDeque;

/// One connection's gates.
#[derive(Debug, Default)]
pub struct Gates {
    /// Bytes of output that have left, since the connection began to have gates.
    left: u64,
    waiting: VecDeque<Gate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gate {
    /// Bytes of output, counted as `left` is, up to which this gate holds back.
    until: u64,
    /// The offset of the append-only file that must be durable first.
    needs: u64,
}

impl Gates {
    /// All that is `owed` now, and is not behind a gate yet, needs the file up to `needs`.
    pub fn close(&mut self, owed: usize, needs: u64) {
        let until = self.left + owed as u64;
        match self.waiting.back_mut() {
            Some(last) if last.until >= until => {}
            Some(last) if last.needs >= needs => last.until = until,
            _ if owed == 0 => {}
            _ => self.waiting.push_back(Gate { until, needs }),
        }
    }

    /// How many of the `owed` bytes may leave when the file is durable up to `durable`.
    pub fn free(&self, owed: usize, durable: u64) -> usize {
        match self.waiting.iter().position(|gate| gate.needs > durable) {
            None => owed,
            Some(0) => 0,
            Some(shut) => usize::try_from(self.waiting[shut - 1].until - self.left).map_or(owed, |free| free.min(owed)),
        }
    }

    /// So many bytes have left.
    pub fn advance(&mut self, n: usize) {
        self.left += n as u64;
        while self.waiting.front().is_some_and(|gate| gate.until <= self.left) {
            self.waiting.pop_front();
        }
    }

    /// Whether there is no gate.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_before_what_it_tells_of_is_durable() {
        let mut gates = Gates::default();
        assert_eq!(gates.free(10, 0), 10);
        gates.close(10, 5);
        gates.close(12, 5);
        gates.close(20, 9);
        assert_eq!([gates.free(20, 0), gates.free(20, 5), gates.free(20, 8), gates.free(20, 9)], [0, 12, 12, 20]);
        gates.advance(7);
        assert_eq!([gates.free(13, 0), gates.free(13, 5), gates.free(13, 9)], [0, 5, 13]);
        gates.advance(5);
        // What was written before does not matter to what is appended now, if that needs no more.
        gates.close(8, 9);
        gates.advance(8);
        assert!(gates.is_empty());
    }

    #[test]
    fn an_older_need_never_opens_a_later_gate() {
        let mut gates = Gates::default();
        gates.close(4, 9);
        gates.close(6, 7);
        assert_eq!(gates.free(6, 8), 0);
        gates.close(6, 12);
        assert_eq!(gates.free(6, 9), 6);
    }

    proptest::proptest! {
        /// Against a list with a need for each byte.
        #[test]
        fn gates_agree_with_a_need_for_each_byte(steps in proptest::collection::vec((0..5usize, 0..4u64, 0..6u64), 1..60)) {
            let (mut gates, mut bytes, mut gated) = (Gates::default(), VecDeque::new(), 0usize);
            let mut end = 0;
            for (more, growth, durable_behind) in steps {
                end += growth;
                bytes.extend(std::iter::repeat_n(end, more));
                gates.close(bytes.len(), end);
                gated = gated.max(bytes.len());
                let durable = end.saturating_sub(durable_behind);
                let free = bytes.iter().take_while(|needs| **needs <= durable).count();
                proptest::prop_assert_eq!(gates.free(bytes.len(), durable), free);
                let leaves = free / 2 + free % 2;
                bytes.drain(..leaves);
                gates.advance(leaves);
            }
        }
    }
}
