//! OBJECT: what is known of a key beside its value.

use refrain_data::Kind;

use crate::call::{Call, Outcome};
use crate::error::ErrorReply;
use crate::table::help;

/// OBJECT ENCODING key
pub fn encoding(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    match call.state.examine(&key).map(|entry| entry.encoding().name()) {
        Some(name) => call.reply().bulk(name.as_bytes()),
        None => call.reply().null(),
    }
    Ok(())
}

/// OBJECT FREQ key: only an LFU policy of eviction counts uses.
pub fn freq(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let Some(bits) = call.state.examine(&key).map(|entry| entry.lru()) else {
        call.reply().null();
        return Ok(());
    };
    let count = call.state.usage.count(bits).ok_or(ErrorReply::new(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between \
         policies at runtime LRU and LFU data will take some time to adjust.",
    ))?;
    call.reply().integer(i64::from(count));
    Ok(())
}

/// OBJECT IDLETIME key: an LFU policy of eviction keeps no times.
pub fn idletime(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let Some(bits) = call.state.examine(&key).map(|entry| entry.lru()) else {
        call.reply().null();
        return Ok(());
    };
    let idle_s = call.state.usage.idle_s(bits).ok_or(ErrorReply::new(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at \
         runtime LRU and LFU data will take some time to adjust.",
    ))?;
    call.reply().integer(i64::from(idle_s));
    Ok(())
}

/// OBJECT REFCOUNT key: what Redis would say. Its small integers are shared by all keys and count as many as a number can.
pub fn refcount(call: &mut Call<'_>) -> Outcome {
    const SHARED_INTEGERS: std::ops::Range<i64> = 0..10_000;
    let key = call.key(2);
    let count = call.state.examine(&key).map(|entry| match entry.kind() {
        Kind::String if entry.value().as_int().is_some_and(|n| SHARED_INTEGERS.contains(&n)) => i64::from(i32::MAX),
        _ => 1,
    });
    match count {
        Some(count) => call.reply().integer(count),
        None => call.reply().null(),
    }
    Ok(())
}

/// OBJECT HELP
pub fn help_(call: &mut Call<'_>) -> Outcome {
    help(call.command, &mut call.session.reply());
    Ok(())
}
