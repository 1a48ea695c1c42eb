//! Replies, appended to a connection's output in the protocol version that its client speaks.
//!
//! Handlers say what they mean (a map, a null, a double); this module alone knows what that looks like in RESP2 and in
//! RESP3. It must never let a handler's text break the frame.

use crate::{push_double, push_i64};

/// The version that a client chose with `HELLO`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Every connection's first.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// Appends replies to an output buffer.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    protocol: Protocol,
}

/// The place of an aggregate's header whose length is not known yet.
#[derive(Debug)]
#[must_use = "the reply is broken until its length is filled in"]
pub struct Deferred {
    at: usize,
}

/// What a deferred header is most likely to need: a type, one digit, the line's end.
const DEFERRED: &[u8] = b"*0\r\n";

/// Lengths and integers below this are rendered at compile time: those of nearly all values, counters and flags.
const SHORT: usize = 100;

/// Lines of two digits: type, digits, line end. Those of one digit have one byte too many at the end.
type Rendered = [[u8; 5]; SHORT];

const fn rendered(marker: u8) -> Rendered {
    let mut table = [[0; 5]; SHORT];
    let mut n = 0;
    while n < SHORT {
        let (tens, ones) = (b'0' + (n / 10) as u8, b'0' + (n % 10) as u8);
        table[n] = if n < 10 { [marker, ones, b'\r', b'\n', 0] } else { [marker, tens, ones, b'\r', b'\n'] };
        n += 1;
    }
    table
}

static BULK: Rendered = rendered(b'$');
static INTEGER: Rendered = rendered(b':');
static ARRAY: Rendered = rendered(b'*');

