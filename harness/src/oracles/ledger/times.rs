//! What is promised when, and when the disk is not as it should be.

use refrain_core::config::AppendFsync;

use super::FORGIVEN_FOR;
use crate::record::entries::Told;

/// What is promised at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nobody is there.
    Down,
    /// Nobody is served.
    Loading,
    /// There is to be an append-only file, and there is none: it was turned off, or its first base is missing.
    Unkept,
    /// There is none, only snapshots.
    Snapshots,
    /// There is one.
    Appends(AppendFsync),
}

/// The mode from a moment on.
#[derive(Debug, Clone, Copy)]
struct Since {
    at: u64,
    mode: Mode,
    /// The server says that it can't write, or sync.
    fails: bool,
}

/// A time in which the disk is not as it should be.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    from: u64,
    until: u64,
    /// Calls fail, and are not only slow.
    fails: bool,
}

/// All of that since the beginning, in virtual nanoseconds.
pub(super) struct Times {
    modes: Vec<Since>,
    troubles: Vec<Trouble>,
}

impl Times {
    /// Before the first start.
    pub(super) fn new() -> Times {
        Times { modes: vec![Since { at: 0, mode: Mode::Down, fails: false }], troubles: Vec::new() }
    }

    /// From `at` on that is promised. `fails`: the server says that it can't write, or sync.
    pub(super) fn note(&mut self, at: u64, mode: Mode, fails: bool) {
        let last = self.modes.last().expect("there is a mode from the beginning");
        if (last.mode, last.fails) != (mode, fails) {
            self.modes.push(Since { at, mode, fails });
        }
    }

    /// What is promised now.
    pub(super) fn mode(&self) -> Mode {
        self.modes.last().expect("there is a mode from the beginning").mode
    }

    /// What was promised until `at`.
    pub(super) fn mode_before(&self, at: u64) -> Option<Mode> {
        self.modes.iter().rev().find(|since| since.at < at).map(|since| since.mode)
    }

    /// The disk is not as it should be for a while.
    pub(super) fn disk_is_troubled(&mut self, from: u64, until: u64, fails: bool) {
        self.troubles.push(Trouble { from, until, fails });
    }

    /// Whether the disk has failed calls of late.
    pub(super) fn disk_has_failed(&self, now: u64) -> bool {
        self.troubles.iter().any(|t| t.fails && t.from <= now && now <= t.until + FORGIVEN_FOR)
    }

    /// The end of the last time, `within` before it was over, in which all was well for so long.
    pub(super) fn well_for(&self, within: u64, died: u64, counts: impl Fn(Mode) -> bool) -> Option<u64> {
        let ends = self.modes.iter().skip(1).map(|since| since.at).chain([u64::MAX]);
        let mut last = None;
        let mut begin: Option<u64> = None;
        for (since, end) in self.modes.iter().zip(ends) {
            if !counts(since.mode) || since.fails || since.at >= died {
                begin = None;
                continue;
            }
            let from = *begin.get_or_insert(since.at);
            let end = end.min(died);
            last = last.max(self.calm_end(from, end, within));
        }
        last
    }

    /// The same of a time in which the server was well.
    fn calm_end(&self, from: u64, end: u64, within: u64) -> Option<u64> {
        let mut end = end;
        loop {
            let disturbing =
                self.troubles.iter().filter(|t| t.from < end && t.until + FORGIVEN_FOR > end.saturating_sub(within));
            match disturbing.map(|t| t.from).min() {
                None => break,
                Some(earlier) if earlier < end => end = earlier,
                Some(_) => break,
            }
        }
        (end >= from + within).then(|| end - within)
    }

    /// Whether `always` was in force from the question to the answer.
    pub(super) fn is_promised(&self, told: &Told) -> bool {
        let first = self.modes.partition_point(|since| since.at <= told.asked).saturating_sub(1);
        let modes = self.modes[first..].iter().take_while(|since| since.at <= told.answered).map(|since| since.mode);
        let mut always = false;
        for mode in modes {
            match mode {
                Mode::Appends(AppendFsync::Always) => always = true,
                Mode::Down | Mode::Loading => {}
                _ => return false,
            }
        }
        always
    }
}
