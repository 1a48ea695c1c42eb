//! Counts replies in a stream of RESP2 or RESP3, cut anywhere, without keeping or decoding them.
//!
//! Elements of aggregates are counted flat: a reply is complete when nothing is owed any more, so nesting needs no stack.
//! Attributes and pushes are skipped, as they answer no request.

use std::fmt;

/// The longest payload accepted, in bytes, and the largest number of elements in an aggregate.
const LARGEST_LENGTH: u64 = 512 << 20;

/// Why the stream is not RESP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotResp(String);

impl fmt::Display for NotResp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a RESP reply: {}", self.0)
    }
}

impl std::error::Error for NotResp {}

/// Where in the stream the last piece ended, and what was seen so far.
#[derive(Clone, Debug)]
pub struct ReplyCounter {
    state: State,
    /// Elements that the reply in progress still owes, itself included. Zero between replies.
    owed: u64,
    /// Whether the reply in progress is a push, which answers nothing.
    push: bool,
    /// Errors seen, those inside aggregates included.
    errors: u64,
    /// Replies that differ from what was expected.
    surprises: u64,
    /// The text of the first error reply.
    first_error: Vec<u8>,
    noting_error: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The next byte tells the type of an element.
    Type,
    /// In a line of no interest, up to and including LF.
    Line,
    /// In the decimal length that follows `kind`.
    Length { kind: u8, value: u64, negative: bool, digits: u8 },
    /// In a payload and the CRLF after it.
    Payload { left: u64 },
}

impl ReplyCounter {
    /// A counter at the start of a stream.
    pub fn new() -> Self {
        ReplyCounter {
            state: State::Type,
            owed: 0,
            push: false,
            errors: 0,
            surprises: 0,
            first_error: Vec::new(),
            noting_error: false,
        }
    }

    /// Errors seen so far, those inside aggregates included.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// Replies seen so far that were not byte for byte the expected one.
    pub fn surprises(&self) -> u64 {
        self.surprises
    }

    /// The first error reply, without `-`.
    pub fn first_error(&self) -> String {
        String::from_utf8_lossy(&self.first_error).trim_end().to_owned()
    }

    /// Takes the next piece of the stream and says how many replies ended in it. Where a reply must be `expected`, it is
    /// compared in one step, which is both a check and the fast path; a reply cut by the end of a piece is only scanned.
    ///
    /// # Errors
    /// When the stream is not RESP; the counter is of no use after that.
    pub fn feed(&mut self, piece: &[u8], expected: Option<&[u8]>) -> Result<u32, NotResp> {
        let mut rest = piece;
        let mut complete = 0;
        while !rest.is_empty() {
            if self.owed == 0 {
                if let Some(expected) = expected {
                    if let Some(after) = rest.strip_prefix(expected) {
                        complete += 1;
                        rest = after;
                        continue;
                    }
                    if rest.len() >= expected.len() {
                        self.surprises += 1;
                    }
                }
                self.owed = 1;
            }
            rest = self.step(rest)?;
            if self.owed == 0 {
                complete += u32::from(!self.push);
                self.push = false;
            }
        }
        Ok(complete)
    }

