//! From a plan that fails to a smaller one that still does.
//!
//! Delta debugging (Zeller and Hildebrandt, 2002) over what a plan lists: faults, clients, batches of operations, the
//! duration, the network's features. A smaller plan counts only if the same oracle fails. The number of runs is bounded, and
//! each pass goes on from the best plan so far, so stopping early still gives a plan that fails.

use crate::oracles::Violation;
use crate::plan::Plan;
use crate::scenario::network::Network;

/// How a plan was shrunk.
pub struct Shrunk {
    /// The smallest plan found that fails.
    pub plan: Plan,
    /// What it violates.
    pub violations: Vec<Violation>,
    /// Runs that it took.
    pub runs: u64,
}

/// Shrinks a failing plan within `runs_max` runs; `judge` runs a plan. `None` if the plan does not fail.
pub fn shrink(plan: &Plan, runs_max: u64, judge: &mut dyn FnMut(&Plan) -> Vec<Violation>) -> Option<Shrunk> {
    let violations = judge(plan);
    let oracle = violations.first()?.oracle;
    let mut search = Search { best: Shrunk { plan: plan.clone(), violations, runs: 1 }, oracle, runs_max, judge };
    loop {
        let before = search.best.plan.clone();
        search.shorten();
        search.drop_faults();
        search.drop_clients();
        search.drop_batches();
        search.calm_network();
        search.shorten_faults();
        if search.best.plan == before || search.is_over() {
            return Some(search.best);
        }
    }
}

struct Search<'a> {
    best: Shrunk,
    oracle: &'static str,
    runs_max: u64,
    judge: &'a mut dyn FnMut(&Plan) -> Vec<Violation>,
}

/// Batches that a client's list is first cut into.
const BATCHES_MAX: u64 = 1 << 20;

impl Search<'_> {
    fn is_over(&self) -> bool {
        self.best.runs >= self.runs_max
    }

    /// Keeps `plan` if it still fails for the same oracle.
    fn accepts(&mut self, plan: Plan) -> bool {
        if self.is_over() || plan == self.best.plan {
            return false;
        }
        self.best.runs += 1;
        let violations = (self.judge)(&plan);
        let fails = violations.iter().any(|violation| violation.oracle == self.oracle);
        if fails {
            self.best.plan = plan;
            self.best.violations = violations;
        }
        fails
    }

    /// The best plan with a change.
    fn changed(&self, change: impl FnOnce(&mut Plan)) -> Plan {
        let mut plan = self.best.plan.clone();
        change(&mut plan);
        plan
    }

    /// Halves the first phase for as long as that helps, then takes eighths off.
    fn shorten(&mut self) {
        for divisor in [2, 8] {
            loop {
                let less = self.best.plan.duration_ms / divisor;
                let plan = self.changed(|plan| {
                    plan.duration_ms -= less;
                    plan.faults.retain(|timed| timed.at_ms < plan.duration_ms);
                });
                if less == 0 || !self.accepts(plan) {
                    break;
                }
            }
        }
    }

    /// Leaves out runs of faults, from all of them down to single ones.
    fn drop_faults(&mut self) {
        let mut width = self.best.plan.faults.len();
        while width > 0 {
            let mut first = 0;
            while first < self.best.plan.faults.len() {
                let end = (first + width).min(self.best.plan.faults.len());
                let plan = self.changed(|plan| drop(plan.faults.drain(first..end)));
                if !self.accepts(plan) {
                    first = end;
                }
            }
            width /= 2;
        }
    }

    fn drop_clients(&mut self) {
        let mut index = self.best.plan.clients.len();
        while index > 0 && self.best.plan.clients.len() > 1 {
            index -= 1;
            let plan = self.changed(|plan| drop(plan.clients.remove(index)));
            self.accepts(plan);
        }
    }

    /// Leaves out batches of each client: the later ones first, by halves, then any, by ever smaller runs.
    fn drop_batches(&mut self) {
        const NARROWEST: u64 = 1;
        for index in 0..self.best.plan.clients.len() {
            // How many batches there can be is not known: an end that leaves out nothing changes nothing.
            let mut kept = self.last_kept(index);
            while kept > 0 {
                let half = kept / 2;
                if !self.skip(index, half, BATCHES_MAX) {
                    break;
                }
                kept = half;
            }
            let mut width = kept.min(512) / 2;
            while width >= NARROWEST {
                let mut first = 0;
                while first < kept && !self.is_over() {
                    self.skip(index, first, first + width);
                    first += width;
                }
                width /= 2;
            }
        }
    }

    /// The first batch from which on everything is left out; a guess from the duration if nothing is.
    fn last_kept(&self, index: usize) -> u64 {
        let skipped = self.best.plan.clients[index].skip.iter().filter(|[_, end]| *end >= BATCHES_MAX);
        skipped.map(|[first, _]| *first).min().unwrap_or(self.best.plan.duration_ms.max(1))
    }

    fn skip(&mut self, index: usize, first: u64, end: u64) -> bool {
        if (first..end.min(first + 4096)).all(|batch| self.best.plan.clients[index].skips(batch)) {
            return false;
        }
        let plan = self.changed(|plan| {
            let skip = &mut plan.clients[index].skip;
            skip.push([first, end]);
            merge(skip);
        });
        self.accepts(plan)
    }

    fn calm_network(&mut self) {
        let plan = self.changed(|plan| plan.network = Network::default());
        self.accepts(plan);
    }

    /// Halves how long each fault lasts.
    fn shorten_faults(&mut self) {
        for index in 0..self.best.plan.faults.len() {
            loop {
                let mut shortened = false;
                let plan = self.changed(|plan| shortened = plan.faults[index].fault.halve());
                if !shortened || !self.accepts(plan) {
                    break;
                }
            }
        }
    }
}

/// Sorts runs of batches and joins those that touch.
fn merge(runs: &mut Vec<[u64; 2]>) {
    runs.sort_unstable();
    let mut merged: Vec<[u64; 2]> = Vec::new();
    for [first, end] in runs.drain(..) {
        match merged.last_mut() {
            Some(last) if first <= last[1] => last[1] = last[1].max(end),
            _ => merged.push([first, end]),
        }
    }
    *runs = merged;
}
