//! GEOADD, and what is asked of single members.

use refrain_data::{SortedSet, SortedSetRef};

use super::cell::{self, Cell, STEP_MAX};
use super::shape::distance;
use super::{point, reply_coordinate, reply_distance, unit};
use crate::call::{Call, Outcome};
use crate::commands::sorted_set::{Addition, add};
use crate::error::SYNTAX;

/// GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]: a ZADD of cells, and propagated as one.
pub fn geoadd(call: &mut Call<'_>) -> Outcome {
    let mut addition = Addition::default();
    let mut first = 2;
    while let Some(word) = call.args.get(first) {
        match word {
            word if word.eq_ignore_ascii_case(b"NX") => addition.only_new = true,
            word if word.eq_ignore_ascii_case(b"XX") => addition.only_existing = true,
            word if word.eq_ignore_ascii_case(b"CH") => addition.count_changes = true,
            _ => break,
        }
        first += 1;
    }
    let words = call.args.len() - first;
    if words == 0 || !words.is_multiple_of(3) || addition.only_new && addition.only_existing {
        return Err(SYNTAX);
    }
    let mut places = Vec::with_capacity(words / 3);
    for at in (first..call.args.len()).step_by(3) {
        let bits = Cell::of(point(call, at)?, STEP_MAX).bits;
        places.push((bits as f64, call.args.at(at + 2)));
    }
    let key = call.key(1);
    let tally = add(call, &key, addition, places.iter().copied())?;
    if tally.changes() > 0 {
        let texts: Vec<String> = places.iter().map(|(bits, _)| format!("{bits:.0}")).collect();
        let mut command: Vec<&[u8]> = vec![b"ZADD", key.name];
        command.extend(call.args.iter().skip(2).take(first - 2));
        for (text, (_, member)) in texts.iter().zip(&places) {
            command.extend([text.as_bytes(), *member]);
        }
        call.propagate(&command);
    }
    let reply = tally.reply(&addition);
    call.reply().integer(reply);
    Ok(())
}

/// Where a member is.
pub(super) fn place(set: SortedSetRef<'_>, member: &[u8]) -> Option<cell::Point> {
    set.score(member).map(|score| Cell::of_score(score).point())
}

/// GEODIST key member1 member2 [M | KM | FT | MI]
pub fn geodist(call: &mut Call<'_>) -> Outcome {
    let metres = match call.args.len() {
        4 => 1.0,
        5 => unit(call.args.at(4))?,
        _ => return Err(SYNTAX),
    };
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    let apart = set.and_then(|set| Some(distance(place(set, call.args.at(2))?, place(set, call.args.at(3))?)));
    let mut reply = call.session.reply();
    match apart {
        Some(apart) => reply_distance(&mut reply, apart / metres),
        None => reply.null(),
    }
    Ok(())
}

/// GEOHASH key [member [member ...]]
pub fn geohash(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    let mut reply = call.session.reply();
    reply.array(call.args.len() - 2);
    for member in call.args.iter().skip(2) {
        match set.and_then(|set| place(set, member)) {
            Some(point) => reply.bulk(&cell::text(point)),
            None => reply.null(),
        }
    }
    Ok(())
}

/// GEOPOS key [member [member ...]]
pub fn geopos(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let set = call.state.view::<SortedSet>(&key)?;
    let mut reply = call.session.reply();
    reply.array(call.args.len() - 2);
    for member in call.args.iter().skip(2) {
        match set.and_then(|set| place(set, member)) {
            Some(point) => {
                reply.array(2);
                reply_coordinate(&mut reply, point.longitude);
                reply_coordinate(&mut reply, point.latitude);
            }
            None => reply.null_array(),
        }
    }
    Ok(())
}
