//! Faults as data, and how the world is made to suffer them.
//!
//! A plan lists faults with their times. Each ends by itself after its own time at the latest, and [`heal`] ends what is
//! left when the first phase is over. Faults overlap freely; a cut that is cut twice is healed twice.

use std::fmt;
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use refrain_sim::{Cuts, DiskConfig, LinkConfig, NodeId, Status, Stream, World};
use serde::{Deserialize, Serialize};

use crate::oracles::ledger::Death;
use crate::plan::{Plan, SERVER};
use crate::server::Damage;
use crate::world::Nodes;

/// One fault. Durations are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields mean what they do in the scenario's menu")]
pub enum Fault {
    /// These links carry nothing. The shape is for people; the links are what is cut.
    Cut { shape: Shape, links: Vec<Link>, for_ms: u64 },
    /// A connection of this client is reset: the `which`-th of them, modulo their number.
    Reset { client: String, which: u64 },
    /// The client ends its sending side after its next commands, and reads on to the end.
    HalfClose { client: String },
    /// The process is stopped (SIGSTOP) and goes on.
    Pause { node: String, for_ms: u64 },
    /// A unit of the server's work costs this much.
    SlowCpu { ns_per_work_unit: u64, for_ms: u64 },
    /// One directed link gets worse by this much.
    Degrade { link: Link, delay_us: u64, jitter_us: u64, loss_permille: u64, for_ms: u64 },
    /// The server's wall clock jumps.
    WallJump { by_ms: i64 },
    /// The server's wall clock is slewed.
    WallSlew { by_ms: i64, for_ms: u64 },
    /// The server's clocks change their rate.
    Drift { ppm: i64 },
    /// The client's process is killed, and started again after so long.
    CrashClient { client: String, for_ms: u64 },
    /// The server's process is killed, and started again after so long; and once more after each of these.
    KillServer { for_ms: u64, again_ms: Vec<u64> },
    /// The server's host loses power, and is started again after so long; and once more after each of these.
    PowerLoss { for_ms: u64, again_ms: Vec<u64> },
    /// The server is asked to end (SIGTERM). Whoever looks after it starts it again.
    StopServer,
    /// Syncs of the server's disk take up to so long, and it writes back so much a second.
    SlowDisk { sync_us: u64, bandwidth_kib: u64, for_ms: u64 },
    /// No call of the server's disk ends.
    StuckDisk { for_ms: u64 },
    /// Writes of the server's disk fail, so many of a thousand.
    WriteErrors { permille: u64, for_ms: u64 },
    /// Syncs of the server's disk fail, so many of a thousand.
    SyncErrors { permille: u64, for_ms: u64 },
    /// The server's disk has no room, for so many writes of a thousand.
    FullDisk { permille: u64, for_ms: u64 },
    /// The server ends, its files take damage, and it is started again. Should it refuse, the files are put back.
    Rot {
        stop: Stop,
        /// Bits that change: of which file, and which.
        flips: Vec<[u64; 2]>,
        for_ms: u64,
        /// So many bytes are lost at the end of a part of the append-only file behind which another goes on.
        #[serde(default)]
        cut: u64,
    },
}

/// How a server ends before its files rot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// It is asked to.
    Clean,
    /// It is killed.
    Kill,
    /// Its host loses power.
    PowerLoss,
}

impl Fault {
    /// Makes the fault last half as long. False if it does not last.
    pub fn halve(&mut self) -> bool {
        let lasts = match self {
            Fault::Cut { for_ms, .. }
            | Fault::Pause { for_ms, .. }
            | Fault::SlowCpu { for_ms, .. }
            | Fault::Degrade { for_ms, .. }
            | Fault::KillServer { for_ms, .. }
            | Fault::PowerLoss { for_ms, .. }
            | Fault::SlowDisk { for_ms, .. }
            | Fault::StuckDisk { for_ms }
            | Fault::WriteErrors { for_ms, .. }
            | Fault::SyncErrors { for_ms, .. }
            | Fault::FullDisk { for_ms, .. }
            | Fault::Rot { for_ms, .. }
            | Fault::CrashClient { for_ms, .. } => for_ms,
            Fault::Reset { .. }
            | Fault::HalfClose { .. }
            | Fault::StopServer
            | Fault::WallJump { .. }
            | Fault::WallSlew { .. }
            | Fault::Drift { .. } => return false,
        };
        *lasts /= 2;
        *lasts > 0
    }

