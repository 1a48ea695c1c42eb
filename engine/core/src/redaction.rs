//! Which arguments of a command nobody may read afterwards: passwords, and rules that hold some.
//!
//! Whatever keeps or shows a command that a client has sent (the slow log, MONITOR, a crash report) asks here first, and
//! shows [`REDACTED`] instead.

use crate::call::Args;
use crate::config::find;
use crate::table::Command;

/// What stands for a hidden argument.
pub const REDACTED: &[u8] = b"(redacted)";

/// Whether argument `i` is to be hidden.
pub fn hides(command: &Command, args: Args<'_>, i: usize) -> bool {
    match command.name {
        "auth" => i >= 1 && args.len() <= 3,
        "acl|setuser" => i >= 2,
        "config|set" => i >= 3 && i % 2 == 1 && find(args.at(i - 1)).is_some_and(|(_, p)| p.is_sensitive),
        "hello" => behind(args, i, 2, "AUTH", 2),
        "migrate" => behind(args, i, 6, "AUTH", 1) || behind(args, i, 6, "AUTH2", 2),
        _ => false,
    }
}

fn names(args: Args<'_>, i: usize, name: &str) -> bool {
    args.get(i).is_some_and(|arg| arg.eq_ignore_ascii_case(name.as_bytes()))
}

/// Whether argument `i` is one of the `count` that follow `option`, which stands at argument `from` or later.
fn behind(args: Args<'_>, i: usize, from: usize, option: &str, count: usize) -> bool {
    (1..=count).any(|distance| i >= from + distance && names(args, i - distance, option))
}

/// Argument `i` as it may be shown.
pub fn shown<'a>(command: &Command, args: Args<'a>, i: usize) -> &'a [u8] {
    if hides(command, args, i) { REDACTED } else { args.at(i) }
}

#[cfg(test)]
mod tests {
    use refrain_resp::Arg;

    use super::*;
    use crate::table::COMMANDS;

    fn shown_of(line: &str) -> String {
        let mut offsets = Vec::new();
        let mut start = 0;
        for word in line.split(' ') {
            offsets.push(Arg { start, len: word.len() as u32 });
            start += word.len() as u32 + 1;
        }
        let args = Args::new(line.as_bytes(), &offsets);
        let name = line.split(' ').next().unwrap().to_ascii_lowercase();
        let full = line.split(' ').nth(1).map(|sub| format!("{name}|{}", sub.to_ascii_lowercase()));
        let all = COMMANDS.iter().copied().flatten();
        let subs = all.clone().flat_map(|command| command.subcommands);
        let command = subs
            .chain(all)
            .find(|command| Some(command.name) == full.as_deref() || command.name == name)
            .copied()
            .unwrap_or(Command { name: "acl|setuser", ..*COMMANDS[0].first().unwrap() });
        let words = (0..args.len()).map(|i| String::from_utf8_lossy(shown(&command, args, i)).into_owned());
        words.collect::<Vec<_>>().join(" ").replace("(redacted)", "*")
    }

    #[test]
    fn secrets_are_hidden_and_nothing_else() {
        for (line, shown) in [
            ("AUTH secret", "AUTH *"),
            ("AUTH user secret", "AUTH * *"),
            ("ACL SETUSER alice on >secret", "ACL SETUSER * * *"),
            ("config set requirepass secret", "config set requirepass *"),
            ("CONFIG SET maxclients 7 MASTERAUTH secret timeout 3", "CONFIG SET maxclients 7 MASTERAUTH * timeout 3"),
            ("CONFIG SET timeout masterauth", "CONFIG SET timeout masterauth"),
            ("CONFIG GET requirepass", "CONFIG GET requirepass"),
            ("HELLO 3 AUTH user secret SETNAME auth", "HELLO 3 AUTH * * SETNAME auth"),
            ("HELLO 3 SETNAME me auth user secret", "HELLO 3 SETNAME me auth * *"),
            ("SET auth secret", "SET auth secret"),
        ] {
            assert_eq!(shown_of(line), shown, "{line}");
        }
    }
}
