//! Argument trees as people read them: `key [NX | XX] [EX seconds]`, in the notation of Redis's manual. `HELP` of every
//! container is made of these lines and the entries' summaries, so that there is no second text to keep true.

use refrain_resp::Encoder;

use super::{Argument, ArgumentFlags, COMMANDS, Command, Kind};

/// What follows a command's name in a syntax line.
pub fn syntax(arguments: &[Argument]) -> String {
    join(arguments, " ")
}

fn join(arguments: &[Argument], between: &str) -> String {
    arguments.iter().map(argument).collect::<Vec<_>>().join(between)
}

fn argument(argument: &Argument) -> String {
    let optional = argument.flags.contains(ArgumentFlags::OPTIONAL);
    let value = match argument.kind {
        Kind::PureToken => String::new(),
        Kind::Block => join(argument.arguments, " "),
        Kind::OneOf if optional && argument.token.is_empty() => join(argument.arguments, " | "),
        Kind::OneOf => format!("<{}>", join(argument.arguments, " | ")),
        _ if argument.display.is_empty() => argument.name.to_owned(),
        _ => argument.display.to_owned(),
    };
    let with_token = [argument.token, &value].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let repeated = if argument.flags.contains(ArgumentFlags::MULTIPLE_TOKEN) {
        format!("{with_token} [{with_token} ...]")
    } else if argument.flags.contains(ArgumentFlags::MULTIPLE) {
        format!("{with_token} [{value} ...]")
    } else {
        with_token
    };
    if optional { format!("[{repeated}]") } else { repeated }
}

/// Writes the reply of the `HELP` of a container, which may be given by any of its subcommands: an array of lines, two
/// for each subcommand.
pub fn help(command: &Command, reply: &mut Encoder<'_>) {
    let container = container(command);
    let alone =
        if container.takes(1) { vec!["(no subcommand)".to_owned(), indented(container.summary)] } else { vec![] };
    let (help, others): (Vec<&Command>, Vec<&Command>) =
        container.subcommands.iter().partition(|sub| sub.own_name() == "help");
    reply.array(1 + alone.len() + 2 * container.subcommands.len());
    let name = container.name.to_ascii_uppercase();
    reply.simple(&format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in &alone {
        reply.simple(line);
    }
    for subcommand in others.into_iter().chain(help) {
        let call = format!("{} {}", subcommand.own_name().to_ascii_uppercase(), syntax(subcommand.arguments));
        reply.simple(call.trim_end());
        reply.simple(&indented(subcommand.summary));
    }
}

fn container(command: &Command) -> &Command {
    let (name, _) = command.name.split_once('|').unwrap_or((command.name, ""));
    let all = COMMANDS.iter().copied().flatten();
    all.into_iter().find(|candidate| candidate.name == name).unwrap_or(command)
}

fn indented(line: &str) -> String {
    format!("    {line}")
}