    /// Whether the server's process may end of it.
    pub fn may_end_server(&self) -> bool {
        matches!(
            self,
            Fault::KillServer { .. }
                | Fault::PowerLoss { .. }
                | Fault::StopServer
                | Fault::SyncErrors { .. }
                | Fault::WriteErrors { .. }
                | Fault::FullDisk { .. }
                | Fault::Rot { .. }
        )
    }
}

/// A fault and when it strikes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TimedFault {
    /// Milliseconds of virtual time after the clients have started.
    pub at_ms: u64,
    /// What happens.
    pub fault: Fault,
}

/// Shapes of partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Some clients and the server do not hear each other.
    Split,
    /// The server is alone.
    Isolate,
    /// The server hears nobody, and everybody hears it.
    Deafen,
    /// Nobody hears the server, and it hears everybody.
    Mute,
    /// One direction between one client and the server.
    OneWay,
    /// Two groups see each other only through one node.
    Bridge,
    /// Every node sees only its two neighbours.
    Ring,
}

/// A direction between two nodes, written `client-1 > server`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Link {
    /// The sender.
    pub from: String,
    /// The receiver.
    pub to: String,
}

impl Link {
    /// The direction from `from` to `to`.
    pub fn new(from: &str, to: &str) -> Link {
        Link { from: from.to_owned(), to: to.to_owned() }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.from, self.to)
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Link, String> {
        let (from, to) = text.split_once(" > ").ok_or_else(|| format!("`{text}` is no link: `from > to`"))?;
        Ok(Link::new(from, to))
    }
}

impl TryFrom<String> for Link {
    type Error = String;

    fn try_from(text: String) -> Result<Link, String> {
        text.parse()
    }
}

impl From<Link> for String {
    fn from(link: Link) -> String {
        link.to_string()
    }
}

impl Shape {
    /// The links that a partition of this shape cuts, among the server and these clients. Links between clients carry
    /// nothing and are left out.
    pub fn draw(self, stream: &mut Stream, clients: &[String]) -> Vec<Link> {
        let mut order: Vec<&str> = clients.iter().map(String::as_str).chain([SERVER]).collect();
        stream.shuffle(&mut order);
        let to = |client: &str| Link::new(client, SERVER);
        let from = |client: &str| Link::new(SERVER, client);
        let both = |clients: &[&str]| clients.iter().flat_map(|c| [to(c), from(c)]).collect::<Vec<_>>();
        let shuffled: Vec<&str> = order.iter().copied().filter(|name| *name != SERVER).collect();
        let some = &shuffled[..1 + stream.below(shuffled.len() as u64) as usize];
        match self {
            Shape::Split => both(some),
            Shape::Isolate => both(&shuffled),
            Shape::Deafen => shuffled.iter().map(|c| to(c)).collect(),
            Shape::Mute => shuffled.iter().map(|c| from(c)).collect(),
            Shape::OneWay if stream.chance(0.5) => vec![to(shuffled[0])],
            Shape::OneWay => vec![from(shuffled[0])],
            Shape::Bridge => {
                // One node in the middle sees both sides; the server loses the side that it is not on.
                let at = order.iter().position(|name| *name == SERVER).expect("the server is one of the nodes");
                let middle = order.len() / 2;
                match at.cmp(&middle) {
                    std::cmp::Ordering::Less => both(&order[middle + 1..]),
                    std::cmp::Ordering::Equal => Vec::new(),
                    std::cmp::Ordering::Greater => both(&order[..middle]),
                }
            }
            Shape::Ring => {
                let (at, n) = (order.iter().position(|name| *name == SERVER).unwrap_or(0), order.len());
                let neighbours = [order[(at + 1) % n], order[(at + n - 1) % n]];
                both(&shuffled.iter().copied().filter(|c| !neighbours.contains(c)).collect::<Vec<_>>())
            }
        }
    }
}

