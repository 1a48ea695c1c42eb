//! Commands that read a hash.

use refrain_data::{Field, Hash, HashRef, LargeHash};
use refrain_resp::Encoder;

use super::reply_value;
use crate::call::{Call, Outcome};

/// HGET key field
pub fn hget(call: &mut Call<'_>) -> Outcome {
    let (key, name) = (call.key(1), call.args.at(2));
    let now = call.state.fields_now();
    let found = call.state.view::<Hash>(&key)?.and_then(|hash| hash.get(name)).filter(|found| !found.is_due(now));
    let mut reply = call.session.reply();
    match found {
        Some(found) => reply_value(&mut reply, found.value),
        None => reply.null(),
    }
    Ok(())
}

/// HMGET key field [field ...]
pub fn hmget(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let now = call.state.fields_now();
    let hash = call.state.view::<Hash>(&key)?;
    let mut reply = call.session.reply();
    reply.array(call.args.len() - 2);
    for name in call.args.iter().skip(2) {
        match hash.and_then(|hash| hash.get(name)).filter(|found| !found.is_due(now)) {
            Some(found) => reply_value(&mut reply, found.value),
            None => reply.null(),
        }
    }
    Ok(())
}

/// HEXISTS key field
pub fn hexists(call: &mut Call<'_>) -> Outcome {
    let (key, name) = (call.key(1), call.args.at(2));
    let now = call.state.fields_now();
    let hash = call.state.view::<Hash>(&key)?;
    let found = hash.and_then(|hash| hash.get(name)).is_some_and(|found| !found.is_due(now));
    call.reply().integer(i64::from(found));
    Ok(())
}

/// HSTRLEN key field
pub fn hstrlen(call: &mut Call<'_>) -> Outcome {
    let (key, name) = (call.key(1), call.args.at(2));
    let now = call.state.fields_now();
    let hash = call.state.view::<Hash>(&key)?;
    let found = hash.and_then(|hash| hash.get(name)).filter(|found| !found.is_due(now));
    let len = found.map_or(0, |found| found.value.len());
    call.reply().integer(len as i64);
    Ok(())
}

/// HLEN key: fields that are due are not counted, whether they are still there or not.
pub fn hlen(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let now = call.state.fields_now();
    let len = call.state.view::<Hash>(&key)?.map_or(0, |hash| hash.len() - hash.due(now));
    call.reply().integer(len as i64);
    Ok(())
}

/// What of each field is replied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    Value,
    Both,
}

impl Part {
    fn header(self, reply: &mut Encoder<'_>, fields: usize) {
        match self {
            Part::Both => reply.map(fields),
            Part::Name | Part::Value => reply.array(fields),
        }
    }

    #[inline]
    fn reply(self, reply: &mut Encoder<'_>, field: &Field<'_>) {
        if self != Part::Value {
            reply_value(reply, field.name);
        }
        if self != Part::Name {
            reply_value(reply, field.value);
        }
    }
}

fn reply_all(call: &mut Call<'_>, part: Part) -> Outcome {
    let key = call.key(1);
    let now = call.state.fields_now();
    let hash = call.state.view::<Hash>(&key)?;
    let mut reply = call.session.reply();
    let Some(hash) = hash else {
        part.header(&mut reply, 0);
        return Ok(());
    };
    if let HashRef::Large(large) = hash {
        let large = large.clone();
        return reply_all_of_large(call, large, part, now);
    }
    part.header(&mut reply, hash.len() - hash.due(now));
    for field in hash.iter().filter(|field| !field.is_due(now)) {
        part.reply(&mut reply, &field);
    }
    Ok(())
}

/// A long reply stops growing when nobody will read it.
fn reply_all_of_large(call: &mut Call<'_>, hash: LargeHash, part: Part, now: u64) -> Outcome {
    const FIELDS_BETWEEN_LOOKS: usize = 64;
    let hash = HashRef::Large(&hash);
    part.header(&mut call.session.reply(), hash.len() - hash.due(now));
    let mut fields = hash.iter().filter(|field| !field.is_due(now)).peekable();
    while fields.peek().is_some() && call.reply_may_grow() {
        let mut reply = call.session.reply();
        for field in fields.by_ref().take(FIELDS_BETWEEN_LOOKS) {
            part.reply(&mut reply, &field);
        }
    }
    Ok(())
}

/// HGETALL key
pub fn hgetall(call: &mut Call<'_>) -> Outcome {
    reply_all(call, Part::Both)
}

/// HKEYS key
pub fn hkeys(call: &mut Call<'_>) -> Outcome {
    reply_all(call, Part::Name)
}

/// HVALS key
pub fn hvals(call: &mut Call<'_>) -> Outcome {
    reply_all(call, Part::Value)
}
