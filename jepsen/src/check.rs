//! From a history to a verdict: partition by key, share out the budgets, and ask the search.
//!
//! A history is linearizable if and only if each of its keys is, so each key is searched alone. Every undecided key gets the
//! same number of steps in turn, and the number grows from round to round: a key that explodes cannot keep the checker from
//! reaching the one that is illegal. The first illegal key decides. What cannot be decided within the budgets is
//! [`Verdict::Unknown`], never a guess. Verdict and effort are functions of history and options only.

use std::collections::BTreeMap;
use std::fmt;

use crate::history::{History, Operation, Outcome};
use crate::models::{Interval, KeyValue, Misfit, Model, ModelKind, RedisCollection, RedisString, Register};
use crate::search::{Progress, Search, Task};
use crate::window::{self, Explanation};

/// What a check may cost, and how it reads the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The model, if it is not the one that the history names.
    pub model: Option<ModelKind>,
    /// Search all keys as one object instead of each alone. The verdict is the same; the effort is not.
    pub whole: bool,
    /// Steps of the model that the search may evaluate in all. Ten million take about a second.
    pub steps_max: u64,
    /// Bytes that the search may remember.
    pub memory_max: usize,
    /// Nanoseconds by which the clock of the servers may differ from the history's. It should cover the age of the time
    /// that a server uses for a command as well.
    pub clock_tolerance_ns: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            model: None,
            whole: false,
            steps_max: 100_000_000,
            memory_max: 1 << 30,
            clock_tolerance_ns: 1_000_000,
        }
    }
}

/// What is known of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is a legal order.
    Linearizable,
    /// There is none, and this is why.
    Illegal(Box<Explanation>),
    /// Not known, and why not.
    Unknown(Reason),
}

/// Why there is no verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// An operation, by index, that the model does not know.
    Misfit(usize, Misfit),
    /// So many keys were undecided when the steps ran out.
    Steps(usize),
    /// So many keys were undecided for want of memory.
    Memory(usize),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Linearizable => "linearizable",
            Verdict::Illegal(_) => "illegal",
            Verdict::Unknown(_) => "unknown",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Misfit(operation, misfit) => write!(f, "operation {operation}: {misfit}"),
            Reason::Steps(keys) => write!(f, "{keys} key(s) undecided when the steps ran out"),
            Reason::Memory(keys) => write!(f, "{keys} key(s) undecided when the memory ran out"),
        }
    }
}

/// A verdict and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The verdict.
    pub verdict: Verdict,
    /// Keys in the history.
    pub keys: usize,
    /// Steps of the model that the search evaluated, without those for an explanation.
    pub steps: u64,
}

/// Judges a history.
pub fn check(history: &History, options: &Options) -> Verdict {
    examine(history, options).verdict
}

/// Judges a history and says what it cost.
pub fn examine(history: &History, options: &Options) -> Examination {
    match options.model.unwrap_or(history.model) {
        ModelKind::Register => examine_as(Register::default(), history, options),
        ModelKind::KeyValue => examine_as(KeyValue::default(), history, options),
        ModelKind::RedisString => {
            examine_as(RedisString::new(history.clock, options.clock_tolerance_ns), history, options)
        }
        ModelKind::RedisCollection => examine_as(RedisCollection::default(), history, options),
    }
}

/// An operation in the model's terms, as it was seen and as if its reply had been lost.
#[derive(Debug, Clone)]
pub(crate) struct Compiled<S> {
    pub operation: usize,
    /// Number of its key, in the order of first appearance.
    pub key: usize,
    pub call: usize,
    /// What it did and where it returned, if that is known.
    pub strict: Option<(S, usize)>,
    /// What it may have done, if that can matter.
    pub loose: Option<S>,
}

impl<S: Clone> Compiled<S> {
    /// The task of the search, or none if the operation constrains nothing.
    pub(crate) fn task(&self, component: usize, strictly: bool) -> Option<Task<S>> {
        let (step, ret) = match &self.strict {
            Some((step, ret)) if strictly => (step, Some(*ret)),
            _ => (self.loose.as_ref()?, None),
        };
        Some(Task { operation: self.operation, component, step: step.clone(), call: self.call, ret })
    }
}

