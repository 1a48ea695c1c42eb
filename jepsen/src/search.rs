//! The search for a legal order of one history: Wing and Gong's algorithm with Lowe's linked list and memo.
//!
//! The events are a doubly linked list. The *candidates* are the operations whose call stands before the first return
//! left in the list. Linearizing one lifts its call and return out; undoing that puts them back. A return at the front
//! with no candidate left is a dead end. A configuration is the set of linearized operations with the state of every
//! component (key), and is explored once: its fingerprint goes into the [memo](crate::memo).
//!
//! Four reductions keep the tree small. None loses a verdict; the crate's documentation has the argument.
//!
//! * *Free operations.* A candidate that only reads ([`Model::is_read`]) and is legal now is linearized at once, and no
//!   alternative to it is tried.
//! * *Twins.* Of two operations that do the same, one called and returned before the other, the earlier goes first.
//! * *Idle guesses.* An operation that may or may not have happened is not assumed to have happened when the very next
//!   operation of its component would end in the same state without it.
//! * *Outlook.* A configuration is given up as soon as an operation to come is illegal in its state and in all that grow
//!   out of it ([`Model::excludes`]), and nothing called before that one returned can do other than let it grow.
//!
//! A search is a value: it runs for as many steps as it is given and can be resumed, so that many keys share one thread.
//! It reads no clock and its result depends on its input only.

use crate::hashing::bits;
use crate::memo::{Inserted, Memo};
use crate::models::{Model, StateId, Successors};

/// Calls and returns that the outlook takes in: what forbids a state is mostly near.
const OUTLOOK: usize = 64;

/// One operation as the search sees it.
#[derive(Debug, Clone)]
pub(crate) struct Task<S> {
    /// Index of the operation in its history.
    pub operation: usize,
    /// Which component (key) of the product it works on.
    pub component: usize,
    /// What it did, in the model's own terms.
    pub step: S,
    /// Position of the call among all events.
    pub call: usize,
    /// Position of the return; `None` for an operation that may have taken effect at any time after its call, or never.
    pub ret: Option<usize>,
}

/// How a run of the search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    Linearizable,
    Illegal,
    OutOfSteps,
    OutOfMemory,
}

/// A linearized operation on the search's stack.
struct Frame {
    task: usize,
    before: StateId,
    /// Which of the step's successors was taken.
    choice: usize,
    /// A free operation: there is nothing else to try in its place.
    free: bool,
}

/// A resumable search over one set of tasks.
pub(crate) struct Search<S> {
    tasks: Vec<Task<S>>,
    /// The task that must be linearized before this one (see "Twins").
    twin: Vec<Option<usize>>,
    linearized: Vec<bool>,
    /// Links between nodes. Task `t` has its call at node `2t`, its return at `2t + 1`; the head is the last node.
    next: Vec<usize>,
    prev: Vec<usize>,
    stack: Vec<Frame>,
    states: Vec<StateId>,
    fingerprint: u128,
    memo: Memo,
    required: usize,
    required_left: usize,
    /// Where to look for the next candidate, and which of its successors to take first.
    cursor: usize,
    choice: usize,
    fresh: bool,
    ended: Option<Progress>,
    longest: Vec<(usize, StateId)>,
    longest_required: usize,
    furthest: usize,
    /// Steps of the model that were evaluated so far.
    pub steps: u64,
}

impl<S: Clone + Eq> Search<S> {
    /// A search over `tasks`, with `components` keys that all start in `initial`.
    pub(crate) fn new(mut tasks: Vec<Task<S>>, components: usize, initial: StateId) -> Search<S> {
        tasks.sort_by_key(|task| task.call);
        let head = tasks.len() * 2;
        let mut nodes: Vec<(usize, usize)> = Vec::with_capacity(head);
        for (index, task) in tasks.iter().enumerate() {
            nodes.push((task.call, index * 2));
            nodes.extend(task.ret.map(|ret| (ret, index * 2 + 1)));
        }
        nodes.sort_unstable();
        let (mut next, mut prev) = (vec![head; head + 1], vec![head; head + 1]);
        let mut last = head;
        for (_, node) in nodes {
            next[last] = node;
            prev[node] = last;
            last = node;
        }
        next[last] = head;
        prev[head] = last;
        let states = vec![initial; components];
        let fingerprint = (0..components).fold(0, |all, component| all ^ state_bits(component, initial));
        let required = tasks.iter().filter(|task| task.ret.is_some()).count();
        Search {
            twin: twins(&tasks),
            linearized: vec![false; tasks.len()],
            required,
            required_left: required,
            tasks,
            cursor: next[head],
            next,
            prev,
            stack: Vec::new(),
            states,
            fingerprint,
            memo: Memo::default(),
            choice: 0,
            fresh: true,
            ended: None,
            longest: Vec::new(),
            longest_required: 0,
            furthest: 0,
            steps: 0,
        }
    }

