//! The directed links between hosts: how long a packet takes, whether it is lost, whether it may pass at all.

use super::pipe::NEVER;
use crate::config::{LinkConfig, NetConfig, SECOND, nanos};
use crate::entropy::Stream;
use crate::world::NodeId;

#[derive(Debug, Clone)]
struct Link {
    config: LinkConfig,
    /// How many faults cut it. Faults overlap; the link is open when all of them were lifted.
    cuts: u32,
    /// When the last byte queued for it has left.
    free_at: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Links {
    rows: Vec<Vec<Link>>,
}

impl Links {
    pub(crate) fn add_node(&mut self, net: &NetConfig) {
        let n = self.rows.len() + 1;
        let new = |same: bool| Link { config: if same { net.loopback } else { net.link }, cuts: 0, free_at: 0 };
        for row in &mut self.rows {
            row.push(new(false));
        }
        self.rows.push((0..n).map(|i| new(i + 1 == n)).collect());
    }

    fn link(&mut self, from: NodeId, to: NodeId) -> &mut Link {
        &mut self.rows[from.index()][to.index()]
    }

    pub(crate) fn configure(&mut self, from: NodeId, to: NodeId, config: LinkConfig) {
        self.link(from, to).config = config;
    }

    pub(crate) fn config(&self, from: NodeId, to: NodeId) -> LinkConfig {
        self.rows[from.index()][to.index()].config
    }

    pub(crate) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.rows[from.index()][to.index()].cuts > 0
    }

    /// Cuts once more. True when the link was open before.
    pub(crate) fn cut(&mut self, from: NodeId, to: NodeId) -> bool {
        let link = self.link(from, to);
        link.cuts += 1;
        link.cuts == 1
    }

    /// Takes one cut back. True when the link is open from now on and was not before.
    pub(crate) fn heal(&mut self, from: NodeId, to: NodeId) -> bool {
        let link = self.link(from, to);
        let was = link.cuts;
        link.cuts = was.saturating_sub(1);
        was == 1
    }

    /// Every link that is cut.
    pub(crate) fn all_cut(&self) -> Vec<(NodeId, NodeId)> {
        let n = self.rows.len();
        let pairs = (0..n).flat_map(|a| (0..n).map(move |b| (NodeId::new(a), NodeId::new(b))));
        pairs.filter(|(a, b)| self.is_cut(*a, *b)).collect()
    }

    /// When a packet of `bytes` that is ready at `ready` arrives; [`NEVER`] when it is lost too often in a row.
    pub(crate) fn arrival(
        &mut self,
        (from, to): (NodeId, NodeId),
        ready: u64,
        bytes: u32,
        net: &NetConfig,
        draw: &mut Stream,
    ) -> u64 {
        let link = self.link(from, to);
        let config = link.config;
        let mut start = ready;
        if let Some(passing) = (u64::from(bytes) * SECOND).checked_div(config.bandwidth) {
            start = ready.max(link.free_at) + passing;
            link.free_at = start;
        }
        let mut retry = nanos(net.retransmit);
        let mut losses = 0;
        while draw.chance(config.loss) {
            losses += 1;
            if losses > net.losses_max {
                return NEVER;
            }
            start += retry;
            retry = (retry * 2).min(nanos(net.retransmit_max));
        }
        start + delay(&config, draw)
    }

    /// When a packet that nobody repeats arrives; `None` when it is lost or the link is cut.
    pub(crate) fn once(&mut self, (from, to): (NodeId, NodeId), now: u64, draw: &mut Stream) -> Option<u64> {
        let config = self.config(from, to);
        let lost = draw.chance(config.loss) || self.is_cut(from, to);
        (!lost).then(|| now + delay(&config, draw))
    }

    /// The least delay: what an acknowledgement takes.
    pub(crate) fn least_delay(&self, from: NodeId, to: NodeId) -> u64 {
        nanos(self.config(from, to).delay)
    }
}

fn delay(config: &LinkConfig, draw: &mut Stream) -> u64 {
    let mut delay = nanos(config.delay);
    if !config.jitter.is_zero() {
        delay += draw.below(nanos(config.jitter));
    }
    if draw.chance(config.tail_chance) {
        delay += draw.below(nanos(config.tail));
    }
    delay
}

/// How long after a heal the first repeated packet leaves, if the path was broken for `broken`: retransmissions go on with
/// doubling pauses all the while.
pub(crate) fn next_retransmission(broken: u64, net: &NetConfig) -> u64 {
    let (mut pause, max) = (nanos(net.retransmit).max(1), nanos(net.retransmit_max).max(1));
    let mut attempt = pause;
    while attempt < broken {
        pause = (pause * 2).min(max);
        attempt += pause;
        if pause == max {
            attempt += (broken.saturating_sub(attempt)) / max * max;
        }
    }
    attempt - broken
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn retransmissions_double_their_pauses_up_to_the_limit() {
        let net = NetConfig {
            retransmit: Duration::from_nanos(10),
            retransmit_max: Duration::from_nanos(40),
            ..NetConfig::default()
        };
        // Attempts at 10, 30, 70, 110, 150, …
        for (broken, next) in [(0, 10), (10, 0), (11, 19), (31, 39), (71, 39), (111, 39), (1150, 0), (1151, 39)] {
            assert_eq!(next_retransmission(broken, &net), next, "broken for {broken}");
        }
    }
}
