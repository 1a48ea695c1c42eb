//! Size classes of the allocator: multiples of 8 up to 64, then four classes per doubling.
//!
//! Blocks are requested in exactly these sizes. So the slack that the allocator would waste is ours to grow into, and
//! the logical accounting agrees with what is really used without asking the allocator.

/// The size of the block that serves a request of `bytes`.
#[inline]
#[must_use]
pub(crate) const fn size_class(bytes: usize) -> usize {
    if bytes <= 64 {
        if bytes <= 8 { 8 } else { (bytes + 7) & !7 }
    } else {
        // `bytes` lies in (2^k, 2^(k+1)], which is cut in four steps.
        let k = usize::BITS - 1 - (bytes - 1).leading_zeros();
        let step = 1usize << (k - 2);
        (bytes + step - 1) & !(step - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::size_class;

    #[test]
    fn the_classes_are_jemallocs_with_a_quantum_of_eight() {
        let mut classes: Vec<usize> = (1..=1024).map(size_class).collect();
        classes.dedup();
        assert_eq!(
            classes,
            [
                8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896,
                1024
            ]
        );
    }

    #[test]
    fn a_class_is_its_own_class_and_never_smaller_than_the_request() {
        for bytes in (1..20_000).chain([1 << 20, (1 << 20) + 1, 536_870_912]) {
            assert!(size_class(bytes) >= bytes);
            assert_eq!(size_class(size_class(bytes)), size_class(bytes));
        }
    }
}
