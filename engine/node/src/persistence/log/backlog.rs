//! Bytes that wait to be written, in the pieces in which they will be.
//!
//! A piece ends where a round did, and holds little more than [`PIECE`]. One that is full is not copied again, however much there is
//! and however slowly the disk takes it: a backlog of a gigabyte costs the loop no more a round than one of a piece.

use std::collections::VecDeque;

/// Bytes after which a piece ends.
const PIECE: usize = 1 << 20;

/// What a piece may hold beyond that without being moved, as much as most rounds bring.
const ROUND: usize = 128 << 10;

/// Buffers that are kept for their capacity hold no more.
const KEPT_MAX: usize = 2 << 20;

/// See the module.
#[derive(Default)]
pub(super) struct Backlog {
    /// None of them is empty.
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of all.
    len: usize,
    /// The last piece takes no more.
    is_closed: bool,
    /// An empty buffer for the next piece: a new one for each would be page faults for every page of it.
    spare: Vec<u8>,
}

impl Backlog {
    /// Bytes of all pieces.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Appends what `fill` puts at the end of the buffer. Returns how many bytes that is.
    pub(super) fn append(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.pieces.is_empty() || self.is_closed {
            let buffer = match self.pieces.is_empty() {
                true => std::mem::take(&mut self.spare),
                // The disk is behind: this one will be filled, too.
                false => Vec::with_capacity(PIECE + ROUND),
            };
            self.pieces.push_back(buffer);
            self.is_closed = false;
        }
        let last = self.pieces.back_mut().expect("there is one now");
        let before = last.len();
        fill(last);
        let (more, is_empty) = (last.len() - before, last.is_empty());
        self.is_closed = last.len() >= PIECE;
        self.len += more;
        if is_empty && let Some(buffer) = self.pieces.pop_back() {
            self.is_closed = true;
            self.give_back(buffer);
        }
        more
    }

    /// What is appended from here on is in another piece.
    pub(super) fn close(&mut self) {
        self.is_closed = true;
    }

    /// The first piece.
    pub(super) fn first(&self) -> Option<&[u8]> {
        self.pieces.front().map(Vec::as_slice)
    }

    /// Takes the first piece, or no more of it than so many bytes.
    pub(super) fn take(&mut self, at_most: usize) -> Vec<u8> {
        let Some(mut piece) = self.pieces.pop_front() else { return Vec::new() };
        if piece.len() > at_most {
            let rest = piece.split_off(at_most);
            self.pieces.push_front(rest);
        }
        self.len -= piece.len();
        piece
    }

    /// Keeps a buffer whose bytes were written, for the next ones.
    pub(super) fn give_back(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT_MAX {
            buffer.clear();
            self.spare = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quickcheck::quickcheck;

    #[test]
    fn a_long_backlog_is_taken_without_being_copied() {
        let mut backlog = Backlog::default();
        let round = |number: u8| vec![number; 300 << 10];
        for number in 0..100 {
            assert_eq!(backlog.append(|piece| piece.extend(round(number))), 300 << 10);
        }
        assert_eq!(backlog.len(), 100 * (300 << 10));
        let places: Vec<_> = backlog.pieces.iter().map(|piece| piece.as_ptr()).collect();
        let mut expected = 0;
        for place in places {
            let piece = backlog.take(usize::MAX);
            assert_eq!(piece.as_ptr(), place);
            for part in piece.chunks(300 << 10) {
                assert_eq!(part, round(expected), "pieces end where rounds did");
                expected += 1;
            }
        }
        assert_eq!((expected, backlog.len()), (100, 0));
    }

    #[test]
    fn a_piece_that_is_closed_takes_no_more() {
        let mut backlog = Backlog::default();
        backlog.append(|piece| piece.extend(b"before"));
        backlog.append(|_| {});
        backlog.append(|piece| piece.extend(b", still before"));
        backlog.close();
        backlog.append(|_| {});
        backlog.append(|piece| piece.extend(b"behind"));
        assert_eq!(backlog.take(usize::MAX), b"before, still before");
        assert_eq!(backlog.take(usize::MAX), b"behind");
        assert_eq!(backlog.take(usize::MAX), b"");
    }

    quickcheck! {
        fn what_comes_in_goes_out_in_order(steps: Vec<(u8, Vec<u8>)>) -> bool {
            let mut backlog = Backlog::default();
            let (mut came, mut went) = (Vec::new(), Vec::new());
            for (what, bytes) in steps {
                match what % 8 {
                    0 => backlog.close(),
                    1 | 2 => {
                        let piece = backlog.take(usize::from(what).max(1));
                        went.extend_from_slice(&piece);
                        backlog.give_back(piece);
                    }
                    _ => {
                        // Now and then a round that ends a piece.
                        let times = if what % 32 == 7 { PIECE } else { 1 };
                        let round: Vec<u8> = bytes.iter().copied().cycle().take(bytes.len() * times.min(4000)).collect();
                        came.extend_from_slice(&round);
                        backlog.append(|piece| piece.extend_from_slice(&round));
                    }
                }
                assert_eq!(backlog.len(), came.len() - went.len());
                assert!(backlog.pieces.iter().all(|piece| !piece.is_empty()));
            }
            while backlog.first().is_some() {
                went.extend(backlog.take(usize::MAX));
            }
            came == went && backlog.len() == 0
        }
    }
}
