//! What is said, asked and shown: lines on standard output, a question on standard input, a bar on a terminal for long files.

use std::io::{self, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Shorter files are read before anybody could look.
const SHOWN_FROM_BYTES: u64 = 64 << 20;

/// Whom the checker speaks to. That nobody listens is no reason to stop: the exit code is read, too.
pub struct Console {
    bar: std::cell::RefCell<ProgressBar>,
}

impl Console {
    pub fn new() -> Console {
        Console { bar: ProgressBar::hidden().into() }
    }

    /// Says a line.
    pub fn say(&self, line: &str) {
        self.bar.borrow().suspend(|| {
            let _ = writeln!(io::stdout(), "{line}");
        });
    }

    /// Says a line to whom calls in the wrong way.
    pub fn complain(&self, line: &str) {
        let _ = writeln!(io::stderr(), "{line}");
    }

    /// Asks, and waits for a line. Only a yes is one.
    pub fn confirm(&self, question: &str) -> bool {
        self.bar.borrow().suspend(|| {
            let mut out = io::stdout();
            let _ = write!(out, "{question} [y/N]: ").and_then(|()| out.flush());
            let mut answer = String::new();
            io::stdin().read_line(&mut answer).is_ok() && answer.starts_with(['y', 'Y'])
        })
    }

    /// A file of so many bytes is being read now.
    pub fn begin(&self, bytes: u64) {
        if bytes >= SHOWN_FROM_BYTES {
            let bar = ProgressBar::new(bytes);
            if let Ok(style) = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
                bar.set_style(style);
            }
            *self.bar.borrow_mut() = bar;
        }
    }

    /// So many bytes of it have been read.
    pub fn progress(&self, bytes: u64) {
        self.bar.borrow().set_position(bytes);
    }

    /// All of it has been read.
    pub fn end(&self) {
        self.bar.replace(ProgressBar::hidden()).finish_and_clear();
    }
}
