//! The node under test as a process of the simulated world, with its invariants looking on after every round, and whoever
//! looks after it: a server that has ended by itself is started again.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use refrain_core::{Config, Engine};
use refrain_node::{Exit, Listen, Node, NodeHooks};
use refrain_runtime::Address;
use refrain_sim::{NodeId, SimRuntime, Status, World};

use crate::oracles::deadlines::Readings;
use crate::oracles::ledger::{Death, FORGIVEN_FOR, Ledger};
use crate::oracles::overload::Work;
use crate::oracles::{Invariant, Violation};
use crate::planted::{Planted, PlantingProbe};
use crate::record::seconds;

/// The port that the server listens on.
pub const PORT: u16 = 6379;

/// How long whoever looks after the server waits before it is started again, in nanoseconds.
const STARTED_AGAIN_AFTER: u64 = 100_000_000;

/// The engine of a simulated server.
pub type ServerEngine = Engine<NodeHooks<SimRuntime, PlantingProbe>>;

/// What the harness sees of a server.
#[derive(Default)]
pub struct Observed {
    /// Commands executed, in all lives.
    pub commands: u64,
    /// Those of earlier lives.
    pub before: u64,
    /// Rounds looked at.
    pub rounds: u64,
    /// The most bytes in use at the end of a round, by structure.
    pub most_used: u64,
    /// What the server's wall clock showed after rounds, where that is asked for.
    pub readings: Option<Readings>,
    /// What was seen of its work, where that is asked for.
    pub work: Option<Work>,
    /// What bookkeepers wrote, where that is asked for.
    pub ledger: Option<Ledger>,
    /// What is to happen to files when the server has ended.
    pub rot_is_due: Option<Damage>,
    /// Files have rotted, and no start has shown yet what comes of it.
    pub rotten: Option<Rotten>,
    /// When the disk fails calls, and not only takes its time: from, until.
    pub disk_fails: Vec<[u64; 2]>,
    /// It has begun to serve, in some life.
    pub ready: bool,
    /// The invariants, with what they have seen.
    pub invariants: Vec<Box<dyn Invariant>>,
    /// What else must not be.
    pub complaints: Vec<Violation>,
}

/// Files by path.
type Files = BTreeMap<String, Vec<u8>>;

/// What happens to files while nobody looks.
#[derive(Debug, Clone)]
pub struct Damage {
    /// Bits that change: of which file, and which.
    pub flips: Vec<[u64; 2]>,
    /// Bytes that are lost at the end of a part behind which another goes on; 0 for none.
    pub cut: u64,
}

/// Files that have rotted.
pub struct Rotten {
    /// As they were before.
    good: Files,
    /// As the start that is under way has found them: power may have been lost since they rotted.
    bad: Files,
}

impl Observed {
    /// The server's process has ended.
    pub fn died(&mut self, now: u64, death: Death) {
        self.before = self.commands;
        if let Some(ledger) = &mut self.ledger {
            ledger.died(now, death);
        }
    }

    /// The server's files take damage.
    pub fn rot(&mut self, world: &World, server: NodeId, damage: &Damage, ended_well: bool) {
        let good = world.files(server);
        if let Some((part, contents)) = continued_part(&good).filter(|_| damage.cut > 0) {
            let left = contents.len() - damage.cut.min(contents.len() as u64) as usize;
            world.place_file(server, &part, &contents[..left]).expect("its folder is there");
        }
        for [file, bit] in &damage.flips {
            world.rot(server, *file, *bit);
        }
        let bad = world.files(server);
        if bad == good {
            return;
        }
        let changed: Vec<&str> =
            bad.iter().filter(|(path, now)| good.get(*path) != Some(now)).map(|(path, _)| &**path).collect();
        world.note(Some(server), &format!("rot in {}", changed.join(", ")));
        // A second time it is the first that counts.
        let good = self.rotten.take().map_or(good, |rotten| rotten.good);
        self.rotten = Some(Rotten { good, bad });
        if let Some(ledger) = &mut self.ledger {
            ledger.files_have_rotted(ended_well);
        }
    }

