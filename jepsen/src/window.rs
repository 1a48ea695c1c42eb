//! Why a key is illegal, made small enough to read.
//!
//! Two things are shrunk, both by asking the search again with a small budget; a question that it cannot answer within that
//! leaves the explanation larger, never wrong.
//!
//! * The *prefix*: the earliest return at which the events so far have no legal order. An operation that was still under
//!   way then counts as one whose reply was lost.
//! * The *core*: the operations of that prefix that cannot be explained even when all the others may have taken effect at
//!   any time after their calls, or never. Leaving an operation out altogether would prove nothing, for a write that is
//!   missing makes an innocent read look guilty; forgetting its reply and its return only ever allows more.

use crate::check::Compiled;
use crate::models::Model;
use crate::search::{Progress, Search};

/// An illegal history in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// Position of the event that completes the smallest illegal prefix found: the return of the core's last operation.
    pub end: usize,
    /// Operations of the guilty key that were called up to then.
    pub operations: usize,
    /// The operations, by index, that contradict each other.
    pub core: Vec<usize>,
    /// The longest legal order found of the prefix: operations by index, with the state after each in words.
    pub longest: Vec<(usize, String)>,
    /// The operation that could not be placed next.
    pub stuck: Option<usize>,
}

impl Explanation {
    /// All that can be said when the key could not be found within the budget.
    pub(crate) fn unexplained<S>(compiled: &[Compiled<S>]) -> Explanation {
        let end = compiled.iter().filter_map(|op| op.strict.as_ref().map(|(_, ret)| *ret)).max().unwrap_or(0);
        let core = compiled.iter().filter(|op| op.strict.is_some()).map(|op| op.operation).collect();
        Explanation { end, operations: compiled.len(), core, longest: Vec::new(), stuck: None }
    }
}

/// Explains why the operations of one key are illegal, as `search` has found.
pub(crate) fn explain<M: Model>(
    model: &mut M,
    compiled: &[Compiled<M::Step>],
    search: &Search<M::Step>,
) -> Explanation {
    let mut trial = Trial { model, compiled, steps_left: STEPS_MAX.max(search.steps) };
    let end = trial.smallest_prefix(search.furthest_return());
    let relaxed = trial.relax(end);
    let mut last = trial.search(end, &[]);
    last.run(trial.model, search.steps.max(STEPS_EACH), MEMORY_MAX);
    let longest: Vec<(usize, String)> =
        last.longest().map(|(operation, state)| (operation, trial.model.describe(state))).collect();
    let core = || compiled.iter().enumerate().filter(|(index, op)| returned_by(op, end) && !relaxed[*index]);
    Explanation {
        end,
        operations: compiled.iter().filter(|op| op.call <= end).count(),
        core: core().map(|(_, op)| op.operation).collect(),
        stuck: compiled
            .iter()
            .filter(|op| returned_by(op, end) && !longest.iter().any(|(placed, _)| *placed == op.operation))
            .min_by_key(|op| op.strict.as_ref().map(|(_, ret)| *ret))
            .map(|op| op.operation),
        longest,
    }
}

/// Steps that all trials of one explanation may take, unless the verdict itself took more.
const STEPS_MAX: u64 = 100_000;
/// Steps of one trial.
const STEPS_EACH: u64 = 5_000;
/// Bytes of one trial.
const MEMORY_MAX: usize = 64 << 20;

fn returned_by<S>(op: &Compiled<S>, end: usize) -> bool {
    op.strict.as_ref().is_some_and(|(_, ret)| *ret <= end)
}

struct Trial<'a, M: Model> {
    model: &'a mut M,
    compiled: &'a [Compiled<M::Step>],
    steps_left: u64,
}

impl<M: Model> Trial<'_, M> {
    /// The search over the events up to `end`, where those operations are relaxed whose flag is set.
    fn search(&self, end: usize, relaxed: &[bool]) -> Search<M::Step> {
        let called = self.compiled.iter().enumerate().filter(|(_, op)| op.call <= end);
        let tasks = called.filter_map(|(index, op)| {
            let strictly = returned_by(op, end) && !relaxed.get(index).is_some_and(|relaxed| *relaxed);
            op.task(0, strictly)
        });
        Search::new(tasks.collect(), 1, self.model.initial())
    }

    fn is_illegal(&mut self, end: usize, relaxed: &[bool], steps: u64) -> bool {
        let mut search = self.search(end, relaxed);
        let progress =
            search.run(self.model, steps.min(self.steps_left), MEMORY_MAX.saturating_add(self.model.memory()));
        self.steps_left = self.steps_left.saturating_sub(search.steps.max(1));
        progress == Progress::Illegal
    }

    /// The earliest return at which the events are shown to be illegal. Up to `furthest` they are known to be legal.
    fn smallest_prefix(&mut self, furthest: usize) -> usize {
        let mut returns: Vec<usize> =
            self.compiled.iter().filter_map(|op| op.strict.as_ref().map(|(_, ret)| *ret)).collect();
        returns.sort_unstable();
        let first = returns.partition_point(|ret| *ret < furthest);
        // The whole is illegal. Gallop from the first candidate, then halve between the last legal and the first illegal.
        let (mut legal, mut illegal) = (first, returns.len() - 1);
        let mut stride = 1;
        while legal < illegal {
            let probe =
                if stride == 0 { usize::midpoint(legal, illegal) } else { (legal + stride - 1).min(illegal - 1) };
            if self.is_illegal(returns[probe], &[], self.steps_left) {
                (illegal, stride) = (probe, 0);
            } else {
                (legal, stride) = (probe + 1, stride * 2);
            }
        }
        returns[illegal]
    }

    /// Relaxes as many operations as it can, in halves, quarters and so on, the earliest first.
    fn relax(&mut self, end: usize) -> Vec<bool> {
        let mut relaxed = vec![false; self.compiled.len()];
        let strict: Vec<usize> = (0..self.compiled.len())
            .filter(|index| returned_by(&self.compiled[*index], end))
            .filter(|index| self.compiled[*index].strict.as_ref().is_some_and(|(_, ret)| *ret < end))
            .collect();
        let mut size = strict.len().next_power_of_two();
        while size > 0 {
            for chunk in strict.chunks(size) {
                if self.steps_left == 0 || chunk.iter().all(|index| relaxed[*index]) {
                    continue;
                }
                let before = relaxed.clone();
                chunk.iter().for_each(|index| relaxed[*index] = true);
                if !self.is_illegal(end, &relaxed, STEPS_EACH) {
                    relaxed = before;
                }
            }
            size /= 2;
        }
        relaxed
    }
}
