//! Members chosen at random, each choice as likely as any other.

use refrain_data::{Collection, Lookup, Set, SetRef, Value, distinct_indexes, uniform_index};

use super::{changed, limits, reply_member};
use crate::call::{Call, Key, Outcome};
use crate::commands::draws;
use crate::error::{ErrorReply, SYNTAX};

/// Members that one SREM of the propagation stream names, at most.
const PROPAGATED_MEMBERS_MAX: usize = 1024;

/// SPOP key [count]
pub fn spop(call: &mut Call<'_>) -> Outcome {
    match call.args.len() {
        2 => pop_one(call),
        3 => pop_many(call),
        _ => Err(SYNTAX),
    }
}

fn pop_one(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let bits = call.hooks.entropy();
    let popped = call.state.edit(&key, |set: &mut Set| {
        let index = uniform_index(bits, set.len());
        set.remove_at(index, |member| member.to_vec())
    })?;
    let Some(popped) = popped else {
        call.reply().null();
        return Ok(());
    };
    changed(call, &key, "spop", 1, popped.emptied);
    call.propagate(&[b"SREM", key.name, &popped.result]);
    call.reply().bulk(&popped.result);
    Ok(())
}

fn pop_many(call: &mut Call<'_>) -> Outcome {
    /// Where this times as many members go as stay, those that stay are chosen, and become a new set.
    const STAYING_FACTOR: usize = 5;
    const NOT_POSITIVE: ErrorReply = ErrorReply::new("ERR value is out of range, must be positive");
    let count = call.integer(2).ok().and_then(|count| u64::try_from(count).ok()).ok_or(NOT_POSITIVE)?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let key = call.key(1);
    let len = call.state.view::<Set>(&key)?.map_or(0, SetRef::len);
    if count == 0 || len == 0 {
        call.reply().set(0);
        return Ok(());
    }
    call.reply().set(count.min(len));
    call.work(count.min(len) as u64 / 8);
    if count >= len {
        pop_all(call, &key)?;
        changed(call, &key, "spop", len, true);
        let command: &[u8] = if call.state.config.memory.lazyfree_lazy_server_del { b"UNLINK" } else { b"DEL" };
        call.propagate(&[command, key.name]);
        return Ok(());
    }
    if (len - count) * STAYING_FACTOR > count {
        pop_chosen(call, &key, count)?;
    } else {
        keep_chosen(call, &key, len, len - count)?;
    }
    changed(call, &key, "spop", count, false);
    Ok(())
}

/// Replies all members, and removes the key.
fn pop_all(call: &mut Call<'_>, key: &Key<'_>) -> Outcome {
    let set = call.state.view::<Set>(key)?.map(SetRef::to_set);
    if let Some(set) = set {
        reply_all(call, &mut set.view().iter());
    }
    // What takes long to free is freed elsewhere.
    if let Lookup::Occupied(found) = call.state.write(key) {
        found.remove();
    }
    Ok(())
}

/// Replies members as long as anybody will read them.
fn reply_all<'m>(call: &mut Call<'_>, members: &mut dyn Iterator<Item = Value<'m>>) {
    for member in members {
        if !call.reply_may_grow() {
            return;
        }
        reply_member(&mut call.session.reply(), member);
    }
}

/// Chooses members that go.
fn pop_chosen(call: &mut Call<'_>, key: &Key<'_>, count: usize) -> Outcome {
    let mut left = count;
    while left > 0 {
        let chunk = left.min(PROPAGATED_MEMBERS_MAX);
        let hooks = call.hooks;
        let popped = call.state.edit(key, |set: &mut Set| {
            let pop = |_| {
                let index = uniform_index(hooks.entropy(), set.len());
                set.remove_at(index, |member| member.to_vec())
            };
            (0..chunk).map(pop).collect::<Vec<_>>()
        })?;
        let popped = popped.map(|popped| popped.result).unwrap_or_default();
        propagate_removal(call, key, &popped);
        reply_all(call, &mut popped.iter().map(|member| Value::Bytes(member)));
        left -= chunk;
    }
    Ok(())
}

