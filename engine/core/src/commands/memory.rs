//! MEMORY: what a key takes, where memory goes, and what may be done about it.

use std::fmt::Write as _;

use refrain_resp::Encoder;

use crate::call::{Call, Outcome};
use crate::error::SYNTAX;
use crate::memory_overview::{Excess, Fragmentation, MemoryOverview};

/// MEMORY USAGE key [SAMPLES count]: the key's and the value's own memory, and its share of what finds keys. A key that has
/// expired and is still there is measured. Strings are measured whole, so samples change nothing.
pub fn usage(call: &mut Call<'_>) -> Outcome {
    let mut i = 3;
    while i < call.args.len() {
        if !call.args.is(i, "SAMPLES") || i + 1 == call.args.len() {
            return Err(SYNTAX);
        }
        if call.integer(i + 1)? < 0 {
            return Err(SYNTAX);
        }
        i += 2;
    }
    let key = call.key(2);
    let database = call.state.keyspace.db(key.db);
    let Some(entry) = database.get(key.hash, key.name) else {
        call.reply().null();
        return Ok(());
    };
    let index = (database.memory() - database.entry_memory()) / database.len().max(1);
    // Of a database of a few keys, the share of each is nearly all of it: more than the key takes and more than it would free.
    const INDEX_SHARE_MAX: usize = 16;
    let bytes = entry.memory() + index.min(INDEX_SHARE_MAX);
    call.reply().integer(i64::try_from(bytes).unwrap_or(i64::MAX));
    Ok(())
}

/// MEMORY STATS
pub fn stats(call: &mut Call<'_>) -> Outcome {
    let memory = MemoryOverview::of(call.state, call.session);
    let process = call.hooks.process();
    let fragmentation = memory.fragmentation(&process);
    let aof_buffer = call.state.persistence.aof().buffer_length;
    let mut reply = call.reply();
    reply.map(27 + memory.databases.len());
    for (name, bytes) in [
        ("peak.allocated", memory.peak),
        ("total.allocated", memory.used),
        ("startup.allocated", memory.startup),
        ("replication.backlog", 0),
        ("clients.slaves", 0),
        ("clients.normal", memory.clients),
        ("cluster.links", 0),
        ("aof.buffer", aof_buffer),
        ("lua.caches", 0),
        ("functions.caches", 0),
    ] {
        number(&mut reply, name, bytes);
    }
    for database in &memory.databases {
        reply.bulk(format!("db.{}", database.number).as_bytes());
        reply.map(3);
        number(&mut reply, "overhead.hashtable.main", database.index);
        number(&mut reply, "overhead.hashtable.expires", 0);
        number(&mut reply, "overhead.hashtable.slot-to-keys", 0);
    }
    number(&mut reply, "overhead.total", memory.overhead);
    number(&mut reply, "keys.count", memory.keys);
    number(&mut reply, "keys.bytes-per-key", memory.bytes_per_key());
    number(&mut reply, "dataset.bytes", memory.dataset);
    double(&mut reply, "dataset.percentage", memory.dataset_percent());
    double(&mut reply, "peak.percentage", memory.peak_percent());
    number(&mut reply, "allocator.allocated", process.allocated);
    number(&mut reply, "allocator.active", process.active);
    number(&mut reply, "allocator.resident", process.allocator_resident);
    for (ratio, bytes, excess) in [
        ("allocator-fragmentation.ratio", "allocator-fragmentation.bytes", fragmentation.allocator),
        ("allocator-rss.ratio", "allocator-rss.bytes", fragmentation.allocator_resident),
        ("rss-overhead.ratio", "rss-overhead.bytes", fragmentation.process),
        ("fragmentation", "fragmentation.bytes", fragmentation.total),
    ] {
        double(&mut reply, ratio, excess.ratio);
        reply.bulk(bytes.as_bytes());
        reply.integer(excess.bytes);
    }
    Ok(())
}

fn number(reply: &mut Encoder<'_>, name: &str, value: u64) {
    reply.bulk(name.as_bytes());
    reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
}

fn double(reply: &mut Encoder<'_>, name: &str, value: f64) {
    reply.bulk(name.as_bytes());
    // With the precision of Redis's figures, which are of single precision.
    reply.double(f64::from(value as f32));
}

/// MEMORY DOCTOR
pub fn doctor(call: &mut Call<'_>) -> Outcome {
    let memory = MemoryOverview::of(call.state, call.session);
    let fragmentation = memory.fragmentation(&call.hooks.process());
    let text = diagnosis(&memory, call.state.sessions.len() as u64, &fragmentation);
    call.reply().verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// Below this there is too little memory in use for ratios to mean anything.
const TOO_LITTLE: u64 = 5 << 20;

/// What is lost must be more than this to matter.
const MUCH: i64 = 10 << 20;

/// Mean memory of a client from which on clients are worth a look.
const MUCH_FOR_A_CLIENT: u64 = 200 << 10;

fn diagnosis(memory: &MemoryOverview, clients: u64, found: &Fragmentation) -> String {
    if memory.used < TOO_LITTLE {
        return "This server uses so little memory that nothing can be said about how it uses it.\n".to_owned();
    }
    let mut text = String::new();
    let mut note = |applies: bool, title: &str, advice: &str| {
        if applies {
            let _ = writeln!(text, " * {title}: {advice}\n");
        }
    };
    let above = |excess: Excess, ratio: f64| excess.ratio > ratio && excess.bytes > MUCH;
    note(
        memory.peak as f64 > memory.used as f64 * 1.5,
        "Peak memory",
        "at some time this server used more than one and a half times what it uses now. Memory freed since may still count as the \
         process's; it will be used again before more is taken from the system. MEMORY PURGE gives back what can be given back.",
    );
    note(
        above(found.total, 1.4),
        "High total RSS",
        "the process holds more than 1.4 times what the data and the clients need. See the peak above and the points below.",
    );
    note(
        above(found.allocator, 1.1),
        "High allocator fragmentation",
        "more than a tenth of the allocator's pages is lost between values, as happens after many values of other sizes were \
         deleted. It is used again as values are written.",
    );
    note(
        above(found.allocator_resident, 1.1),
        "High allocator RSS overhead",
        "the allocator holds pages that nothing is in. MEMORY PURGE gives them back.",
    );
    note(
        above(found.process, 1.1),
        "High process RSS overhead",
        "more than a tenth of the process's memory is not the allocator's.",
    );
    note(
        memory.clients / clients.max(1) > MUCH_FOR_A_CLIENT,
        "Big client buffers",
        "clients take more than 200 KiB each in the mean: they send, or are sent, more than is taken off. CLIENT LIST names them \
         (qbuf, omem, tot-mem).",
    );
    match text.is_empty() {
        true => "Nothing about the memory of this server looks wrong.\n".to_owned(),
        false => format!("This looks worth attention:\n\n{text}"),
    }
}

/// MEMORY MALLOC-STATS
pub fn malloc_stats(call: &mut Call<'_>) -> Outcome {
    match call.hooks.allocator_report() {
        Some(report) => call.reply().verbatim(b"txt", report.as_bytes()),
        None => call.reply().bulk(b"Stats not supported for the current allocator"),
    }
    Ok(())
}

/// MEMORY PURGE
pub fn purge(call: &mut Call<'_>) -> Outcome {
    call.hooks.purge_allocator();
    call.reply().ok();
    Ok(())
}

/// MEMORY HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}
