//! The disk of a scenario's server, as ranges, and the simulator's disk that comes of them.

use std::time::Duration;

use refrain_sim::{DiskConfig, Stream};
use serde::{Deserialize, Serialize};

use crate::span::{Draw, Span};

/// How the server's disk behaves while nothing is wrong with it, and what the loss of power leaves.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Disk {
    /// The most that a sync takes, in microseconds.
    pub sync_us: Span,
    /// Kibibytes a second; 0 is without bound.
    pub bandwidth_kib: Span,
    /// Sectors of a thousand that survive the loss of power though they were not synced.
    pub survives_permille: Span,
    /// Of a thousand of those, how many survive in part.
    pub torn_permille: Span,
    /// 1 if changes of names survive in the order in which they were made, 0 if any may.
    pub names_in_order: Span,
}

impl Default for Disk {
    /// A quick disk, on which the loss of power is as bad as it may be.
    fn default() -> Disk {
        Disk {
            sync_us: Span::fixed(2000),
            bandwidth_kib: Span::fixed(500 << 10),
            survives_permille: Span::fixed(500),
            torn_permille: Span::fixed(250),
            names_in_order: Span::fixed(0),
        }
    }
}

impl Draw for Disk {
    fn draw(&self, stream: &mut Stream) -> Disk {
        Disk {
            sync_us: self.sync_us.draw(stream),
            bandwidth_kib: self.bandwidth_kib.draw(stream),
            survives_permille: self.survives_permille.draw(stream),
            torn_permille: self.torn_permille.draw(stream),
            names_in_order: self.names_in_order.draw(stream),
        }
    }
}

impl Disk {
    /// The simulator's disk.
    pub fn config(&self) -> DiskConfig {
        let usual = DiskConfig::default();
        let permille = |span: Span| span.value() as f64 / 1000.0;
        let longest = Duration::from_micros(self.sync_us.value());
        DiskConfig {
            sync: [usual.sync[0].min(longest), longest],
            bytes_per_second: self.bandwidth_kib.value() << 10,
            unsynced_survives: permille(self.survives_permille),
            torn: permille(self.torn_permille),
            names_in_order: self.names_in_order.value() > 0,
            ..usual
        }
    }
}
