//! The process's allocator: jemalloc, asked directly.
//!
//! jemalloc is built with a quantum of 8 bytes, because most of a keyspace is small entries and every rounding up to 16
//! is paid a hundred million times. It then promises an alignment of 8 only, so every alignment above is passed with each
//! call. (The usual binding assumes 16, and hands out misaligned memory under this quantum.)

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::ptr;

use tikv_jemalloc_sys as jemalloc;

/// What jemalloc aligns everything to by itself: its quantum, which is also its smallest size.
const QUANTUM: usize = 8;

#[global_allocator]
static GLOBAL: Jemalloc = Jemalloc;

/// Read by jemalloc when the process begins. Few arenas, because one thread owns nearly everything and memory freed by
/// another goes back to its arena; no padding of large allocations; freed pages return to the system at once, in small
/// portions: kept for a while they would be a tenth of the memory of a growing keyspace, and returning many is a pause. Blocks of 32,
/// 64 and 128 bytes come in runs of four pages and not of one, as those of 48, 80 or 112 do by themselves: what jemalloc keeps of a
/// run is a thirtieth of a page.
#[unsafe(export_name = "_rjem_malloc_conf")]
static OPTIONS: Text =
    Text(c"narenas:2,cache_oblivious:false,background_thread:false,dirty_decay_ms:0,muzzy_decay_ms:0,slab_sizes:32-32:4|64-64:4|128-128:4".as_ptr());

#[repr(transparent)]
struct Text(*const c_char);

// SAFETY: it points to a string literal: immutable, and alive for as long as the process.
unsafe impl Sync for Text {}

/// jemalloc as Rust's allocator.
#[derive(Debug, Clone, Copy)]
pub struct Jemalloc;

/// The flags that make jemalloc honour `layout`'s alignment.
#[inline]
fn flags(layout: Layout) -> c_int {
    if layout.align() <= QUANTUM { 0 } else { jemalloc::MALLOCX_ALIGN(layout.align()) }
}

// SAFETY: every method passes size and alignment of the layout to jemalloc, which returns null or memory of that size and
// alignment, disjoint from all that is in use; `flags` leaves the alignment out only where jemalloc keeps it anyway. No
// method panics or allocates through itself. Sizes are never zero, by the trait's contract.
unsafe impl GlobalAlloc for Jemalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not zero (the caller's duty), and the flags hold a power of two.
        unsafe { jemalloc::mallocx(layout.size(), flags(layout)).cast() }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as in `alloc`.
        unsafe { jemalloc::mallocx(layout.size(), flags(layout) | jemalloc::MALLOCX_ZERO).cast() }
    }

    #[inline]
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: `memory` came from this allocator with this layout (the caller's duty), so size and flags are those it
        // was allocated with.
        unsafe { jemalloc::sdallocx(memory.cast(), layout.size(), flags(layout)) }
    }

    #[inline]
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: `memory` came from this allocator (the caller's duty), `size` is not zero, and the alignment of the new
        // block is computed of the new size.
        unsafe {
            let layout = Layout::from_size_align_unchecked(size, layout.align());
            jemalloc::rallocx(memory.cast(), size, flags(layout)).cast()
        }
    }
}

/// Bytes that the process has asked for and not given back, rounded up to jemalloc's size classes.
pub fn allocated() -> u64 {
    refresh();
    read(c"stats.allocated")
}

/// Bytes of pages that hold at least one allocation.
pub fn active() -> u64 {
    refresh();
    read(c"stats.active")
}

/// Bytes of memory that jemalloc holds from the system: active pages, its own data, and freed pages not yet returned.
pub fn resident() -> u64 {
    refresh();
    read(c"stats.resident")
}

/// What jemalloc prints of itself: every arena, every size class.
pub fn report() -> String {
    extern "C" fn append(text: *mut c_void, piece: *const c_char) {
        // SAFETY: jemalloc hands through the pointer that it was given below, and pieces that end in NUL.
        unsafe { (*text.cast::<Vec<u8>>()).extend_from_slice(CStr::from_ptr(piece).to_bytes()) }
    }
    let mut text: Vec<u8> = Vec::new();
    // SAFETY: the callback gets the address of `text`, which outlives the call and is used by nobody else meanwhile.
    unsafe { jemalloc::malloc_stats_print(Some(append), (&raw mut text).cast(), ptr::null()) };
    String::from_utf8_lossy(&text).into_owned()
}

/// Gives back to the system every page that nothing is in.
pub fn purge() {
    // "4096" stands for all arenas (MALLCTL_ARENAS_ALL).
    // SAFETY: this control takes and gives no value.
    unsafe {
        jemalloc::mallctl(c"arena.4096.purge".as_ptr(), ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0);
    }
}