/// Schedules every fault of the plan, from now.
pub fn schedule(world: &World, plan: &Plan, nodes: &Rc<Nodes>) {
    let start = world.now();
    for TimedFault { at_ms, fault } in &plan.faults {
        let (nodes, fault) = (nodes.clone(), fault.clone());
        world.at(start + at_ms * 1_000_000, move |world| strike(world, &nodes, &fault));
    }
}

/// Runs `end` after `for_ms`.
fn after(world: &World, for_ms: u64, end: impl FnOnce(&World) + 'static) {
    world.at(world.now() + for_ms * 1_000_000, end);
}

fn strike(world: &World, nodes: &Rc<Nodes>, fault: &Fault) {
    if nodes.healed.get() {
        return;
    }
    let server = nodes.server;
    match fault {
        Fault::Cut { links, for_ms, .. } => {
            let cuts: Cuts = links.iter().filter_map(|l| Some((nodes.find(&l.from)?, nodes.find(&l.to)?))).collect();
            world.cut(&cuts);
            let nodes = nodes.clone();
            after(world, *for_ms, move |world| {
                if !nodes.healed.get() {
                    world.heal(&cuts);
                }
            });
        }
        Fault::Reset { client, which } => {
            if let Some(client) = nodes.find(client) {
                world.reset_one(client, server, *which);
            }
        }
        Fault::HalfClose { client } => {
            if let Some(control) = nodes.control(client) {
                control.half_close.set(true);
            }
        }
        Fault::Pause { node, for_ms } => {
            if let Some(node) = nodes.find(node) {
                world.pause(node);
                after(world, *for_ms, move |world| world.resume(node));
            }
        }
        Fault::SlowCpu { ns_per_work_unit, for_ms } => {
            world.set_cpu(server, *ns_per_work_unit);
            let usual = nodes.ns_per_work_unit;
            after(world, *for_ms, move |world| world.set_cpu(server, usual));
        }
        Fault::Degrade { link, delay_us, jitter_us, loss_permille, for_ms } => {
            let (Some(from), Some(to)) = (nodes.find(&link.from), nodes.find(&link.to)) else { return };
            let usual = nodes.link;
            let worse = LinkConfig {
                delay: usual.delay + Duration::from_micros(*delay_us),
                jitter: usual.jitter + Duration::from_micros(*jitter_us),
                loss: usual.loss + *loss_permille as f64 / 1000.0,
                ..usual
            };
            world.set_link(from, to, worse);
            after(world, *for_ms, move |world| world.set_link(from, to, usual));
        }
        Fault::WallJump { by_ms } => world.jump_wall(server, by_ms.saturating_mul(1_000_000)),
        Fault::WallSlew { by_ms, for_ms } => {
            world.slew_wall(server, by_ms.saturating_mul(1_000_000), Duration::from_millis(*for_ms));
        }
        Fault::Drift { ppm } => world.set_drift(server, *ppm),
        Fault::CrashClient { client, for_ms } => {
            if let Some(client) = nodes.find(client) {
                world.kill(client);
                after(world, *for_ms, move |world| restart(world, client));
            }
        }
        Fault::KillServer { for_ms, again_ms } => end_server(world, nodes, Death::Kill, *for_ms, again_ms),
        Fault::PowerLoss { for_ms, again_ms } => end_server(world, nodes, Death::Power, *for_ms, again_ms),
        Fault::StopServer => world.terminate(server),
        Fault::SlowDisk { sync_us, bandwidth_kib, for_ms } => {
            let longest = Duration::from_micros(*sync_us);
            let rate = bandwidth_kib << 10;
            // A sync that has begun when the disk is as usual again still takes its time.
            trouble(world, nodes, for_ms + 2 * sync_us.div_ceil(1000), false);
            change_disk(world, nodes, *for_ms, move |disk, usual| match usual {
                None => (disk.sync[1], disk.bytes_per_second) = (longest.max(disk.sync[0]), rate),
                Some(usual) => (disk.sync, disk.bytes_per_second) = (usual.sync, usual.bytes_per_second),
            });
        }
        Fault::StuckDisk { for_ms } => {
            trouble(world, nodes, *for_ms, false);
            world.stick_disk(server, Duration::from_millis(*for_ms));
        }
        Fault::WriteErrors { permille, for_ms } => {
            let chance = *permille as f64 / 1000.0;
            trouble(world, nodes, *for_ms, true);
            change_disk(world, nodes, *for_ms, move |disk, usual| {
                disk.write_error = usual.map_or(chance, |usual| usual.write_error);
            });
        }
        Fault::SyncErrors { permille, for_ms } => {
            let chance = *permille as f64 / 1000.0;
            trouble(world, nodes, *for_ms, true);
            change_disk(world, nodes, *for_ms, move |disk, usual| {
                disk.sync_error = usual.map_or(chance, |usual| usual.sync_error);
            });
        }
        Fault::FullDisk { permille, for_ms } => {
            let chance = *permille as f64 / 1000.0;
            trouble(world, nodes, *for_ms, true);
            change_disk(world, nodes, *for_ms, move |disk, usual| {
                disk.no_room = usual.map_or(chance, |usual| usual.no_room);
            });
        }
        Fault::Rot { stop, flips, for_ms, cut } => {
            if world.status(server) != Status::Running {
                return;
            }
            match stop {
                Stop::Clean => {
                    nodes.observed.borrow_mut().rot_is_due = Some(Damage { flips: flips.clone(), cut: *cut });
                    world.terminate(server);
                }
                Stop::Kill | Stop::PowerLoss => {
                    let death = if *stop == Stop::Kill { Death::Kill } else { Death::Power };
                    end_server(world, nodes, death, *for_ms, &[]);
                    let damage = Damage { flips: flips.clone(), cut: *cut };
                    nodes.observed.borrow_mut().rot(world, server, &damage, false);
                }
            }
        }
    }
}

