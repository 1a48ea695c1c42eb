//! Many seeds on several threads, each seed's world on a thread of its own, with a bar on a terminal.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Seeds;

/// Runs `work` for every seed on `jobs` threads and hands each result to `take` in the order in which they come. `take`
/// says whether to go on.
pub fn each_seed<T: Send>(
    seeds: Seeds,
    jobs: usize,
    work: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(u64, T, &ProgressBar) -> bool,
) {
    let bar = bar(seeds);
    let next = AtomicU64::new(seeds.first);
    let (results, arriving) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let results = results.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || results.send((seed, work(seed))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(results);
        while let Ok((seed, result)) = arriving.recv() {
            bar.inc(1);
            if !take(seed, result, &bar) {
                next.store(seeds.end, Ordering::Relaxed);
            }
        }
    });
    bar.finish_and_clear();
}

/// How many threads to use when nobody says.
pub fn jobs_by_default() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn bar(seeds: Seeds) -> ProgressBar {
    let count = seeds.end - seeds.first;
    if count < 2 || !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(count), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} seeds, {eta} left {msg}");
    ProgressBar::new(count).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
