//! The pid file of a process that ends by a fault: removed, since nothing else will, and from within a signal handler.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Its path, null for none. What it points to is never freed.
static PID_FILE: AtomicPtr<libc::c_char> = AtomicPtr::new(ptr::null_mut());

/// Says which file to remove. Named once in the life of a process.
pub fn set_pid_file(path: Option<&Path>) {
    let name = path.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    PID_FILE.store(name.map_or(ptr::null_mut(), CString::into_raw), Ordering::Release);
}

/// Removes it, if there is one.
pub(super) fn remove() {
    let name = PID_FILE.load(Ordering::Acquire);
    if !name.is_null() {
        // SAFETY: a string that ends in 0 and is never freed. unlink(2) may be called in a handler.
        unsafe { libc::unlink(name) };
    }
}