    /// Consumes at least one byte.
    fn step<'a>(&mut self, rest: &'a [u8]) -> Result<&'a [u8], NotResp> {
        match self.state {
            State::Type => self.element(rest[0]).map(|()| &rest[1..]),
            State::Line => Ok(self.line(rest)),
            State::Length { kind, value, negative, digits } => {
                self.length(kind, value, negative, digits, rest[0])?;
                Ok(&rest[1..])
            }
            State::Payload { left } => {
                let here = left.min(rest.len() as u64);
                if here == left {
                    self.end_of_element();
                } else {
                    self.state = State::Payload { left: left - here };
                }
                Ok(&rest[usize::try_from(here).expect("at most the piece's length")..])
            }
        }
    }

    fn element(&mut self, kind: u8) -> Result<(), NotResp> {
        self.state = match kind {
            b'+' | b':' | b'_' | b'#' | b',' | b'(' => State::Line,
            b'-' => {
                self.errors += 1;
                self.noting_error = self.errors == 1;
                State::Line
            }
            b'$' | b'!' | b'=' | b'*' | b'~' | b'%' | b'|' | b'>' => {
                self.errors += u64::from(kind == b'!');
                State::Length { kind, value: 0, negative: false, digits: 0 }
            }
            other => return Err(NotResp(format!("type byte {:?}", char::from(other)))),
        };
        Ok(())
    }

    fn line<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let end = rest.iter().position(|&byte| byte == b'\n');
        let text = &rest[..end.unwrap_or(rest.len())];
        if self.noting_error {
            let room = 200_usize.saturating_sub(self.first_error.len());
            self.first_error.extend_from_slice(&text[..text.len().min(room)]);
        }
        match end {
            Some(end) => {
                self.noting_error = false;
                self.end_of_element();
                &rest[end + 1..]
            }
            None => &[],
        }
    }

    fn length(&mut self, kind: u8, value: u64, negative: bool, digits: u8, byte: u8) -> Result<(), NotResp> {
        match byte {
            b'-' if digits == 0 && !negative => self.state = State::Length { kind, value, negative: true, digits },
            b'0'..=b'9' if value <= LARGEST_LENGTH => {
                let value = value * 10 + u64::from(byte - b'0');
                self.state = State::Length { kind, value, negative, digits: digits.saturating_add(1) };
            }
            b'\r' if digits > 0 => {}
            b'\n' if digits > 0 && value <= LARGEST_LENGTH => self.after_length(kind, value, negative),
            _ => return Err(NotResp(format!("length with byte {:?}", char::from(byte)))),
        }
        Ok(())
    }

    fn after_length(&mut self, kind: u8, value: u64, negative: bool) {
        self.state = State::Type;
        match kind {
            // The null bulk string and the null array of RESP2.
            _ if negative => self.end_of_element(),
            b'$' | b'!' | b'=' => self.state = State::Payload { left: value + 2 },
            b'%' => self.end_of_element_and_owe(2 * value),
            // An attribute stands before an element and is none itself.
            b'|' => self.owed += 2 * value,
            b'>' => {
                self.push = self.owed == 1;
                self.end_of_element_and_owe(value);
            }
            _ => self.end_of_element_and_owe(value),
        }
    }

    fn end_of_element(&mut self) {
        self.end_of_element_and_owe(0);
    }

    fn end_of_element_and_owe(&mut self, more: u64) {
        self.state = State::Type;
        self.owed = self.owed - 1 + more;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &[u8] = b"+OK\r\n:12\r\n$-1\r\n*-1\r\n$0\r\n\r\n$5\r\na\r\nb\n\r\n-ERR no\r\n*0\r\n*2\r\n$1\r\nx\r\n*1\r\n:1\r\n\
        %1\r\n+k\r\n,1.5\r\n>2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n|1\r\n+ttl\r\n:1\r\n~1\r\n#t\r\n_\r\n(123\r\n!3\r\nERR\r\n=5\r\ntxt:a\r\n";
    /// Replies in [`STREAM`]; the push is none, and the attribute belongs to the set after it.
    const REPLIES: u32 = 15;

    fn count(pieces: &[&[u8]], expected: Option<&[u8]>) -> (u32, u64) {
        let mut counter = ReplyCounter::new();
        let complete = pieces.iter().map(|piece| counter.feed(piece, expected).expect("valid")).sum();
        assert_eq!(counter.owed, 0);
        (complete, counter.errors())
    }

    #[test]
    fn counts_every_shape_cut_at_every_byte() {
        assert_eq!(count(&[STREAM], None), (REPLIES, 2));
        for cut in 0..STREAM.len() {
            assert_eq!(count(&[&STREAM[..cut], &STREAM[cut..]], None), (REPLIES, 2), "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(count(&bytes, None), (REPLIES, 2));
    }

    #[test]
    fn an_expected_reply_is_counted_alike_cut_at_every_byte() {
        let stream = b"$3\r\nabc\r\n".repeat(5);
        for cut in 0..stream.len() {
            assert_eq!(count(&[&stream[..cut], &stream[cut..]], Some(b"$3\r\nabc\r\n")), (5, 0), "cut at {cut}");
        }
    }

    #[test]
    fn a_reply_other_than_expected_is_a_surprise() {
        let mut counter = ReplyCounter::new();
        let replies = b"$3\r\nabc\r\n$-1\r\n$3\r\nabc\r\n$3\r\nabd\r\n";
        assert_eq!(counter.feed(replies, Some(b"$3\r\nabc\r\n")), Ok(4));
        assert_eq!(counter.surprises(), 2);
    }

    #[test]
    fn the_first_error_is_kept() {
        let mut counter = ReplyCounter::new();
        assert_eq!(counter.feed(b"-ERR on", None), Ok(0));
        assert_eq!(counter.feed(b"e\r\n-ERR two\r\n*1\r\n-ERR inner\r\n", None), Ok(3));
        assert_eq!((counter.errors(), counter.first_error().as_str()), (3, "ERR one"));
    }

    #[test]
    fn what_is_not_resp_is_refused() {
        for bad in [&b"hello\r\n"[..], b"$\r\n", b"$x\r\n", b"$99999999999\r\n", b"*--1\r\n"] {
            assert!(ReplyCounter::new().feed(bad, None).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn cuts_change_nothing(mut cuts in prop::collection::vec(0..STREAM.len(), 0..8)) {
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts {
                pieces.push(&STREAM[from..cut]);
                from = cut;
            }
            pieces.push(&STREAM[from..]);
            prop_assert_eq!(count(&pieces, None), (REPLIES, 2));
        }
    }
}
