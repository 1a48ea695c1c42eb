//! Arithmetic of repeated measurements: medians with their range, and ratios to the best peer.
//!
//! A ratio is taken round by round, between measurements that ran next to each other, and only then summarised: whatever
//! slowed the machine for a while slowed both.

/// Median, least and greatest of one figure over the rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The middle; of an even number, the mean of the two middle ones.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

impl Figure {
    /// Of nothing, nothing; values that are not numbers are left out.
    pub fn of(values: &[f64]) -> Option<Figure> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Figure { median, min, max })
    }
}

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Costs.
    Lower,
    /// Yields.
    Higher,
}

/// Ours against the best peer; above one, ours is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The index of the best peer among the peers, by median.
    pub peer: usize,
    /// Over the rounds.
    pub figure: Figure,
}

/// Compares `ours` with the peer that has the best median. Each slice holds one value a round, in the same order.
pub fn ratio(better: Better, ours: &[f64], peers: &[&[f64]]) -> Option<Ratio> {
    let medians = peers.iter().map(|values| Figure::of(values).map(|figure| figure.median));
    let known = medians.enumerate().filter_map(|(peer, median)| Some((peer, median?)));
    let (peer, _) = match better {
        Better::Lower => known.min_by(|a, b| a.1.total_cmp(&b.1)),
        Better::Higher => known.max_by(|a, b| a.1.total_cmp(&b.1)),
    }?;
    let by_round = ours.iter().zip(peers[peer]).map(|(ours, peer)| match better {
        Better::Lower => peer / ours,
        Better::Higher => ours / peer,
    });
    Some(Ratio { peer, figure: Figure::of(&by_round.collect::<Vec<_>>())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        assert_eq!(Figure::of(&[3.0, 1.0, 2.0]), Some(Figure { median: 2.0, min: 1.0, max: 3.0 }));
        assert_eq!(Figure::of(&[4.0, 1.0, 2.0, 3.0]), Some(Figure { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Figure::of(&[f64::NAN, 5.0]), Some(Figure { median: 5.0, min: 5.0, max: 5.0 }));
        assert_eq!(Figure::of(&[]), None);
    }

    #[test]
    fn above_one_is_better_in_both_directions() {
        let cost = ratio(Better::Lower, &[100.0], &[&[300.0], &[200.0]]).unwrap();
        assert_eq!((cost.peer, cost.figure.median), (1, 2.0));
        let yielded = ratio(Better::Higher, &[100.0], &[&[300.0], &[200.0]]).unwrap();
        assert_eq!((yielded.peer, yielded.figure.median), (0, 100.0 / 300.0));
    }

    #[test]
    fn rounds_are_compared_with_their_own_neighbours() {
        // The machine slowed down threefold over the rounds; the ratio did not move.
        let both = ratio(Better::Lower, &[10.0, 20.0, 30.0], &[&[20.0, 40.0, 60.0]]).unwrap();
        assert_eq!(both.figure, Figure { median: 2.0, min: 2.0, max: 2.0 });
    }

    #[test]
    fn without_a_peer_there_is_no_ratio() {
        assert_eq!(ratio(Better::Lower, &[1.0], &[]), None);
        assert_eq!(ratio(Better::Lower, &[], &[&[1.0]]), None);
    }
}
