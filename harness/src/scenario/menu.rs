//! Which faults may occur, as ranges. A seed turns them into [`crate::faults::Fault`]s at certain times.

use refrain_sim::Stream;
use serde::{Deserialize, Serialize};

use crate::faults::{Fault, Link, Shape};
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
        }
    }
}
