//! What a world is made of: nodes, clocks, links and the limits of its transport. Plain data, so that a plan can carry it.

use std::time::Duration;

/// Nanoseconds of virtual time.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// How a node's clocks differ from the world's one true time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockConfig {
    /// What the wall clock is ahead (or, negative, behind) at the start, in nanoseconds.
    pub skew_ns: i64,
    /// How much faster both clocks run, in parts per million; clamped to ±500,000.
    pub drift_ppm: i64,
}

/// One simulated host and the process on it.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The name that traces print. It also names the node's stream of entropy.
    pub name: String,
    /// Its clocks.
    pub clock: ClockConfig,
    /// What one unit of `Runtime::work` costs, in nanoseconds of virtual time. 0 is taken as 1.
    pub ns_per_work_unit: u64,
    /// How many sockets the process may have open at once.
    pub descriptors: usize,
}

impl NodeConfig {
    /// A node with a true clock, 100 ns a unit of work, and 10,000 descriptors.
    pub fn new(name: impl Into<String>) -> NodeConfig {
        NodeConfig { name: name.into(), clock: ClockConfig::default(), ns_per_work_unit: 100, descriptors: 10_000 }
    }
}

/// One direction between two hosts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinkConfig {
    /// The least time that a packet takes.
    pub delay: Duration,
    /// Up to this much more, evenly.
    pub jitter: Duration,
    /// How often a packet takes much longer.
    pub tail_chance: f64,
    /// Up to this much more then, evenly.
    pub tail: Duration,
    /// How often a packet is lost. The stream stays whole: loss shows as delay, and at last as a timeout.
    pub loss: f64,
    /// Bytes a second; 0 is without bound.
    pub bandwidth: u64,
}

impl LinkConfig {
    /// 100 to 300 microseconds, nothing lost, no bound on bandwidth: a quiet local network.
    pub fn lan() -> LinkConfig {
        LinkConfig {
            delay: Duration::from_micros(100),
            jitter: Duration::from_micros(200),
            tail_chance: 0.0,
            tail: Duration::ZERO,
            loss: 0.0,
            bandwidth: 0,
        }
    }

    /// 10 to 30 microseconds: a host talking to itself.
    pub fn loopback() -> LinkConfig {
        LinkConfig { delay: Duration::from_micros(10), jitter: Duration::from_micros(20), ..LinkConfig::lan() }
    }
}

/// What holds for every connection of a world.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetConfig {
    /// Every link that was not given its own configuration.
    pub link: LinkConfig,
    /// Within one host. Faults never touch it.
    pub loopback: LinkConfig,
    /// Bytes that a sender's kernel keeps until they are acknowledged.
    pub send_buffer: usize,
    /// Bytes that a receiver's kernel takes before the process reads them.
    pub receive_window: usize,
    /// The most bytes that travel together.
    pub segment: usize,
    /// Connections that may wait for `accept`; more of them are not answered.
    pub backlog: usize,
    /// How long `connect` tries before `TimedOut`.
    pub connect_timeout: Duration,
    /// How long data may stay unacknowledged before the connection ends with `TimedOut`.
    pub user_timeout: Duration,
    /// The first retransmission timeout; it doubles from there up to [`NetConfig::retransmit_max`].
    pub retransmit: Duration,
    /// The longest pause between two retransmissions.
    pub retransmit_max: Duration,
    /// How many times in a row a packet may be lost before its connection waits for [`NetConfig::user_timeout`].
    pub losses_max: u32,
    /// How often a segment arrives in two pieces.
    pub split: f64,
    /// How often a write is taken in part although there is room.
    pub short_write: f64,
    /// How often a wait reports something that isn't so, or nothing.
    pub spurious: f64,
}

impl Default for NetConfig {
    fn default() -> NetConfig {
        NetConfig {
            link: LinkConfig::lan(),
            loopback: LinkConfig::loopback(),
            send_buffer: 256 << 10,
            receive_window: 256 << 10,
            segment: 64 << 10,
            backlog: 511,
            connect_timeout: Duration::from_secs(20),
            user_timeout: Duration::from_secs(30),
            retransmit: Duration::from_millis(200),
            retransmit_max: Duration::from_secs(5),
            losses_max: 8,
            split: 0.02,
            short_write: 0.01,
            spurious: 0.01,
        }
    }
}

impl NetConfig {
    /// A network without oddities: nothing split, nothing spurious, no jitter.
    pub fn calm() -> NetConfig {
        let still = |link: LinkConfig| LinkConfig { jitter: Duration::ZERO, ..link };
        NetConfig {
            link: still(LinkConfig::lan()),
            loopback: still(LinkConfig::loopback()),
            split: 0.0,
            short_write: 0.0,
            spurious: 0.0,
            ..NetConfig::default()
        }
    }
}

/// Nanoseconds of a duration; the far end of time when they don't fit.
pub(crate) fn nanos(d: Duration) -> u64 {
    u64::try_from(d.as_nanos()).unwrap_or(u64::MAX)
}
