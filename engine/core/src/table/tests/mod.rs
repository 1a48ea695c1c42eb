//! The table held to its own rules. Files follow the questions: are entries consistent, are they found, are their keys
//! found, and how do they read.

mod entries;
mod keys;
mod lookup;
mod replies;

use super::{COMMANDS, Command};

/// Every entry, subcommands included.
fn entries() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().copied().flatten().flat_map(|command| std::iter::once(command).chain(command.subcommands))
}

/// The entry of that full name.
fn entry(name: &str) -> &'static Command {
    entries().find(|command| command.name == name).expect("the test names a command that exists")
}
