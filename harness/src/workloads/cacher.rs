//! A client that keeps what it reads, and forgets it when the server says so: CLIENT TRACKING in RESP3, with NOLOOP, OPTIN or
//! BCAST, or in RESP2 with a second connection that is told instead (REDIRECT). It does what the documentation asks of
//! clients: a new connection begins with an empty cache, own writes are forgotten without being told, and where answers and
//! invalidations come by different connections, an answer is not kept if its key was invalidated since the question.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::cache_writer::{key, text};
use crate::client::{Client, Loss};
use crate::record::caching::{Hit, Sight};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Cacher {
        /// Keys that all clients share.
        keys: Span,
        /// Of a hundred questions, how many are writes.
        write_percent: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Questions in flight together.
        depth: Span,
        /// Turns of one connection.
        life: Span,
        /// Pause between turns, in microseconds.
        pause_us: Span,
    }
}

/// The line for questions, and the one that is told in the place of the first.
const DATA: usize = 0;
const EAR: usize = 1;

/// Ways to be told.
const MODES: [(&str, &[&str]); 7] = [
    ("default", &[]),
    ("NOLOOP", &["NOLOOP"]),
    ("OPTIN", &["OPTIN"]),
    ("BCAST", &["BCAST"]),
    ("BCAST PREFIX", &["BCAST", "PREFIX", "user:", "PREFIX", "item:"]),
    ("REDIRECT", &[]),
    ("REDIRECT NOLOOP", &["NOLOOP"]),
];

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Cacher) {
    while context.working() {
        client.use_line(DATA);
        if !client.connect_while(|| context.working()).await {
            break;
        }
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let (mode, options) = *stream.pick(&MODES);
        let redirects = mode.starts_with("REDIRECT");
        let timeout = Duration::from_millis(p.timeout_ms.value());
        let mut cache = Cache {
            client,
            context,
            timeout,
            mode,
            redirects,
            asks_first: mode == "OPTIN",
            held: BTreeMap::new(),
            awaited: BTreeSet::new(),
            since: 0,
        };
        let outcome = cache.live(p, options, &mut stream).await;
        for line in [EAR, DATA] {
            client.use_line(line);
            client.close();
        }
        if let Err(loss) = outcome {
            context.lost(&loss);
            context.become_another_process();
        }
        client.sleep(Duration::from_millis(1)).await;
    }
}

/// What one connection (with its ear) keeps.
struct Cache<'a, R: Runtime> {
    client: &'a mut Client<R>,
    context: &'a Context,
    timeout: Duration,
    mode: &'static str,
    redirects: bool,
    /// Says before a read that it will keep the answer.
    asks_first: bool,
    held: BTreeMap<String, Sight>,
    /// Keys that were asked for and not invalidated since.
    awaited: BTreeSet<String>,
    /// When the last command was sent that was answered by the line that brings invalidations.
    since: u64,
}

/// A command that waits for its answer.
enum Asked {
    Ok,
    Read(String, u64),
    Write(String, usize),
}

