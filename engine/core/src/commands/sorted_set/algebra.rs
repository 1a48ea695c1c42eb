//! Unions, intersections and differences of sorted sets and sets.
//!
//! Members are not copied: results refer to the inputs until they are stored or sent. Scores are combined from the smallest
//! input to the largest, as Redis does it, for sums depend on their order.

use refrain_data::{IntBuffer, Scored, SortedSet, Value, parse_canonical_i64, sort_scored};

use super::source::{Input, Source, look_up};
use super::{begin_members, limits, put_member, store_result};
use crate::call::{Call, Outcome};
use crate::double;
use crate::error::{ErrorReply, SYNTAX};
use crate::state::State;

/// What is made of the inputs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// How the scores of a member in several inputs become one.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn combine(self, score: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => number(score + other),
            // A comparison with what is no number holds never, and leaves what was there.
            Aggregate::Min => {
                if other < score {
                    other
                } else {
                    score
                }
            }
            Aggregate::Max => {
                if other > score {
                    other
                } else {
                    score
                }
            }
        }
    }
}

/// Infinities that cancel out, and infinities of no weight, are zero.
fn number(score: f64) -> f64 {
    if score.is_nan() { 0.0 } else { score }
}

/// What becomes of the result.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Reply,
    Store,
    Count,
}

/// A call, read.
struct Wanted<'a> {
    inputs: Vec<Input<'a>>,
    aggregate: Aggregate,
    with_scores: bool,
    /// How far ZINTERCARD counts; 0 for all.
    limit: usize,
}

impl<'a> Wanted<'a> {
    /// numkeys key [key ...] with options, from argument `at` on.
    fn parse(call: &mut Call<'a>, at: usize, operation: Operation, purpose: Purpose) -> Result<Wanted<'a>, ErrorReply> {
        let count = call.integer(at)?;
        let Some(count) = usize::try_from(count).ok().filter(|count| *count > 0) else {
            let name = call.command.name;
            return Err(ErrorReply::owned(format!("ERR at least 1 input key is needed for '{name}' command")));
        };
        if count > call.args.len() - (at + 1) {
            return Err(SYNTAX);
        }
        let inputs = look_up(call, at + 1, count)?;
        let mut wanted = Wanted { inputs, aggregate: Aggregate::Sum, with_scores: false, limit: 0 };
        let combines = operation != Operation::Difference && purpose != Purpose::Count;
        let mut i = at + 1 + count;
        while i < call.args.len() {
            let left = call.args.len() - i;
            if combines && left > count && call.args.is(i, "WEIGHTS") {
                for (input, at) in wanted.inputs.iter_mut().zip(i + 1..) {
                    const WRONG: ErrorReply = ErrorReply::new("ERR weight value is not a float");
                    input.weight = double::parse(call.args.at(at)).ok_or(WRONG)?;
                }
                i += 1 + count;
            } else if combines && left >= 2 && call.args.is(i, "AGGREGATE") {
                wanted.aggregate = match call.args.at(i + 1) {
                    word if word.eq_ignore_ascii_case(b"SUM") => Aggregate::Sum,
                    word if word.eq_ignore_ascii_case(b"MIN") => Aggregate::Min,
                    word if word.eq_ignore_ascii_case(b"MAX") => Aggregate::Max,
                    _ => return Err(SYNTAX),
                };
                i += 2;
            } else if purpose == Purpose::Reply && call.args.is(i, "WITHSCORES") {
                wanted.with_scores = true;
                i += 1;
            } else if purpose == Purpose::Count && left >= 2 && call.args.is(i, "LIMIT") {
                const WRONG: ErrorReply = ErrorReply::new("ERR LIMIT can't be negative");
                let limit = call.integer(i + 1).ok().and_then(|limit| usize::try_from(limit).ok());
                wanted.limit = limit.ok_or(WRONG)?;
                i += 2;
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(wanted)
    }

    /// The inputs with their contents. What is to be combined begins with the smallest.
    fn sources<'s>(&self, state: &'s State, operation: Operation) -> Vec<(Source<'s>, Input<'a>)> {
        let mut sources: Vec<_> = self.inputs.iter().map(|input| (Source::of(state, input), *input)).collect();
        if operation != Operation::Difference {
            sources.sort_by_key(|(source, _)| source.len());
        }
        sources
    }

    fn result<'s>(&self, state: &'s State, operation: Operation) -> Vec<Scored<'s>> {
        let sources = self.sources(state, operation);
        match operation {
            Operation::Union => self.union(state, &sources),
            Operation::Intersection => {
                let mut result = Vec::new();
                self.intersect(&sources, |one| {
                    result.push(one);
                    true
                });
                result
            }
            Operation::Difference => difference(&sources),
        }
    }

    fn union<'s>(&self, state: &State, sources: &[(Source<'s>, Input<'a>)]) -> Vec<Scored<'s>> {
        let mut table = Members::new(sources.iter().map(|(source, _)| source.len()).max().unwrap_or(0));
        let filled = sources.iter().filter(|(source, _)| source.len() > 0).count();
        for (source, input) in sources {
            source.visit(|member, score| {
                let score = number(input.weight * score);
                if filled == 1 {
                    table.members.push(Scored { member, score });
                } else {
                    table.add(state, member, score, self.aggregate);
                }
                true
            });
        }
        table.members
    }