/// The process ends, or the power does; it is started again, and ends again.
fn end_server(world: &World, nodes: &Rc<Nodes>, death: Death, for_ms: u64, again_ms: &[u64]) {
    let server = nodes.server;
    let status = world.status(server);
    let lives = matches!(status, Status::Running | Status::Paused);
    match death {
        Death::Kill if lives => world.kill(server),
        Death::Power if status != Status::Off => world.power_loss(server),
        _ => return,
    }
    nodes.observed.borrow_mut().died(world.now(), death);
    let (nodes, again) = (nodes.clone(), again_ms.to_vec());
    after(world, for_ms, move |world| {
        restart(world, server);
        let Some((first, rest)) = again.split_first() else { return };
        let (nodes, rest) = (nodes.clone(), rest.to_vec());
        after(world, *first, move |world| {
            if !nodes.healed.get() {
                end_server(world, &nodes, death, for_ms, &rest);
            }
        });
    });
}

/// From now on the disk is not as it should be: then nobody can promise when what is durable.
fn trouble(world: &World, nodes: &Nodes, for_ms: u64, fails: bool) {
    let (from, until) = (world.now(), world.now() + for_ms * 1_000_000);
    let observed = &mut *nodes.observed.borrow_mut();
    if fails {
        observed.disk_fails.push([from, until]);
    }
    if let Some(ledger) = &mut observed.ledger {
        ledger.disk_is_troubled(from, until, fails);
    }
}

/// Changes how the disk behaves, and changes that back: `change` is given what is usual then.
fn change_disk(
    world: &World,
    nodes: &Rc<Nodes>,
    for_ms: u64,
    change: impl Fn(&mut DiskConfig, Option<&DiskConfig>) + 'static,
) {
    world.set_disk(nodes.server, |disk| change(disk, None));
    let nodes = nodes.clone();
    after(world, for_ms, move |world| world.set_disk(nodes.server, |disk| change(disk, Some(&nodes.disk))));
}

fn restart(world: &World, node: NodeId) {
    if matches!(world.status(node), Status::Killed | Status::Off) {
        world.restart(node);
    }
}

/// Ends every fault that is left. Clocks keep what they show: no operator could take that back.
pub fn heal(world: &World, nodes: &Rc<Nodes>) {
    nodes.healed.set(true);
    world.heal_all();
    world.set_cpu(nodes.server, nodes.ns_per_work_unit);
    world.set_disk(nodes.server, |disk| *disk = nodes.disk);
    for node in world.nodes() {
        world.resume(node);
        restart(world, node);
        if node != nodes.server {
            world.set_link(node, nodes.server, LinkConfig::lan());
            world.set_link(nodes.server, node, LinkConfig::lan());
        }
    }
}
