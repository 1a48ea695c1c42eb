//! Which faults may occur, as ranges. A seed turns them into [`crate::faults::Fault`]s at certain times.

use refrain_sim::Stream;
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, Link, Shape, Stop};
use crate::plan::SERVER;
use crate::span::Span;

/// A fault that may occur, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultMenu {
    /// In how many of a hundred seeds it is in play.
    pub percent: u64,
    /// From one occurrence to the next.
    pub every_ms: Span,
    /// What occurs.
    pub fault: FaultTemplate,
}

/// Whom a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// The server.
    Server,
    /// Some client.
    Client,
    /// Either.
    Any,
}

/// A kind of fault with ranges.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultTemplate {
    /// Links are cut in one of these shapes.
    Cut {
        /// The shapes to choose from.
        shapes: Vec<Shape>,
        /// For how long.
        for_ms: Span,
    },
    /// A connection between a client and the server is reset.
    Reset,
    /// A client ends its sending side after its next commands.
    HalfClose,
    /// A process is stopped and goes on.
    Pause {
        /// Whose.
        target: Target,
        /// For how long.
        for_ms: Span,
    },
    /// The server's processor is slow.
    SlowCpu {
        /// What a unit of work costs, in nanoseconds.
        ns_per_work_unit: Span,
        /// For how long.
        for_ms: Span,
    },
    /// One direction of a client's link becomes bad.
    Degrade {
        /// More delay, in microseconds.
        delay_us: Span,
        /// More jitter, in microseconds.
        jitter_us: Span,
        /// Packets of a thousand that are lost.
        loss_permille: Span,
        /// For how long.
        for_ms: Span,
    },
    /// The server's wall clock jumps.
    WallJump {
        /// By how much; negative is backwards.
        by_ms: Span,
    },
    /// The server's wall clock is slewed, as a time daemon does.
    WallSlew {
        /// By how much; negative is backwards.
        by_ms: Span,
        /// Over how long.
        for_ms: Span,
    },
    /// The server's clocks change their rate.
    Drift {
        /// Parts per million.
        ppm: Span,
    },
    /// A client's process is killed and started again.
    CrashClient {
        /// How long it is down.
        for_ms: Span,
    },
    /// The server's process is killed and started again.
    KillServer {
        /// How long it is down.
        for_ms: Span,
        /// How often it is killed again,
        again: Span,
        /// and how long after its start.
        again_ms: Span,
    },
    /// The server's host loses power and is started again.
    PowerLoss {
        /// How long it is down.
        for_ms: Span,
        /// How often it loses power again,
        again: Span,
        /// and how long after its start.
        again_ms: Span,
    },
    /// The server is asked to end, and started again.
    StopServer,
    /// The server's disk is slow.
    SlowDisk {
        /// The most that a sync takes, in microseconds.
        sync_us: Span,
        /// Kibibytes a second; 0 is without bound.
        bandwidth_kib: Span,
        /// For how long.
        for_ms: Span,
    },
    /// No call of the server's disk ends.
    StuckDisk {
        /// For how long.
        for_ms: Span,
    },
    /// Writes of the server's disk fail (EIO).
    WriteErrors {
        /// So many of a thousand.
        permille: Span,
        /// For how long.
        for_ms: Span,
    },
    /// Syncs of the server's disk fail (EIO).
    SyncErrors {
        /// So many of a thousand.
        permille: Span,
        /// For how long.
        for_ms: Span,
    },
    /// The server's disk has no room (ENOSPC).
    FullDisk {
        /// For so many writes of a thousand.
        permille: Span,
        /// For how long.
        for_ms: Span,
    },
    /// The server ends, bits of its files change, and it is started again.
    Rot {
        /// How it ends: one of these.
        stops: Vec<Stop>,
        /// How many bits change.
        flips: Span,
        /// By how many bytes a part of the append-only file is cut short behind which another goes on, if there is one.
        #[serde(default)]
        cut: Span,
        /// How long it is down, unless it is asked to end.
        for_ms: Span,
    },
}

