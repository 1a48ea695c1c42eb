//! Commands that read a hash.

use refrain_data::{Field, Hash};
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
    let end = call.reply_end();
    let hash = call.state.view::<Hash>(&key)?;
    call.session.reply().array(call.args.len() - 2);
    for name in call.args.iter().skip(2) {
        let mut reply = call.session.reply();
        match hash.and_then(|hash| hash.get(name)).filter(|found| !found.is_due(now)) {
            Some(found) => reply_value(&mut reply, found.value),
            None => reply.null(),
        }
        if call.session.output.len() >= end {
            break;
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

/// A long reply stops growing when nobody will read it.
fn reply_all(call: &mut Call<'_>, part: Part) -> Outcome {
    let key = call.key(1);
    let now = call.state.fields_now();
    let end = call.reply_end();
    let hash = call.state.view::<Hash>(&key)?;
    let mut reply = call.session.reply();
    let Some(hash) = hash else {
        part.header(&mut reply, 0);
        return Ok(());
    };
    part.header(&mut reply, hash.len() - hash.due(now));
    for field in hash.iter().filter(|field| !field.is_due(now)) {
        part.reply(&mut call.session.reply(), &field);
        if call.session.output.len() >= end {
            break;
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
