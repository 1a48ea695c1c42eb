//! CONFIG: parameters shown, changed while the server runs, and written back to the file from which they came.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use crate::call::{Call, Outcome, Request};
use crate::config::{Change, Choice, ConfigError, Rewrite, find};
use crate::effects::Level;
use crate::error::{ErrorReply, LOADING, SYNTAX, system_text};

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
    let is_refused = |change: &Change<'_>| find(change.name).is_some_and(|(_, p)| p.is_fixed_while_loading);
    if call.state.persistence.is_loading() && changes.iter().any(is_refused) {
        return Err(LOADING);
    }
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
    if let Err(refused) = call.hooks.apply(&changed, config, &mut next) {
        let name = refused.parameter;
        let text = format!(
            "Failed applying new configuration. Possibly related to new {name} setting. Restoring previous settings."
        );
        call.state.effects.log(Level::Warning, text);
        return Err(ErrorReply::owned(format!(
            "ERR CONFIG SET failed (possibly related to argument '{name}') - {}",
            refused.why
        )));
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

/// CONFIG REWRITE
pub fn rewrite(call: &mut Call<'_>) -> Outcome {
    rewrite_file(call, false)?;
    call.reply().ok();
    Ok(())
}

/// Brings the configuration file up to date; with `everything`, defaults are written too.
pub(crate) fn rewrite_file(call: &mut Call<'_>, everything: bool) -> Outcome {
    let state = &mut *call.state;
    let Some(path) = &state.config.start.file else {
        return Err(ErrorReply::new("ERR The server is running without a config file"));
    };
    // Users that have a file of their own are none of this one's.
    let users: Vec<Vec<u8>> = if state.users_file().is_some() { Vec::new() } else { state.acl.lines().collect() };
    let old = match call.hooks.read_file(path) {
        // A file that was removed is made anew.
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read,
    };
    let written = old.and_then(|old| {
        let rewrite = Rewrite { config: &state.config, users: Some(&users), everything };
        call.hooks.replace_file(path, &rewrite.text(&old))
    });
    if let Err(error) = written {
        let why = system_text(&error);
        state.effects.log(Level::Warning, format!("CONFIG REWRITE failed: {why}"));
        return Err(ErrorReply::owned(format!("ERR Rewriting config file: {why}")));
    }
    state.effects.log(Level::Notice, "CONFIG REWRITE executed with success.");
    Ok(())
}

/// CONFIG RESETSTAT
pub fn resetstat(call: &mut Call<'_>) -> Outcome {
    call.state.stats.reset();
    call.state.observer.reset_counters();
    call.state.persistence.reset_counters();
    call.reply().ok();
    Ok(())
}

/// CONFIG HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}