    /// Goes on until a verdict, or until about `steps` more steps of the model were evaluated, or until memo and model
    /// together would exceed `memory` bytes (which is final).
    pub(crate) fn run<M: Model<Step = S>>(&mut self, model: &mut M, steps: u64, memory: usize) -> Progress {
        if let Some(ended) = self.ended {
            return ended;
        }
        let until = self.steps.saturating_add(steps);
        let ended = loop {
            if self.required_left == 0 {
                break Progress::Linearizable;
            }
            if self.steps >= until {
                return Progress::OutOfSteps;
            }
            if model.memory() > memory {
                break Progress::OutOfMemory;
            }
            if self.fresh {
                if let Some(task) = self.free_candidate(model) {
                    let state = self.states[self.tasks[task].component];
                    self.linearize(task, state, 0, true);
                    continue;
                }
                self.fresh = false;
                if self.is_hopeless(model) {
                    match self.backtrack() {
                        true => continue,
                        false => break Progress::Illegal,
                    }
                }
                match self.memo.insert(self.fingerprint, memory.saturating_sub(model.memory())) {
                    Inserted::New => {}
                    Inserted::Known if self.backtrack() => continue,
                    Inserted::Known => break Progress::Illegal,
                    Inserted::Full => break Progress::OutOfMemory,
                }
            }
            match self.candidate(model) {
                Some((task, state, choice)) => self.linearize(task, state, choice, false),
                None if self.backtrack() => {}
                None => break Progress::Illegal,
            }
        };
        self.note_longest();
        self.memo = Memo::default();
        self.ended = Some(ended);
        ended
    }

    /// The longest order found so far: operations of the history, each with the state of its component after it.
    pub(crate) fn longest(&self) -> impl Iterator<Item = (usize, StateId)> {
        self.longest.iter().map(|(task, state)| (self.tasks[*task].operation, *state))
    }

    /// The latest return, by position, that stopped the search: everything before it has a legal order.
    pub(crate) fn furthest_return(&self) -> usize {
        self.furthest
    }

    /// Bytes held by the memo.
    pub(crate) fn memory(&self) -> usize {
        self.memo.bytes()
    }

    /// A candidate that only reads, and is legal as things are.
    fn free_candidate<M: Model<Step = S>>(&mut self, model: &mut M) -> Option<usize> {
        let head = self.head();
        let mut node = self.next[head];
        while node != head && node.is_multiple_of(2) {
            let task = &self.tasks[node / 2];
            if task.ret.is_some() && model.is_read(&task.step) {
                let state = self.states[task.component];
                self.steps += 1;
                if model.step(state, &task.step).contains(state) {
                    return Some(node / 2);
                }
            }
            node = self.next[node];
        }
        None
    }

    /// Whether some operation still to come can't be legal any more, whatever is placed before it (see "Outlook").
    fn is_hopeless<M: Model<Step = S>>(&mut self, model: &mut M) -> bool {
        let Some(component) = self.stack.last().map(|top| self.tasks[top.task].component) else { return false };
        let state = self.states[component];
        let head = self.head();
        let mut node = self.next[head];
        for _ in 0..OUTLOOK {
            if node == head {
                return false;
            }
            let task = &self.tasks[node / 2];
            if task.component == component {
                let returns = !node.is_multiple_of(2);
                if !returns && !model.only_grows(&task.step) {
                    return false;
                }
                if returns {
                    self.steps += 1;
                    if model.excludes(state, &task.step) {
                        return true;
                    }
                }
            }
            node = self.next[node];
        }
        false
    }

