//! How a thread stands to others when cores are short.

/// What is added to the niceness of a thread that gives way: a tenth of the weight of one that does not, so that it still gets on beside
/// others that never rest.
const NICENESS: libc::c_int = 10;

/// The calling thread gives way to all that do not. It stays as it is where the system refuses.
pub(crate) fn give_way() {
    // SAFETY: the call takes and gives an integer. On Linux it concerns the calling thread alone.
    unsafe { libc::nice(NICENESS) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn niceness() -> libc::c_int {
        // SAFETY: the call takes integers only.
        unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) }
    }

    #[test]
    fn one_thread_gives_way_and_no_other() {
        let before = niceness();
        let there = std::thread::spawn(|| {
            give_way();
            niceness()
        });
        assert_eq!(there.join().expect("it does not panic"), (before + NICENESS).min(19));
        assert_eq!(niceness(), before);
    }
}
