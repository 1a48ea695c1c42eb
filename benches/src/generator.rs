//! The load generator: one thread, one epoll, a fixed set of connections, each with one batch of `P` requests in flight.
//!
//! It must stay far cheaper a request than any server it drives, or it measures itself. So a batch is patched and sent with one
//! write, replies are counted and not decoded, and the clock is read once a batch. It never retries and never reconnects:
//! whatever goes wrong ends the measurement.
//!
//! Latency is that of a batch: from before its write until its last reply was read.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::kernel;
use crate::replies::ReplyCounter;
use crate::workloads::Traffic;

/// A server that says nothing for so long, while replies are owed, is given up.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest latency told apart, in nanoseconds: ten minutes.
const LONGEST: u64 = 600_000_000_000;

/// Large enough for the replies of a deep batch in one read.
const INPUT_BYTES: usize = 256 << 10;

/// When to stop sending. What was sent is always answered before a run ends.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    /// At the first batch completed after so long.
    Elapsed(Duration),
    /// After so many requests.
    Requests(u64),
}

/// What a run saw.
#[derive(Debug)]
pub struct Outcome {
    /// Requests sent and answered.
    pub requests: u64,
    /// From the first write to the last reply.
    pub elapsed: Duration,
    /// Nanoseconds from a batch's write to its last reply.
    pub latency: Histogram<u64>,
    /// CPU time of the generator.
    pub own_cpu: Duration,
}

/// Open connections to one server, idle between runs.
pub struct Generator {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    input: Vec<u8>,
}

struct Connection {
    socket: TcpStream,
    /// What the socket did not take yet.
    unsent: Vec<u8>,
    /// Replies owed to the batch in flight.
    awaited: u32,
    sent_at: Instant,
    replies: ReplyCounter,
}

impl Generator {
    /// Opens `connections` connections to `address`.
    ///
    /// # Errors
    /// When the server does not take them.
    pub fn connect(address: SocketAddr, connections: usize) -> io::Result<Generator> {
        let poll = Poll::new()?;
        let connections = (0..connections)
            .map(|index| {
                let socket = std::net::TcpStream::connect(address)?;
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                let mut socket = TcpStream::from_std(socket);
                poll.registry().register(&mut socket, Token(index), Interest::READABLE | Interest::WRITABLE)?;
                let (unsent, replies) = (Vec::new(), ReplyCounter::new());
                Ok(Connection { socket, unsent, awaited: 0, sent_at: Instant::now(), replies })
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Generator { poll, events: Events::with_capacity(256), connections, input: vec![0; INPUT_BYTES] })
    }

    /// Sends `traffic` until the end, and waits for every reply.
    ///
    /// # Errors
    /// When the server hangs up, is silent for a minute, answers with an error or with something else than the traffic
    /// expects, or someone interrupts.
    pub fn run(&mut self, traffic: &mut Traffic, until: Until) -> io::Result<Outcome> {
        let cpu = kernel::this_thread_cpu();
        let start = Instant::now();
        let mut run = Run::new(traffic, until, start);
        for connection in &mut self.connections {
            run.send(connection, start)?;
        }
        while run.in_flight > 0 {
            kernel::go_on()?;
            match self.poll.poll(&mut self.events, Some(SILENCE)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome?,
            }
            if self.events.is_empty() {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no reply for {} s", SILENCE.as_secs())));
            }
            for event in &self.events {
                let connection = &mut self.connections[event.token().0];
                if event.is_writable() && !connection.unsent.is_empty() {
                    connection.flush()?;
                }
                if event.is_readable() {
                    run.receive(connection, &mut self.input)?;
                }
            }
        }
        let elapsed = run.last.duration_since(start);
        let (requests, latency) = (run.requests, run.latency);
        self.check_replies()?;
        Ok(Outcome { requests, elapsed, latency, own_cpu: kernel::this_thread_cpu() - cpu })
    }

    fn check_replies(&self) -> io::Result<()> {
        for Connection { replies, .. } in &self.connections {
            if replies.errors() > 0 {
                return Err(io::Error::other(format!("the server answered with an error: {}", replies.first_error())));
            }
            if replies.surprises() > 0 {
                return Err(io::Error::other(format!(
                    "{} replies on one connection were not what the test expects",
                    replies.surprises()
                )));
            }
        }
        Ok(())
    }
}

impl Connection {
    fn flush(&mut self) -> io::Result<()> {
        let unsent = std::mem::take(&mut self.unsent);
        self.write(&unsent)
    }

