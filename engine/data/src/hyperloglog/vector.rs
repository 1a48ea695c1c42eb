//! Dense registers unpacked and packed thirty-two at a time, on processors with AVX2.
//!
//! The callers have asked the processor. Each function does all blocks but the last: sixteen bytes are read and written where
//! twelve are meant, which must not reach beyond the registers. All `unsafe` is loads and stores of slices of that very length.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_and_si256, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_max_epu8,
    _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_shuffle_epi8,
    _mm256_slli_epi32, _mm256_storeu_si256,
};

/// Registers of a block, a byte each.
const BLOCK: usize = 32;

/// Bytes of a block once it is packed.
const PACKED_BLOCK: usize = 24;

/// Bytes of half a block, packed.
const HALF: usize = 12;

/// Raises `registers` to those packed. Returns how many were done.
#[target_feature(enable = "avx2")]
pub(super) fn merge(packed: &[u8], registers: &mut [u8]) -> usize {
    // Three bytes for each four registers, in the low bytes of a lane.
    let spread = _mm256_setr_epi8(
        0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11, -1,
    );
    let (blocks, _) = registers.as_chunks_mut::<BLOCK>();
    let count = blocks.len().saturating_sub(1);
    for (i, block) in blocks[..count].iter_mut().enumerate() {
        let at = i * PACKED_BLOCK;
        let lanes = _mm256_set_m128i(load(packed, at + HALF), load(packed, at));
        let quadruples = _mm256_shuffle_epi8(lanes, spread);
        let first = _mm256_and_si256(quadruples, _mm256_set1_epi32(0x3f));
        let second = _mm256_and_si256(_mm256_slli_epi32::<2>(quadruples), _mm256_set1_epi32(0x3f << 8));
        let third = _mm256_and_si256(_mm256_slli_epi32::<4>(quadruples), _mm256_set1_epi32(0x3f << 16));
        let fourth = _mm256_and_si256(_mm256_slli_epi32::<6>(quadruples), _mm256_set1_epi32(0x3f << 24));
        let runs = _mm256_or_si256(_mm256_or_si256(first, second), _mm256_or_si256(third, fourth));
        let place = block.as_mut_ptr().cast::<__m256i>();
        // SAFETY: a block has 32 bytes, and neither the load nor the store wants them aligned.
        unsafe { _mm256_storeu_si256(place, _mm256_max_epu8(_mm256_loadu_si256(place), runs)) };
    }
    count * BLOCK
}

/// Packs registers. Returns how many were done.
#[target_feature(enable = "avx2")]
pub(super) fn pack(registers: &[u8], packed: &mut [u8]) -> usize {
    let gather = _mm256_setr_epi8(
        0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1,
    );
    let (blocks, _) = registers.as_chunks::<BLOCK>();
    let count = blocks.len().saturating_sub(1);
    for (i, block) in blocks[..count].iter().enumerate() {
        // SAFETY: a block has 32 bytes, and the load does not want them aligned.
        let runs = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
        // Neighbours are joined by multiplying and adding: twelve bits of two registers, then 24 bits of four.
        let pairs = _mm256_maddubs_epi16(runs, _mm256_set1_epi16(0x40 << 8 | 1));
        let quadruples = _mm256_madd_epi16(pairs, _mm256_set1_epi32(0x1000 << 16 | 1));
        let lanes = _mm256_shuffle_epi8(quadruples, gather);
        let at = i * PACKED_BLOCK;
        store(packed, at, _mm256_castsi256_si128(lanes));
        store(packed, at + HALF, _mm256_extracti128_si256::<1>(lanes));
    }
    count * BLOCK
}

#[inline(always)]
fn load(bytes: &[u8], at: usize) -> __m128i {
    let bytes = &bytes[at..at + size_of::<__m128i>()];
    // SAFETY: the slice has 16 bytes, the load does not want them aligned, and every x86-64 has SSE2.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

#[inline(always)]
fn store(bytes: &mut [u8], at: usize, lane: __m128i) {
    let bytes = &mut bytes[at..at + size_of::<__m128i>()];
    // SAFETY: as for a load; the slice is borrowed mutably.
    unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), lane) }
}
