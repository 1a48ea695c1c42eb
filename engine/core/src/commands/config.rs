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

/// CONFIG SET parameter value [parameter value ...]: all or nothing.
pub fn set(call: &mut Call<'_>) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err(SYNTAX);
    }
    let words: Vec<_> = call.args.iter().skip(2).map(String::from_utf8_lossy).collect();
    let changes: Vec<(&str, &str)> = words.chunks_exact(2).map(|pair| (&*pair[0], &*pair[1])).collect();
    let level_before = call.state.config.loglevel.clone();
    call.state.config.set_at_run_time(&changes).map_err(|error| match error {
        ConfigError::Unknown(name) => {
            let before = "ERR Unknown option or number of arguments for CONFIG SET - '";
            ErrorReply::quoting(before, name.as_bytes(), "'")
        }
        ConfigError::Refused(name, why) => {
            let before = "ERR CONFIG SET failed (possibly related to argument '";
            ErrorReply::quoting(before, name.as_bytes(), &format!("') - {why}"))
        }
    })?;
    if call.state.config.loglevel != level_before {
        call.state.effects.log_level = Some(call.state.config.loglevel.clone());
    }
    call.request = Some(Request::ApplyConfiguration);
    call.reply().ok();
    Ok(())
}

/// CONFIG HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    super::reply_help(
        call,
        "CONFIG",
        &[
            "GET <pattern> [<pattern> ...]",
            "    Return parameters matching the glob-like <pattern>s, and their values.",
            "SET <parameter> <value> [<parameter> <value> ...]",
            "    Change parameters, all of them or none.",
        ],
    )
}
