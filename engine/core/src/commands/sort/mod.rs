//! SORT and SORT_RO: the elements of a list, set or sorted set in order, or what keys named after them hold.
//!
//! What comes out depends on the data alone and never on how it is stored: where Redis leaves the order of equals open, lists and
//! sorted sets keep theirs and members of sets follow their bytes. So a stored result may be propagated as it was asked for.

mod elements;
mod options;
mod order;
mod pattern;

use refrain_data::{List, Value};
use refrain_resp::Encoder;

use crate::call::{Call, Outcome};
use crate::notify::NotifyClass;
use elements::Elements;
use options::Options;
use pattern::Pattern;

/// Elements that are copied in about a microsecond.
const COPIES_PER_WORK: usize = 32;

/// Keys that are looked up in about a microsecond.
const LOOKUPS_PER_WORK: usize = 4;

/// SORT key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA] [STORE destination]
pub fn sort(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call, true)?;
    run(call, options)
}

/// SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern ...] [ASC | DESC] [ALPHA]
pub fn sort_ro(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call, false)?;
    run(call, options)
}

fn run(call: &mut Call<'_>, options: Options<'_>) -> Outcome {
    let (elements, order) = order::arranged(call, &options)?;
    call.work((order.len() * options.get.len() / LOOKUPS_PER_WORK) as u64);
    match options.store {
        Some(target) => store(call, &options, &elements, &order, target),
        None => {
            reply(call, &options, &elements, &order);
            Ok(())
        }
    }
}

fn reply(call: &mut Call<'_>, options: &Options<'_>, elements: &Elements, order: &[usize]) {
    call.reply().array(order.len() * options.get.len().max(1));
    let mut name = Vec::new();
    for index in order {
        let element = elements.get(*index);
        if options.get.is_empty() {
            reply_value(call.session.reply(), Some(element));
        }
        for pattern in &options.get {
            let value = pattern.value(call.state, call.session.db, element, &mut name);
            reply_value(call.session.reply(), value);
        }
        if !call.reply_may_grow() {
            break;
        }
    }
}

fn reply_value(mut reply: Encoder<'_>, value: Option<Value<'_>>) {
    match value {
        Some(Value::Int(number)) => reply.bulk_int(number),
        Some(Value::Bytes(bytes)) => reply.bulk(bytes),
        None => reply.null(),
    }
}

/// Stores the result as a list, in which what is missing is an empty string. An empty result deletes what was there.
fn store(call: &mut Call<'_>, options: &Options<'_>, elements: &Elements, order: &[usize], target: usize) -> Outcome {
    let mut results = Elements::default();
    let mut name = Vec::new();
    for index in order {
        let element = elements.get(*index);
        if options.get.is_empty() {
            results.push(element);
        }
        for pattern in &options.get {
            let value = pattern.value(call.state, call.session.db, element, &mut name);
            results.push(value.unwrap_or(Value::Bytes(b"")));
        }
    }
    let target = call.key(target);
    if results.len() == 0 {
        call.state.delete(&target);
    } else {
        let limits = super::list::limits(call.state);
        call.state.replace_with(&target, List::of(results.iter(), limits));
        call.state.modified(&target);
        call.state.notify(NotifyClass::LIST, "sortstore", &target);
    }
    call.work((results.len() / COPIES_PER_WORK) as u64);
    call.reply().integer(results.len() as i64);
    Ok(())
}
