//! A progress bar, where someone watches: on standard error, and only if that is a terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of `steps` steps, hidden unless standard error is a terminal.
pub fn bar(steps: usize) -> ProgressBar {
    // indicatif draws to standard error and stays silent by itself when that is no terminal.
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta:>4} {msg}").expect("the template is valid");
    ProgressBar::new(steps as u64).with_style(style)
}
