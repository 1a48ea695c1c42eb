//! Registers packed six bits each, the lowest bits first.

use super::REGISTERS;

/// Bytes of all registers.
pub(super) const BYTES: usize = REGISTERS * 6 / 8;

/// Four registers are in three bytes.
const QUADRUPLE: usize = 3;

const MASK: u32 = 0x3f;

/// One register.
#[inline]
pub(super) fn get(packed: &[u8], index: usize) -> u8 {
    let (at, shift) = (index / 4 * QUADRUPLE, index % 4 * 6);
    let bytes = &packed[at..at + QUADRUPLE];
    let quadruple = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    (quadruple >> shift & MASK) as u8
}

/// Raises a register to `run`; false when it is no lower already.
#[inline]
pub(super) fn raise(packed: &mut [u8], index: usize, run: u8) -> bool {
    let (at, shift) = (index / 4 * QUADRUPLE, index % 4 * 6);
    let bytes = &mut packed[at..at + QUADRUPLE];
    let quadruple = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], 0]);
    if (quadruple >> shift & MASK) as u8 >= run {
        return false;
    }
    let changed = quadruple & !(MASK << shift) | (u32::from(run) & MASK) << shift;
    bytes.copy_from_slice(&changed.to_le_bytes()[..QUADRUPLE]);
    true
}

/// Packs all registers, a byte each before.
pub(super) fn pack(registers: &[u8; REGISTERS], packed: &mut [u8]) {
    let mut done = 0;
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been asked for the feature that the function is compiled for.
        done = unsafe { super::vector::pack(registers, packed) };
    }
    let (quadruples, _) = registers[done..].as_chunks::<4>();
    let (packed, _) = packed[done / 4 * QUADRUPLE..].as_chunks_mut::<QUADRUPLE>();
    for (packed, quadruple) in packed.iter_mut().zip(quadruples) {
        let word = u32::from_le_bytes(*quadruple);
        let joined = word & MASK | (word >> 2 & MASK << 6) | (word >> 4 & MASK << 12) | (word >> 6 & MASK << 18);
        packed.copy_from_slice(&joined.to_le_bytes()[..QUADRUPLE]);
    }
}

/// Raises registers, a byte each, to those that are packed.
pub(super) fn merge(packed: &[u8], registers: &mut [u8; REGISTERS]) {
    let mut done = 0;
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just been asked for the feature that the function is compiled for.
        done = unsafe { super::vector::merge(packed, registers) };
    }
    let (packed, _) = packed[done / 4 * QUADRUPLE..].as_chunks::<QUADRUPLE>();
    let (quadruples, _) = registers[done..].as_chunks_mut::<4>();
    for (quadruple, packed) in quadruples.iter_mut().zip(packed) {
        let word = u32::from_le_bytes([packed[0], packed[1], packed[2], 0]);
        let spread = word & MASK | (word & MASK << 6) << 2 | (word & MASK << 12) << 4 | (word & MASK << 18) << 6;
        for (register, run) in quadruple.iter_mut().zip(spread.to_le_bytes()) {
            *register = (*register).max(run);
        }
    }
}
