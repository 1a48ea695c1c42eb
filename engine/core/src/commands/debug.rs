//! DEBUG: what test suites and developers do to a server and operators should not. Refused unless `enable-debug-command`
//! allows it.
//!
//! Only what works here is here: an unknown subcommand is refused as Redis refuses it.

pub mod digest;
mod populate;
mod protocol;

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::time::Duration;

use refrain_data::{LRU_MAX, ListLimits};

use crate::call::{Call, Key, Outcome};
use crate::client_buffers::BufferPolicy;
use crate::config::parse_memory;
use crate::effects::{Crash, Level};
use crate::error::{ErrorReply, LOADING, NO_SUCH_KEY, system_text};
use crate::glob;
use crate::persistence::Ask;
use crate::sha1::hex;

/// Of each subcommand: how it is called, and what it does.
const HELP: &[(&str, &str)] = &[
    ("AOF-FLUSH-SLEEP <microseconds>", "Hold up the server before each write to the append-only file."),
    ("ASSERT", "Crash by an assertion that does not hold."),
    ("CHANGE-REPL-ID", "Take a new replication id."),
    ("CONFIG-REWRITE-FORCE-ALL", "Like CONFIG REWRITE, with every parameter, also those at their defaults."),
    ("DIGEST", "Return a digest of all keys of all databases."),
    ("DIGEST-VALUE <key> [<key> ...]", "Return a digest of each value."),
    ("ERROR <text>", "Reply with an error of this text."),
    ("HTSTATS <dbid> [full]", "Return figures of the dictionary of a database."),
    ("HTSTATS-KEY <key> [full]", "The same of a value that is a dictionary."),
    ("LISTPACK <key>", "Describe a value that is a packed list."),
    ("LOADAOF", "Load the data set from the append-only file, in the place of what is there."),
    ("LOG <message>", "Write a message to the log."),
    ("MALLCTL <name> [<number>]", "Return a number of the allocator's, and set it."),
    ("MALLCTL-STR <name>", "Return a text of the allocator's."),
    ("OBJECT <key>", "Describe how a value is stored."),
    ("PANIC", "Crash by a panic."),
    ("PAUSE-CRON <0|1>", "Stop periodic work."),
    ("POPULATE <count> [<prefix>] [<size>]", "Create keys named <prefix>:<number>, by default key:<number>."),
    ("PROTOCOL <type>", "Reply with a value of a type of the protocol."),
    ("QUICKLIST <key> [<0|1>]", "Describe a value that is a list of packed lists."),
    (
        "QUICKLIST-PACKED-THRESHOLD <size>",
        "From which size on an element of a large list stands alone in its node, up to nearly 4gb. 0: the default, 1gb.",
    ),
    (
        "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
        "Save the data set and load it again. NOSAVE: load what was saved last. NOFLUSH: keep what is there. MERGE: keys that are loaded replace those that are there.",
    ),
    ("REPLYBUFFER PEAK-RESET-TIME <never|reset|milliseconds>", "How long the largest reply is remembered."),
    ("REPLYBUFFER RESIZING <0|1>", "Whether reply buffers are fitted to what they held."),
    ("SEGFAULT", "Crash by an access to memory that is not there."),
    ("SET-ACTIVE-EXPIRE <0|1>", "Whether expired keys are removed before anybody asks for them."),
    ("SET-SKIP-CHECKSUM-VALIDATION <0|1>", "Whether RESTORE takes payloads with a wrong checksum."),
    ("SLEEP <seconds>", "Hold up the server."),
    ("STOP-SNAPSHOT", "Make the snapshot or the rewrite that is under way fail."),
    ("STRINGMATCH-TEST", "Try the matching of patterns on random ones."),
    ("HELP", "Print this help."),
];