    /// Members of all inputs, until `found` says to stop.
    fn intersect<'s>(&self, sources: &[(Source<'s>, Input<'a>)], mut found: impl FnMut(Scored<'s>) -> bool) {
        let Some(((smallest, first), others)) = sources.split_first() else { return };
        let mut digits = IntBuffer::new();
        smallest.visit(|member, own| {
            let mut score = number(first.weight * own);
            let name = member.bytes(&mut digits);
            for (other, input) in others {
                let other = if input.key.name == first.key.name { Some(own) } else { other.score(name) };
                match other {
                    Some(other) => score = self.aggregate.combine(score, input.weight * other),
                    None => return true,
                }
            }
            found(Scored { member, score })
        });
    }
}

/// Members of the first input that are in none of the others.
fn difference<'s>(sources: &[(Source<'s>, Input<'_>)]) -> Vec<Scored<'s>> {
    let mut result = Vec::new();
    let Some(((first, own), others)) = sources.split_first() else { return result };
    if others.iter().any(|(_, other)| other.key.name == own.key.name) {
        return result;
    }
    let mut digits = IntBuffer::new();
    first.visit(|member, score| {
        let name = member.bytes(&mut digits);
        if others.iter().all(|(other, _)| other.score(name).is_none()) {
            result.push(Scored { member, score });
        }
        true
    });
    result
}

/// Members that were met, each once: an open table of positions beside the members.
struct Members<'s> {
    members: Vec<Scored<'s>>,
    hashes: Vec<u32>,
    /// Positions plus one; 0 is a free place. A power of two, at most half of it taken.
    places: Vec<u32>,
}

impl<'s> Members<'s> {
    /// Room for `expected` members to begin with.
    fn new(expected: usize) -> Members<'s> {
        Members { members: Vec::with_capacity(expected), hashes: Vec::new(), places: Vec::new() }
    }

    /// Adds a member, or combines its score with the one that it has.
    fn add(&mut self, state: &State, member: Value<'s>, score: f64, aggregate: Aggregate) {
        let mut digits = IntBuffer::new();
        let hash = (state.keyspace.hash(member.bytes(&mut digits)).0 >> 32) as u32;
        // The same member may be a number here and bytes there.
        let member = match member {
            Value::Bytes(bytes) => parse_canonical_i64(bytes).map_or(member, Value::Int),
            number => number,
        };
        if self.places.len() <= self.members.len() * 2 {
            self.grow();
        }
        let mask = self.places.len() - 1;
        let mut place = hash as usize & mask;
        while let Some(at) = self.places[place].checked_sub(1) {
            let at = at as usize;
            if self.hashes[at] == hash && self.members[at].member == member {
                let known = &mut self.members[at].score;
                *known = aggregate.combine(*known, score);
                return;
            }
            place = (place + 1) & mask;
        }
        self.members.push(Scored { member, score });
        self.hashes.push(hash);
        self.places[place] = self.members.len() as u32;
    }

    fn grow(&mut self) {
        let wanted = self.members.capacity().max(self.members.len() + 1).max(8) * 2;
        let len = (wanted + 1).next_power_of_two();
        self.places = vec![0; len];
        for (at, hash) in self.hashes.iter().enumerate() {
            let mut place = *hash as usize & (len - 1);
            while self.places[place] != 0 {
                place = (place + 1) & (len - 1);
            }
            self.places[place] = at as u32 + 1;
        }
    }
}

/// What an operation costs beyond its reply.
fn charge(call: &mut Call<'_>, wanted: &Wanted<'_>) {
    let members: usize = wanted.inputs.iter().map(|input| Source::of(call.state, input).len()).sum();
    call.work(members as u64 / 8);
}

fn reply(call: &mut Call<'_>, operation: Operation) -> Outcome {
    let wanted = Wanted::parse(call, 1, operation, Purpose::Reply)?;
    charge(call, &wanted);
    let mut members = wanted.result(call.state, operation);
    sort_scored(&mut members);
    let end = call.reply_end();
    begin_members(&mut call.session.reply(), members.len(), wanted.with_scores);
    for one in members {
        put_member(&mut call.session.reply(), one.member, wanted.with_scores.then_some(one.score));
        if call.session.output.len() >= end {
            break;
        }
    }
    Ok(())
}

fn store(call: &mut Call<'_>, operation: Operation, event: &'static str) -> Outcome {
    let wanted = Wanted::parse(call, 2, operation, Purpose::Store)?;
    charge(call, &wanted);
    let limits = limits(call.state);
    let result = SortedSet::of(&mut wanted.result(call.state, operation), &limits);
    let destination = call.key(1);
    store_result(call, &destination, result, event)
}

/// ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]
pub fn zunion(call: &mut Call<'_>) -> Outcome {
    reply(call, Operation::Union)
}

/// ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>] [WITHSCORES]
pub fn zinter(call: &mut Call<'_>) -> Outcome {
    reply(call, Operation::Intersection)
}

/// ZDIFF numkeys key [key ...] [WITHSCORES]
pub fn zdiff(call: &mut Call<'_>) -> Outcome {
    reply(call, Operation::Difference)
}

/// ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]
pub fn zunionstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Union, "zunionstore")
}

/// ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE <SUM | MIN | MAX>]
pub fn zinterstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Intersection, "zinterstore")
}

/// ZDIFFSTORE destination numkeys key [key ...]
pub fn zdiffstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Difference, "zdiffstore")
}

/// ZINTERCARD numkeys key [key ...] [LIMIT limit]
pub fn zintercard(call: &mut Call<'_>) -> Outcome {
    let wanted = Wanted::parse(call, 1, Operation::Intersection, Purpose::Count)?;
    charge(call, &wanted);
    let mut count = 0usize;
    wanted.intersect(&wanted.sources(call.state, Operation::Intersection), |_| {
        count += 1;
        count != wanted.limit
    });
    call.reply().integer(count as i64);
    Ok(())
}
