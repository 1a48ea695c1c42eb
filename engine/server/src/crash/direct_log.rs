//! The log as a signal handler may write it: no lock, no allocation, nothing but open(2), write(2) and close(2).
//!
//! Lines written here stand in the same log as all others, file or standard output, with `signal-handler` where a line has its
//! role and seconds since the epoch where it has its date, as in Redis: converting a time needs locks.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// Path of the log file, null for standard output. What it points to is never freed.
static LOG_FILE: AtomicPtr<libc::c_char> = AtomicPtr::new(ptr::null_mut());

/// Says where the log is, from here on. The file is named once or twice in the life of a process, so that what this leaks is bounded.
pub fn set_log_file(path: Option<&Path>) {
    let name = path.and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    LOG_FILE.store(name.map_or(ptr::null_mut(), CString::into_raw), Ordering::Release);
}

/// Writes one line from within a signal handler.
pub fn signal_note(text: &'static str) {
    let log = DirectLog::open();
    log.line(&[Part::Text(text)]);
}

/// The log, open.
pub(super) struct DirectLog {
    descriptor: libc::c_int,
    is_file: bool,
}

/// A part of a line.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// As it is.
    Text(&'a str),
    /// In decimal.
    Number(i64),
    /// In hexadecimal, with `0x`.
    Address(usize),
}

impl DirectLog {
    /// Opens the log file, or takes standard output, where there is none or it can't be opened.
    pub(super) fn open() -> DirectLog {
        let name = LOG_FILE.load(Ordering::Acquire);
        if !name.is_null() {
            let flags = libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT | libc::O_CLOEXEC;
            // SAFETY: a string that ends in 0 and is never freed (`set_log_file`). open(2) may be called in a handler.
            let descriptor = unsafe { libc::open(name, flags, 0o644 as libc::c_uint) };
            if descriptor >= 0 {
                return DirectLog { descriptor, is_file: true };
            }
        }
        DirectLog { descriptor: libc::STDOUT_FILENO, is_file: false }
    }

    /// Where it goes.
    pub(super) fn descriptor(&self) -> libc::c_int {
        self.descriptor
    }

    /// Writes bytes as they are. What can't be written is lost.
    pub(super) fn raw(&self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // SAFETY: the bytes are live and as many as is said. write(2) may be called in a handler.
            let written = unsafe { libc::write(self.descriptor, bytes.as_ptr().cast(), bytes.len()) };
            match usize::try_from(written) {
                Ok(n) if n > 0 => bytes = &bytes[n.min(bytes.len())..],
                _ => return,
            }
        }
    }

    /// Writes text as it is.
    pub(super) fn text(&self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// Writes parts, one after the other, without anything around them.
    pub(super) fn parts(&self, parts: &[Part<'_>]) {
        for part in parts {
            match *part {
                Part::Text(text) => self.text(text),
                Part::Number(number) => {
                    let mut digits = [0; 20];
                    if number < 0 {
                        self.raw(b"-");
                    }
                    self.raw(to_digits(number.unsigned_abs(), 10, &mut digits));
                }
                Part::Address(address) => {
                    let mut digits = [0; 20];
                    self.raw(b"0x");
                    self.raw(to_digits(address as u64, 16, &mut digits));
                }
            }
        }
    }

    /// Writes a line of the log.
    pub(super) fn line(&self, parts: &[Part<'_>]) {
        // SAFETY: take nothing, or a pointer that may be null; both may be called in a handler.
        let (pid, now) = unsafe { (libc::getpid(), libc::time(ptr::null_mut())) };
        self.parts(&[Part::Number(pid.into()), Part::Text(":signal-handler ("), Part::Number(now), Part::Text(") # ")]);
        self.parts(parts);
        self.raw(b"\n");
    }
}

impl Drop for DirectLog {
    fn drop(&mut self) {
        if self.is_file {
            // SAFETY: opened by `open`, and nobody else knows it.
            unsafe { libc::close(self.descriptor) };
        }
    }
}

/// The digits of a number, at the end of the buffer.
fn to_digits(mut number: u64, base: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b"0123456789abcdef"[(number % base) as usize];
        number /= base;
        if number == 0 || at == 0 {
            return &buffer[at..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits() {
        let check = |number, base, expected: &str| {
            assert_eq!(std::str::from_utf8(to_digits(number, base, &mut [0; 20])).unwrap(), expected);
        };
        check(0, 10, "0");
        check(1_234_567_890, 10, "1234567890");
        check(u64::MAX, 10, "18446744073709551615");
        check(0xdead_beef, 16, "deadbeef");
        check(u64::MAX, 16, "ffffffffffffffff");
    }
}