/// DEBUG subcommand [argument ...]
pub fn debug(call: &mut Call<'_>) -> Outcome {
    let args = call.args;
    let subcommand = args.at(1).to_ascii_lowercase();
    match (subcommand.as_slice(), args.len()) {
        (b"help", 2) => help(call),
        (b"segfault", _) => call.state.effects.crash(Crash::Segfault),
        (b"panic", _) => call.state.effects.crash(Crash::Panic),
        (b"assert", _) => call.state.effects.crash(Crash::Assert),
        (b"log", 3) => {
            let text = format!("DEBUG LOG: {}", String::from_utf8_lossy(args.at(2)));
            call.state.effects.log(Level::Warning, text);
            call.reply().ok();
        }
        (b"error", 3) => call.reply().error(args.at(2)),
        (b"sleep", 3) => {
            call.hooks.stall(seconds(args.at(2)));
            call.reply().ok();
        }
        (b"set-active-expire", 3) => {
            call.state.active_expire = is_on(args.at(2));
            call.reply().ok();
        }
        (b"change-repl-id", 2) => {
            call.state.effects.log(Level::Notice, "Changing replication IDs after receiving DEBUG change-repl-id");
            call.state.replication_id = crate::engine::new_id(call.hooks);
            call.reply().ok();
        }
        (b"object", 3) => return object(call),
        (b"digest", 2) => {
            let digest = digest::of_all(call.state, call.hooks);
            call.reply().simple(&hex(&digest));
        }
        (b"digest-value", _) => {
            call.reply().array(args.len() - 2);
            for i in 2..args.len() {
                let key = call.key(i);
                let entry = call.state.keyspace.db(key.db).get(key.hash, key.name);
                let digest = entry.map_or([0; 20], |entry| digest::of_value([0; 20], entry));
                call.reply().simple(&hex(&digest));
            }
        }
        (b"protocol", 3) => return protocol::show(call),
        (b"populate", 3..=5) => return populate::populate(call),
        (b"mallctl", 3 | 4) => return allocator(call, false),
        (b"mallctl-str", 3) => return allocator(call, true),
        (b"aof-flush-sleep", 3) => {
            call.state.persistence.flush_sleep_us = u64::try_from(call.integer(2)?).unwrap_or(0);
            call.reply().ok();
        }
        (b"set-skip-checksum-validation", 3) => {
            call.state.skips_checksums = is_on(args.at(2));
            call.reply().ok();
        }
        (b"pause-cron", 3) => {
            call.state.periodic_work_rests = is_on(args.at(2));
            call.reply().ok();
        }
        (b"config-rewrite-force-all", 2) => {
            super::config::rewrite_file(call, true)?;
            call.reply().ok();
        }
        (b"stop-snapshot", 2) => {
            call.state.effects.asks.push(Ask::FailSnapshot);
            call.reply().ok();
        }
        (b"reload", _) => return reload(call),
        (b"loadaof", _) => return stand_still(call, Ask::LoadAof { client: call.session.handle }),
        (b"replybuffer", 4) => return reply_buffer(call),
        (b"htstats", 3..) => return htstats(call),
        (b"htstats-key", 3..) => {
            return not_that(call, "The value stored at the specified key is not represented using an hash table");
        }
        (b"listpack", 3) => return not_that(call, "Not a listpack encoded object."),
        (b"quicklist", 3 | 4) => return not_that(call, "Not a quicklist encoded object."),
        (b"quicklist-packed-threshold", 3) => {
            call.state.list_alone_from = packed_threshold(args.at(2))?;
            call.reply().ok();
        }
        (b"stringmatch-test", 2) => {
            match_random_patterns(call);
            call.reply().simple("Apparently Redis did not crash: test passed");
        }
        _ => return Err(ErrorReply::subcommand_syntax(args.at(0), args.at(1))),
    }
    Ok(())
}

fn help(call: &mut Call<'_>) {
    let mut reply = call.reply();
    reply.array(1 + 2 * HELP.len());
    reply.simple("DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    for (syntax, meaning) in HELP {
        reply.simple(syntax);
        reply.simple(&format!("    {meaning}"));
    }
}

/// A switch, read as C's `atoi` reads it: what is no number is 0.
pub(super) fn is_on(word: &[u8]) -> bool {
    let digits = word.strip_prefix(b"-").or(word.strip_prefix(b"+")).unwrap_or(word);
    digits.iter().take_while(|byte| byte.is_ascii_digit()).any(|byte| *byte != b'0')
}

/// A time in seconds; what is none is no time at all.
fn seconds(word: &[u8]) -> Duration {
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok()).unwrap_or(0.0);
    Duration::try_from_secs_f64(number).unwrap_or_default()
}

