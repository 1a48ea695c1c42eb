//! A server node in a simulated world, an eye on its engine, and clients that tests drive like a script.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::{pending, poll_fn};
use std::io::{ErrorKind, IoSlice};
use std::rc::Rc;
use std::time::Duration;

use refrain_core::{Bug, Config};
use refrain_node::{Exit, Listen, Node, Probe};
use refrain_resp::{Reply, decode};
use refrain_runtime::{Address, Mono, Runtime, Sockets, Token};
use refrain_sim::{NetConfig, NodeConfig, NodeId, Report, SimRuntime, SimSockets, Simulation, World};

pub const PORT: u16 = 6379;

/// Runs `main` in a world with the usual oddities; a panic anywhere fails the test.
pub fn run<T, F>(seed: u64, main: impl FnOnce(World) -> F + Send + 'static) -> Report<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    Simulation::new(seed).time_max(Duration::from_secs(900)).run(main)
}

/// The same without oddities: nothing split, nothing spurious, no jitter.
pub fn calm<T, F>(main: impl FnOnce(World) -> F + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    Simulation::new(1).net(NetConfig::calm()).time_max(Duration::from_secs(900)).run(main).expect()
}

pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Plants one bug, or none.
struct Plant(Option<Bug>);

impl Probe for Plant {
    fn planted(&self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
}

/// What was seen of the engine after its rounds.
#[derive(Debug, Default)]
pub struct Seen {
    pub rounds: u64,
    pub sessions: usize,
    pub commands: u64,
    /// The most that one session was owed, in bytes.
    pub owed_max: usize,
    /// The most that one session had sent without its being executed, in bytes.
    pub pending_max: usize,
    pub memory: u64,
    pub memory_max: u64,
    /// How often the buffer of pending bytes of the first session that has any became another one.
    pub pending_moves: u64,
    pending_at: (usize, usize),
    pub exit: Option<Exit>,
}

/// How to start a server.
#[derive(Clone)]
pub struct Setup {
    pub config: Config,
    pub bug: Option<Bug>,
    pub descriptors: usize,
    pub ns_per_work_unit: u64,
}

impl Default for Setup {
    fn default() -> Setup {
        let mut config = Config::default();
        config.network.protected_mode = false;
        Setup { config, bug: None, descriptors: 10_000, ns_per_work_unit: 1000 }
    }
}

impl Setup {
    /// With parameters changed as a configuration file would.
    pub fn with(parameters: &[(&str, &str)]) -> Setup {
        let mut setup = Setup::default();
        for (name, value) in parameters {
            let values: Vec<&[u8]> = value.split(' ').map(str::as_bytes).collect();
            setup.config.set_at_start(name, &values).unwrap_or_else(|why| panic!("{name}: {why}"));
        }
        setup
    }
}

/// A server that runs.
#[derive(Clone)]
pub struct Server {
    pub node: NodeId,
    pub address: Address,
    pub seen: Rc<RefCell<Seen>>,
}

impl Server {
    pub fn start(world: &World, setup: Setup) -> Server {
        let node = world.add_node(NodeConfig {
            descriptors: setup.descriptors,
            ns_per_work_unit: setup.ns_per_work_unit,
            ..NodeConfig::new("server")
        });
        Server { node, address: world.address(node, PORT), seen: Rc::default() }.start_again(world, setup)
    }

    /// Another life on its machine, with what the one before has left on the disk.
    pub fn start_again(&self, world: &World, setup: Setup) -> Server {
        let seen = self.seen.clone();
        world.start(self.node, move |rt| serve(rt, setup.clone(), seen.clone()));
        self.clone()
    }

    pub fn sessions(&self) -> usize {
        self.seen.borrow().sessions
    }

    /// Waits until so many clients are connected; fails after ten seconds.
    pub async fn until_sessions(&self, world: &World, n: usize) {
        for _ in 0..1000 {
            if self.sessions() == n {
                return;
            }
            world.sleep(ms(10)).await;
        }
        panic!("{} sessions instead of {n}", self.sessions());
    }
}

async fn serve(rt: SimRuntime, setup: Setup, seen: Rc<RefCell<Seen>>) {
    let listen = Listen { address: Address::Tcp(([0, 0, 0, 0], PORT).into()), optional: false };
    let mut node = Node::start(rt.clone(), setup.config, Plant(setup.bug), &[listen]).expect("the port is free");
    let eye = seen.clone();
    let exit = node
        .run_while(move |engine| {
            let (state, mut seen) = (engine.state(), eye.borrow_mut());
            seen.rounds += 1;
            seen.sessions = state.sessions.len();
            seen.commands = state.stats.commands_processed;
            seen.memory = state.used_memory();
            seen.memory_max = seen.memory_max.max(seen.memory);
            for session in state.sessions.iter() {
                seen.owed_max = seen.owed_max.max(session.output.len());
                seen.pending_max = seen.pending_max.max(session.pending.len() - session.pending_from);
            }
            if let Some(session) = state.sessions.iter().find(|s| !s.pending.is_empty()) {
                let at = (session.pending.as_ptr() as usize, session.pending.capacity());
                seen.pending_moves += u64::from(seen.pending_at != at);
                seen.pending_at = at;
            }
            true
        })
        .await;
    seen.borrow_mut().exit = Some(exit);
    // The simulator takes the end of a process that is still at work for its death in the middle of that work.
    rt.world().sleep(ms(1000)).await;
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Eof,
    Broken(ErrorKind),
}

/// A process that is a client, with any number of connections. Waiting for one of them forgets nothing of the others, for
/// every operation is tried before it waits.
pub struct Client {
    pub rt: SimRuntime,
    pub sockets: SimSockets,
    server: Address,
    got: BTreeMap<Token, Vec<u8>>,
}

impl Client {
    /// A client on a node of its own.
    pub fn new(world: &World, server: &Server) -> Client {
        let node = world.add_node(NodeConfig::new(format!("client {}", world.nodes().len())));
        let hand: Rc<RefCell<Option<SimRuntime>>> = Rc::default();
        let give = hand.clone();
        world.start(node, move |rt| {
            *give.borrow_mut() = Some(rt);
            pending()
        });
        let rt = hand.take().expect("a process boots at once");
        Client::of(rt, &server.address)
    }

