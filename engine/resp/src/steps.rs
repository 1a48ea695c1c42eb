//! A count of the work that parsing does, kept in tests only, so that "linear" is proved by counting and not by a clock.

#[cfg(test)]
thread_local! {
    static TOTAL: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many bytes were looked at, or arguments moved.
#[inline(always)]
pub(crate) fn count(_steps: usize) {
    #[cfg(test)]
    TOTAL.with(|total| total.set(total.get() + _steps));
}

/// The steps counted on this thread since the last call.
#[cfg(test)]
pub(crate) fn take() -> usize {
    TOTAL.with(|total| total.replace(0))
}
