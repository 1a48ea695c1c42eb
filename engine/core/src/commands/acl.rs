//! ACL: users, and what they may do.

use refrain_resp::parse_i64;

use crate::acl::{Denied, Entry, UserId, is_valid_name, unreadable};
use crate::call::{Call, Outcome};
use crate::effects::Level;
use crate::error::{ErrorReply, NOT_AN_INTEGER, system_text};
use crate::table::{Arguments, Categories};

/// ACL WHOAMI
pub fn whoami(call: &mut Call<'_>) -> Outcome {
    let name: Box<[u8]> = call.state.acl.name(call.session.user).into();
    call.reply().bulk(&name);
    Ok(())
}

/// ACL USERS
pub fn users(call: &mut Call<'_>) -> Outcome {
    let users = call.state.acl.users();
    let mut reply = call.session.reply();
    reply.array(users.len());
    for (name, _) in users {
        reply.bulk(name);
    }
    Ok(())
}

/// ACL LIST
pub fn list(call: &mut Call<'_>) -> Outcome {
    let lines = call.state.acl.lines();
    let mut reply = call.session.reply();
    reply.array(lines.len());
    for line in lines {
        reply.bulk(&line);
    }
    Ok(())
}

/// ACL GETUSER username
pub fn getuser(call: &mut Call<'_>) -> Outcome {
    let acl = &call.state.acl;
    let mut reply = call.session.reply();
    match acl.find(call.args.at(2)) {
        None => reply.null(),
        Some(id) => acl.user(id).write(&mut reply),
    }
    Ok(())
}

/// ACL SETUSER username [rule [rule ...]]: all rules or none.
pub fn setuser(call: &mut Call<'_>) -> Outcome {
    let name = call.args.at(2);
    if !is_valid_name(name) {
        return Err(ErrorReply::new("ERR Usernames can't contain spaces or null characters"));
    }
    let rules = call.args.iter().skip(3);
    call.state
        .set_user(call.session, name, rules)
        .map_err(|error| ErrorReply::owned([b"ERR ".as_slice(), &error.text()].concat()))?;
    call.reply().ok();
    Ok(())
}

/// ACL DELUSER username [username ...]
pub fn deluser(call: &mut Call<'_>) -> Outcome {
    let mut names = call.args.iter().skip(2);
    if names.clone().any(|name| call.state.acl.find(name) == Some(UserId::DEFAULT)) {
        return Err(ErrorReply::new("ERR The 'default' user cannot be removed"));
    }
    let deleted = names.by_ref().filter(|name| call.state.delete_user(call.session, name)).count();
    call.reply().integer(deleted as i64);
    Ok(())
}

/// ACL CAT [category]
pub fn cat(call: &mut Call<'_>) -> Outcome {
    let mut reply = call.session.reply();
    match call.args.len() {
        2 => {
            reply.array(Categories::NAMES.len());
            for (_, name) in Categories::NAMES {
                reply.bulk(name.as_bytes());
            }
        }
        3 => {
            let category = Categories::named(call.args.at(2))
                .ok_or_else(|| ErrorReply::quoting("ERR Unknown category '", call.args.at(2), "'"))?;
            let commands = call.state.table.all().map(|found| found.command);
            let of_category = commands.filter(|command| command.all_categories().contains(category));
            reply.array(of_category.clone().count());
            for command in of_category {
                reply.bulk(command.name.as_bytes());
            }
        }
        _ => return Err(wrong_subcommand(call)),
    }
    Ok(())
}

/// ACL GENPASS [bits]
pub fn genpass(call: &mut Call<'_>) -> Outcome {
    const BITS: i64 = 256;
    const BITS_MAX: i64 = 4096;
    let bits = match call.args.len() {
        2 => BITS,
        3 => call.integer(2)?,
        _ => return Err(wrong_subcommand(call)),
    };
    if !(1..=BITS_MAX).contains(&bits) {
        return Err(ErrorReply::new(
            "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
        ));
    }
    let digits = usize::try_from(bits).expect("it is positive").div_ceil(4);
    let mut password = String::with_capacity(digits + 15);
    while password.len() < digits {
        password.push_str(&format!("{:016x}", call.hooks.entropy()));
    }
    call.reply().bulk(&password.as_bytes()[..digits]);
    Ok(())
}

