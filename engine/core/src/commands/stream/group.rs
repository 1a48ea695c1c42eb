//! XGROUP: groups and consumers made, moved and removed.

use refrain_data::stream::{Group, Log, StreamBody, StreamId};

use super::producers::limits_of;
use super::sender::configured;
use super::{consumer_was_added, edit, id, no_group_of, now_ms};
use crate::call::{Call, Key, Outcome};
use crate::error::ErrorReply;
use crate::notify::NotifyClass;
use crate::table::help;

const BUSY: ErrorReply = ErrorReply::new("BUSYGROUP Consumer Group name already exists");
const NO_KEY: ErrorReply = ErrorReply::new(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to \
     create an empty stream automatically.",
);
const ENTRIES_READ: ErrorReply = ErrorReply::new("ERR value for ENTRIESREAD must be positive or -1");

/// Options of CREATE and SETID.
#[derive(Default)]
struct Options {
    make_stream: bool,
    entries_read: Option<u64>,
}

impl Options {
    fn parse(call: &Call<'_>, may_make: bool) -> Result<Options, ErrorReply> {
        let mut options = Options::default();
        let mut i = 5;
        while i < call.args.len() {
            if may_make && call.args.is(i, "MKSTREAM") {
                options.make_stream = true;
                i += 1;
            } else if call.args.is(i, "ENTRIESREAD") && i + 1 < call.args.len() {
                options.entries_read = match call.integer(i + 1)? {
                    -1 => None,
                    count => Some(u64::try_from(count).map_err(|_| ENTRIES_READ)?),
                };
                i += 2;
            } else {
                return Err(unknown(call));
            }
        }
        Ok(options)
    }

    /// Nobody has read more than was ever added.
    fn entries_read_of(&self, log: &Log) -> Option<u64> {
        self.entries_read.map(|read| read.min(log.entries_added()))
    }
}

fn unknown(call: &Call<'_>) -> ErrorReply {
    ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1))
}

/// The last id of the stream at `key`, which must be there unless it is to be made.
fn last_id(call: &mut Call<'_>, key: &Key<'_>, make: bool) -> Result<StreamId, ErrorReply> {
    match call.state.view::<StreamBody>(key)? {
        Some(stream) => Ok(stream.log.last_id()),
        None if make => Ok(StreamId::MIN),
        None => Err(NO_KEY),
    }
}

/// Checks that the stream and the group are there.
fn expect(call: &mut Call<'_>, key: &Key<'_>, name: &[u8]) -> Result<(), ErrorReply> {
    match call.state.view::<StreamBody>(key)? {
        None => Err(NO_KEY),
        Some(stream) if stream.group(name).is_none() => Err(no_group_of(key.name, name)),
        Some(_) => Ok(()),
    }
}

/// Changes a group that was seen to be there.
fn edit_group<R>(
    call: &mut Call<'_>,
    key: &Key<'_>,
    name: &[u8],
    change: impl FnOnce(&mut Group) -> R,
) -> Result<R, ErrorReply> {
    let changed = edit(call, key, |stream| stream.edit_group(name, |group, _| change(group)))?;
    changed.flatten().ok_or_else(|| no_group_of(key.name, name))
}

/// XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]
pub fn xgroup_create(call: &mut Call<'_>) -> Outcome {
    const ARGS_MAX: usize = 8;
    let options = Options::parse(call, true)?;
    let key = call.key(2);
    let last_id = last_id(call, &key, options.make_stream)?;
    if call.args.len() > ARGS_MAX {
        return Err(unknown(call));
    }
    let id = match call.args.at(4) {
        b"$" => last_id,
        text => id::strict(text)?,
    };
    let name = call.args.at(3);
    let is_new = call.state.peek(&key).is_none();
    let usual = configured(&call.state.config);
    let made = call.state.edit_or_create::<StreamBody, _>(&key, |stream| {
        limits_of(stream, usual);
        let entries_read = options.entries_read_of(&stream.log);
        stream.add_group(name, id, entries_read)
    })?;
    if !made.result {
        return Err(BUSY);
    }
    call.state.notify(NotifyClass::STREAM, "xgroup-create", &key);
    match is_new {
        true => call.state.modified(&key),
        false => call.state.modified_aside(),
    }
    call.reply().ok();
    Ok(())
}

/// XGROUP SETID key group id | $ [ENTRIESREAD entries-read]
pub fn xgroup_setid(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call, false)?;
    let key = call.key(2);
    let name = call.args.at(3);
    expect(call, &key, name)?;
    if !matches!(call.args.len(), 5 | 7) {
        return Err(unknown(call));
    }
    let id = match call.args.at(4) {
        b"$" => last_id(call, &key, false)?,
        text => id::any(text, 0)?,
    };
    let moved = edit(call, &key, |stream| {
        stream.edit_group(name, |group, log| group.set_position(id, options.entries_read_of(log)))
    })?;
    moved.flatten().ok_or_else(|| no_group_of(key.name, name))?;
    call.state.notify(NotifyClass::STREAM, "xgroup-setid", &key);
    call.state.modified_aside();
    call.reply().ok();
    Ok(())
}

/// XGROUP DESTROY key group
pub fn xgroup_destroy(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let name = call.args.at(3);
    let removed = edit(call, &key, |stream| stream.remove_group(name))?.ok_or(NO_KEY)?;
    if removed {
        call.state.notify(NotifyClass::STREAM, "xgroup-destroy", &key);
        call.state.modified_aside();
        // Whoever waits for entries as a member of it waits in vain.
        call.state.look_again(&key);
    }
    call.reply().integer(i64::from(removed));
    Ok(())
}

/// XGROUP CREATECONSUMER key group consumer
pub fn xgroup_createconsumer(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let names = [call.args.at(3), call.args.at(4)];
    expect(call, &key, names[0])?;
    let now_ms = now_ms(call);
    let made = edit_group(call, &key, names[0], |group| group.add_consumer(names[1], now_ms).is_some())?;
    if made {
        consumer_was_added(call, &key, names);
    }
    call.reply().integer(i64::from(made));
    Ok(())
}

/// XGROUP DELCONSUMER key group consumer
pub fn xgroup_delconsumer(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let name = call.args.at(3);
    expect(call, &key, name)?;
    let consumer = call.args.at(4);
    let pending = edit_group(call, &key, name, |group| group.remove_consumer(consumer))?;
    if let Some(pending) = pending {
        call.state.notify(NotifyClass::STREAM, "xgroup-delconsumer", &key);
        call.state.modified_aside();
        call.work(pending as u64 / 4);
    }
    call.reply().integer(pending.unwrap_or(0) as i64);
    Ok(())
}

/// XGROUP HELP
pub fn xgroup_help(call: &mut Call<'_>) -> Outcome {
    let command = call.command;
    help(command, &mut call.reply());
    Ok(())
}
