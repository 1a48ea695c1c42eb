//! One host, its clocks and its process's life.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use crate::clock::Clock;
use crate::config::{NodeConfig, SECOND};
use crate::disk::Volume;
use crate::entropy::Stream;
use crate::process::Process;

/// What became of a node's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was never started.
    New,
    /// It runs.
    Running,
    /// It is stopped (SIGSTOP) and its kernel goes on.
    Paused,
    /// It ended by itself.
    Exited,
    /// It was killed.
    Killed,
    /// Its host has no power.
    Off,
}

/// What a node did and holds, for oracles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Sockets that the process has open now.
    pub open: u64,
    /// Bytes that it sent and that are on their way now.
    pub in_flight: u64,
    /// Bytes that its kernel holds now: received and unread, or written and unacknowledged or unsent.
    pub buffered: u64,
    /// Bytes that its process wrote.
    pub written: u64,
    /// Bytes that its process read.
    pub read: u64,
    /// Deliveries to it.
    pub deliveries: u64,
    /// Resets that reached it.
    pub resets: u64,
    /// Connects that were refused.
    pub refused: u64,
    /// Connects and connections that timed out.
    pub timeouts: u64,
    /// How often its loop was polled.
    pub polls: u64,
}

impl Counters {
    pub(crate) fn add(&mut self, o: &Counters) {
        self.open += o.open;
        self.in_flight += o.in_flight;
        self.buffered += o.buffered;
        self.written += o.written;
        self.read += o.read;
        self.deliveries += o.deliveries;
        self.resets += o.resets;
        self.refused += o.refused;
        self.timeouts += o.timeouts;
        self.polls += o.polls;
    }
}

pub(crate) struct Node {
    pub(crate) config: NodeConfig,
    pub(crate) ip: IpAddr,
    pub(crate) clock: Clock,
    pub(crate) entropy: Stream,
    pub(crate) status: Status,
    /// Counts the lives of its process. What an earlier life still holds is stale.
    pub(crate) life: u32,
    pub(crate) process: Option<Process>,
    pub(crate) ns_per_unit: u64,
    pub(crate) ticks: u64,
    /// Until when the work that was charged keeps the process busy.
    pub(crate) busy_until: u64,
    mono_seen: u64,
    pub(crate) next_port: u16,
    pub(crate) counters: Counters,
    /// Small files of its operator's. They outlive every life of the process, and a replacement is durable at once.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// Its disk.
    pub(crate) volume: Volume,
}

const FIRST_EPHEMERAL: u16 = 32_768;

impl Node {
    pub(crate) fn new(index: usize, config: NodeConfig, now: u64, mut entropy: Stream, disk: Stream) -> Node {
        let ip = IpAddr::V4(Ipv4Addr::new(10, 0, (index / 250) as u8, (index % 250 + 1) as u8));
        // Hosts were switched on at different times, so that nobody compares monotonic times of two nodes unpunished.
        let uptime = entropy.range(SECOND..1000 * SECOND);
        Node {
            clock: Clock::new(config.clock, now, uptime),
            ns_per_unit: config.ns_per_work_unit.max(1),
            config,
            ip,
            entropy,
            status: Status::New,
            life: 0,
            process: None,
            ticks: 0,
            busy_until: 0,
            mono_seen: 0,
            next_port: FIRST_EPHEMERAL,
            counters: Counters::default(),
            files: BTreeMap::new(),
            volume: Volume::new(disk),
        }
    }

    /// What the monotonic clock shows the process: true time drifted, with the work charged so far already done.
    pub(crate) fn mono(&mut self, now: u64) -> u64 {
        self.mono_seen = self.mono_seen.max(self.clock.mono(now.max(self.busy_until)));
        self.mono_seen
    }

    pub(crate) fn wall(&self, now: u64) -> u64 {
        self.clock.wall(now.max(self.busy_until))
    }

    pub(crate) fn reboot(&mut self, now: u64) {
        self.clock.reboot(now);
        self.mono_seen = 0;
    }

    pub(crate) fn is_powered(&self) -> bool {
        self.status != Status::Off
    }

    pub(crate) fn ephemeral_port(&mut self) -> u16 {
        let port = self.next_port;
        self.next_port = if port == 60_999 { FIRST_EPHEMERAL } else { port + 1 };
        port
    }
}
