//! A verdict in words, for people at a terminal and for logs. The text depends on the history and the verdict only.

use std::fmt::Write as _;

use crate::check::{Reason, Verdict};
use crate::history::{History, Moment, Operation, Outcome, printable};
use crate::window::Explanation;

/// How much to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// The last part of a long order.
    Short,
    /// All of it.
    Full,
}

/// What to say below the verdict's own line: nothing if the history is linearizable.
pub fn details(history: &History, verdict: &Verdict, detail: Detail) -> String {
    match verdict {
        Verdict::Linearizable => String::new(),
        Verdict::Unknown(Reason::Misfit(index, misfit)) => {
            let operation = &history.operations()[*index];
            format!("  {}: {misfit}\n", line(*index, operation).trim_start())
        }
        Verdict::Unknown(reason) => format!("  {reason}; raise --max-steps or --memory-mb\n"),
        Verdict::Illegal(explanation) => illegal(history, explanation, detail),
    }
}

fn illegal(history: &History, explanation: &Explanation, detail: Detail) -> String {
    let Explanation { end, operations, core, longest, stuck } = explanation;
    let all = history.operations();
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "  {line}").expect("a string takes all that is written");
    let key = match core.first().map(|index| &all[*index].key) {
        Some(key) if !key.is_empty() => format!("key {}: ", printable(key)),
        _ => String::new(),
    };
    say(format!("{key}no order explains the first {operations} operations, up to event {end}."));
    let others = operations - core.len();
    say(match (core.len(), others) {
        (_, 0) => "These contradict each other:".into(),
        (1, _) => format!("This one fits nowhere, even if the other {others} took effect at any later time, or never:"),
        (_, 1) => "These contradict each other, even if the other one took effect at any later time, or never:".into(),
        _ => {
            format!("These contradict each other, even if the other {others} took effect at any later time, or never:")
        }
    });
    let bars = timeline(all, core);
    for (index, bar) in core.iter().zip(bars) {
        say(format!("{}  {bar}", line(*index, &all[*index])).trim_end().into());
    }
    if !longest.is_empty() {
        say(format!("The longest legal order found places {} of them:", longest.len()));
        let shown = if detail == Detail::Full { longest.len() } else { longest.len().min(LONGEST_SHOWN) };
        if shown < longest.len() {
            say(format!("  … {} earlier ones", longest.len() - shown));
        }
        for (index, state) in &longest[longest.len() - shown..] {
            say(format!("{}  then {state}", line(*index, &all[*index])));
        }
    }
    if let Some(index) = stuck {
        say("There this one has no place, before it returned:".into());
        say(line(*index, &all[*index]).trim_end().into());
    }
    text
}

const LONGEST_SHOWN: usize = 8;

/// One operation: number, client, events, what it did.
fn line(index: usize, operation: &Operation) -> String {
    let Operation { process, call, invoked, outcome, .. } = operation;
    let (ret, what) = match outcome {
        Outcome::Ok(moment, reply) => (Some(moment), format!("{call} → {reply}")),
        Outcome::Failed(moment) => (Some(moment), format!("{call} failed")),
        Outcome::Unknown(_) | Outcome::Pending => (None, format!("{call} → ?")),
    };
    let ret = ret.map_or("…".into(), |Moment { position, .. }| position.to_string());
    format!("  #{index:<5} process {process:<4} events {:>5} to {ret:<5}  {what:<28}", invoked.position)
}

/// A bar for each operation, drawn over the order of their calls and returns. Empty when there are too many to help.
fn timeline(all: &[Operation], core: &[usize]) -> Vec<String> {
    const WIDEST: usize = 24;
    let span = |index: &usize| {
        let ret = match &all[*index].outcome {
            Outcome::Ok(moment, _) => moment.position,
            _ => usize::MAX,
        };
        (all[*index].invoked.position, ret)
    };
    let mut marks: Vec<usize> = core.iter().map(span).flat_map(|(call, ret)| [call, ret]).collect();
    marks.sort_unstable();
    marks.dedup();
    if core.len() < 2 || marks.len() > WIDEST {
        return vec![String::new(); core.len()];
    }
    let column = |position: usize| marks.partition_point(|mark| *mark < position) * 2;
    let bar = |index: &usize| {
        let (call, ret) = span(index);
        let (from, to) = (column(call), column(ret));
        format!("{}├{}┤", " ".repeat(from), "─".repeat((to - from).saturating_sub(1)))
    };
    core.iter().map(bar).collect()
}
