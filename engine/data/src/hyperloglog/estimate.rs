//! From registers to a number: the improved raw estimator of Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog
//! sketches" (arXiv:1702.01284), algorithm 6.
//!
//! The order of the steps is Redis's, so that rounding is the same too.

use super::{REGISTERS, RUN_BITS};

/// How many registers hold each value.
pub(super) type Histogram = [u32; 64];

/// 1 / (2 ln 2)
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate.
pub(super) fn of(histogram: &Histogram) -> u64 {
    let count = REGISTERS as f64;
    let at = |run: u32| f64::from(histogram[run as usize]);
    let mut z = count * tau((count - at(RUN_BITS + 1)) / count);
    for run in (1..=RUN_BITS).rev() {
        z = (z + at(run)) * 0.5;
    }
    z += count * sigma(at(0) / count);
    (ALPHA * count * count / z).round() as u64
}

/// Accounts for registers that are full.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        y *= 0.5;
        let before = z;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

/// Accounts for registers that are zero.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}
