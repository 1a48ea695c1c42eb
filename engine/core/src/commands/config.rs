//! CONFIG GET, CONFIG SET.

use std::collections::BTreeMap;

use crate::call::{Call, Outcome, Request};
use crate::config::ConfigError;
use crate::error::ErrorReply;
use crate::glob;

/// CONFIG GET pattern [pattern ...]
pub fn get(call: &mut Call<'_>) -> Outcome {
    let patterns: Vec<Vec<u8>> = call.args.iter().skip(2).map(<[u8]>::to_ascii_lowercase).collect();
    let matches = |name: &str| patterns.iter().any(|p| glob::matches(p, name.as_bytes()));
    let found: BTreeMap<&str, String> = call.state.config.get(matches).into_iter().collect();
    let mut reply = call.reply();
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    Ok(())
}

/// CONFIG SET parameter value [parameter value ...]: all or nothing.
pub fn set(call: &mut Call<'_>) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err(ErrorReply::arity("config|set"));
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
