//! A bar on a terminal while a long file is copied or read; on anything else nothing is shown.

use std::fs::File;

use indicatif::{ProgressBar, ProgressBarIter, ProgressStyle};

/// Shorter files are done before anybody could look.
const SHOWN_FROM_BYTES: u64 = 64 << 20;

/// How far a file has got. It vanishes with its end.
pub struct Bar(ProgressBar);

impl Bar {
    /// Of a file of so many bytes.
    pub fn new(name: &str, bytes: u64) -> Bar {
        if bytes < SHOWN_FROM_BYTES {
            return Bar(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(bytes).with_message(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {bytes}/{total_bytes} {bytes_per_sec} {eta}") {
            bar.set_style(style);
        }
        Bar(bar)
    }

    /// The file, whose reading moves the bar.
    pub fn over(&self, file: File) -> ProgressBarIter<File> {
        self.0.wrap_read(file)
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