impl FaultTemplate {
    /// One fault of this kind.
    pub fn draw(&self, stream: &mut Stream, clients: &[String]) -> Fault {
        let client = stream.pick(clients).clone();
        match self {
            FaultTemplate::Cut { shapes, for_ms } => {
                let shape = *stream.pick(shapes);
                let links = shape.draw(stream, clients);
                Fault::Cut { shape, links, for_ms: for_ms.pick_u64(stream) }
            }
            FaultTemplate::Reset => Fault::Reset { client, which: stream.below(1 << 20) },
            FaultTemplate::HalfClose => Fault::HalfClose { client },
            FaultTemplate::Pause { target, for_ms } => {
                let server = match target {
                    Target::Server => true,
                    Target::Client => false,
                    Target::Any => stream.chance(0.5),
                };
                let node = if server { SERVER.to_owned() } else { client };
                Fault::Pause { node, for_ms: for_ms.pick_u64(stream) }
            }
            FaultTemplate::SlowCpu { ns_per_work_unit, for_ms } => {
                Fault::SlowCpu { ns_per_work_unit: ns_per_work_unit.pick_u64(stream), for_ms: for_ms.pick_u64(stream) }
            }
            FaultTemplate::Degrade { delay_us, jitter_us, loss_permille, for_ms } => {
                let (here, there) = (client, SERVER.to_owned());
                let towards = stream.chance(0.5);
                Fault::Degrade {
                    link: if towards { Link::new(&here, &there) } else { Link::new(&there, &here) },
                    delay_us: delay_us.pick_u64(stream),
                    jitter_us: jitter_us.pick_u64(stream),
                    loss_permille: loss_permille.pick_u64(stream),
                    for_ms: for_ms.pick_u64(stream),
                }
            }
            FaultTemplate::WallJump { by_ms } => Fault::WallJump { by_ms: by_ms.pick(stream) },
            FaultTemplate::WallSlew { by_ms, for_ms } => {
                Fault::WallSlew { by_ms: by_ms.pick(stream), for_ms: for_ms.pick_u64(stream).max(1) }
            }
            FaultTemplate::Drift { ppm } => Fault::Drift { ppm: ppm.pick(stream) },
            FaultTemplate::CrashClient { for_ms } => Fault::CrashClient { client, for_ms: for_ms.pick_u64(stream) },
            FaultTemplate::KillServer { for_ms, again, again_ms } => Fault::KillServer {
                for_ms: for_ms.pick_u64(stream),
                again_ms: (0..again.pick_u64(stream)).map(|_| again_ms.pick_u64(stream)).collect(),
            },
            FaultTemplate::PowerLoss { for_ms, again, again_ms } => Fault::PowerLoss {
                for_ms: for_ms.pick_u64(stream),
                again_ms: (0..again.pick_u64(stream)).map(|_| again_ms.pick_u64(stream)).collect(),
            },
            FaultTemplate::StopServer => Fault::StopServer,
            FaultTemplate::SlowDisk { sync_us, bandwidth_kib, for_ms } => Fault::SlowDisk {
                sync_us: sync_us.pick_u64(stream),
                bandwidth_kib: bandwidth_kib.pick_u64(stream),
                for_ms: for_ms.pick_u64(stream),
            },
            FaultTemplate::StuckDisk { for_ms } => Fault::StuckDisk { for_ms: for_ms.pick_u64(stream) },
            FaultTemplate::WriteErrors { permille, for_ms } => {
                Fault::WriteErrors { permille: permille.pick_u64(stream), for_ms: for_ms.pick_u64(stream) }
            }
            FaultTemplate::SyncErrors { permille, for_ms } => {
                Fault::SyncErrors { permille: permille.pick_u64(stream), for_ms: for_ms.pick_u64(stream) }
            }
            FaultTemplate::FullDisk { permille, for_ms } => {
                Fault::FullDisk { permille: permille.pick_u64(stream), for_ms: for_ms.pick_u64(stream) }
            }
            FaultTemplate::Rot { stops, flips, cut, for_ms } => Fault::Rot {
                stop: *stream.pick(stops),
                flips: (0..flips.pick_u64(stream)).map(|_| [stream.below(1 << 10), stream.below(1 << 40)]).collect(),
                for_ms: for_ms.pick_u64(stream),
                cut: cut.pick_u64(stream),
            },
        }
    }
}
