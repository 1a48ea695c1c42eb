//! From the command line to a configuration: every directive is applied where it stands.

use refrain_core::Config;

use crate::command_line::Invocation;
use crate::conf_file::{self, ConfFileError, Directive};
use crate::process::reason;

/// Everything that was configured.
pub struct Settings {
    /// The parameters.
    pub config: Config,
    /// Neither a file nor an option said anything.
    pub from_defaults: bool,
}

/// Reads the configuration that the command line names, and enters the directory that it names.
///
/// # Errors
/// What the operator is to see: an unreadable file, or the line that can't be obeyed.
pub fn read(invocation: &Invocation) -> Result<Settings, ConfFileError> {
    let mut config = Config::default();
    let mut from_defaults = invocation.config_file.is_none();
    if let Some(path) = &invocation.config_file {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let text =
            path.to_str().ok_or_else(|| ConfFileError::whole("The path of the configuration file must be UTF-8"))?;
        config.start.file = Some(text.to_owned());
    }
    conf_file::load(invocation, &mut |directive| {
        from_defaults = false;
        apply(&mut config, &directive).map_err(|reason| directive.place.fatal(&reason))
    })?;
    check_log_file(&config).and_then(|()| config.check_whole()).map_err(|why| ConfFileError::whole(&why))?;
    let dir = std::env::current_dir().ok().and_then(|dir| dir.into_os_string().into_string().ok());
    config.process.dir.0 = dir.unwrap_or(config.process.dir.0);
    Ok(Settings { config, from_defaults })
}

fn apply(config: &mut Config, directive: &Directive) -> Result<(), String> {
    let values: Vec<&[u8]> = directive.args.iter().map(Vec::as_slice).collect();
    config.set_at_start(&directive.name, &values)?;
    if directive.name == "dir" {
        // At once, for a later line may name a file in it.
        std::env::set_current_dir(&config.process.dir.0).map_err(|error| reason(&error))?;
    }
    Ok(())
}

/// A log that can't be opened must be known of before the background hides everything.
fn check_log_file(config: &Config) -> Result<(), String> {
    let path = &config.logging.logfile;
    if path.is_empty() {
        return Ok(());
    }
    let opened = std::fs::OpenOptions::new().create(true).append(true).open(path);
    opened.map(drop).map_err(|error| format!("Can't open the log file: {}", reason(&error)))
}
