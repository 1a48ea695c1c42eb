//! An entry as `COMMAND INFO` and `COMMAND DOCS` show it, field by field in the order in which Redis 7.2 sends them.

use refrain_resp::Encoder;

use super::{Argument, BeginSearch, Command, FindKeys, KeySpec, Kind, LegacyRange};

/// Writes what `COMMAND` and `COMMAND INFO` tell of a command: an array of ten.
pub fn information(command: &Command, reply: &mut Encoder<'_>) {
    let (range, _) = LegacyRange::covering(command.keys);
    reply.array(10);
    bulk(reply, command.name);
    reply.integer(command.arity.into());
    statuses(reply, "", command.shown_flags().names());
    reply.integer(range.first.into());
    reply.integer(range.last.into());
    reply.integer(range.step.into());
    statuses(reply, "@", command.all_categories().names());
    reply.set(command.tips.len());
    for tip in command.tips {
        bulk(reply, tip);
    }
    reply.set(command.keys.len());
    for spec in command.keys {
        key_spec(spec, reply);
    }
    if command.subcommands.is_empty() {
        reply.set(0);
    } else {
        reply.array(command.subcommands.len());
        for subcommand in command.subcommands {
            information(subcommand, reply);
        }
    }
}

/// Writes what `COMMAND DOCS` tells of a command: its name, and a map.
pub fn documentation(command: &Command, reply: &mut Encoder<'_>) {
    let doc_flags = usize::from(command.deprecated.is_some()) + usize::from(command.internal);
    let sections = [
        !command.summary.is_empty(),
        !command.since.is_empty(),
        true,
        !command.complexity.is_empty(),
        doc_flags > 0,
        command.deprecated.is_some(),
        command.deprecated.is_some(),
        !command.history.is_empty(),
        !command.arguments.is_empty(),
        !command.subcommands.is_empty(),
    ];
    bulk(reply, command.name);
    reply.map(count(&sections));
    text(reply, "summary", command.summary);
    text(reply, "since", command.since);
    text(reply, "group", command.group.name());
    text(reply, "complexity", command.complexity);
    if doc_flags > 0 {
        bulk(reply, "doc_flags");
        let deprecated = command.deprecated.map(|_| "deprecated");
        let internal = command.internal.then_some("syscmd");
        statuses(reply, "", deprecated.into_iter().chain(internal));
    }
    if let Some(deprecated) = command.deprecated {
        text(reply, "deprecated_since", deprecated.since);
        text(reply, "replaced_by", deprecated.replaced_by);
    }
    if !command.history.is_empty() {
        bulk(reply, "history");
        reply.set(command.history.len());
        for (version, change) in command.history {
            reply.array(2);
            bulk(reply, version);
            bulk(reply, change);
        }
    }
    if !command.arguments.is_empty() {
        bulk(reply, "arguments");
        arguments(command.arguments, reply);
    }
    if !command.subcommands.is_empty() {
        bulk(reply, "subcommands");
        reply.map(command.subcommands.len());
        for subcommand in command.subcommands {
            documentation(subcommand, reply);
        }
    }
}

fn arguments(arguments: &[Argument], reply: &mut Encoder<'_>) {
    reply.array(arguments.len());
    for argument in arguments {
        let nests = matches!(argument.kind, Kind::OneOf | Kind::Block);
        let display = match (nests, argument.display) {
            (true, _) => "",
            (false, "") => argument.name,
            (false, display) => display,
        };
        let fields = [
            true,
            true,
            !display.is_empty(),
            argument.key_spec.is_some(),
            !argument.token.is_empty(),
            !argument.since.is_empty(),
            !argument.deprecated_since.is_empty(),
            !argument.flags.is_empty(),
            nests,
        ];
        reply.map(count(&fields));
        text(reply, "name", argument.name);
        text(reply, "type", argument.kind.name());
        text(reply, "display_text", display);
        if let Some(spec) = argument.key_spec {
            bulk(reply, "key_spec_index");
            reply.integer(spec.into());
        }
        text(reply, "token", argument.token);
        text(reply, "since", argument.since);
        text(reply, "deprecated_since", argument.deprecated_since);
        if !argument.flags.is_empty() {
            bulk(reply, "flags");
            statuses(reply, "", argument.flags.names());
        }
        if nests {
            bulk(reply, "arguments");
            self::arguments(argument.arguments, reply);
        }
    }
}

fn key_spec(spec: &KeySpec, reply: &mut Encoder<'_>) {
    reply.map(count(&[!spec.notes.is_empty(), true, true, true]));
    text(reply, "notes", spec.notes);
    bulk(reply, "flags");
    statuses(reply, "", spec.flags.names());
    match spec.begin {
        BeginSearch::Index(index) => {
            step(reply, "begin_search", "index", 1);
            number(reply, "index", index);
        }
        BeginSearch::Keyword { keyword, start_from } => {
            step(reply, "begin_search", "keyword", 2);
            text(reply, "keyword", keyword);
            number(reply, "startfrom", start_from);
        }
        BeginSearch::Unknown => step(reply, "begin_search", "unknown", 0),
    }
    match spec.find {
        FindKeys::Range { last, step: distance, limit } => {
            step(reply, "find_keys", "range", 3);
            number(reply, "lastkey", last);
            number(reply, "keystep", distance);
            number(reply, "limit", limit);
        }
        FindKeys::KeyNum { number: at, first, step: distance } => {
            step(reply, "find_keys", "keynum", 3);
            number(reply, "keynumidx", at);
            number(reply, "firstkey", first);
            number(reply, "keystep", distance);
        }
        FindKeys::Unknown => step(reply, "find_keys", "unknown", 0),
    }
}

/// The head of one of the two steps of a key spec; `fields` pairs follow.
fn step(reply: &mut Encoder<'_>, name: &str, kind: &str, fields: usize) {
    bulk(reply, name);
    reply.map(2);
    text(reply, "type", kind);
    bulk(reply, "spec");
    reply.map(fields);
}

/// A field of text; nothing when it is empty.
fn text(reply: &mut Encoder<'_>, name: &str, value: &str) {
    if !value.is_empty() {
        bulk(reply, name);
        bulk(reply, value);
    }
}

fn number(reply: &mut Encoder<'_>, name: &str, value: impl Into<i64>) {
    bulk(reply, name);
    reply.integer(value.into());
}

fn bulk(reply: &mut Encoder<'_>, value: &str) {
    reply.bulk(value.as_bytes());
}

/// A set of statuses, each with `prefix` before it.
fn statuses(reply: &mut Encoder<'_>, prefix: &str, names: impl Iterator<Item = &'static str> + Clone) {
    reply.set(names.clone().count());
    for name in names {
        reply.simple(&format!("{prefix}{name}"));
    }
}

fn count(present: &[bool]) -> usize {
    present.iter().filter(|&&is| is).count()
}