    /// A client in a process that runs by itself.
    pub fn of(rt: SimRuntime, server: &Address) -> Client {
        Client { sockets: rt.sockets(), rt, server: server.clone(), got: BTreeMap::new() }
    }

    /// Waits until something is ready.
    pub async fn wait(&mut self) {
        let mut out = Vec::new();
        poll_fn(|cx| self.sockets.poll_ready(cx, Mono::NEVER, &mut out)).await;
    }

    /// Connects without waiting for the outcome.
    pub fn dial(&mut self) -> Token {
        self.sockets.connect(&self.server).expect("descriptors are left")
    }

    /// Connects.
    pub async fn connect(&mut self) -> Token {
        let t = self.dial();
        loop {
            match self.sockets.try_write(t, &[]) {
                Ok(_) => return t,
                Err(e) if e.kind() == ErrorKind::NotConnected => self.wait().await,
                Err(e) => panic!("connect: {e}"),
            }
        }
    }

    /// Writes as much as is taken now.
    pub fn try_send(&mut self, t: Token, bytes: &[u8]) -> usize {
        self.sockets.try_write(t, &[IoSlice::new(bytes)]).unwrap_or(0)
    }

    /// Writes all of it, waiting for room.
    pub async fn send(&mut self, t: Token, bytes: impl AsRef<[u8]>) -> Result<(), ErrorKind> {
        let mut bytes = bytes.as_ref();
        while !bytes.is_empty() {
            match self.sockets.try_write(t, &[IoSlice::new(bytes)]) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.wait().await,
                Err(e) => return Err(e.kind()),
            }
        }
        Ok(())
    }

    /// Takes what has arrived, into the connection's buffer. `None` while there is nothing.
    fn receive(&mut self, t: Token) -> Option<Result<(), End>> {
        let mut into = vec![0; 64 << 10];
        Some(match self.sockets.try_read(t, &mut into) {
            Ok(0) => Err(End::Eof),
            Ok(n) => {
                self.got.entry(t).or_default().extend_from_slice(&into[..n]);
                Ok(())
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => return None,
            Err(e) => Err(End::Broken(e.kind())),
        })
    }

    /// The next `n` replies.
    pub async fn replies(&mut self, t: Token, n: usize) -> Result<Vec<Reply>, End> {
        let mut replies = Vec::with_capacity(n);
        let mut used = 0;
        loop {
            let got = self.got.entry(t).or_default();
            while replies.len() < n {
                let Some((reply, len)) = decode(&got[used..]).expect("the server speaks RESP") else { break };
                replies.push(reply);
                used += len;
            }
            got.drain(..used);
            used = 0;
            if replies.len() == n {
                return Ok(replies);
            }
            match self.receive(t) {
                Some(end) => end?,
                None => self.wait().await,
            }
        }
    }

    /// What has arrived by now and was not taken yet.
    pub fn arrived(&mut self, t: Token) -> Vec<u8> {
        while let Some(Ok(())) = self.receive(t) {}
        self.got.get(&t).cloned().unwrap_or_default()
    }

    /// Everything until the connection ends.
    pub async fn until_end(&mut self, t: Token) -> (Vec<u8>, End) {
        loop {
            match self.receive(t) {
                None => self.wait().await,
                Some(Ok(())) => {}
                Some(Err(end)) => return (self.got.remove(&t).unwrap_or_default(), end),
            }
        }
    }

    /// One inline command and its reply.
    pub async fn ask(&mut self, t: Token, line: &str) -> Result<Reply, End> {
        self.send(t, format!("{line}\r\n")).await.map_err(End::Broken)?;
        Ok(self.replies(t, 1).await?.remove(0))
    }

    /// The same for an integer that must come.
    pub async fn int(&mut self, t: Token, line: &str) -> i64 {
        match self.ask(t, line).await {
            Ok(Reply::Integer(n)) => n,
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// A server whose files have come to rest, with 1 at `a`, and a client of it. From here on each sync takes 20 ms.
pub async fn at_rest(world: &World, parameters: &[(&str, &str)]) -> (Server, Client, Token) {
    let server = Server::start(world, Setup::with(parameters));
    let mut client = Client::new(world, &server);
    let t = client.connect().await;
    assert_eq!(client.ask(t, "SET a 1").await, Ok(simple("OK")));
    world.sleep(ms(1500)).await;
    world.set_disk(server.node, |disk| disk.sync = [ms(20), ms(20)]);
    (server, client, t)
}

pub fn simple(text: &str) -> Reply {
    Reply::Simple(text.as_bytes().to_vec())
}

pub fn bulk(text: impl AsRef<[u8]>) -> Reply {
    Reply::Bulk(text.as_ref().to_vec())
}