impl<'a> Encoder<'a> {
    /// Replies go to the end of `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Encoder<'a> {
        Encoder { out, protocol }
    }

    /// The version that this encoder writes.
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// `+OK`.
    #[inline]
    pub fn ok(&mut self) {
        self.out.extend_from_slice(b"+OK\r\n");
    }

    /// A status. Line breaks become spaces.
    pub fn simple(&mut self, text: &str) {
        self.line(b'+', text.as_bytes());
    }

    /// An error: its code, a space and the text (`ERR syntax error`). Line breaks at the end are dropped, others become
    /// spaces: an error often quotes what a client sent.
    pub fn error(&mut self, message: impl AsRef<[u8]>) {
        let message = message.as_ref();
        let end = message.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n')).map_or(0, |last| last + 1);
        self.line(b'-', &message[..end]);
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        match usize::try_from(value) {
            Ok(small) if small < SHORT => self.header(&INTEGER, b':', small),
            _ => self.number_line(b':', value),
        }
    }

    /// A string of any bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        self.bulk_header(bytes.len());
        self.out.extend_from_slice(bytes);
        self.out.extend_from_slice(b"\r\n");
    }

    /// The header of a bulk whose `len` bytes, and then `\r\n`, the caller sends from elsewhere.
    #[inline]
    pub fn bulk_header(&mut self, len: usize) {
        self.header(&BULK, b'$', len);
    }

    /// An integer as a bulk: what GET answers for a value stored as a number.
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// No value.
    #[inline]
    pub fn null(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"$-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// No array: what a command answers that answers arrays (a transaction that was dropped, a timeout of BLPOP).
    pub fn null_array(&mut self) {
        self.out.extend_from_slice(match self.protocol {
            Protocol::Resp2 => b"*-1\r\n",
            Protocol::Resp3 => b"_\r\n",
        });
    }

    /// An array: `len` replies follow.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(&ARRAY, b'*', len);
    }

    /// A map: `pairs` times a key and a value follow. RESP2 has them as a flat array.
    pub fn map(&mut self, pairs: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(pairs * 2),
            Protocol::Resp3 => self.number_line(b'%', pairs as i64),
        }
    }

    /// A set: `len` replies follow. An array in RESP2.
    pub fn set(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len),
            Protocol::Resp3 => self.number_line(b'~', len as i64),
        }
    }

    /// A message that answers no command: `len` replies follow. An array in RESP2.
    pub fn push(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.array(len),
            Protocol::Resp3 => self.number_line(b'>', len as i64),
        }
    }

    /// A reply, or several, that are encoded already.
    pub fn encoded(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// A message that was encoded by an encoder for RESP2, so that many get the same bytes: only its header differs.
    pub fn encoded_push(&mut self, message: &[u8]) {
        assert_eq!(message.first(), Some(&b'*'), "a message is an array in RESP2");
        match self.protocol {
            Protocol::Resp2 => self.out.extend_from_slice(message),
            Protocol::Resp3 => {
                self.out.push(b'>');
                self.out.extend_from_slice(&message[1..]);
            }
        }
    }

    /// Attributes of the reply behind them: `pairs` times a key and a value follow.
    ///
    /// # Panics
    /// In RESP2, which has nothing that a client could skip: the caller must not have come here.
    pub fn attribute(&mut self, pairs: usize) {
        assert_eq!(self.protocol, Protocol::Resp3, "attributes exist in RESP3 only");
        self.number_line(b'|', pairs as i64);
    }

    /// A floating-point number. A bulk in RESP2.
    pub fn double(&mut self, value: f64) {
        match self.protocol {
            Protocol::Resp2 => {
                let mut text = Vec::with_capacity(32);
                push_double(&mut text, value);
                self.bulk(&text);
            }
            Protocol::Resp3 => {
                self.out.push(b',');
                push_double(self.out, value);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// A floating-point number whose text the caller has chosen. A bulk in RESP2.
    pub fn double_text(&mut self, text: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text.as_bytes()),
            Protocol::Resp3 => self.line(b',', text.as_bytes()),
        }
    }

    /// A truth value. 1 or 0 in RESP2.
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(match (self.protocol, value) {
            (Protocol::Resp2, false) => b":0\r\n",
            (Protocol::Resp2, true) => b":1\r\n",
            (Protocol::Resp3, false) => b"#f\r\n",
            (Protocol::Resp3, true) => b"#t\r\n",
        });
    }

    /// An integer of any size, in decimal. A bulk in RESP2.
    pub fn big_number(&mut self, digits: &str) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits.as_bytes()),
            Protocol::Resp3 => self.line(b'(', digits.as_bytes()),
        }
    }

    /// A text with its format (`txt`, `mkd`). A bulk without it in RESP2.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(text),
            Protocol::Resp3 => {
                self.number_line(b'=', text.len() as i64 + 4);
                self.out.extend_from_slice(format);
                self.out.push(b':');
                self.out.extend_from_slice(text);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Begins an array whose length [`Encoder::finish_array`] says later.
    pub fn deferred_array(&mut self) -> Deferred {
        self.defer()
    }

    /// Begins a map whose length [`Encoder::finish_map`] says later.
    pub fn deferred_map(&mut self) -> Deferred {
        self.defer()
    }

    /// Begins a set whose length [`Encoder::finish_set`] says later.
    pub fn deferred_set(&mut self) -> Deferred {
        self.defer()
    }

    /// Fills in the length of an array. Moves what was appended since, unless the length is one digit.
    pub fn finish_array(&mut self, begun: Deferred, len: usize) {
        self.fill(begun, |encoder| encoder.array(len));
    }

    /// Fills in the number of pairs of a map.
    pub fn finish_map(&mut self, begun: Deferred, pairs: usize) {
        self.fill(begun, |encoder| encoder.map(pairs));
    }

    /// Fills in the length of a set.
    pub fn finish_set(&mut self, begun: Deferred, len: usize) {
        self.fill(begun, |encoder| encoder.set(len));
    }

    fn defer(&mut self) -> Deferred {
        let at = self.out.len();
        self.out.extend_from_slice(DEFERRED);
        Deferred { at }
    }

    fn fill(&mut self, begun: Deferred, write: impl FnOnce(&mut Encoder<'_>)) {
        let mut header = Vec::with_capacity(24);
        write(&mut Encoder::new(&mut header, self.protocol));
        let place = begun.at..begun.at + DEFERRED.len();
        if header.len() == DEFERRED.len() {
            self.out[place].copy_from_slice(&header);
        } else {
            self.out.splice(place, header);
        }
    }

    #[inline]
    fn header(&mut self, rendered: &Rendered, marker: u8, number: usize) {
        match rendered.get(number) {
            // A copy of five bytes and perhaps one back is cheaper than a copy of a varying length.
            Some(line) => {
                self.out.extend_from_slice(line);
                if number < 10 {
                    self.out.pop();
                }
            }
            None => self.number_line(marker, number as i64),
        }
    }

    fn number_line(&mut self, marker: u8, value: i64) {
        self.out.push(marker);
        push_i64(self.out, value);
        self.out.extend_from_slice(b"\r\n");
    }

    fn line(&mut self, marker: u8, text: &[u8]) {
        self.out.push(marker);
        self.out.extend(text.iter().map(|&byte| if matches!(byte, b'\r' | b'\n') { b' ' } else { byte }));
        self.out.extend_from_slice(b"\r\n");
    }
}
