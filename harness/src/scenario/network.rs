//! The network of a scenario, as ranges, and the simulator's network that comes of them.

use std::time::Duration;

use refrain_sim::{LinkConfig, NetConfig, Stream};
use serde::{Deserialize, Serialize};

use crate::span::{Draw, Span};

/// What holds on every link. A seed leaves each feature at its range's lower end with a probability of one half, so that
/// most worlds have few of them and some have all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// The least time of a packet, in microseconds.
    pub delay_us: Span,
    /// Up to so much more, in microseconds.
    pub jitter_us: Span,
    /// Packets of a thousand that take much longer.
    pub tail_permille: Span,
    /// Up to how much longer, in milliseconds.
    pub tail_ms: Span,
    /// Packets of a thousand that are lost, which shows as delay.
    pub loss_permille: Span,
    /// Kibibytes a second; 0 is without bound.
    pub bandwidth_kib: Span,
    /// Segments of a thousand that arrive in two pieces.
    pub split_permille: Span,
    /// Writes of a thousand that are taken in part.
    pub short_write_permille: Span,
    /// Waits of a thousand that report what isn't so.
    pub spurious_permille: Span,
}

impl Default for Network {
    /// A quiet local network.
    fn default() -> Network {
        let zero = Span::fixed(0);
        Network {
            delay_us: Span::fixed(100),
            jitter_us: Span::fixed(100),
            tail_permille: zero,
            tail_ms: zero,
            loss_permille: zero,
            bandwidth_kib: zero,
            split_permille: zero,
            short_write_permille: zero,
            spurious_permille: zero,
        }
    }
}

impl Draw for Network {
    fn draw(&self, stream: &mut Stream) -> Network {
        let mut feature = |span: Span| {
            let drawn = span.draw(stream);
            if stream.chance(0.5) { Span::fixed(span.signed()) } else { drawn }
        };
        Network {
            delay_us: feature(self.delay_us),
            jitter_us: feature(self.jitter_us),
            tail_permille: feature(self.tail_permille),
            tail_ms: feature(self.tail_ms),
            loss_permille: feature(self.loss_permille),
            bandwidth_kib: feature(self.bandwidth_kib),
            split_permille: feature(self.split_permille),
            short_write_permille: feature(self.short_write_permille),
            spurious_permille: feature(self.spurious_permille),
        }
    }
}

impl Network {
    /// The simulator's network.
    pub fn config(&self) -> NetConfig {
        let permille = |span: Span| span.value() as f64 / 1000.0;
        NetConfig {
            link: LinkConfig {
                delay: Duration::from_micros(self.delay_us.value()),
                jitter: Duration::from_micros(self.jitter_us.value()),
                tail_chance: permille(self.tail_permille),
                tail: Duration::from_millis(self.tail_ms.value()),
                loss: permille(self.loss_permille),
                bandwidth: self.bandwidth_kib.value() << 10,
            },
            split: permille(self.split_permille),
            short_write: permille(self.short_write_permille),
            spurious: permille(self.spurious_permille),
            ..NetConfig::default()
        }
    }
}