/// Chooses members that stay, and makes a new set of them.
fn keep_chosen(call: &mut Call<'_>, key: &Key<'_>, len: usize, staying: usize) -> Outcome {
    let limits = limits(call.state);
    let hooks = call.hooks;
    let chosen = distinct_indexes(staying, len, &mut || hooks.entropy());
    call.state.set_aside(key, len - staying);
    let old = call.state.edit(key, |set: &mut Set| {
        let mut kept = match set {
            Set::Ints(_) => Set::empty(),
            _ => Set::empty_packed(),
        };
        for (_, member) in set.view().iter().enumerate().filter(|(index, _)| chosen.binary_search(index).is_ok()) {
            kept.insert_value(member, &limits);
        }
        std::mem::replace(set, kept)
    })?;
    let Some(old) = old else { return Ok(()) };
    let mut chosen = chosen.into_iter().peekable();
    let gone = old.result.view().iter().enumerate().filter(|(index, _)| chosen.next_if_eq(index).is_none());
    let mut chunk = Vec::new();
    for (_, member) in gone {
        chunk.push(member.to_vec());
        if chunk.len() == PROPAGATED_MEMBERS_MAX {
            pop_chunk(call, key, &mut chunk);
        }
    }
    pop_chunk(call, key, &mut chunk);
    Ok(())
}

fn pop_chunk(call: &mut Call<'_>, key: &Key<'_>, chunk: &mut Vec<Vec<u8>>) {
    if chunk.is_empty() {
        return;
    }
    propagate_removal(call, key, chunk);
    reply_all(call, &mut chunk.iter().map(|member| Value::Bytes(member)));
    chunk.clear();
}

fn propagate_removal(call: &mut Call<'_>, key: &Key<'_>, members: &[Vec<u8>]) {
    let mut command: Vec<&[u8]> = Vec::with_capacity(members.len() + 2);
    command.extend([b"SREM".as_slice(), key.name]);
    command.extend(members.iter().map(Vec::as_slice));
    call.propagate(&command);
}

/// SRANDMEMBER key [count]
pub fn srandmember(call: &mut Call<'_>) -> Outcome {
    match call.args.len() {
        2 => show_one(call),
        3 => show_many(call),
        _ => Err(SYNTAX),
    }
}

fn show_one(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let bits = call.hooks.entropy();
    let set = call.state.view::<Set>(&key)?;
    let member = set.and_then(|set| set.at(uniform_index(bits, set.len())));
    let mut reply = call.session.reply();
    match member {
        Some(member) => reply_member(&mut reply, member),
        None => reply.null(),
    }
    Ok(())
}

fn show_many(call: &mut Call<'_>) -> Outcome {
    let count = draws::count(call)?;
    let key = call.key(1);
    let set = call.state.view::<Set>(&key)?;
    let Some(set) = set.filter(|_| count != 0).map(SetRef::to_set) else {
        call.reply().array(0);
        return Ok(());
    };
    let (view, hooks) = (set.view(), call.hooks);
    let wanted = count.unsigned_abs();
    if count < 0 {
        draws::check_repetitions(wanted, call.reply_is_limited())?;
        call.reply().array(wanted as usize);
        let mut drawn = 0;
        let mut members = (0..wanted).filter_map(|_| {
            drawn += 1;
            view.at(uniform_index(hooks.entropy(), view.len()))
        });
        reply_all(call, &mut members);
        call.work(drawn / 8);
    } else {
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(view.len());
        call.reply().array(wanted);
        if wanted > view.len() / 4 {
            let mut chosen = distinct_indexes(wanted, view.len(), &mut || hooks.entropy()).into_iter().peekable();
            let members = view.iter().enumerate().filter(|(index, _)| chosen.next_if_eq(index).is_some());
            reply_all(call, &mut members.map(|(_, member)| member));
        } else {
            let chosen = distinct_indexes(wanted, view.len(), &mut || hooks.entropy());
            reply_all(call, &mut chosen.into_iter().filter_map(|index| view.at(index)));
        }
        call.work(wanted as u64 / 8);
    }
    Ok(())
}