fn examine_as<M: Model>(mut model: M, history: &History, options: &Options) -> Examination {
    let (compiled, keys) = match compile(&mut model, history) {
        Ok(compiled) => compiled,
        Err(reason) => return Examination { verdict: Verdict::Unknown(reason), keys: 0, steps: 0 },
    };
    let mut searches = partition(&model, &compiled, keys, options.whole);
    let (decision, steps) = decide(&mut model, &mut searches, options);
    let verdict = match decision {
        Decision::Linearizable => Verdict::Linearizable,
        Decision::Unknown(reason) => Verdict::Unknown(reason),
        Decision::Illegal(guilty) => {
            // Whole or not, some key alone is illegal, and explaining that one is easier to follow.
            let guilty = if options.whole {
                let mut searches = partition(&model, &compiled, keys, false);
                match decide(&mut model, &mut searches, options).0 {
                    Decision::Illegal(guilty) => Some((guilty, searches.swap_remove(guilty))),
                    Decision::Linearizable | Decision::Unknown(_) => None,
                }
            } else {
                Some((guilty, searches.swap_remove(guilty)))
            };
            drop(searches);
            let explanation = match guilty {
                Some((key, search)) => {
                    let compiled: Vec<_> = compiled.iter().filter(|op| op.key == key).cloned().collect();
                    window::explain(&mut model, &compiled, &search)
                }
                None => Explanation::unexplained(&compiled),
            };
            Verdict::Illegal(Box::new(explanation))
        }
    };
    Examination { verdict, keys, steps }
}

/// All operations that can matter, and the number of keys.
type Translation<S> = (Vec<Compiled<S>>, usize);

/// Translates every operation.
fn compile<M: Model>(model: &mut M, history: &History) -> Result<Translation<M::Step>, Reason> {
    let mut keys: BTreeMap<&[u8], usize> = BTreeMap::new();
    let mut compiled = Vec::with_capacity(history.operations().len());
    for (index, operation) in history.operations().iter().enumerate() {
        let next = keys.len();
        let key = *keys.entry(&operation.key).or_insert(next);
        let Operation { call, invoked, outcome, .. } = operation;
        let mut step = |reply, returned| {
            let interval = Interval { invoked: invoked.time, returned };
            model.compile(call, reply, interval).map_err(|misfit| Reason::Misfit(index, misfit))
        };
        let strict = match outcome {
            Outcome::Ok(moment, reply) => step(Some(reply), moment.time)?.map(|step| (step, moment.position)),
            Outcome::Failed(_) => continue,
            Outcome::Pending | Outcome::Unknown(_) => None,
        };
        let loose = step(None, u64::MAX)?;
        compiled.push(Compiled { operation: index, key, call: invoked.position, strict, loose });
    }
    Ok((compiled, keys.len()))
}

/// A search for each key, in the order of the keys' numbers; or one for all.
fn partition<M: Model>(model: &M, compiled: &[Compiled<M::Step>], keys: usize, whole: bool) -> Vec<Search<M::Step>> {
    if whole {
        let tasks = compiled.iter().filter_map(|op| op.task(op.key, true)).collect();
        return vec![Search::new(tasks, keys, model.initial())];
    }
    let mut tasks = vec![Vec::new(); keys];
    for op in compiled {
        tasks[op.key].extend(op.task(0, true));
    }
    tasks.into_iter().map(|tasks| Search::new(tasks, 1, model.initial())).collect()
}

enum Decision {
    Linearizable,
    /// The search with this index found no order.
    Illegal(usize),
    Unknown(Reason),
}

/// Runs the searches in turn with growing budgets. Returns the steps spent as well.
fn decide<M: Model>(model: &mut M, searches: &mut [Search<M::Step>], options: &Options) -> (Decision, u64) {
    const FIRST_BUDGET: u64 = 10_000;
    const GROWTH: u64 = 8;
    let mut open: Vec<usize> = (0..searches.len()).collect();
    let mut too_big = 0;
    let (mut budget, mut spent) = (FIRST_BUDGET, 0);
    let mut held: usize = 0;
    while !open.is_empty() {
        let share = (options.steps_max - spent) / open.len() as u64;
        if share == 0 {
            return (Decision::Unknown(Reason::Steps(open.len() + too_big)), spent);
        }
        let mut undecided = Vec::new();
        for index in open {
            let search = &mut searches[index];
            let (steps_before, memory_before) = (search.steps, search.memory());
            let memory = options.memory_max.saturating_sub(held - memory_before);
            let progress = search.run(model, budget.min(share), memory);
            // The last evaluation may overshoot by the candidates of one configuration.
            spent = spent.saturating_add(search.steps - steps_before).min(options.steps_max);
            held = held - memory_before + search.memory();
            match progress {
                Progress::Linearizable => {}
                Progress::Illegal => return (Decision::Illegal(index), spent),
                Progress::OutOfSteps => undecided.push(index),
                Progress::OutOfMemory => too_big += 1,
            }
        }
        open = undecided;
        budget = budget.saturating_mul(GROWTH);
    }
    let decision = if too_big == 0 { Decision::Linearizable } else { Decision::Unknown(Reason::Memory(too_big)) };
    (decision, spent)
}
