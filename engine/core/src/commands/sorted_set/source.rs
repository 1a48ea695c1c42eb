//! What unions, intersections and differences are made of: sorted sets, and sets, whose members count as having the score 1.

use refrain_data::{Set, SetRef, SortedSet, SortedSetRef, Value};

use crate::call::{Call, Key};
use crate::error::{ErrorReply, WRONG_TYPE};
use crate::state::State;

/// A key of such a command, which was looked up: that counts once, and tells what type it has.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) key: Key<'a>,
    is_there: bool,
    pub(super) weight: f64,
}

/// Looks the keys of arguments up.
pub(super) fn look_up<'a>(call: &mut Call<'a>, first: usize, count: usize) -> Result<Vec<Input<'a>>, ErrorReply> {
    let mut inputs = Vec::with_capacity(count);
    for i in first..first + count {
        let key = call.key(i);
        let is_there = match call.state.read(&key) {
            None => false,
            Some(entry) if entry.view::<SortedSet>().is_some() || entry.view::<Set>().is_some() => true,
            Some(_) => return Err(WRONG_TYPE),
        };
        inputs.push(Input { key, is_there, weight: 1.0 });
    }
    Ok(inputs)
}

/// The contents of an input.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    Nothing,
    Sorted(SortedSetRef<'a>),
    Plain(SetRef<'a>),
}

impl<'a> Source<'a> {
    pub(super) fn of(state: &'a State, input: &Input<'_>) -> Source<'a> {
        if !input.is_there {
            return Source::Nothing;
        }
        let Some(entry) = state.keyspace.db(input.key.db).get(input.key.hash, input.key.name) else {
            return Source::Nothing;
        };
        if let Some(set) = entry.view::<SortedSet>() {
            return Source::Sorted(set);
        }
        entry.view::<Set>().map_or(Source::Nothing, Source::Plain)
    }

    pub(super) fn len(self) -> usize {
        match self {
            Source::Nothing => 0,
            Source::Sorted(set) => set.len(),
            Source::Plain(set) => set.len(),
        }
    }

    /// A member's score.
    pub(super) fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            Source::Nothing => None,
            Source::Sorted(set) => set.score(member),
            Source::Plain(set) => set.contains(member).then_some(1.0),
        }
    }

    /// Calls `visit` for all members until it says to stop.
    pub(super) fn visit(self, mut visit: impl FnMut(Value<'a>, f64) -> bool) {
        match self {
            Source::Nothing => {}
            Source::Sorted(set) => set.visit(0..set.len(), false, visit),
            Source::Plain(set) => {
                for member in set.iter() {
                    if !visit(member, 1.0) {
                        return;
                    }
                }
            }
        }
    }
}
