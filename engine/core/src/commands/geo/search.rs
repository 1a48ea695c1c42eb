//! GEOSEARCH, GEOSEARCHSTORE, and GEORADIUS with its variants.

use std::cmp::Ordering;

use refrain_data::{Collection, ScoreBound, ScoreRange, Scored, SortedSet, SortedSetRef, Value};

use super::cell::{Cell, Point};
use super::options::{Form, Order, Wanted};
use super::shape::{Placed, Shape};
use super::{reply_coordinate, reply_distance};
use crate::call::{Call, Outcome};
use crate::commands::sorted_set::{again, limits, reply_member, store_result};

/// A member that was found.
#[derive(Clone, Copy)]
struct Found<'s> {
    member: Value<'s>,
    score: f64,
    point: Point,
    /// Metres from the middle.
    distance: f64,
}

/// Members inside a shape, and how many were looked at. With `enough` above 0 it ends when so many were found.
fn find<'s>(set: SortedSetRef<'s>, middle: Point, shape: Shape, enough: usize) -> (Vec<Found<'s>>, u64) {
    let placed = Placed::new(shape, middle);
    let (mut found, mut visited) = (Vec::new(), 0);
    for cell in shape.cells(middle) {
        if enough > 0 && found.len() >= enough {
            break;
        }
        let range = ScoreRange {
            min: ScoreBound { score: cell.lowest_score() as f64, excluded: false },
            max: ScoreBound { score: cell.end_score() as f64, excluded: true },
        };
        set.visit(set.score_ranks(&range), false, |member, score| {
            visited += 1;
            let point = Cell::of_score(score).point();
            if let Some(distance) = placed.distance_inside(point) {
                found.push(Found { member, score, point, distance });
            }
            enough == 0 || found.len() < enough
        });
    }
    (found, visited)
}

/// Sorts as wanted, and leaves as many as wanted.
fn arrange(found: &mut Vec<Found<'_>>, wanted: &Wanted<'_>) {
    let order = match wanted.order {
        // The first so many of no order would be any.
        Order::None if wanted.count > 0 && !wanted.any => Order::Nearest,
        order => order,
    };
    let keep = if wanted.count > 0 { wanted.count.min(found.len()) } else { found.len() };
    let nearer = |a: &Found<'_>, b: &Found<'_>| a.distance.partial_cmp(&b.distance).unwrap_or(Ordering::Equal);
    let farther = |a: &Found<'_>, b: &Found<'_>| nearer(b, a);
    match order {
        Order::None => {}
        Order::Nearest => first_sorted(found, keep, nearer),
        Order::Farthest => first_sorted(found, keep, farther),
    }
    found.truncate(keep);
}

/// Brings the first `keep` to the front, sorted; equal ones stay in the order in which they were found.
fn first_sorted<'s>(
    found: &mut Vec<Found<'s>>,
    keep: usize,
    compare: impl Fn(&Found<'s>, &Found<'s>) -> Ordering + Copy,
) {
    // With many to be left out it pays to leave them out first.
    if keep > 0 && keep < found.len() / 8 {
        let mut places: Vec<usize> = (0..found.len()).collect();
        let stable = |a: &usize, b: &usize| compare(&found[*a], &found[*b]).then(a.cmp(b));
        places.select_nth_unstable_by(keep - 1, stable);
        places.truncate(keep);
        places.sort_unstable();
        *found = places.into_iter().map(|at| found[at]).collect();
    }
    found.sort_by(compare);
}

fn run(call: &mut Call<'_>, form: Form) -> Outcome {
    let wanted = Wanted::parse(call, form)?;
    let enough = if wanted.any { wanted.count } else { 0 };
    let search = wanted.search().and_then(|(middle, shape)| Some((again(call.state, &wanted.source)?, middle, shape)));
    let (mut found, visited) = match search {
        Some((set, middle, shape)) => find(set, middle, shape, enough),
        None => (Vec::new(), 0),
    };
    call.hooks.work(visited / 8);
    arrange(&mut found, &wanted);
    let Some(destination) = wanted.destination else {
        let end = call.reply_end();
        let mut reply = call.session.reply();
        let extras =
            [wanted.with_distance, wanted.with_hash, wanted.with_coordinates].iter().filter(|with| **with).count();
        reply.array(found.len());
        for one in &found {
            let mut reply = call.session.reply();
            if extras > 0 {
                reply.array(1 + extras);
            }
            reply_member(&mut reply, one.member);
            if wanted.with_distance {
                reply_distance(&mut reply, one.distance / wanted.metres);
            }
            if wanted.with_hash {
                reply.integer(one.score as i64);
            }
            if wanted.with_coordinates {
                reply.array(2);
                reply_coordinate(&mut reply, one.point.longitude);
                reply_coordinate(&mut reply, one.point.latitude);
            }
            if call.session.output.len() >= end {
                break;
            }
        }
        return Ok(());
    };
    let score = |one: &Found<'_>| if wanted.stores_distances { one.distance / wanted.metres } else { one.score };
    let mut members: Vec<Scored<'_>> =
        found.iter().map(|one| Scored { member: one.member, score: score(one) }).collect();
    let limits = limits(call.state);
    let result = if members.is_empty() { SortedSet::empty() } else { SortedSet::of(&mut members, &limits) };
    let event = if form == Form::SearchStore { "geosearchstore" } else { "georadiusstore" };
    store_result(call, &destination, result, event)
}

/// GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius unit | BYBOX width height unit> [ASC | DESC]
/// [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]
pub fn geosearch(call: &mut Call<'_>) -> Outcome {
    run(call, Form::Search)
}

/// GEOSEARCHSTORE destination source, as GEOSEARCH, and [STOREDIST]
pub fn geosearchstore(call: &mut Call<'_>) -> Outcome {
    run(call, Form::SearchStore)
}

/// GEORADIUS key longitude latitude radius unit [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]
/// [STORE key | STOREDIST key]
pub fn georadius(call: &mut Call<'_>) -> Outcome {
    run(call, Form::AroundPoint { stores: true })
}

/// GEORADIUS without STORE.
pub fn georadius_ro(call: &mut Call<'_>) -> Outcome {
    run(call, Form::AroundPoint { stores: false })
}

/// GEORADIUSBYMEMBER key member radius unit, as GEORADIUS
pub fn georadiusbymember(call: &mut Call<'_>) -> Outcome {
    run(call, Form::AroundMember { stores: true })
}

/// GEORADIUSBYMEMBER without STORE.
pub fn georadiusbymember_ro(call: &mut Call<'_>) -> Outcome {
    run(call, Form::AroundMember { stores: false })
}