    /// The process has ended by itself: notes how, and what has become of files that it may have been unable to read.
    fn exited(&mut self, world: &World, server: NodeId, exit: &Exit) {
        let now = world.now();
        let served = self.ledger.as_ref().is_none_or(Ledger::is_served);
        let (death, failed) = match exit {
            Exit::Failed(why) => (Death::Exit, Some(why)),
            Exit::Command | Exit::Signal(_) => (Death::Clean, None),
        };
        self.died(now, death);
        let Some(why) = failed else {
            if let Some(damage) = self.rot_is_due.take() {
                // One that had not loaded its files yet leaves them as the end before had left them.
                self.rot(world, server, &damage, served);
            }
            return;
        };
        world.note(Some(server), &format!("ends: {why}"));
        let fails = self.disk_fails.iter().any(|[from, until]| (*from..until + FORGIVEN_FOR).contains(&now));
        // A disk that fails is no refusal: the next start says what it has found.
        let refused = self.rotten.take_if(|_| served || !fails).filter(|_| !served);
        match refused {
            Some(rotten) => {
                self.compare_files(world, server, &rotten);
                for (path, contents) in &rotten.good {
                    world.place_file(server, path, contents).expect("its folder is there");
                }
                if let Some(ledger) = &mut self.ledger {
                    ledger.files_are_put_back();
                }
            }
            None if fails => {}
            None => self.complaints.push(Violation::new(
                "start",
                format!("{} the server ends though its disk is well: {why}", seconds(now)),
            )),
        }
    }

    /// A start that has refused what it found has left it as it was.
    fn compare_files(&mut self, world: &World, server: NodeId, rotten: &Rotten) {
        let now = world.files(server);
        let is_temporary = |path: &str| path.rsplit('/').next().is_some_and(|name| name.starts_with("temp-"));
        for (path, bad) in rotten.bad.iter().filter(|(path, _)| !is_temporary(path)) {
            if now.get(path) != Some(bad) {
                let what = format!("{} a start that was refused has changed {path}", seconds(world.now()));
                self.complaints.push(Violation::new("start", what));
            }
        }
    }
}

/// The last part of the append-only file behind which another goes on, as the manifest tells.
fn continued_part(files: &Files) -> Option<(String, &[u8])> {
    let (path, manifest) = files.iter().find(|(path, _)| path.ends_with(".manifest"))?;
    let (folder, _) = path.rsplit_once('/')?;
    let parts: Vec<&str> = std::str::from_utf8(manifest)
        .ok()?
        .lines()
        .filter(|line| line.ends_with(" type i"))
        .filter_map(|line| line.split(' ').nth(1))
        .collect();
    let (_, continued) = parts.split_last()?;
    let part = format!("{folder}/{}", continued.last()?);
    let contents = files.get(&part)?;
    Some((part, contents))
}

/// Runs a server until the world ends it.
pub async fn serve(runtime: SimRuntime, config: Config, planted: Option<Planted>, observed: Rc<RefCell<Observed>>) {
    let listen = Listen { address: Address::Tcp(SocketAddr::from(([0, 0, 0, 0], PORT))), optional: false };
    let (world, server) = (runtime.world().clone(), runtime.node());
    if let Some(rotten) = &mut observed.borrow_mut().rotten {
        rotten.bad = world.files(server);
    }
    let started = Node::start(runtime, config, PlantingProbe(planted), &[listen]);
    let mut node = started.unwrap_or_else(|error| panic!("the server does not start: {error}"));
    {
        let mut observed = observed.borrow_mut();
        for invariant in &mut observed.invariants {
            invariant.begin(node.engine());
        }
        if let Some(ledger) = &mut observed.ledger {
            ledger.begin();
        }
    }
    let exit = node
        .run_while(|engine| {
            let mut observed = observed.borrow_mut();
            let now = world.now();
            observed.rounds += 1;
            observed.ready |= !engine.state().persistence.is_loading();
            observed.commands = observed.before + engine.state().stats.commands_processed;
            observed.most_used = observed.most_used.max(engine.state().used_memory());
            if let Some(readings) = &mut observed.readings {
                readings.push((now, engine.state().now.unix_ms()));
            }
            if let Some(work) = &mut observed.work {
                work.look(now, engine);
            }
            if let Some(ledger) = &mut observed.ledger {
                let served = ledger.is_served();
                ledger.look(now, engine);
                if ledger.is_served() && !served {
                    observed.rotten = None;
                }
            }
            for invariant in &mut observed.invariants {
                invariant.look(now, engine);
            }
            true
        })
        .await;
    let saves = !node.engine().config().persistence.save.points.is_empty();
    if saves && !matches!(exit, Exit::Failed(_)) && node.engine().state().persistence.save_under_way().is_some() {
        let what = format!("{} the server ends before its last snapshot is there", seconds(world.now()));
        observed.borrow_mut().complaints.push(Violation::new("ledger", what));
    }
    observed.borrow_mut().exited(&world, server, &exit);
    world.at(world.now() + STARTED_AGAIN_AFTER, move |world| {
        if world.status(server) == Status::Exited {
            world.restart(server);
        }
    });
}