    /// The next candidate at or after the cursor, with the successor to take.
    fn candidate<M: Model<Step = S>>(&mut self, model: &mut M) -> Option<(usize, StateId, usize)> {
        let head = self.head();
        while self.cursor != head && self.cursor.is_multiple_of(2) {
            let index = self.cursor / 2;
            if self.twin[index].is_none_or(|twin| self.linearized[twin]) {
                let task = &self.tasks[index];
                let state = self.states[task.component];
                self.steps += 1;
                let successors = model.step(state, &task.step);
                let idle = self.without_guess(model, index);
                for (choice, successor) in successors.iter().enumerate().skip(self.choice) {
                    let unchanged = self.tasks[index].ret.is_none() && successor == state;
                    if !unchanged && !idle.contains(successor) {
                        return Some((index, successor, choice));
                    }
                }
            }
            self.cursor = self.next[self.cursor];
            self.choice = 0;
        }
        if self.cursor != head {
            let blocked = self.tasks[self.cursor / 2].ret.expect("a return node belongs to a returned task");
            self.furthest = self.furthest.max(blocked);
        }
        None
    }

    /// Where `index` would lead if the guess on top of the stack had not been made (see "Idle guesses").
    fn without_guess<M: Model<Step = S>>(&mut self, model: &mut M, index: usize) -> Successors {
        match self.stack.last() {
            Some(top)
                if self.tasks[top.task].ret.is_none()
                    && self.tasks[top.task].component == self.tasks[index].component =>
            {
                self.steps += 1;
                model.step(top.before, &self.tasks[index].step)
            }
            _ => Successors::default(),
        }
    }

    fn linearize(&mut self, index: usize, state: StateId, choice: usize, free: bool) {
        let component = self.tasks[index].component;
        let before = std::mem::replace(&mut self.states[component], state);
        self.fingerprint ^= state_bits(component, before) ^ state_bits(component, state) ^ task_bits(index);
        self.linearized[index] = true;
        self.stack.push(Frame { task: index, before, choice, free });
        self.lift(index * 2);
        if self.tasks[index].ret.is_some() {
            self.lift(index * 2 + 1);
            self.required_left -= 1;
        }
        self.cursor = self.next[self.head()];
        self.choice = 0;
        self.fresh = true;
    }

    /// Undoes the stack down to the last choice that has an alternative. False when there is none.
    fn backtrack(&mut self) -> bool {
        self.note_longest();
        while let Some(Frame { task: index, before, choice, free }) = self.stack.pop() {
            if self.tasks[index].ret.is_some() {
                self.unlift(index * 2 + 1);
                self.required_left += 1;
            }
            self.unlift(index * 2);
            self.linearized[index] = false;
            let component = self.tasks[index].component;
            let state = std::mem::replace(&mut self.states[component], before);
            self.fingerprint ^= state_bits(component, before) ^ state_bits(component, state) ^ task_bits(index);
            if !free {
                self.cursor = index * 2;
                self.choice = choice + 1;
                self.fresh = false;
                return true;
            }
        }
        false
    }

    fn note_longest(&mut self) {
        let required = self.required - self.required_left;
        if required <= self.longest_required {
            return;
        }
        self.longest_required = required;
        let mut after = self.states.clone();
        self.longest.clear();
        for frame in self.stack.iter().rev() {
            let component = self.tasks[frame.task].component;
            self.longest.push((frame.task, std::mem::replace(&mut after[component], frame.before)));
        }
        self.longest.reverse();
    }

    fn head(&self) -> usize {
        self.tasks.len() * 2
    }

    fn lift(&mut self, node: usize) {
        let (prev, next) = (self.prev[node], self.next[node]);
        self.next[prev] = next;
        self.prev[next] = prev;
    }

    fn unlift(&mut self, node: usize) {
        let (prev, next) = (self.prev[node], self.next[node]);
        self.next[prev] = node;
        self.prev[next] = node;
    }
}

fn task_bits(task: usize) -> u128 {
    bits(0, task as u64)
}

fn state_bits(component: usize, state: StateId) -> u128 {
    bits(1, (component as u64) << 32 | u64::from(state.0))
}

/// For each task the nearest earlier one that does the same and also returned earlier, or like it never returned.
fn twins<S: Eq>(tasks: &[Task<S>]) -> Vec<Option<usize>> {
    /// Looking back further costs more than it prunes: twins that matter overlap.
    const LOOK_BACK: usize = 64;
    let is_twin = |earlier: &Task<S>, later: &Task<S>| {
        earlier.component == later.component
            && earlier.step == later.step
            && match (earlier.ret, later.ret) {
                (None, None) => true,
                (Some(earlier), Some(later)) => earlier < later,
                _ => false,
            }
    };
    (0..tasks.len())
        .map(|later| {
            (later.saturating_sub(LOOK_BACK)..later).rev().find(|earlier| is_twin(&tasks[*earlier], &tasks[later]))
        })
        .collect()
}