/// A number that jemalloc keeps under a name, and sets to `new` first if that is given. What could harm the process is refused.
pub fn number(name: &str, new: Option<i64>) -> io::Result<i64> {
    /// Names of which asking changes something, or has no number for an answer.
    const REFUSED: [&str; 5] = ["arenas.create", "tcache.", "experimental.", "prof.", "thread.allocatedp"];
    /// What may be set, all of it plain numbers.
    const SETTABLE: [&str; 5] =
        ["epoch", "background_thread", "max_background_threads", "dirty_decay_ms", "muzzy_decay_ms"];
    let last = name.rsplit('.').next().unwrap_or_default();
    if REFUSED.iter().any(|refused| name.starts_with(refused)) || new.is_some() && !SETTABLE.contains(&last) {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    let name = CString::new(name).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))?;
    // The size of what has this name can only be tried.
    for size in [8, 4, 1] {
        let (mut old, mut old_size, mut new) = ([0u8; 8], size, new.map(i64::to_le_bytes));
        let (new_at, new_size) = match &mut new {
            Some(bytes) => (bytes.as_mut_ptr().cast(), size),
            None => (ptr::null_mut(), 0),
        };
        // SAFETY: the name ends in NUL; `old` and `new` are live and have room for `size` bytes, and jemalloc refuses with EINVAL
        // any size but the right one. None of the names that may be set is a pointer.
        let outcome =
            unsafe { jemalloc::mallctl(name.as_ptr(), old.as_mut_ptr().cast(), &mut old_size, new_at, new_size) };
        match outcome {
            0 => return Ok(i64::from_le_bytes(old)),
            libc::EINVAL => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
    Err(io::Error::from_raw_os_error(libc::EINVAL))
}

/// A text that jemalloc keeps under a name.
pub fn text(name: &str) -> io::Result<String> {
    const TEXTS: [&str; 6] =
        ["version", "config.malloc_conf", "opt.dss", "opt.metadata_thp", "opt.thp", "opt.percpu_arena"];
    // Whether what has a name is a text can't be seen from outside.
    let name = TEXTS.iter().find(|text| **text == name).ok_or(io::Error::from_raw_os_error(libc::ENOENT))?;
    let name = CString::new(*name).map_err(|_| io::Error::from_raw_os_error(libc::ENOENT))?;
    let mut text: *const c_char = ptr::null();
    let mut size = size_of::<*const c_char>();
    // SAFETY: these are pointers to text that lives as long as the process; pointer and size are those of a live one.
    unsafe {
        let outcome = jemalloc::mallctl(name.as_ptr(), (&raw mut text).cast(), &mut size, ptr::null_mut(), 0);
        match outcome {
            0 if text.is_null() => Ok(String::new()),
            0 => Ok(CStr::from_ptr(text).to_string_lossy().into_owned()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Statistics are those of the moment when the epoch was last advanced.
fn refresh() {
    let mut epoch = 1u64;
    // SAFETY: the control takes a u64, and the pointer and the length are those of a live one.
    unsafe {
        let new: *mut c_void = (&raw mut epoch).cast();
        jemalloc::mallctl(c"epoch".as_ptr(), ptr::null_mut(), ptr::null_mut(), new, size_of::<u64>());
    }
}

/// Zero if jemalloc has no such figure.
fn read(name: &CStr) -> u64 {
    let mut value = 0usize;
    let mut size = size_of::<usize>();
    // SAFETY: these statistics are of type size_t; the pointers are to live values of that size.
    let outcome = unsafe { jemalloc::mallctl(name.as_ptr(), (&raw mut value).cast(), &mut size, ptr::null_mut(), 0) };
    if outcome == 0 { value as u64 } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::alloc::{alloc, alloc_zeroed, dealloc, realloc};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn figures_have_names_and_only_harmless_ones_can_be_set() {
        assert!(number("epoch", None).unwrap() > 0);
        assert!(number("stats.allocated", None).unwrap() > 0);
        assert!(number("arenas.narenas", None).unwrap() >= 2, "a number of four bytes");
        assert_eq!(number("config.debug", None).unwrap() & !1, 0, "one of a single byte");
        let before = number("arenas.muzzy_decay_ms", Some(7)).unwrap();
        assert_eq!(number("arenas.muzzy_decay_ms", Some(before)).unwrap(), 7);
        let code = |outcome: io::Result<i64>| outcome.unwrap_err().raw_os_error().unwrap();
        assert_eq!(code(number("no.such.name", None)), libc::ENOENT);
        assert_eq!(code(number("no\0name", None)), libc::ENOENT);
        assert_eq!(code(number("arena.0.extent_hooks", Some(1))), libc::EPERM);
        assert_eq!(code(number("stats.allocated", Some(1))), libc::EPERM);
        assert!(text("version").unwrap().contains('.'));
        assert_eq!(text("stats.allocated").unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }

    /// A block with a pattern of its own, checked whenever it moves and when it goes.
    struct Block {
        memory: *mut u8,
        layout: Layout,
        seed: u8,
    }

    impl Block {
        fn new(size: usize, align: usize, seed: u8, zeroed: bool) -> Block {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not zero.
            let memory = unsafe { if zeroed { alloc_zeroed(layout) } else { alloc(layout) } };
            let mut block = Block { memory, layout, seed };
            if zeroed {
                assert!(block.bytes().iter().all(|byte| *byte == 0), "size {size} align {align} is not zeroed");
            }
            block.fill(0);
            block
        }

        fn bytes(&mut self) -> &mut [u8] {
            let (memory, layout) = (self.memory, self.layout);
            assert!(!memory.is_null());
            assert_eq!(memory.addr() % layout.align(), 0, "{layout:?} came back misaligned");
            // SAFETY: the memory was allocated with this layout, is borrowed with the block, and its bytes have been
            // written to: by the allocator, by `fill`, or (new ones) by the first thing that is done to them here.
            unsafe { std::slice::from_raw_parts_mut(memory, layout.size()) }
        }

        fn fill(&mut self, from: usize) {
            let seed = self.seed;
            for (at, byte) in self.bytes().iter_mut().enumerate().skip(from) {
                *byte = seed.wrapping_add(at as u8);
            }
        }

        fn check(&mut self, len: usize) {
            let seed = self.seed;
            assert!(self.bytes()[..len].iter().enumerate().all(|(at, byte)| *byte == seed.wrapping_add(at as u8)));
        }

        fn resize(&mut self, size: usize) {
            let kept = size.min(self.layout.size());
            // SAFETY: the memory is this allocator's, with this layout, and the size is not zero.
            self.memory = unsafe { realloc(self.memory, self.layout, size) };
            self.layout = Layout::from_size_align(size, self.layout.align()).unwrap();
            self.check(kept);
            self.fill(kept);
        }
    }

    impl Drop for Block {
        fn drop(&mut self) {
            self.check(self.layout.size());
            // SAFETY: the memory is this allocator's, with this layout, and is not used again.
            unsafe { dealloc(self.memory, self.layout) };
        }
    }

    #[test]
    fn every_small_size_is_aligned_as_asked_and_keeps_its_bytes() {
        for align in [1, 2, 4, 8, 16, 32, 64, 4096] {
            // All of one alignment at once, so that neighbours that overlap would be seen.
            let mut blocks: Vec<Block> =
                (1..=512).map(|size| Block::new(size, align, (size % 251) as u8, size % 2 == 0)).collect();
            for block in &mut blocks {
                let size = block.layout.size();
                block.resize(size * 2 + 1);
                block.resize(size.div_ceil(3));
            }
        }
    }

    #[test]
    fn the_quantum_is_eight_bytes() {
        // SAFETY: nallocx computes and touches no memory.
        let rounded = unsafe { jemalloc::nallocx(40, 0) };
        assert_eq!(rounded, 40, "jemalloc was built without JEMALLOC_SYS_WITH_LG_QUANTUM=3");
    }

    #[test]
    fn the_options_were_read() {
        let mut arenas = 0u32;
        let mut size = size_of::<u32>();
        // SAFETY: this option is of type unsigned; the pointers are to live values of that size.
        let outcome = unsafe {
            jemalloc::mallctl(c"opt.narenas".as_ptr(), (&raw mut arenas).cast(), &mut size, ptr::null_mut(), 0)
        };
        assert_eq!((outcome, arenas), (0, 2));
    }

    #[test]
    fn the_figures_follow_what_is_held() {
        const HELD: usize = 64 << 20;
        let before = allocated();
        let held = vec![1u8; HELD];
        assert!(allocated() >= before.saturating_sub(8 << 20) + HELD as u64);
        assert!(active() >= HELD as u64 && resident() >= HELD as u64);
        drop(held);
        assert!(allocated() < before + HELD as u64);
    }

    proptest! {
        #[test]
        fn blocks_live_through_any_history(
            steps in prop::collection::vec((0usize..8, 1usize..3000, 0u32..8, any::<u8>()), 1..200),
        ) {
            let mut blocks: Vec<Option<Block>> = (0..8).map(|_| None).collect();
            for (place, size, lg_align, seed) in steps {
                match &mut blocks[place] {
                    Some(_) if seed < 64 => blocks[place] = None,
                    Some(block) => block.resize(size),
                    empty => *empty = Some(Block::new(size, 1 << lg_align, seed, seed % 2 == 0)),
                }
            }
        }
    }
}
