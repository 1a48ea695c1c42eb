//! A process for tests: a loop over its sockets that waits for one thing at a time.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::io::{self, ErrorKind, IoSlice};

use std::rc::Rc;
use std::time::Duration;

use refrain_runtime::{Address, Interest, Mono, Readiness, Runtime, Sockets, Token};
use refrain_sim::{KernelChoice, NetConfig, NodeConfig, NodeId, Report, SimRuntime, SimSockets, Simulation, World};

pub const PORT: u16 = 7000;

/// Runs `main` on a network without oddities and gives what it gave.
pub fn calm<T, F>(main: impl FnOnce(World) -> F + Clone + Send + 'static) -> T
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    run(1, NetConfig::calm(), main).expect()
}

/// Runs `main` on both kernels, of which neither may be needed for what is tested.
pub fn run<T, F>(seed: u64, net: NetConfig, main: impl FnOnce(World) -> F + Clone + Send + 'static) -> Report<T>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let simulation = Simulation::new(seed).net(net).time_max(Duration::from_secs(3600));
    let own = simulation.clone().kernel(KernelChoice::Own).run(main.clone());
    if own.outcome.is_err() { own } else { simulation.run(main) }
}

pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn two(world: &World) -> (NodeId, NodeId) {
    (world.add_node(NodeConfig::new("client")), world.add_node(NodeConfig::new("server")))
}

/// Starts a process that does nothing by itself and hands its sockets to the test, which drives them like a script.
pub async fn puppet(world: &World, node: NodeId) -> Proc {
    let hand: Rc<RefCell<Option<SimRuntime>>> = Rc::default();
    let give = hand.clone();
    world.start(node, move |rt| {
        *give.borrow_mut() = Some(rt);
        pending()
    });
    let rt = hand.take().expect("a process boots at once");
    Proc::new(rt)
}

/// A client's and a server's process with one connection between them: (client, its end, server, its end).
pub async fn pair(world: &World) -> (Proc, Token, Proc, Token) {
    let (c, s) = two(world);
    let (mut client, mut server) = (puppet(world, c).await, puppet(world, s).await);
    let listener = server.listen(PORT);
    let t = client.connect(&world.address(s, PORT)).await.expect("the server listens");
    let a = server.accept(listener).await;
    (client, t, server, a)
}

/// A process's sockets, and what they last said.
pub struct Proc {
    pub rt: SimRuntime,
    pub sockets: SimSockets,
    pub seen: Vec<Readiness>,
}

impl Proc {
    pub fn new(rt: SimRuntime) -> Proc {
        Proc { sockets: rt.sockets(), rt, seen: Vec::new() }
    }

    /// Waits for readiness or until a moment; gives what became ready.
    pub async fn wait(&mut self, until: Mono) -> Vec<Readiness> {
        let mut out = Vec::new();
        poll_fn(|cx| self.sockets.poll_ready(cx, until, &mut out)).await;
        self.seen.extend(&out);
        out
    }

    /// Works through its sockets without looking, for so long.
    pub async fn idle(&mut self, d: Duration) {
        let until = self.rt.now() + d;
        while self.rt.now() < until {
            self.wait(until).await;
        }
    }

    pub fn listen(&mut self, port: u16) -> Token {
        let any = Address::Tcp(([0, 0, 0, 0], port).into());
        self.sockets.listen(&any).expect("the address is free")
    }

    pub async fn accept(&mut self, listener: Token) -> Token {
        loop {
            match self.sockets.accept(listener) {
                Ok(t) => return t,
                Err(e) if e.kind() == ErrorKind::WouldBlock => drop(self.wait(Mono::NEVER).await),
                Err(e) => panic!("accept: {e}"),
            }
        }
    }

    /// Connects and waits for the outcome.
    pub async fn connect(&mut self, to: &Address) -> io::Result<Token> {
        let t = self.sockets.connect(to)?;
        loop {
            match self.sockets.try_write(t, &[]) {
                Ok(_) => return Ok(t),
                Err(e) if e.kind() == ErrorKind::NotConnected => drop(self.wait(Mono::NEVER).await),
                Err(e) => {
                    self.sockets.close(t);
                    return Err(e);
                }
            }
        }
    }

    pub fn write(&mut self, t: Token, bytes: &[u8]) -> io::Result<usize> {
        self.sockets.try_write(t, &[IoSlice::new(bytes)])
    }

    /// What a read says now.
    pub fn try_read(&mut self, t: Token) -> Result<Vec<u8>, ErrorKind> {
        let mut into = vec![0; 1 << 20];
        let n = self.sockets.try_read(t, &mut into).map_err(|e| e.kind())?;
        into.truncate(n);
        Ok(into)
    }

    pub fn close(&mut self, t: Token) {
        self.sockets.close(t);
    }

    pub async fn write_all(&mut self, t: Token, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.sockets.try_write(t, &[IoSlice::new(bytes)]) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.until(t, Interest::WRITE | Interest::HUP).await,
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Waits until one of `bits` of `t` is reported.
    pub async fn until(&mut self, t: Token, bits: u8) {
        while !self.wait(Mono::NEVER).await.iter().any(|r| r.token == t && r.bits & bits != 0) {}
    }

    /// Reads something, or the end (empty).
    pub async fn read(&mut self, t: Token) -> io::Result<Vec<u8>> {
        let mut into = vec![0; 4096];
        loop {
            match self.sockets.try_read(t, &mut into) {
                Ok(n) => {
                    into.truncate(n);
                    return Ok(into);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => drop(self.wait(Mono::NEVER).await),
                Err(e) => return Err(e),
            }
        }
    }

    pub async fn read_to_end(&mut self, t: Token) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        loop {
            let some = self.read(t).await?;
            if some.is_empty() {
                return Ok(all);
            }
            all.extend(some);
        }
    }

    pub async fn read_exact(&mut self, t: Token, n: usize) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while all.len() < n {
            let mut into = vec![0; n - all.len()];
            match self.sockets.try_read(t, &mut into) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(n) => all.extend(&into[..n]),
                Err(e) if e.kind() == ErrorKind::WouldBlock => drop(self.wait(Mono::NEVER).await),
                Err(e) => return Err(e),
            }
        }
        Ok(all)
    }
}

/// A server that gives back what it gets, on any number of connections.
pub async fn echo(rt: SimRuntime) {
    let mut p = Proc::new(rt);
    let listener = p.listen(PORT);
    let mut buffer = vec![0; 64 << 10];
    loop {
        for r in p.wait(Mono::NEVER).await {
            if r.token == listener {
                while p.sockets.accept(listener).is_ok() {}
                continue;
            }
            loop {
                match p.sockets.try_read(r.token, &mut buffer) {
                    Ok(0) => {
                        p.sockets.close(r.token);
                        break;
                    }
                    Ok(n) => {
                        let bytes = buffer[..n].to_vec();
                        if p.write_all(r.token, &bytes).await.is_err() {
                            p.sockets.close(r.token);
                            break;
                        }
                    }
                    Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => {
                        p.sockets.close(r.token);
                        break;
                    }
                }
            }
        }
    }
}
