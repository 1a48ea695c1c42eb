//! What the start of the server says besides parameters: the directives that only a configuration file (or the command line)
//! can have, and one directive after the other.

use super::{Config, When, closest, find, split_args};
use crate::acl::check_declaration;
use crate::table::{RenameError, Table};

/// What only the start can say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Start {
    /// The configuration file's absolute path; `None` when the server runs without one.
    pub file: Option<String>,
    /// `rename-command`: old and new names, in order. An empty new name takes the command away.
    pub renames: Vec<(Vec<u8>, Vec<u8>)>,
    /// `user`: name and rules of each line, in order, as they were written.
    pub users: Vec<Vec<Vec<u8>>>,
}

/// Parameters that existed once; a line of theirs is passed over.
const FORMER: [&str; 3] = ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// What is said of a line that is none.
const BAD: &str = "Bad directive or wrong number of arguments";

impl Config {
    /// Applies one directive of a configuration file or of the command line. `name` is in lower case.
    ///
    /// # Errors
    /// Redis's reason, as it is printed below the offending line.
    pub fn set_at_start(&mut self, name: &str, values: &[&[u8]]) -> Result<(), String> {
        let Some((_, parameter)) = find(name.as_bytes()) else { return self.directive(name, values) };
        if !parameter.several_values && values.len() != 1 {
            return Err("wrong number of arguments".to_owned());
        }
        match values {
            // One value of a parameter that takes several may hold them all.
            [one] if parameter.several_values && !one.is_empty() => {
                let words = split_args(one).unwrap_or_default();
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                parameter.set(self, &words, When::Starting)?;
            }
            values => parameter.set(self, values, When::Starting)?,
        }
        self.clamp();
        Ok(())
    }

    /// What is no parameter.
    fn directive(&mut self, name: &str, values: &[&[u8]]) -> Result<(), String> {
        match (name, values) {
            (former, [_]) if FORMER.contains(&former) => Ok(()),
            ("rename-command", [old, new]) => self.rename_command(old, new),
            ("user", [_, ..]) => {
                let words: Vec<Vec<u8>> = values.iter().map(|word| word.to_vec()).collect();
                check_declaration(&Table::new(), &self.start.users, &words)?;
                self.start.users.push(words);
                Ok(())
            }
            ("loadmodule", [_, ..]) => Err("modules cannot be loaded: this server has no module interface".to_owned()),
            // Alone it is a mode of the whole server, which whoever reads the command line knows.
            ("sentinel", []) => Ok(()),
            ("sentinel", _) => Err("sentinel directive while not in sentinel mode".to_owned()),
            (of_module, []) if of_module.contains('.') => Err("Module config specified without value".to_owned()),
            (of_module, _) if of_module.contains('.') => {
                Err("Module Configuration detected without loadmodule directive or no ApplyConfig call: aborting"
                    .to_owned())
            }
            _ => Err(closest(name).map_or(BAD.to_owned(), |near| format!("{BAD}. Did you mean '{near}'?"))),
        }
    }

    fn rename_command(&mut self, old: &[u8], new: &[u8]) -> Result<(), String> {
        self.start.renames.push((old.to_vec(), new.to_vec()));
        self.start.table().map(drop).map_err(|error| match error {
            RenameError::Unknown(_) => "No such command in rename-command".to_owned(),
            RenameError::Taken(_) => "Target command name already exists".to_owned(),
            RenameError::TooLong(_) => "Target command name is too long".to_owned(),
        })
    }

    /// What is wrong with the configuration as a whole, once every directive has been applied.
    ///
    /// # Errors
    /// Redis's reason.
    pub fn check_whole(&self) -> Result<(), String> {
        if self.cluster.enabled && self.replication.replicaof.0.is_some() {
            return Err("replicaof directive not allowed in cluster mode".to_owned());
        }
        if !self.acl.file.is_empty() && !self.start.users.is_empty() {
            return Err(
                "Users are defined by 'aclfile' and by 'user' directives at once, which would leave open whose rules \
                        hold. Keep them in one of the two."
                    .to_owned(),
            );
        }
        Ok(())
    }
}

impl Start {
    /// The table of commands with the renamings done.
    ///
    /// # Errors
    /// A renaming that can't be done; none once each was taken by [`Config::set_at_start`].
    pub fn table(&self) -> Result<Table, RenameError> {
        Table::renamed(self.renames.iter().map(|(old, new)| (old.as_slice(), new.as_slice())))
    }
}
