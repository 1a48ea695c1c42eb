//! What several sets have in common or together, and what one has that others haven't: told, counted, or stored.

use std::ops::Range;

use refrain_data::{
    Collection, Set, SetLimits, SetRef, Value, difference, intersection, set_of_difference, set_of_intersection,
    set_of_union, union,
};

use super::{limits, reply_member};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// SINTER key [key ...]
pub fn sinter(call: &mut Call<'_>) -> Outcome {
    tell(call, &INTERSECTION)
}

/// SUNION key [key ...]
pub fn sunion(call: &mut Call<'_>) -> Outcome {
    tell(call, &UNION)
}

/// SDIFF key [key ...]
pub fn sdiff(call: &mut Call<'_>) -> Outcome {
    tell(call, &DIFFERENCE)
}

/// SINTERSTORE destination key [key ...]
pub fn sinterstore(call: &mut Call<'_>) -> Outcome {
    store(call, &INTERSECTION)
}

/// SUNIONSTORE destination key [key ...]
pub fn sunionstore(call: &mut Call<'_>) -> Outcome {
    store(call, &UNION)
}

/// SDIFFSTORE destination key [key ...]
pub fn sdiffstore(call: &mut Call<'_>) -> Outcome {
    store(call, &DIFFERENCE)
}

/// SINTERCARD numkeys key [key ...] [LIMIT limit]
pub fn sintercard(call: &mut Call<'_>) -> Outcome {
    count(call, &INTERSECTION)
}

/// SUNIONCARD numkeys key [key ...] [APPROX] [LIMIT limit]: an exact count is what APPROX allows, too.
pub fn sunioncard(call: &mut Call<'_>) -> Outcome {
    count(call, &UNION)
}

/// SDIFFCARD numkeys key [key ...] [LIMIT limit]
pub fn sdiffcard(call: &mut Call<'_>) -> Outcome {
    count(call, &DIFFERENCE)
}

type Visit = for<'s> fn(&[SetRef<'s>], &mut dyn FnMut(Value<'s>) -> bool);

/// A way to combine sets.
struct Combination {
    /// Which sets decide the result, given those that there are; none if nothing can be in it.
    operands: fn(Vec<Option<Set>>) -> Vec<Set>,
    /// Visits the result.
    visit: Visit,
    /// Makes a set of the result.
    make: fn(&[SetRef<'_>], &SetLimits) -> Set,
    /// What is said of a key where the result is stored.
    event: &'static str,
}

const INTERSECTION: Combination = Combination {
    operands: |sets| sets.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default(),
    visit: intersection,
    make: set_of_intersection,
    event: "sinterstore",
};

const UNION: Combination = Combination {
    operands: |sets| sets.into_iter().flatten().collect(),
    visit: union,
    make: set_of_union,
    event: "sunionstore",
};

const DIFFERENCE: Combination = Combination {
    operands: |sets| if sets[0].is_some() { sets.into_iter().flatten().collect() } else { Vec::new() },
    visit: difference,
    make: set_of_difference,
    event: "sdiffstore",
};

/// Copies of the sets that these arguments name. Each key is looked at, so that one of another type is an error in any case.
fn operands(call: &mut Call<'_>, keys: Range<usize>, combination: &Combination) -> Result<Vec<Set>, ErrorReply> {
    let mut sets = Vec::with_capacity(keys.len());
    for i in keys {
        let key = call.key(i);
        sets.push(call.state.view::<Set>(&key)?.map(SetRef::to_set));
    }
    Ok((combination.operands)(sets))
}

/// Charges for looking at members.
fn charge(call: &mut Call<'_>, sets: &[SetRef<'_>]) {
    let members: usize = sets.iter().map(|set| set.len()).sum();
    call.work(members as u64 / 16);
}

fn tell(call: &mut Call<'_>, combination: &Combination) -> Outcome {
    let sets = operands(call, 1..call.args.len(), combination)?;
    let views: Vec<SetRef<'_>> = sets.iter().map(Set::view).collect();
    let length = call.reply().deferred_set();
    let mut found = 0;
    (combination.visit)(&views, &mut |member| {
        reply_member(&mut call.session.reply(), member);
        found += 1;
        call.reply_may_grow()
    });
    call.reply().finish_set(length, found);
    charge(call, &views);
    Ok(())
}

fn store(call: &mut Call<'_>, combination: &Combination) -> Outcome {
    let destination = call.key(1);
    let limits = limits(call.state);
    let sets = operands(call, 2..call.args.len(), combination)?;
    let views: Vec<SetRef<'_>> = sets.iter().map(Set::view).collect();
    charge(call, &views);
    let result = if views.is_empty() { Set::empty() } else { (combination.make)(&views, &limits) };
    let len = result.len();
    let existed = call.state.replace_with(&destination, result);
    if len > 0 {
        call.state.modified(&destination);
        call.state.notify(NotifyClass::SET, combination.event, &destination);
    } else if existed {
        call.state.modified(&destination);
        call.state.notify(NotifyClass::GENERIC, "del", &destination);
    }
    call.reply().integer(len as i64);
    Ok(())
}

fn count(call: &mut Call<'_>, combination: &Combination) -> Outcome {
    const NO_KEYS: ErrorReply = ErrorReply::new("ERR numkeys should be greater than 0");
    const TOO_MANY_KEYS: ErrorReply = ErrorReply::new("ERR Number of keys can't be greater than number of args");
    const NEGATIVE_LIMIT: ErrorReply = ErrorReply::new("ERR LIMIT can't be negative");
    let keys = call.integer(1).ok().filter(|keys| *keys > 0).ok_or(NO_KEYS)?;
    let end = usize::try_from(keys).ok().and_then(|keys| keys.checked_add(2));
    let end = end.filter(|end| *end <= call.args.len()).ok_or(TOO_MANY_KEYS)?;
    let mut limit = 0;
    let mut i = end;
    while i < call.args.len() {
        if call.args.is(i, "LIMIT") && i + 1 < call.args.len() {
            let most = call.integer(i + 1).ok().and_then(|most| usize::try_from(most).ok());
            limit = most.ok_or(NEGATIVE_LIMIT)?;
            i += 2;
        } else if call.args.is(i, "APPROX") && call.command.name == "sunioncard" {
            i += 1;
        } else {
            return Err(SYNTAX);
        }
    }
    let sets = operands(call, 2..end, combination)?;
    let views: Vec<SetRef<'_>> = sets.iter().map(Set::view).collect();
    let mut found = 0;
    match views.as_slice() {
        [only] => found = if limit > 0 { only.len().min(limit) } else { only.len() },
        views => (combination.visit)(views, &mut |_| {
            found += 1;
            found != limit
        }),
    }
    charge(call, &views);
    call.reply().integer(found as i64);
    Ok(())
}
