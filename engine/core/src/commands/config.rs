//! CONFIG GET, CONFIG SET.

use std::collections::BTreeMap;

use crate::call::{Call, Outcome, Request};
use crate::config::ConfigError;
use crate::error::{ErrorReply, SYNTAX};
use crate::glob;

/// CONFIG GET pattern [pattern ...]: each parameter once, under the name by which it was first asked for.
pub fn get(call: &mut Call<'_>) -> Outcome {
    let mut found: BTreeMap<&str, (Vec<u8>, String)> = BTreeMap::new();
    for asked in call.args.iter().skip(2) {
        let pattern = asked.to_ascii_lowercase();
        let is_name = !asked.iter().any(|byte| b"[*?".contains(byte));
        for (name, value) in call.state.config.get(|name| glob::matches(&pattern, name.as_bytes())) {
            let shown = if is_name { asked } else { name.as_bytes() };
            found.entry(name).or_insert_with(|| (shown.to_vec(), value));
        }
    }
    let mut reply = call.reply();
    reply.map(found.len());
    for (name, value) in found.values() {
        reply.bulk(name);
        reply.bulk(value.as_bytes());
    }
    Ok(())
}

/// What an error about a parameter says before its name.
const UNKNOWN: &str = "ERR Unknown option or number of arguments for CONFIG SET - '";
const REFUSED: &str = "ERR CONFIG SET failed (possibly related to argument '";

/// CONFIG SET parameter value [parameter value ...]: all or nothing.
pub fn set(call: &mut Call<'_>) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err(SYNTAX);
    }
    let mut changes = Vec::with_capacity(call.args.len() / 2);
    for i in (2..call.args.len()).step_by(2) {
        let (name, value) = (call.args.at(i), call.args.at(i + 1));
        let Ok(known) = std::str::from_utf8(name) else {
            return Err(ErrorReply::quoting(UNKNOWN, name, "'"));
        };
        // Values are kept as text: bytes that are none would be changed silently, a password among them.
        let Ok(value) = std::str::from_utf8(value) else {
            return Err(ErrorReply::quoting(REFUSED, name, "') - argument must be valid UTF-8"));
        };
        changes.push((known, value));
    }
    let level_before = call.state.config.loglevel.clone();
    call.state.config.set_at_run_time(&changes).map_err(|error| match error {
        ConfigError::Unknown(name) => ErrorReply::quoting(UNKNOWN, name.as_bytes(), "'"),
        ConfigError::Refused(name, why) => ErrorReply::quoting(REFUSED, name.as_bytes(), &format!("') - {why}")),
    })?;
    if call.state.config.loglevel != level_before {
        call.state.effects.log_level = Some(call.state.config.loglevel.clone());
    }
    call.request = Some(Request::ApplyConfiguration);
    call.reply().ok();
    Ok(())
}

/// CONFIG RESETSTAT
pub fn resetstat(call: &mut Call<'_>) -> Outcome {
    call.state.stats.reset();
    call.state.observer.reset_counters();
    call.reply().ok();
    Ok(())
}

/// CONFIG HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}
