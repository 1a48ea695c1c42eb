//! Handlers, one file per family. Each reads its arguments, acts on the state through its few doors, and replies.

pub mod client;
pub mod command;
pub mod config;
pub mod connection;
pub mod expire;
pub mod info;
pub mod keyspace;
pub mod shutdown;
pub mod string;
pub mod time_option;
pub mod transaction;

use crate::call::{Call, Outcome};

/// Replies with the help of a container: its lines, and the one that all have in common.
pub(crate) fn reply_help(call: &mut Call<'_>, container: &str, lines: &[&str]) -> Outcome {
    let mut reply = call.reply();
    reply.array(lines.len() + 3);
    reply.simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines {
        reply.simple(line);
    }
    reply.simple("HELP");
    reply.simple("    Print this help.");
    Ok(())
}