/// ACL DRYRUN username command [arg ...]
pub fn dryrun(call: &mut Call<'_>) -> Outcome {
    const NESTED: usize = 3;
    let args = call.args;
    let (argc, argument) = (args.len() - NESTED, |i: usize| args.at(NESTED + i));
    let name = args.at(2);
    let error = |before: &str, name: &[u8], after: &str| {
        ErrorReply::owned([before.as_bytes(), name, after.as_bytes()].concat())
    };
    let id = call.state.acl.find(name).ok_or_else(|| error("ERR User '", name, "' not found"))?;
    let found = call.state.table.named(argc, argument);
    let found = found.map_err(|_| error("ERR Command '", argument(0), "' not found"))?;
    if !found.command.takes(argc) {
        return Err(ErrorReply::arity(found.command.name));
    }
    let checked = call.state.acl.user(id).check(found, Arguments::new(argc, &argument), &mut Vec::new());
    let (what, object) = match checked {
        Ok(()) => {
            call.reply().ok();
            return Ok(());
        }
        Err(Denied::Command) => ("command", found.command.name.as_bytes()),
        Err(Denied::Key(i)) => ("key", argument(i)),
        Err(Denied::Channel(i)) => ("channel", argument(i)),
    };
    let verb = if what == "command" { "run" } else { "access" };
    let text = [b"User ", name, b" has no permissions to ", verb.as_bytes(), b" the '", object, b"' ", what.as_bytes()]
        .concat();
    call.reply().bulk(&text);
    Ok(())
}

/// ACL LOG [count | RESET]
pub fn log(call: &mut Call<'_>) -> Outcome {
    const COUNT: i64 = 10;
    let count = match call.args.len() {
        2 => COUNT,
        3 if call.args.is(2, "RESET") => {
            call.state.acl.log.clear();
            call.reply().ok();
            return Ok(());
        }
        3 => parse_i64(call.args.at(2)).ok_or(NOT_AN_INTEGER)?.max(0),
        _ => return Err(wrong_subcommand(call)),
    };
    let now_ms = call.state.now.unix_ms();
    let entries = call.state.acl.log.entries();
    let shown = usize::try_from(count).unwrap_or(usize::MAX).min(entries.len());
    let mut reply = call.session.reply();
    reply.array(shown);
    for entry in entries.take(shown) {
        let Entry { count, reason, context, object, username, client, id, created_ms, updated_ms } = entry;
        reply.map(10);
        reply.bulk(b"count");
        reply.integer(*count as i64);
        reply.bulk(b"reason");
        reply.bulk(reason.name().as_bytes());
        reply.bulk(b"context");
        reply.bulk(context.name().as_bytes());
        reply.bulk(b"object");
        reply.bulk(object);
        reply.bulk(b"username");
        reply.bulk(username);
        reply.bulk(b"age-seconds");
        reply.double(now_ms.saturating_sub(*updated_ms) as f64 / 1000.0);
        reply.bulk(b"client-info");
        reply.bulk(client.as_bytes());
        reply.bulk(b"entry-id");
        reply.integer(*id as i64);
        reply.bulk(b"timestamp-created");
        reply.integer(*created_ms as i64);
        reply.bulk(b"timestamp-last-updated");
        reply.integer(*updated_ms as i64);
    }
    Ok(())
}

/// What LOAD and SAVE answer when there is no file.
const NO_FILE: ErrorReply = ErrorReply::new(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command \
     and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis \
     configuration.",
);

/// ACL LOAD
pub fn load(call: &mut Call<'_>) -> Outcome {
    let path = call.state.users_file().ok_or(NO_FILE)?.to_owned();
    let contents = call.hooks.read_file(&path);
    let contents = contents.map_err(|error| ErrorReply::owned(format!("ERR {}", unreadable(&path, &error))))?;
    let loaded = call.state.load_users(call.session, &contents);
    loaded.map_err(|errors| ErrorReply::owned(format!("ERR {errors}")))?;
    call.reply().ok();
    Ok(())
}

/// ACL SAVE
pub fn save(call: &mut Call<'_>) -> Outcome {
    let path = call.state.users_file().ok_or(NO_FILE)?.to_owned();
    let mut contents = Vec::new();
    for line in call.state.acl.lines() {
        contents.extend_from_slice(&line);
        contents.push(b'\n');
    }
    if let Err(error) = call.hooks.replace_file(&path, &contents) {
        call.state.effects.log(Level::Warning, format!("Writing ACL file for ACL SAVE: {}", system_text(&error)));
        return Err(ErrorReply::new(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
        ));
    }
    call.reply().ok();
    Ok(())
}

/// ACL HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}

/// For a subcommand that takes one argument at the most, as Redis words it.
fn wrong_subcommand(call: &Call<'_>) -> ErrorReply {
    ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1))
}
