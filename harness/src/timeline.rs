//! What happened in a run, in the order of time, for people.

use refrain_jepsen::History;
use refrain_jepsen::history::Outcome as Ending;
use refrain_sim::Kind;

use crate::record::{Record, seconds};
use crate::run::Outcome;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Faults, lives, connections that were lost, and what clients noted.
    Faults,
    /// Every recorded operation besides.
    Commands,
    /// Every event of the trace besides.
    Events,
}

/// The timeline of a run that kept a log.
pub fn timeline(outcome: &Outcome, depth: Depth) -> String {
    let mut lines: Vec<(u64, String)> = Vec::new();
    for event in outcome.trace.log() {
        if depth == Depth::Events || is_striking(event.kind) {
            let line = outcome.trace.line(event);
            // The trace's own clock has nine digits; ours has six, for all lines alike.
            let rest = line.trim_start().split_once(' ').map_or("", |(_, rest)| rest).to_owned();
            lines.push((event.at, rest));
        }
    }
    if depth >= Depth::Commands
        && let Some(record) = &outcome.record
    {
        let Record { strings, groups, collections, .. } = record;
        [strings, groups, collections].into_iter().for_each(|history| operations(history, &mut lines));
    }
    lines.sort_by_key(|(at, _)| *at);
    lines.into_iter().map(|(at, line)| format!("{} {}\n", seconds(at), line.trim_end())).collect()
}

fn is_striking(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Boot
            | Kind::Exit
            | Kind::Kill
            | Kind::PowerLoss
            | Kind::Pause
            | Kind::Resume
            | Kind::Signal
            | Kind::ClockJump
            | Kind::ClockRate
            | Kind::CpuSpeed
            | Kind::Cut
            | Kind::Heal
            | Kind::Refused
            | Kind::TimedOut
            | Kind::Exhausted
            | Kind::BacklogFull
            | Kind::Reset
            | Kind::Note
            | Kind::End
    )
}

fn operations(history: &History, lines: &mut Vec<(u64, String)>) {
    for (number, operation) in history.operations().iter().enumerate() {
        let head = format!("  #{number} process {}", operation.process);
        let key = operation.key.escape_ascii();
        lines.push((operation.invoked.time, format!("{head} asks {} of {key}", operation.call)));
        let said = match &operation.outcome {
            Ending::Pending => continue,
            Ending::Ok(moment, reply) => (moment.time, format!("{head} is told {reply} by {key}")),
            Ending::Failed(moment) => (moment.time, format!("{head} is refused by {key}")),
            Ending::Unknown(moment) => (moment.time, format!("{head} does not know what became of {key}")),
        };
        lines.push(said);
    }
}
