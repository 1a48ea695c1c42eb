//! Puts the keyspace on huge pages, in the background and after the fact.
//!
//! Random lookups over many keys miss the TLB as often as the cache, the more so under a hypervisor. Asking for huge pages
//! ahead of use makes page faults compact memory on the loop's thread: pauses of tens of milliseconds were measured. So memory
//! is faulted in as ordinary pages, and a thread of its own asks the kernel to join those two-megabyte ranges that have
//! become resident but for a small rest (`MADV_COLLAPSE`, Linux 6.1). A range with more holes is left alone: joining it would
//! bring back memory that the allocator has returned. Where the kernel knows no such request the thread ends, and nothing else changes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Size and alignment of what is joined.
const HUGE: usize = 2 << 20;

/// An ordinary page. On machines with larger ones nothing is joined.
const PAGE: usize = 4096;

/// Mappings below this are no heap worth the trouble.
const MAPPING_MIN: usize = 8 * HUGE;

/// Pages that may be missing from a range that is joined, and are in memory from then on: a sixteenth.
const HOLES_MAX: usize = HUGE / PAGE / 16;

/// Between two turns.
const REST: Duration = Duration::from_secs(1);

/// How much longer the thread rests behind a range than joining it took: it takes a hundredth of a processor, and page faults of the
/// loop's thread, which have to wait meanwhile, seldom meet it. Joining costs far more than the copy of two megabytes where a
/// hypervisor has yet to find memory for the huge page: 7 ms were measured, beside 0.3 to 0.8.
const REST_BEHIND: u32 = 100;

/// `MADV_COLLAPSE` of the Linux kernel, which the C library's headers may not have yet.
const MADV_COLLAPSE: libc::c_int = 25;

/// Where the kernel says, and is told, when it gives transparent huge pages by itself.
pub const SETTING: &str = "/sys/kernel/mm/transparent_hugepage/enabled";

/// `disable-thp`: asks the kernel not to give huge pages at page faults, on a system where it does so always.
///
/// Since Linux 6.18 those that are asked for, as the thread here does, can be excepted; before, there are none at all.
pub fn leave_out_at_page_faults() {
    /// `PR_THP_DISABLE_EXCEPT_ADVISED`, which the C library's headers may not have yet.
    const EXCEPT_ADVISED: libc::c_ulong = 1 << 1;
    let always = std::fs::read_to_string(SETTING).is_ok_and(|text| text.contains("[always]"));
    if !always {
        return;
    }
    // SAFETY: changes how this process's memory is paged from here on, and nothing that it holds.
    let ask =
        |flags: libc::c_ulong| unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1 as libc::c_ulong, flags, 0, 0) == 0 };
    if !ask(EXCEPT_ADVISED) && !ask(0) {
        tracing::warn!("Transparent huge pages can't be disabled: {}", super::reason(&std::io::Error::last_os_error()));
    }
}

/// Starts the thread. Without one the server works as well, only slower: a failure is logged and no error.
pub fn start() {
    let spawned = std::thread::Builder::new().name("huge-pages".to_owned()).spawn(|| {
        let mut done = BTreeSet::new();
        loop {
            std::thread::sleep(REST);
            if !turn(&mut done) {
                return;
            }
        }
    });
    if let Err(error) = spawned {
        tracing::debug!("no thread for huge pages: {error}");
    }
}

/// Joins the ranges that have become (nearly) whole, slowly. False when the kernel can't.
fn turn(done: &mut BTreeSet<usize>) -> bool {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return false };
    let heap: Vec<(usize, usize)> = maps.lines().filter_map(anonymous).filter(|(a, b)| b - a >= MAPPING_MIN).collect();
    // What is no longer mapped may be mapped again, with ordinary pages.
    done.retain(|range| heap.iter().any(|(start, end)| (*start..*end).contains(range)));
    for (start, end) in heap {
        for range in (start.next_multiple_of(HUGE)..end.saturating_sub(HUGE - 1)).step_by(HUGE) {
            if done.contains(&range) || !is_resident(range) {
                continue;
            }
            let began = Instant::now();
            match collapse(range) {
                Ok(()) => {
                    done.insert(range);
                    std::thread::sleep(began.elapsed() * REST_BEHIND);
                }
                // No huge page to be had just now.
                Err(libc::EAGAIN | libc::ENOMEM | libc::EBUSY) => return true,
                Err(libc::EINVAL) if done.is_empty() => return false,
                // This range can't be joined; no need to ask again.
                Err(_) => {
                    done.insert(range);
                }
            }
        }
    }
    true
}

/// The bounds of a private, writable mapping that is backed by no file, from a line of `/proc/self/maps`.
fn anonymous(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let (rights, inode) = (fields.next()?, fields.nth(2)?);
    let unnamed = fields.next().is_none();
    if rights != "rw-p" || inode != "0" || !unnamed {
        return None;
    }
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
}

/// Whether all but a few pages of the range are in memory.
fn is_resident(range: usize) -> bool {
    let mut pages = [0u8; HUGE / PAGE];
    // SAFETY: mincore writes one byte for each page of the range, for which `pages` has room as long as pages have at least
    // `PAGE` bytes (they do everywhere); it reads and changes nothing at the address, and reports one that is not mapped.
    let outcome = unsafe { libc::mincore(range as *mut libc::c_void, HUGE, pages.as_mut_ptr()) };
    outcome == 0 && pages.iter().filter(|page| **page & 1 == 0).count() <= HOLES_MAX
}

/// Asks the kernel to put the range on one huge page.
fn collapse(range: usize) -> Result<(), libc::c_int> {
    // SAFETY: this request changes how the range is mapped and never what it holds; on a range that is not ours to join, or
    // no longer mapped, it fails.
    let outcome = unsafe { libc::madvise(range as *mut libc::c_void, HUGE, MADV_COLLAPSE) };
    if outcome == 0 { Ok(()) } else { Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_maps() {
        let check = |line, expected| assert_eq!(anonymous(line), expected, "{line}");
        check("7f0000000000-7f0004000000 rw-p 00000000 00:00 0 ", Some((0x7f00_0000_0000, 0x7f00_0400_0000)));
        check("7f0000000000-7f0004000000 r--p 00000000 00:00 0 ", None);
        check("7f0000000000-7f0004000000 rw-p 00000000 00:00 0                          [stack]", None);
        check("55d000000000-55d000100000 rw-p 00001000 fe:00 1234                       /usr/bin/x", None);
        check("nonsense", None);
    }

    #[test]
    fn joining_keeps_what_memory_holds_and_leaves_holes_alone() {
        let mut memory: Vec<u8> = vec![0; 4 * HUGE];
        let start = memory.as_ptr().addr().next_multiple_of(HUGE);
        let offset = start - memory.as_ptr().addr();
        for (i, byte) in memory[offset..offset + HUGE].iter_mut().enumerate() {
            *byte = (i % 251) as u8;
        }
        assert!(is_resident(start));
        // Whether a huge page can be had depends on the machine; what the memory holds does not.
        let _ = collapse(start);
        assert!(memory[offset..offset + HUGE].iter().enumerate().all(|(i, byte)| *byte == (i % 251) as u8));
        assert!(!is_resident(start + HUGE), "pages that were never touched are a hole");
    }
}
