//! All registers, a byte each: the form in which several HyperLogLogs are merged, and in which they are counted.

use super::{Corrupted, HEADER_BYTES, REGISTERS, dense, estimate, is_dense, sparse};

/// The highest values of the registers of several HyperLogLogs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registers(Box<[u8; REGISTERS]>);

impl Registers {
    /// All zero.
    #[must_use]
    pub fn new() -> Registers {
        Registers(vec![0; REGISTERS].try_into().expect("the vector has as many bytes as there are registers"))
    }

    /// A byte for each register.
    #[must_use]
    pub fn bytes(&self) -> &[u8; REGISTERS] {
        &self.0
    }

    /// Raises the registers to those of a HyperLogLog.
    ///
    /// # Errors
    /// [`Corrupted`]; some registers may have been raised then.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), Corrupted> {
        let rest = &bytes[HEADER_BYTES..];
        if !is_dense(bytes) {
            return sparse::merge(rest, &mut self.0);
        }
        dense::merge(rest, &mut self.0);
        Ok(())
    }

    /// Raises the registers to `others`.
    pub(super) fn raise(&mut self, others: &Registers) {
        for (register, other) in self.0.iter_mut().zip(others.0.iter()) {
            *register = (*register).max(*other);
        }
    }

    /// How many different elements were added to the HyperLogLogs, about.
    #[must_use]
    pub fn estimate(&self) -> u64 {
        // Eight counts of their own for neighbours: most registers hold one of very few values, and counting the same one
        // twice in a row would wait for the first.
        let mut lanes = [[0u16; 64]; 8];
        let (words, _) = self.0.as_chunks::<8>();
        for word in words {
            for (lane, run) in lanes.iter_mut().zip(word) {
                lane[usize::from(run & 0x3f)] += 1;
            }
        }
        let histogram = std::array::from_fn(|run| lanes.iter().map(|lane| u32::from(lane[run])).sum());
        estimate::of(&histogram)
    }
}

impl Default for Registers {
    fn default() -> Self {
        Registers::new()
    }
}
