//! A Redis client written against the seam, so that it runs in the simulator and over real sockets alike.
//!
//! One connection (or several *lines*, for protocols that need two), any number of commands in flight. [`Client::send`] queues a command, [`Client::receive`] waits for the
//! next reply in order. A reply that does not come is a [`Loss`], and a loss says nothing about the command: it may have
//! been executed, may be executed later, or never. Whoever records what happened must record exactly that.

use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

use refrain_resp::{DecodeError, Reply, decode, encode_command};
use refrain_runtime::{Address, Interest, Mono, Readiness, Runtime, Sockets, Token};

/// The first pause before another attempt to connect; it doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(20);

/// The longest pause between attempts to connect.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How long one attempt to connect may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes taken from the socket at once.
const CHUNK: usize = 64 * 1024;

/// Why no (further) reply came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The deadline passed.
    TimedOut,
    /// The server ended the connection in good order.
    Ended,
    /// The connection broke.
    Broken(ErrorKind),
    /// What came is no reply.
    Garbled(DecodeError),
}

impl std::fmt::Display for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Loss::TimedOut => f.write_str("no reply in time"),
            Loss::Ended => f.write_str("the server ended the connection"),
            Loss::Broken(kind) => write!(f, "the connection broke: {kind}"),
            Loss::Garbled(error) => write!(f, "{error}"),
        }
    }
}

struct Connection {
    token: Token,
    /// Commands that the socket has not taken.
    output: Vec<u8>,
    sent: usize,
    /// Bytes that arrived and were not decoded.
    input: Vec<u8>,
    decoded: usize,
    /// The socket has nothing to read until it says so.
    drained: bool,
    /// The peer has ended: read on until 0 or an error, whatever is short.
    hup: bool,
    /// The socket takes nothing until it says so.
    blocked: bool,
}

/// One client of one server.
pub struct Client<R: Runtime> {
    runtime: R,
    sockets: R::Sockets,
    server: Address,
    /// Connections; most clients have one.
    lines: Vec<Option<Connection>>,
    /// Which of them everything is about.
    line: usize,
    ready: Vec<Readiness>,
    chunk: Vec<u8>,
    backoff: Duration,
    /// Replies received.
    pub replies: u64,
}

impl<R: Runtime> Client<R> {
    /// A client that is not connected. It takes the runtime's sockets: one client a process.
    pub fn new(runtime: R, server: Address) -> Client<R> {
        let sockets = runtime.sockets();
        Client {
            runtime,
            sockets,
            server,
            lines: vec![None],
            line: 0,
            ready: Vec::new(),
            chunk: vec![0; CHUNK],
            backoff: BACKOFF_MIN,
            replies: 0,
        }
    }

    /// The time by which this client's deadlines are.
    pub fn now(&self) -> Mono {
        self.runtime.now()
    }

    /// The runtime below.
    pub fn runtime(&self) -> &R {
        &self.runtime
    }

    /// Everything that follows is about this connection; it need not exist yet.
    pub fn use_line(&mut self, line: usize) {
        if self.lines.len() <= line {
            self.lines.resize_with(line + 1, || None);
        }
        self.line = line;
    }

    /// Whether there is a connection; whether it is still good shows when it is used.
    pub fn is_connected(&self) -> bool {
        self.lines[self.line].is_some()
    }

    /// Tries to connect, once. Before another attempt, wait [`Client::backoff`].
    ///
    /// # Errors
    /// Why there is no connection. Nothing was sent.
    pub async fn connect(&mut self) -> Result<(), Loss> {
        self.close();
        let outcome = self.attempt().await;
        match &outcome {
            Ok(()) => self.backoff = BACKOFF_MIN,
            Err(_) => self.close(),
        }
        outcome
    }

