//! Files of users (`aclfile`) and `user` lines of a configuration: read as a whole or not at all.

use std::collections::BTreeMap;

use super::words::{as_c_string, gather, has_blanks};
use super::{Acl, DEFAULT, Reader, RuleError, SetUserError, User, changed};
use crate::error::system_text;
use crate::table::Table;

/// Everything that is wrong with a file, in one line.
pub type FileErrors = String;

/// Users by name.
pub(super) type Users = BTreeMap<Box<[u8]>, User>;

/// Reads the lines of a file. A file that says nothing of the default user makes it what it was before anything was
/// configured.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(
    table: &Table,
    open_channels: bool,
    path: &str,
    contents: &[u8],
) -> Result<(Users, Vec<String>), FileErrors> {
    let (mut users, mut errors, mut warnings) = (Users::new(), String::new(), Vec::new());
    let mut complain = |text: String| errors.push_str(&text);
    for (number, line) in (1..).zip(as_c_string(contents).split(|byte| *byte == b'\n')) {
        let line = trim(line, b" \t\r\n");
        if line.is_empty() {
            continue;
        }
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        let [b"user", name, rules @ ..] = words.as_slice() else {
            complain(format!("{path}:{number} should start with user keyword followed by the username. "));
            continue;
        };
        let shown = String::from_utf8_lossy(name);
        if has_blanks(name) {
            complain(format!("'{path}:{number}: username '{shown}' contains invalid characters. "));
            continue;
        }
        if users.contains_key(*name) {
            complain(format!("WARNING: Duplicate user '{shown}' found on line {number}. "));
            continue;
        }
        let mut user = User::new(open_channels);
        match gather(rules.iter().copied()) {
            Err(_) => complain(format!("{path}:{number}: Unmatched parenthesis in selector definition.")),
            Ok(rules) => {
                let mut reader = Reader { table, open_channels, discouraged: Vec::new() };
                let mut said = false;
                for rule in &rules {
                    let rule = trim(rule, b"\t\r\n");
                    match reader.apply(&mut user, rule) {
                        Ok(()) => {}
                        // A name that is not known is no secret.
                        Err(why @ RuleError::Unknown) => {
                            let (rule, why) = (String::from_utf8_lossy(rule), why.text());
                            complain(format!("{path}:{number}: Error in applying operation '{rule}': {why}. "));
                        }
                        Err(why) if !said => {
                            said = true;
                            complain(format!("{path}:{number}: {}. ", why.text()));
                        }
                        Err(_) => {}
                    }
                }
                warnings.extend(reader.warnings());
            }
        }
        users.insert((*name).into(), user);
    }
    if !errors.is_empty() {
        errors.push_str("WARNING: ACL errors detected, no change to the previously active ACL rules was performed");
        return Err(errors);
    }
    users.entry(DEFAULT.into()).or_insert_with(User::all_powerful);
    Ok((users, warnings))
}

/// What is said of a file that can't be read.
pub(crate) fn unreadable(path: &str, error: &std::io::Error) -> FileErrors {
    format!("Error loading ACLs, opening file '{path}': {}", system_text(error))
}

fn trim<'a>(mut bytes: &'a [u8], blanks: &[u8]) -> &'a [u8] {
    while let [rest @ .., last] = bytes
        && blanks.contains(last)
    {
        bytes = rest;
    }
    while let [first, rest @ ..] = bytes
        && blanks.contains(first)
    {
        bytes = rest;
    }
    bytes
}

/// A `user` line of a configuration: the name and its rules.
pub type Declaration = Vec<Vec<u8>>;

/// Looks at the words of a `user` line (without `user`) when the configuration is read. `earlier` are those before it.
///
/// # Errors
/// What the operator is to see. Commands that do not exist are not looked for yet.
pub fn check_declaration(table: &Table, earlier: &[Declaration], words: &[Vec<u8>]) -> Result<(), String> {
    let error =
        |at: &[u8], why: &str| Err(format!("Error in user declaration '{}': {why}", String::from_utf8_lossy(at)));
    let [name, rules @ ..] = words else { return Err("wrong number of arguments".to_owned()) };
    if earlier.iter().any(|declaration| declaration.first() == Some(name)) {
        return error(name, "Duplicate user found. A user can only be defined once in config files");
    }
    let mut user = User::new(false);
    let mut reader = Reader { table, open_channels: false, discouraged: Vec::new() };
    match gather(rules.iter().map(Vec::as_slice)) {
        Err(word) => error(word, "Unmatched parenthesis in selector definition"),
        Ok(rules) => rules.iter().try_for_each(|rule| match reader.apply(&mut user, rule) {
            Ok(()) | Err(RuleError::Unknown) => Ok(()),
            Err(why) => error(rule, why.text()),
        }),
    }
}

impl Acl {
    /// Makes the users that a configuration declares. A declared default user starts from nothing, as every other.
    ///
    /// # Errors
    /// The rule at fault. Lines for the log are appended to `log` in any case.
    pub(super) fn declare(
        &mut self,
        table: &Table,
        open_channels: bool,
        declarations: &[Declaration],
        log: &mut Vec<String>,
    ) -> Result<(), String> {
        for declaration in declarations {
            let [name, rules @ ..] = declaration.as_slice() else { continue };
            if has_blanks(name) {
                return Err("Spaces not allowed in ACL usernames".to_owned());
            }
            let shown = String::from_utf8_lossy(name).into_owned();
            let rules = rules.iter().map(Vec::as_slice);
            let prepared =
                changed(table, open_channels, User::new(open_channels), rules).map_err(|error| match error {
                    SetUserError::Rule(rule, why) => {
                        let (rule, why) = (String::from_utf8_lossy(&rule).into_owned(), why.text());
                        format!("Error loading ACL rule '{rule}' for the user named '{shown}': {why}")
                    }
                    error => String::from_utf8_lossy(&error.text()).into_owned(),
                })?;
            log.extend(prepared.warnings);
            if !prepared.user.is_enabled() {
                log.push(format!(
                    "The user '{shown}' is disabled (there is no 'on' modifier in the user description). Make sure this is not \
                     a configuration error."
                ));
            }
            self.insert(name, prepared.user);
        }
        Ok(())
    }
}
