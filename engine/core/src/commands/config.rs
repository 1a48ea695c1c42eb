//! CONFIG GET, CONFIG SET.

use std::collections::BTreeMap;

use crate::call::{Call, Outcome, Request};
use crate::config::{Change, Choice, ConfigError};
use crate::error::{ErrorReply, SYNTAX};
use crate::hooks::Unapplied;

/// CONFIG GET pattern [pattern ...]: each name once, as it was first asked for.
pub fn get(call: &mut Call<'_>) -> Outcome {
    let mut found: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)> = BTreeMap::new();
    for asked in call.args.iter().skip(2) {
        for (name, value) in call.state.config.get(asked) {
            found.entry(name.to_ascii_lowercase()).or_insert((name, value));
        }
    }
    let mut reply = call.reply();
    reply.map(found.len());
    for (name, value) in found.values() {
        reply.bulk(name);
        reply.bulk(value);
    }
    Ok(())
}

/// CONFIG SET parameter value [parameter value ...]: all or nothing.
pub fn set(call: &mut Call<'_>) -> Outcome {
    if !call.args.len().is_multiple_of(2) {
        return Err(SYNTAX);
    }
    let pairs = (2..call.args.len()).step_by(2);
    let changes: Vec<Change<'_>> =
        pairs.map(|i| Change { name: call.args.at(i), value: call.args.at(i + 1) }).collect();
    let config = &call.state.config;
    let may_change_protected = config.acl.enable_protected_configs.to(call.session.origin.is_local);
    let (mut next, changed) = config.changed(&changes, may_change_protected).map_err(|error| match error {
        ConfigError::Unknown(name) => {
            ErrorReply::quoting("ERR Unknown option or number of arguments for CONFIG SET - '", &name, "'")
        }
        ConfigError::Refused(name, why) => {
            ErrorReply::quoting("ERR CONFIG SET failed (possibly related to argument '", &name, &format!("') - {why}"))
        }
    })?;
    if let Err(Unapplied { parameters, why }) = call.hooks.apply_configuration(&mut next) {
        // What has been put into effect is taken back; that was possible once, and what fails all the same is logged.
        let _ = call.hooks.apply_configuration(&mut call.state.config.clone());
        let named = changes.iter().map(|change| change.name);
        let name = named.filter(|name| parameters.iter().any(|p| name.eq_ignore_ascii_case(p.as_bytes()))).next();
        let name = name.unwrap_or(parameters.first().map_or(b"", |name| name.as_bytes()));
        let why = format!("') - {why}");
        return Err(ErrorReply::quoting("ERR CONFIG SET failed (possibly related to argument '", name, &why));
    }
    if next.logging.loglevel != config.logging.loglevel {
        call.state.effects.log_level = Some(next.logging.loglevel.name().to_owned());
    }
    let sets_password = next.acl.requirepass != config.acl.requirepass;
    call.state.config = next;
    for parameter in changed {
        call.state.warn_of_parameter(parameter);
    }
    if sets_password {
        call.state.require_password(Some(call.session));
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