/// A size from which on elements of lists stand alone.
fn packed_threshold(word: &[u8]) -> Result<usize, ErrorReply> {
    const THRESHOLD_MAX: usize = (1 << 32) - (1 << 20);
    const NO_THRESHOLD: ErrorReply =
        ErrorReply::new("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
    let size = std::str::from_utf8(word).ok().and_then(parse_memory).and_then(|size| usize::try_from(size).ok());
    match size.ok_or(NO_THRESHOLD)? {
        0 => Ok(ListLimits::ALONE_FROM),
        size if size > THRESHOLD_MAX => Err(NO_THRESHOLD),
        size => Ok(size),
    }
}

/// DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]
fn reload(call: &mut Call<'_>) -> Outcome {
    let (mut save, mut flush, mut merge) = (true, true, false);
    for i in 2..call.args.len() {
        match () {
            () if call.args.is(i, "MERGE") => merge = true,
            () if call.args.is(i, "NOFLUSH") => flush = false,
            () if call.args.is(i, "NOSAVE") => save = false,
            () => {
                return Err(ErrorReply::new("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."));
            }
        }
    }
    stand_still(call, Ask::Reload { client: call.session.handle, save, flush, merge })
}

/// Another data set in the place of this one. Not while one is being loaded already.
fn stand_still(call: &mut Call<'_>, ask: Ask) -> Outcome {
    if call.state.persistence.is_loading() {
        return Err(LOADING);
    }
    call.stand_still(ask)
}

/// DEBUG OBJECT key. The address is always the same: a real one would differ between runs that are otherwise alike.
fn object(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let entry = call.state.keyspace.db(key.db).get(key.hash, key.name).ok_or(NO_SUCH_KEY)?;
    let mut serialized = Vec::new();
    let value_type = refrain_persist::value_type(entry, refrain_persist::Version::NEWEST);
    refrain_persist::write_value(&mut serialized, value_type, entry, &mut refrain_persist::Compressor::new(true));
    let now = (call.state.now.unix_s() & u64::from(LRU_MAX)) as u32;
    let text = format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        entry.encoding().name(),
        serialized.len(),
        entry.lru(),
        now.wrapping_sub(entry.lru()) & LRU_MAX
    );
    call.reply().simple(&text);
    Ok(())
}

/// What is asked of a type that the key does not hold.
fn not_that(call: &mut Call<'_>, why: &str) -> Outcome {
    let key: Key<'_> = call.key(2);
    match call.state.keyspace.db(key.db).get(key.hash, key.name) {
        Some(_) => Err(ErrorReply::owned(format!("ERR {why}"))),
        None => Err(NO_SUCH_KEY),
    }
}

/// DEBUG MALLCTL name [number], DEBUG MALLCTL-STR name
fn allocator(call: &mut Call<'_>, text: bool) -> Outcome {
    let name = String::from_utf8_lossy(call.args.at(2));
    let new = if call.args.len() > 3 { Some(call.integer(3)?) } else { None };
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::Unsupported => ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1)),
        _ => ErrorReply::owned(format!("ERR {}", system_text(&error))),
    };
    if text {
        let text = call.hooks.allocator_text(&name).map_err(failed)?;
        call.reply().bulk(text.as_bytes());
    } else {
        let number = call.hooks.allocator_number(&name, new).map_err(failed)?;
        call.reply().integer(number);
    }
    Ok(())
}

/// DEBUG REPLYBUFFER PEAK-RESET-TIME milliseconds | never | reset, DEBUG REPLYBUFFER RESIZING 0 | 1
fn reply_buffer(call: &mut Call<'_>) -> Outcome {
    let value = call.args.at(3);
    if call.args.is(2, "PEAK-RESET-TIME") {
        let after_us = match value {
            never if never.eq_ignore_ascii_case(b"never") => None,
            reset if reset.eq_ignore_ascii_case(b"reset") => Some(BufferPolicy::REPLY_PEAK_RESET_US),
            // A negative time is as long as never.
            _ => u64::try_from(call.integer(3)?).ok().map(|ms| ms.saturating_mul(1000)),
        };
        call.state.buffer_policy.reply_peak_reset_us = after_us;
    } else if call.args.is(2, "RESIZING") {
        call.state.buffer_policy.reply_resizing = is_on(value);
    } else {
        return Err(ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1)));
    }
    call.reply().ok();
    Ok(())
}

/// DEBUG HTSTATS dbid [full]
fn htstats(call: &mut Call<'_>) -> Outcome {
    let number = usize::try_from(call.integer(2)?).ok().filter(|number| *number < call.state.keyspace.len());
    let number = number.ok_or(ErrorReply::new("ERR Out of range database"))?;
    let database = call.state.keyspace.db(number);
    let mut text = String::new();
    for (title, elements) in [("Dictionary", database.len()), ("Expires", database.volatile_len())] {
        let _ = writeln!(text, "[{title} HT]\nHash table 0 stats (main hash table):");
        let _ = match elements {
            0 => writeln!(text, "No stats available for empty dictionaries"),
            _ => writeln!(text, " table size: {}\n number of elements: {elements}", database.slots()),
        };
    }
    call.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// Random patterns against random strings: matching must end, and must not panic.
fn match_random_patterns(call: &Call<'_>) {
    const ROUNDS: usize = 10_000;
    const ALPHABET: &[u8; 8] = b"*?[]\\-ab";
    for _ in 0..ROUNDS {
        let (pattern, text) = (call.hooks.entropy().to_le_bytes(), call.hooks.entropy().to_le_bytes());
        let pattern = pattern.map(|byte| ALPHABET[usize::from(byte % 8)]);
        let text = text.map(|byte| b"ab"[usize::from(byte % 2)]);
        let _ = glob::matches(&pattern, &text);
    }
    call.hooks.work(ROUNDS as u64 / 10);
}
