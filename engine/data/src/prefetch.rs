//! Asks the processor to bring a cache line near. A hint: it reads nothing and can do no harm, whatever the address.

/// Starts loading the cache line at `address` for reading.
#[inline(always)]
pub(crate) fn prefetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: PREFETCHT0 needs SSE, which every x86-64 has; it is a hint that neither faults nor changes memory,
    // for any address at all.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(address.cast());
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: PRFM is a hint that neither faults nor changes memory or registers, for any address at all.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, readonly, preserves_flags));
    }
    #[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), not(miri))))]
    let _ = address;
}

/// Starts loading all of a value of a few cache lines, without what it points to.
#[inline(always)]
pub(crate) fn prefetch_all<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    let mut at = 0;
    while at < size_of::<T>() {
        prefetch(start.wrapping_add(at));
        at += 64;
    }
    prefetch(start.wrapping_add(size_of::<T>() - 1));
}
