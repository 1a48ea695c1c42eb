//! `COMMAND` and its subcommands: the table as clients see it. Everything here is read from the entries; nothing about a
//! command is known here that isn't there.

use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::glob;
use crate::table::{self, Arguments, Categories, Command, Flags, KeyRef, Unresolved};

/// `COMMAND`: every command.
pub(crate) fn command(call: &mut Call<'_>) -> Outcome {
    let commands = call.state.table.commands();
    let mut reply = call.session.reply();
    reply.array(commands.clone().count());
    for found in commands {
        table::information(found.command, &mut reply);
    }
    Ok(())
}

/// `COMMAND COUNT`: how many there are, subcommands apart.
pub(crate) fn count(call: &mut Call<'_>) -> Outcome {
    let count = call.state.table.commands().count();
    call.session.reply().integer(count as i64);
    Ok(())
}

/// `COMMAND INFO [name ...]`: a null for each name that there isn't.
pub(crate) fn info(call: &mut Call<'_>) -> Outcome {
    if call.args.len() == 2 {
        return command(call);
    }
    let mut reply = call.session.reply();
    reply.array(call.args.len() - 2);
    for name in call.args.iter().skip(2) {
        match call.state.table.find_full(name) {
            Some(found) => table::information(found.command, &mut reply),
            None => reply.null(),
        }
    }
    Ok(())
}

/// `COMMAND DOCS [name ...]`: names that there aren't are left out.
pub(crate) fn docs(call: &mut Call<'_>) -> Outcome {
    let table = &call.state.table;
    let found: Vec<&Command> = match call.args.len() {
        2 => table.commands().map(|found| found.command).collect(),
        _ => call.args.iter().skip(2).filter_map(|name| table.find_full(name)).map(|found| found.command).collect(),
    };
    let mut reply = call.session.reply();
    reply.map(found.len());
    for command in found {
        table::documentation(command, &mut reply);
    }
    Ok(())
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]`: names, subcommands' included.
pub(crate) fn list(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let filter = match args.len() {
        2 => Filter::All,
        5 if args.is(2, "FILTERBY") && args.is(3, "MODULE") => Filter::Nothing,
        5 if args.is(2, "FILTERBY") && args.is(3, "ACLCAT") => {
            Categories::named(args.at(4)).map_or(Filter::Nothing, Filter::Category)
        }
        5 if args.is(2, "FILTERBY") && args.is(3, "PATTERN") => Filter::Pattern(args.at(4).to_ascii_lowercase()),
        _ => return Err(SYNTAX),
    };
    let with_subcommands = |found: table::Found| std::iter::once(found.command).chain(found.command.subcommands);
    let names: Vec<&str> = call
        .state
        .table
        .commands()
        .flat_map(with_subcommands)
        .filter(|command| filter.admits(command))
        .map(|command| command.name)
        .collect();
    let mut reply = call.session.reply();
    reply.array(names.len());
    for name in names {
        reply.bulk(name.as_bytes());
    }
    Ok(())
}

/// What `COMMAND LIST` is asked for.
enum Filter {
    All,
    /// Of modules, of which there are none, or of a category that isn't.
    Nothing,
    Category(Categories),
    /// In lower case, as names are.
    Pattern(Vec<u8>),
}

impl Filter {
    fn admits(&self, command: &Command) -> bool {
        match self {
            Filter::All => true,
            Filter::Nothing => false,
            Filter::Category(category) => command.all_categories().contains(*category),
            Filter::Pattern(pattern) => glob::matches(pattern, command.name.as_bytes()),
        }
    }
}

/// `COMMAND GETKEYS command [arg ...]`.
pub(crate) fn getkeys(call: &mut Call<'_>) -> Outcome {
    let keys = keys_of_arguments(call)?;
    let mut reply = call.session.reply();
    reply.array(keys.len());
    for key in keys {
        reply.bulk(call.args.at(NESTED + key.index as usize));
    }
    Ok(())
}

/// `COMMAND GETKEYSANDFLAGS command [arg ...]`.
pub(crate) fn getkeysandflags(call: &mut Call<'_>) -> Outcome {
    let keys = keys_of_arguments(call)?;
    let mut reply = call.session.reply();
    reply.array(keys.len());
    for key in keys {
        reply.array(2);
        reply.bulk(call.args.at(NESTED + key.index as usize));
        reply.set(key.flags.names().count());
        for name in key.flags.names() {
            reply.simple(name);
        }
    }
    Ok(())
}

/// Where the command that GETKEYS asks about begins among the arguments.
const NESTED: usize = 2;

fn keys_of_arguments(call: &Call<'_>) -> Result<Vec<KeyRef>, ErrorReply> {
    let (args, argc) = (call.args, call.args.len() - NESTED);
    let argument = |i: usize| args.at(NESTED + i);
    let named = call.state.table.named(argc, argument);
    let command = named.map_err(|_: Unresolved| ErrorReply::new("ERR Invalid command specified"))?.command;
    if !command.has_keys() {
        return Err(ErrorReply::new("ERR The command has no key arguments"));
    }
    if !command.takes(argc) {
        return Err(ErrorReply::new("ERR Invalid number of arguments specified for command"));
    }
    let mut keys = Vec::new();
    let found = table::keys(command, Arguments::new(argc, &argument), &mut keys);
    if (found.is_err() || keys.is_empty()) && !command.flags.contains(Flags::NO_MANDATORY_KEYS) {
        return Err(ErrorReply::new("ERR Invalid arguments specified for command"));
    }
    Ok(keys)
}

/// `COMMAND HELP`.
pub(crate) fn help(call: &mut Call<'_>) -> Outcome {
    table::help(call.command, &mut call.session.reply());
    Ok(())
}