impl<R: Runtime> Cache<'_, R> {
    async fn live(&mut self, p: &Cacher, options: &[&str], stream: &mut Stream) -> Result<(), Loss> {
        self.begin(options).await?;
        for _ in 0..p.life.pick_u64(stream) {
            if !self.context.working() {
                break;
            }
            let batch = self.context.next_batch();
            let mut stream = super::batch_stream(self.context, batch);
            let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
            if !self.context.plan.skips(batch) {
                self.turn(p, batch, &mut stream).await?;
            }
            self.client.sleep(pause).await;
        }
        Ok(())
    }

    async fn begin(&mut self, options: &[&str]) -> Result<(), Loss> {
        let mut words = vec!["CLIENT".to_owned(), "TRACKING".to_owned(), "ON".to_owned()];
        if self.redirects {
            self.client.use_line(EAR);
            self.client.connect().await?;
            self.client.send(&["CLIENT", "ID"]);
            self.client.send(&["SUBSCRIBE", "__redis__:invalidate"]);
            let deadline = self.client.now() + self.timeout;
            let id = self.client.receive(deadline).await?;
            self.client.receive(deadline).await?;
            self.client.use_line(DATA);
            let Reply::Integer(id) = id else {
                self.complain("CLIENT ID", &id);
                return Ok(());
            };
            words.extend(["REDIRECT".to_owned(), id.to_string()]);
        } else {
            self.client.send(&["HELLO", "3"]);
            let deadline = self.client.now() + self.timeout;
            self.client.receive(deadline).await?;
        }
        words.extend(options.iter().map(|word| word.to_string()));
        self.client.send(&words);
        let deadline = self.client.now() + self.timeout;
        let reply = self.client.receive(deadline).await?;
        if reply != Reply::Simple(b"OK".to_vec()) {
            self.complain("CLIENT TRACKING", &reply);
        }
        Ok(())
    }

    async fn turn(&mut self, p: &Cacher, batch: u64, stream: &mut Stream) -> Result<(), Loss> {
        let sent = self.context.now();
        let mut asked = VecDeque::new();
        for number in 0..p.depth.pick_u64(stream).max(1) {
            let key = key(stream.below(p.keys.value().max(1)));
            if stream.below(100) < p.write_percent.value() {
                let value = format!("{}:{batch}:{number}", self.context.process.get());
                self.client.send(&["SET", &key, &value]);
                let caching = &mut self.context.record.borrow_mut().caching;
                let write = caching.write(Some(&key), Some(value), None, sent);
                self.forget(&key);
                asked.push_back(Asked::Write(key, write));
            } else if !self.held.contains_key(&key) {
                if self.asks_first {
                    self.client.send(&["CLIENT", "CACHING", "YES"]);
                    asked.push_back(Asked::Ok);
                }
                self.client.send(&["GET", &key]);
                self.awaited.insert(key.clone());
                asked.push_back(Asked::Read(key, sent));
            }
        }
        if asked.is_empty() {
            self.client.send(&["CLIENT", "SETNAME", "x"]);
            asked.push_back(Asked::Ok);
        }
        let deadline = self.client.now() + self.timeout;
        while let Some(next) = asked.pop_front() {
            let reply = loop {
                let reply = self.client.receive(deadline).await?;
                if !self.is_told(&reply) {
                    break reply;
                }
            };
            self.answered(next, reply);
            if !self.redirects {
                self.since = sent;
                self.serve(stream);
            }
        }
        if self.redirects {
            self.listen(batch).await?;
            self.serve(stream);
        }
        Ok(())
    }

    /// Takes an answer to one of the commands.
    fn answered(&mut self, asked: Asked, reply: Reply) {
        let now = self.context.now();
        match asked {
            Asked::Ok if reply == Reply::Simple(b"OK".to_vec()) => {}
            Asked::Ok => self.complain("CLIENT", &reply),
            Asked::Write(key, write) if reply == Reply::Simple(b"OK".to_vec()) => {
                self.context.record.borrow_mut().caching.done(write, now);
                self.forget(&key);
            }
            Asked::Write(..) => self.complain("SET", &reply),
            Asked::Read(key, asked) => {
                let Some(value) = text(&reply) else { return self.complain("GET", &reply) };
                let sight = Sight { key: key.clone(), value, asked, answered: now };
                self.context.record.borrow_mut().caching.sights.push(sight.clone());
                if self.awaited.remove(&key) {
                    self.held.insert(key, sight);
                }
            }
        }
    }

    /// Hears what has come for the other connection, up to the answer to a question of this moment.
    async fn listen(&mut self, batch: u64) -> Result<(), Loss> {
        self.client.use_line(EAR);
        let sent = self.context.now();
        self.client.send(&["PING", &batch.to_string()]);
        let deadline = self.client.now() + self.timeout;
        let pong = Reply::Array(vec![Reply::Bulk(b"pong".to_vec()), Reply::Bulk(batch.to_string().into_bytes())]);
        loop {
            let reply = self.client.receive(deadline).await?;
            if reply == pong {
                break;
            }
            if !self.is_told(&reply) {
                self.complain("listening", &reply);
            }
        }
        self.since = sent;
        self.client.use_line(DATA);
        Ok(())
    }

    /// Whether this is a message that something is no longer true; it is obeyed.
    fn is_told(&mut self, reply: &Reply) -> bool {
        let keys = match reply {
            Reply::Push(fields) if fields.first() == Some(&Reply::Bulk(b"invalidate".to_vec())) => fields.get(1),
            Reply::Array(fields) if fields.first() == Some(&Reply::Bulk(b"message".to_vec())) => fields.get(2),
            _ => return false,
        };
        match keys {
            Some(Reply::Array(keys)) => {
                for key in keys {
                    if let Some(Some(key)) = text(key) {
                        self.held.remove(&key);
                        // By one connection, what is invalidated before an answer was changed before the question was read.
                        if self.redirects {
                            self.awaited.remove(&key);
                        }
                    }
                }
            }
            _ => {
                self.held.clear();
                if self.redirects {
                    self.awaited.clear();
                }
            }
        }
        true
    }

    fn forget(&mut self, key: &str) {
        self.held.remove(key);
        if self.redirects {
            self.awaited.remove(key);
        }
    }

    /// Serves a few keys from the cache.
    fn serve(&self, stream: &mut Stream) {
        let at = self.context.now();
        let caching = &mut self.context.record.borrow_mut().caching;
        for held in self.held.values() {
            if stream.chance(0.4) {
                let client = self.context.plan.name.clone();
                caching.hits.push(Hit { client, mode: self.mode, at, since: self.since, held: held.clone() });
            }
        }
    }

    fn complain(&self, command: &str, reply: &Reply) {
        self.context.record.borrow_mut().unexpected(self.context.now(), &self.context.plan.name, command, reply);
    }
}
