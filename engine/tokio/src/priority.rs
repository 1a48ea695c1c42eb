//! How a thread stands to others when cores are short: the loop's goes on at once when it has something to do, those that work in the
//! background wait.
//!
//! Nobody is starved: over time each gets its share, by niceness. What is decided here is who is to wait for whom. Where the system
//! refuses, or does not know what is asked, everything stays as it is.

/// What is added to the niceness of a thread that gives way: a tenth of the weight of one that does not, so that it still gets on beside
/// others that never rest.
const NICENESS: libc::c_int = 10;

/// For how long a thread that is prompt wants to go on at a time, in nanoseconds: the least that Linux takes. One that wants little at
/// a time interrupts those that want more, as soon as it wakes (EEVDF, Linux 6.12).
const PROMPT_SLICE: u64 = 100_000;

/// The calling thread does not wait until others have had their turn.
pub(crate) fn be_prompt() {
    set_slice(PROMPT_SLICE);
}

/// The calling thread waits its turn, whichever thread has started it.
pub(crate) fn take_turns() {
    // The system's own.
    set_slice(0);
}

/// The calling thread gives way to all that do not.
pub(crate) fn give_way() {
    take_turns();
    // SAFETY: the call takes and gives an integer. On Linux it concerns the calling thread alone.
    unsafe { libc::nice(NICENESS) };
}

/// For how long the calling thread wants to go on at a time, in nanoseconds.
fn set_slice(nanoseconds: u64) {
    if let Some(now) = attributes()
        && now.sched_policy == libc::SCHED_OTHER as u32
    {
        let wanted = libc::sched_attr { sched_runtime: nanoseconds, ..now };
        // SAFETY: the call reads an attribute that lives until it returns. 0 is the calling thread.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
    }
}

fn attributes() -> Option<libc::sched_attr> {
    // SAFETY: it is made of integers, of which all may be zero.
    let mut now: libc::sched_attr = unsafe { std::mem::zeroed() };
    let size = size_of_val(&now);
    // SAFETY: the call writes no more than `size` bytes to an attribute that lives until it returns. 0 is the calling thread.
    let outcome = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut now, size, 0) };
    (outcome == 0).then_some(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing() -> (libc::c_int, u64) {
        let now = attributes().expect("Linux 3.14 has it");
        (now.sched_nice, now.sched_runtime)
    }

    #[test]
    fn one_thread_gives_way_or_is_prompt_and_no_other() {
        let before = standing();
        let there = std::thread::spawn(|| {
            be_prompt();
            let prompt = standing();
            let below = std::thread::spawn(|| {
                give_way();
                standing()
            });
            (prompt, below.join().expect("it does not panic"), standing())
        });
        let (prompt, below, after) = there.join().expect("it does not panic");
        assert_eq!(below, ((before.0 + NICENESS).min(19), before.1));
        assert_eq!(after, prompt);
        // An older system gives no slice away.
        assert!(prompt == (before.0, PROMPT_SLICE) || prompt == before, "{prompt:?}");
        assert_eq!(standing(), before);
    }
}
