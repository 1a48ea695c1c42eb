//! The handlers of the signals that mean a fault.
//!
//! A handler runs wherever the fault was, in the middle of an allocation or under a lock. So all it does is read atomics,
//! write(2), and walk the stack; then the process ends by the same signal, with the system's own action for it (a core
//! file, if those are enabled). It runs on a stack of its own, since running out of stack is one of the faults.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::Ordering;

use super::report::{self, Fault};
use super::{ENABLED, REPORTING, pid_file};

const FAULTS: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

/// For the handler on the loop's thread. Other threads have a smaller one of std's.
const STACK: usize = 64 * 1024;

/// Frames of a backtrace at most.
pub(super) const FRAMES: usize = 64;

/// Installs the handlers, for all threads, and the stack for this one.
pub(super) fn install() {
    // Walking a stack loads a library when it is done first, which a handler must not be the one to do.
    let mut frames = [ptr::null_mut(); FRAMES];
    walk_stack(&mut frames);
    let stack = libc::stack_t {
        ss_sp: Box::leak(vec![0u8; STACK].into_boxed_slice()).as_mut_ptr().cast(),
        ss_flags: 0,
        ss_size: STACK,
    };
    // SAFETY: the memory is leaked, so it is there for as long as the thread, and nobody else uses it.
    unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
    for signal in FAULTS {
        let mut action = default_action();
        action.sa_sigaction = on_fault as extern "C" fn(_, _, _) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // A second fault while the first is handled ends the process by the system's action.
        // SAFETY: `action` is a valid sigaction whose mask is filled in place.
        unsafe { libc::sigfillset(&raw mut action.sa_mask) };
        // SAFETY: the handler does only what may be done in one (see the module), and is there for ever.
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    }
}

fn default_action() -> libc::sigaction {
    // SAFETY: all-zero is a valid sigaction: no flags, an empty mask, SIG_DFL.
    unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() }
}

extern "C" fn on_fault(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    if ENABLED.load(Ordering::Relaxed) {
        if REPORTING.swap(true, Ordering::SeqCst) {
            // Another thread is at it, and will end the process.
            loop {
                // SAFETY: waits for a signal; may be called in a handler.
                unsafe { libc::pause() };
            }
        }
        // SAFETY: the system gives a valid siginfo to a handler that was installed with SA_SIGINFO, which is filled in as
        // far as the accessors read it: an address for faults of memory, a sender for signals that were sent.
        let fault = unsafe {
            let info = &*info;
            Fault {
                signal,
                code: info.si_code,
                address: info.si_addr().addr(),
                sender: (info.si_code <= 0).then(|| (info.si_pid(), info.si_uid())),
                instruction: instruction(context),
            }
        };
        report::of_fault(&fault);
    }
    pid_file::remove();
    end_by(signal);
}

/// Where the thread was when the signal came; 0 where this is not known how to tell.
fn instruction(context: *mut libc::c_void) -> usize {
    if context.is_null() {
        return 0;
    }
    // SAFETY: the third argument of such a handler points to a valid ucontext.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    #[cfg(target_arch = "x86_64")]
    return context.uc_mcontext.gregs[libc::REG_RIP as usize] as usize;
    #[cfg(target_arch = "aarch64")]
    return context.uc_mcontext.pc as usize;
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        let _ = context;
        0
    }
}

/// Addresses of the frames of this stack, the innermost first.
pub(super) fn walk_stack(frames: &mut [*mut libc::c_void; FRAMES]) -> &[*mut libc::c_void] {
    let room = libc::c_int::try_from(FRAMES).expect("a small constant");
    // SAFETY: writes at most as many pointers as there is room for.
    let found = unsafe { libc::backtrace(frames.as_mut_ptr(), room) };
    &frames[..usize::try_from(found).unwrap_or(0).min(FRAMES)]
}

/// Writes the frames, a line each, to a descriptor: the file they are in and the offset in it.
pub(super) fn write_stack(frames: &[*mut libc::c_void], descriptor: libc::c_int) {
    let count = libc::c_int::try_from(frames.len()).unwrap_or(0);
    // SAFETY: reads as many pointers as there are. This is the form that does not allocate.
    unsafe { libc::backtrace_symbols_fd(frames.as_ptr(), count, descriptor) };
}

/// Ends the process by the signal's own action.
pub(super) fn end_by(signal: libc::c_int) -> ! {
    let action = default_action();
    // SAFETY: valid values of this frame; a set of signals is filled before it is read. All of these may be called in a
    // handler, and the last one does not return.
    unsafe {
        libc::sigaction(signal, &raw const action, ptr::null_mut());
        let mut only = MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigemptyset(only.as_mut_ptr());
        libc::sigaddset(only.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, only.as_ptr(), ptr::null_mut());
        libc::raise(signal);
        libc::_exit(128 + signal)
    }
}

/// A fault of memory, as far as everybody else is concerned.
pub(super) fn raise_segfault() -> ! {
    // SAFETY: sends a signal to this thread, whose handler ends the process.
    unsafe { libc::raise(libc::SIGSEGV) };
    end_by(libc::SIGSEGV)
}