    async fn attempt(&mut self) -> Result<(), Loss> {
        let deadline = self.runtime.now() + CONNECT_TIMEOUT;
        let token = self.sockets.connect(&self.server).map_err(|error| Loss::Broken(error.kind()))?;
        self.lines[self.line] = Some(Connection {
            token,
            output: Vec::new(),
            sent: 0,
            input: Vec::new(),
            decoded: 0,
            drained: false,
            hup: false,
            blocked: false,
        });
        loop {
            match self.sockets.try_write(token, &[]) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == ErrorKind::NotConnected => {}
                Err(error) => return Err(Loss::Broken(error.kind())),
            }
            if self.runtime.now() >= deadline {
                return Err(Loss::TimedOut);
            }
            self.wait(deadline).await;
        }
    }

    /// Connects, with pauses between attempts, for as long as `go_on` says so. True when connected.
    pub async fn connect_while(&mut self, go_on: impl Fn() -> bool) -> bool {
        while !self.is_connected() {
            if !go_on() {
                return false;
            }
            if self.connect().await.is_err() {
                let pause = self.backoff();
                self.sleep(pause).await;
            }
        }
        true
    }

    /// The pause before the next attempt to connect: between half and all of a bound that doubles.
    pub fn backoff(&mut self) -> Duration {
        let bound = self.backoff;
        self.backoff = (bound * 2).min(BACKOFF_MAX);
        let half = bound.as_nanos() as u64 / 2;
        Duration::from_nanos(half + self.runtime.entropy() % (half + 1))
    }

    /// Queues a command. It leaves when the client next waits.
    ///
    /// # Panics
    /// When there is no connection.
    pub fn send(&mut self, command: &[impl AsRef<[u8]>]) {
        let connection = self.lines[self.line].as_mut().expect("commands are sent on a connection");
        encode_command(&mut connection.output, command);
    }

    /// Queues bytes that need be no command.
    ///
    /// # Panics
    /// When there is no connection.
    pub fn send_raw(&mut self, bytes: &[u8]) {
        let connection = self.lines[self.line].as_mut().expect("bytes are sent on a connection");
        connection.output.extend_from_slice(bytes);
    }

    /// Bytes that have not left yet.
    pub fn unsent(&self) -> usize {
        self.lines[self.line].as_ref().map_or(0, |c| c.output.len() - c.sent)
    }

    /// Sends what the socket takes now.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn flush(&mut self) -> Result<(), Loss> {
        let Some(c) = self.lines[self.line].as_mut() else { return Err(Loss::Broken(ErrorKind::NotConnected)) };
        while c.sent < c.output.len() && !c.blocked {
            match self.sockets.try_write(c.token, &[IoSlice::new(&c.output[c.sent..])]) {
                Ok(n) => {
                    c.blocked = c.sent + n < c.output.len();
                    c.sent += n;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => c.blocked = true,
                Err(error) => return Err(Loss::Broken(error.kind())),
            }
        }
        if c.sent == c.output.len() {
            c.output.clear();
            c.sent = 0;
        }
        Ok(())
    }

    /// Ends this client's sending side once everything queued has left: the server must still answer all of it.
    ///
    /// # Errors
    /// When the connection is gone, or takes nothing until `deadline`.
    pub async fn half_close(&mut self, deadline: Mono) -> Result<(), Loss> {
        loop {
            self.flush()?;
            if self.unsent() == 0 {
                break;
            }
            if self.runtime.now() >= deadline {
                return Err(Loss::TimedOut);
            }
            self.wait(deadline).await;
        }
        if let Some(connection) = &self.lines[self.line] {
            self.sockets.shutdown(connection.token);
        }
        Ok(())
    }

    /// Waits for the next reply, sending what is queued.
    ///
    /// # Errors
    /// The reply will not come on this connection, or not in time: [`Client::close`] it, for a later reply could not be
    /// told from the next command's.
    pub async fn receive(&mut self, deadline: Mono) -> Result<Reply, Loss> {
        loop {
            if let Some(reply) = self.next_reply()? {
                return Ok(reply);
            }
            // A connection that takes no more may still hold replies: what reading says decides.
            let flushed = self.flush();
            match (self.read(), flushed) {
                (Ok(true), _) => continue,
                (Ok(false), flushed) => flushed?,
                // The system tells of a reset once, to whoever asks first, and then shows an end that is no good order.
                (Err(Loss::Ended), Err(broken)) => return Err(broken),
                (Err(loss), _) => return Err(loss),
            }
            if self.runtime.now() >= deadline {
                return Err(Loss::TimedOut);
            }
            self.wait(deadline).await;
        }
    }

    /// What has arrived and was not taken yet, without waiting: replies and messages alike. Sends what is queued.
    ///
    /// # Errors
    /// Nothing more will come on this connection.
    pub fn arrived(&mut self) -> Result<Option<Reply>, Loss> {
        loop {
            if let Some(reply) = self.next_reply()? {
                return Ok(Some(reply));
            }
            let flushed = self.flush();
            match (self.read(), flushed) {
                (Ok(true), _) => {}
                (Ok(false), flushed) => return flushed.map(|()| None),
                (Err(Loss::Ended), Err(broken)) => return Err(broken),
                (Err(loss), _) => return Err(loss),
            }
        }
    }

    /// The next reply, if it has arrived whole.
    fn next_reply(&mut self) -> Result<Option<Reply>, Loss> {
        let Some(c) = self.lines[self.line].as_mut() else { return Err(Loss::Broken(ErrorKind::NotConnected)) };
        if c.decoded == c.input.len() {
            return Ok(None);
        }
        match decode(&c.input[c.decoded..]).map_err(Loss::Garbled)? {
            Some((reply, consumed)) => {
                c.decoded += consumed;
                self.replies += 1;
                Ok(Some(reply))
            }
            None => Ok(None),
        }
    }

    /// Reads what is there. False when the socket has no more for now.
    fn read(&mut self) -> Result<bool, Loss> {
        let Some(c) = self.lines[self.line].as_mut() else { return Err(Loss::Broken(ErrorKind::NotConnected)) };
        if c.drained {
            return Ok(false);
        }
        match self.sockets.try_read(c.token, &mut self.chunk) {
            Ok(0) => Err(Loss::Ended),
            Ok(n) => {
                c.input.drain(..c.decoded);
                c.decoded = 0;
                c.input.extend_from_slice(&self.chunk[..n]);
                c.drained = n < CHUNK && !c.hup;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                c.drained = true;
                Ok(false)
            }
            Err(error) => Err(Loss::Broken(error.kind())),
        }
    }

    /// Gives the connection up. What was not answered stays unknown for ever.
    pub fn close(&mut self) {
        if let Some(connection) = self.lines[self.line].take() {
            self.sockets.close(connection.token);
        }
    }

    /// Waits, without reading or writing.
    pub async fn sleep(&mut self, pause: Duration) {
        let until = self.runtime.now() + pause;
        while self.runtime.now() < until {
            self.wait(until).await;
        }
    }

    /// Waits until something may have become possible, or until a moment.
    pub async fn wait(&mut self, until: Mono) {
        let Client { sockets, ready, lines, .. } = self;
        ready.clear();
        poll_fn(|cx| sockets.poll_ready(cx, until, ready)).await;
        for Readiness { token, bits } in ready.drain(..) {
            if let Some(c) = lines.iter_mut().flatten().find(|c| c.token == token) {
                c.hup |= bits & Interest::HUP != 0;
                c.drained &= bits & (Interest::READ | Interest::HUP) == 0;
                c.blocked &= bits & (Interest::WRITE | Interest::HUP) == 0;
            }
        }
    }

    /// Whether the server has closed or broken the connection, as far as its kernel has told, without reading a byte.
    pub fn is_hung_up(&self) -> bool {
        self.lines[self.line].as_ref().is_none_or(|c| c.hup)
    }
}
