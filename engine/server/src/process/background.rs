//! `daemonize yes`: a child in a session of its own, without a terminal, and a parent that ends when the child serves.
//!
//! The parent waits until the child accepts connections and then exits with 0; when the child can't start, the parent says
//! why on its standard error and exits with 1. So a script that starts the server knows what became of it. The fork comes
//! before any thread exists.

use std::io::{self, PipeWriter, Read as _, Write as _};
use std::process::ExitCode;

/// Which of the two processes this is.
pub enum Side {
    /// The one that was started: it has nothing left to do but to exit with this.
    Parent(ExitCode),
    /// The one that serves.
    Child(Waiting),
}

/// The parent that waits to hear how starting went. Dropping it without a word says that it failed.
pub struct Waiting(PipeWriter);

/// What the child sends when it serves. No message of an error is this.
const READY: &[u8] = b"\0";

impl Waiting {
    /// The child accepts connections.
    pub fn ready(mut self) {
        // A parent that was killed meanwhile is nobody to tell.
        let _ = self.0.write_all(READY);
    }

    /// The child can't start.
    pub fn failed(mut self, why: &str) {
        let _ = self.0.write_all(why.as_bytes());
    }
}

/// Splits the process in two. In the parent this returns when the child has said how starting went.
///
/// To be called before any thread is started: only the calling thread lives on in the child.
///
/// # Errors
/// When the system gives no pipe or no process.
pub fn detach() -> io::Result<Side> {
    let (reader, writer) = io::pipe()?;
    // SAFETY: the process has one thread (see above), so no lock can be held by a thread that the child does not have.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => {
            drop(reader);
            // SAFETY: takes nothing. It fails only for the leader of a group, which a child that was just forked is not.
            unsafe { libc::setsid() };
            leave_terminal();
            Ok(Side::Child(Waiting(writer)))
        }
        _ => {
            drop(writer);
            Ok(Side::Parent(await_child(reader)?))
        }
    }
}

fn await_child(mut reader: impl io::Read) -> io::Result<ExitCode> {
    const MESSAGE_MAX: u64 = 64 * 1024;
    let mut said = Vec::new();
    reader.by_ref().take(MESSAGE_MAX).read_to_end(&mut said)?;
    if said == READY {
        return Ok(ExitCode::SUCCESS);
    }
    let why =
        if said.is_empty() { "The server ended while it was starting.".into() } else { String::from_utf8_lossy(&said) };
    // There may be nobody to read it; the exit code says it as well.
    let _ = writeln!(io::stderr(), "{why}");
    Ok(ExitCode::FAILURE)
}

/// Puts `/dev/null` in the place of standard input, output and error. A log that goes to standard output goes nowhere.
fn leave_terminal() {
    // SAFETY: a constant path; the descriptor is used below only if there is one.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
    if null < 0 {
        return;
    }
    for standard in [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO] {
        // SAFETY: `null` is open. std's handles of the three name them by number and own nothing that this would close.
        unsafe { libc::dup2(null, standard) };
    }
    if null > libc::STDERR_FILENO {
        // SAFETY: ours, opened above, and nobody else knows it.
        unsafe { libc::close(null) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parent_says_what_the_child_said() {
        let code = |said: &[u8]| format!("{:?}", await_child(said).unwrap());
        assert_eq!(code(READY), format!("{:?}", ExitCode::SUCCESS));
        assert_eq!(code(b""), format!("{:?}", ExitCode::FAILURE), "a child that died before it served");
        assert_eq!(code(b"Failed listening"), format!("{:?}", ExitCode::FAILURE));
    }
}