    /// Writes what the socket takes and keeps the rest.
    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.socket.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unsent = bytes.to_vec();
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The state of one run.
struct Run<'a> {
    traffic: &'a mut Traffic,
    turn: usize,
    deadline: Option<Instant>,
    /// Requests that may still be sent.
    budget: u64,
    requests: u64,
    /// Connections that await replies.
    in_flight: usize,
    latency: Histogram<u64>,
    /// When the last batch ended.
    last: Instant,
}

impl<'a> Run<'a> {
    fn new(traffic: &'a mut Traffic, until: Until, start: Instant) -> Run<'a> {
        let (deadline, budget) = match until {
            Until::Elapsed(time) => (Some(start + time), u64::MAX),
            Until::Requests(requests) => (None, requests),
        };
        let latency = Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are in order, the digits below six");
        Run { traffic, turn: 0, deadline, budget, requests: 0, in_flight: 0, latency, last: start }
    }

    /// Sends the next batch, unless the end has come.
    #[inline]
    fn send(&mut self, connection: &mut Connection, now: Instant) -> io::Result<()> {
        if self.budget == 0 || self.deadline.is_some_and(|deadline| now >= deadline) {
            return Ok(());
        }
        let Traffic { batches, keys, .. } = &mut *self.traffic;
        let turns = batches.len();
        let batch = &mut batches[self.turn];
        let requests = usize::try_from(self.budget).map_or(batch.depth(), |budget| budget.min(batch.depth()));
        let bytes = batch.patched(requests, || keys.next());
        self.turn = (self.turn + 1) % turns;
        self.budget -= requests as u64;
        self.requests += requests as u64;
        self.in_flight += 1;
        connection.awaited = u32::try_from(requests).expect("a batch is at most DEEPEST_PIPELINE");
        connection.sent_at = now;
        connection.write(bytes)
    }

    /// Reads what is there; when the batch is complete, books it and sends the next.
    #[inline]
    fn receive(&mut self, connection: &mut Connection, input: &mut [u8]) -> io::Result<()> {
        loop {
            let read = match connection.socket.read(input) {
                Ok(0) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up")),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let seen = connection
                .replies
                .feed(&input[..read], self.traffic.expected.as_deref())
                .map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))?;
            connection.awaited = connection
                .awaited
                .checked_sub(seen)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "more replies than requests"))?;
            if seen > 0 && connection.awaited == 0 {
                let now = Instant::now();
                let latency = now.duration_since(connection.sent_at).as_nanos();
                self.latency.saturating_record(u64::try_from(latency).unwrap_or(LONGEST));
                self.last = now;
                self.in_flight -= 1;
                self.send(connection, now)?;
            }
            // Edge-triggered: a short read has emptied the socket, and more will bring another event.
            if read < input.len() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workloads::{self, Sizes};
    use std::net::TcpListener;

    /// Answers every whole line-framed PING of `connections` clients with `reply`, until they hang up.
    fn canned(connections: usize, reply: &'static [u8]) -> (SocketAddr, std::thread::JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serve = move || {
            let clients: Vec<_> = (0..connections).map(|_| listener.accept().unwrap().0).collect();
            let answered = clients.into_iter().map(|mut client| {
                std::thread::spawn(move || {
                    let (mut bytes, mut answered) = (0, 0);
                    let mut input = [0; 1000];
                    while let Ok(n @ 1..) = client.read(&mut input) {
                        bytes += n;
                        let owed = bytes / b"*1\r\n$4\r\nPING\r\n".len() - answered;
                        answered += owed;
                        if client.write_all(&reply.repeat(owed)).is_err() {
                            break;
                        }
                    }
                    answered
                })
            });
            answered.collect::<Vec<_>>().into_iter().map(|thread| thread.join().unwrap()).sum()
        };
        (address, std::thread::spawn(serve))
    }

    fn ping(depth: usize) -> Traffic {
        let sizes = Sizes { keys: 1, value: 1, zipf: None };
        workloads::find("ping").unwrap().traffic(&sizes, depth, 1).unwrap()
    }

    #[test]
    fn sends_exactly_the_requests_asked_for_and_awaits_every_reply() {
        let (address, server) = canned(3, b"+PONG\r\n");
        let mut generator = Generator::connect(address, 3).unwrap();
        for (requests, depth) in [(1, 1), (1000, 7), (5000, 64), (2, 64)] {
            let outcome = generator.run(&mut ping(depth), Until::Requests(requests)).unwrap();
            assert_eq!(outcome.requests, requests);
            assert_eq!(outcome.latency.len(), requests.div_ceil(depth as u64));
        }
        drop(generator);
        assert_eq!(server.join().unwrap(), 6003);
    }

    #[test]
    fn a_wrong_reply_ends_the_measurement() {
        for (reply, complaint) in [(&b"-ERR sorry\r\n"[..], "sorry"), (b"+PANG\r\n", "expects"), (b"huh\r\n", "RESP")] {
            let (address, server) = canned(1, reply);
            let mut generator = Generator::connect(address, 1).unwrap();
            let error = generator.run(&mut ping(4), Until::Requests(8)).unwrap_err();
            assert!(error.to_string().contains(complaint), "{error}");
            drop(generator);
            server.join().unwrap();
        }
    }
}
