//! What a harness does to the clocks, the disks and the network of a world. The faults of processes are in [`crate::lives`].

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{LinkConfig, NetConfig, nanos};
use crate::disk::DiskConfig;
use crate::net::connection::{Connection, Side};
use crate::partition::Cuts;
use crate::trace::Kind;
use crate::world::{NodeId, World};

impl World {
    /// Moves the node's wall clock by `ns`, either way.
    pub fn jump_wall(&self, node: NodeId, ns: i64) {
        self.enter(|now, state| {
            state.node(node).clock.jump_wall(ns);
            state.record(now, node, Kind::ClockJump, ns as u64, 0);
        });
    }

    /// Lets both of the node's clocks run faster by `ppm` parts per million (slower if negative), from now on.
    pub fn set_drift(&self, node: NodeId, ppm: i64) {
        self.enter(|now, state| {
            state.node(node).clock.set_drift(now, ppm);
            state.record(now, node, Kind::ClockRate, ppm as u64, 0);
        });
    }

    /// Moves the node's wall clock by `ns` little by little over `during`, as a time daemon does.
    pub fn slew_wall(&self, node: NodeId, ns: i64, during: Duration) {
        let ppm = (i128::from(ns) * 1_000_000 / during.as_nanos().max(1) as i128) as i64;
        let rate = move |world: &World, ppm: i64| {
            world.enter(|now, state| {
                state.node(node).clock.slew_wall(now, ppm);
                state.record(now, node, Kind::ClockRate, ppm as u64, 1);
            });
        };
        rate(self, ppm);
        self.at(self.now().saturating_add(nanos(during)), move |world| rate(world, 0));
    }

    /// Gives one directed link its own configuration.
    pub fn set_link(&self, from: NodeId, to: NodeId, config: LinkConfig) {
        self.enter(|_, state| state.links.configure(from, to, config));
    }

    /// How one directed link is configured.
    pub fn link(&self, from: NodeId, to: NodeId) -> LinkConfig {
        self.enter(|_, state| state.links.config(from, to))
    }

    /// Changes what holds for every connection. Links keep their configurations.
    pub fn set_net(&self, change: impl FnOnce(&mut NetConfig)) {
        self.enter(|_, state| change(&mut state.net));
    }

    /// Cuts directed links. Faults overlap: a link cut twice must be healed twice.
    pub fn cut(&self, cuts: &Cuts) {
        self.enter(|now, state| {
            for (from, to) in cuts.links() {
                if from != to && state.links.cut(from, to) {
                    state.record(now, to, Kind::Cut, from.index() as u64, 0);
                    state.stall(now, from, to);
                }
            }
        });
    }

    /// Takes cuts back.
    pub fn heal(&self, cuts: &Cuts) {
        self.enter(|now, state| {
            for (from, to) in cuts.links() {
                if from != to && state.links.heal(from, to) {
                    state.record(now, from, Kind::Heal, to.index() as u64, 0);
                    state.go_on(now, from, to);
                }
            }
        });
    }

    /// Takes all cuts back, however often links were cut.
    pub fn heal_all(&self) {
        self.enter(|now, state| {
            for (from, to) in state.links.all_cut() {
                while state.links.is_cut(from, to) {
                    state.links.heal(from, to);
                }
                state.record(now, from, Kind::Heal, to.index() as u64, 0);
                state.go_on(now, from, to);
            }
        });
    }

    /// Changes how a node's disk behaves, from the next call on.
    pub fn set_disk(&self, node: NodeId, change: impl FnOnce(&mut DiskConfig)) {
        self.enter(|_, state| change(&mut state.node(node).volume.config));
    }

    /// How a node's disk behaves.
    pub fn disk(&self, node: NodeId) -> DiskConfig {
        self.enter(|_, state| state.node(node).volume.config)
    }

    /// No call of the node's disk that begins from now on ends before so much time has passed.
    pub fn stick_disk(&self, node: NodeId, during: Duration) {
        self.enter(|now, state| {
            let volume = &mut state.node(node).volume;
            volume.stuck_until = volume.stuck_until.max(now.saturating_add(nanos(during)));
        });
    }

    /// Changes one bit of one of the node's files, which and where by number. False if there is nothing to change.
    pub fn rot(&self, node: NodeId, file: u64, bit: u64) -> bool {
        self.enter(|now, state| {
            let changed = state.node(node).volume.rot(file, bit);
            if changed {
                state.record(now, node, Kind::Rot, file, bit);
            }
            changed
        })
    }

    /// All files of a node as its process would find them.
    pub fn files(&self, node: NodeId) -> BTreeMap<String, Vec<u8>> {
        self.enter(|_, state| state.node(node).volume.files())
    }

    /// Puts a file on a node's disk, durable, as if it had always been there; its directory must exist.
    ///
    /// # Errors
    /// When it doesn't, or the path is a directory's.
    pub fn place_file(&self, node: NodeId, path: &str, contents: &[u8]) -> std::io::Result<()> {
        self.enter(|_, state| state.node(node).volume.place(path, contents))
    }

    /// Resets every connection between two nodes at both ends at once. Gives how many there were.
    pub fn reset_between(&self, a: NodeId, b: NodeId) -> usize {
        self.reset_where(|x, y| (x, y) == (a, b) || (x, y) == (b, a), usize::MAX)
    }

    /// Resets one connection between two nodes, the `n`-th modulo their number. False if there is none.
    pub fn reset_one(&self, a: NodeId, b: NodeId, n: u64) -> bool {
        let all = self.connections_between(a, b) as u64;
        all > 0 && self.reset_where(|x, y| (x, y) == (a, b) || (x, y) == (b, a), (n % all) as usize) > 0
    }

    /// How many established connections there are between two nodes.
    pub fn connections_between(&self, a: NodeId, b: NodeId) -> usize {
        self.enter(|_, state| {
            let ends = |c: &Connection| (c.node(Side::Client), c.node(Side::Server));
            let wanted = |c: &Connection| (ends(c) == (a, b) || ends(c) == (b, a)) && c.ends.iter().any(|e| e.alive);
            state.connections.which(wanted).len()
        })
    }

    /// `only` picks one of those that match; `usize::MAX` takes all.
    fn reset_where(&self, matches: impl Fn(NodeId, NodeId) -> bool, only: usize) -> usize {
        self.enter(|now, state| {
            let wanted =
                |c: &Connection| matches(c.node(Side::Client), c.node(Side::Server)) && c.ends.iter().any(|e| e.alive);
            let mut ids = state.connections.which(wanted);
            if only != usize::MAX {
                ids = ids.into_iter().skip(only).take(1).collect();
            }
            for id in &ids {
                for side in Side::BOTH {
                    state.reset_end(now, *id, side);
                }
            }
            ids.len()
        })
    }
}
