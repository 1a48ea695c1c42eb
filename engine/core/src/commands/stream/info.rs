//! XINFO: what a stream, its groups and their consumers are.

use refrain_data::stream::{Consumer, Group, Log, ProducerLimits, Producers, Stream, StreamBody, StreamId};
use refrain_resp::Encoder;

use super::sender::configured;
use super::{no_group_of, now_ms, reply};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, NO_SUCH_KEY};
use crate::session::Session;
use crate::table::help;

/// XINFO HELP
pub fn xinfo_help(call: &mut Call<'_>) -> Outcome {
    let command = call.command;
    help(command, &mut call.reply());
    Ok(())
}

/// XINFO CONSUMERS key group
pub fn xinfo_consumers(call: &mut Call<'_>) -> Outcome {
    let now_ms = now_ms(call);
    let key = call.key(2);
    let name = call.args.at(3);
    let Call { state, session, .. } = call;
    let stream = state.view::<StreamBody>(&key)?.ok_or(NO_SUCH_KEY)?;
    let group = stream.group(name).ok_or_else(|| no_group_of(key.name, name))?;
    let mut reply = session.reply();
    reply.array(group.consumers_len());
    for consumer in group.consumers() {
        reply.map(4);
        reply.bulk(b"name");
        reply.bulk(consumer.name());
        reply.bulk(b"pending");
        reply.integer(consumer.pending_len() as i64);
        reply.bulk(b"idle");
        reply.integer(now_ms.saturating_sub(consumer.seen_ms).max(0));
        reply.bulk(b"inactive");
        reply.integer(consumer.active_ms.map_or(-1, |active_ms| now_ms.saturating_sub(active_ms)));
    }
    let looked_at = group.consumers_len();
    call.work(looked_at as u64 / 16);
    Ok(())
}

/// XINFO GROUPS key
pub fn xinfo_groups(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let Call { state, session, .. } = call;
    let stream = state.view::<StreamBody>(&key)?.ok_or(NO_SUCH_KEY)?;
    let mut reply = session.reply();
    reply.array(stream.groups_len());
    for group in stream.groups() {
        reply.map(6);
        reply.bulk(b"name");
        reply.bulk(group.name());
        reply.bulk(b"consumers");
        reply.integer(group.consumers_len() as i64);
        reply.bulk(b"pending");
        reply.integer(group.pending_len() as i64);
        position(group, &stream.log, &mut reply);
    }
    Ok(())
}

/// How far a group has come: three pairs.
fn position(group: &Group, log: &Log, reply: &mut Encoder<'_>) {
    reply.bulk(b"last-delivered-id");
    reply::id(reply, group.last_id());
    reply.bulk(b"entries-read");
    match group.entries_read() {
        Some(read) => reply.integer(read as i64),
        None => reply.null(),
    }
    reply.bulk(b"lag");
    match group.lag(log) {
        Some(lag) => reply.integer(lag),
        None => reply.null(),
    }
}

/// What XINFO STREAM is to list: nothing, or all up to a count, of which 0 is none.
fn full_count(call: &Call<'_>) -> Result<Option<usize>, ErrorReply> {
    const DEFAULT: usize = 10;
    let unknown = || ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1));
    match call.args.len() {
        3 => Ok(None),
        4 | 6 if !call.args.is(3, "FULL") => Err(unknown()),
        4 => Ok(Some(DEFAULT)),
        6 if call.args.is(4, "COUNT") => Ok(Some(match call.integer(5)? {
            0 => usize::MAX,
            count => usize::try_from(count).unwrap_or(DEFAULT),
        })),
        _ => Err(unknown()),
    }
}

/// XINFO STREAM key [FULL [COUNT count]]
pub fn xinfo_stream(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    if call.state.view::<StreamBody>(&key)?.is_none() {
        return Err(NO_SUCH_KEY);
    }
    let full = full_count(call)?;
    let (end, usual) = (call.reply_end(), configured(&call.state.config));
    let Call { state, session, .. } = call;
    let stream = state.peek(&key).and_then(|entry| entry.view::<StreamBody>()).ok_or(NO_SUCH_KEY)?;
    let mut reply = session.reply();
    reply.map(if full.is_some() { 15 } else { 16 });
    figures(stream, &mut reply);
    producers(stream, usual, &mut reply);
    match full {
        None => short(stream, &mut reply),
        Some(count) => listing(stream, count, &mut Listing { session, end }),
    }
    Ok(())
}

/// Seven pairs.
fn figures(stream: &Stream, reply: &mut Encoder<'_>) {
    let log = &stream.log;
    reply.bulk(b"length");
    reply.integer(log.len() as i64);
    reply.bulk(b"radix-tree-keys");
    reply.integer(log.count_blocks() as i64);
    reply.bulk(b"radix-tree-nodes");
    reply.integer(stream.radix_nodes() as i64);
    for (name, id) in [(&b"last-generated-id"[..], log.last_id()), (b"max-deleted-entry-id", log.max_deleted_id())] {
        reply.bulk(name);
        reply::id(reply, id);
    }
    reply.bulk(b"entries-added");
    reply.integer(log.entries_added() as i64);
    reply.bulk(b"recorded-first-entry-id");
    reply::id(reply, log.first_id());
}

/// Six pairs.
fn producers(stream: &Stream, usual: ProducerLimits, reply: &mut Encoder<'_>) {
    let limits = stream.producer_limits().unwrap_or(usual);
    let nothing = Producers::default();
    let producers = stream.producers().unwrap_or(&nothing);
    for (name, number) in [
        (&b"idmp-duration"[..], i64::from(limits.duration_s())),
        (b"idmp-maxsize", i64::from(limits.entries())),
        (b"pids-tracked", producers.len() as i64),
        (b"iids-tracked", producers.records_len() as i64),
        (b"iids-added", producers.added as i64),
        (b"iids-duplicates", producers.duplicates as i64),
    ] {
        reply.bulk(name);
        reply.integer(number);
    }
}

/// Three pairs.
fn short(stream: &Stream, reply: &mut Encoder<'_>) {
    let (first, last) = (StreamId::MIN, StreamId::MAX);
    reply.bulk(b"groups");
    reply.integer(stream.groups_len() as i64);
    for (name, entry) in [
        (&b"first-entry"[..], stream.log.range(first, last).next()),
        (b"last-entry", stream.log.range_back(first, last).next()),
    ] {
        reply.bulk(name);
        match entry {
            Some(entry) => reply::entry(reply, &entry),
            None => reply.null(),
        }
    }
}

/// A reply that ends where nobody will read on.
struct Listing<'a> {
    session: &'a mut Session,
    end: usize,
}

impl Listing<'_> {
    fn reply(&mut self) -> Encoder<'_> {
        self.session.reply()
    }

    fn is_over(&self) -> bool {
        self.session.output.len() >= self.end
    }
}

/// Two pairs, with up to `count` of everything that there may be many of.
fn listing(stream: &Stream, count: usize, to: &mut Listing<'_>) {
    to.reply().bulk(b"entries");
    to.reply().array(count.min(stream.len()));
    for entry in stream.log.range(StreamId::MIN, StreamId::MAX).take(count) {
        if to.is_over() {
            return;
        }
        reply::entry(&mut to.reply(), &entry);
    }
    to.reply().bulk(b"groups");
    to.reply().array(stream.groups_len());
    for group in stream.groups() {
        let mut reply = to.reply();
        reply.map(7);
        reply.bulk(b"name");
        reply.bulk(group.name());
        position(group, &stream.log, &mut reply);
        reply.bulk(b"pel-count");
        reply.integer(group.pending_len() as i64);
        reply.bulk(b"pending");
        reply.array(count.min(group.pending_len()));
        for entry in group.pending_from(StreamId::MIN).take(count) {
            if to.is_over() {
                return;
            }
            let mut reply = to.reply();
            reply.array(4);
            reply::id(&mut reply, entry.id);
            reply.bulk(group.consumer_name(entry.consumer));
            reply.integer(entry.delivered_ms);
            reply.integer(entry.deliveries as i64);
        }
        to.reply().bulk(b"consumers");
        to.reply().array(group.consumers_len());
        for consumer in group.consumers() {
            of_consumer(group, consumer, count, to);
        }
    }
}

fn of_consumer(group: &Group, consumer: &Consumer, count: usize, to: &mut Listing<'_>) {
    let mut reply = to.reply();
    reply.map(5);
    reply.bulk(b"name");
    reply.bulk(consumer.name());
    reply.bulk(b"seen-time");
    reply.integer(consumer.seen_ms);
    reply.bulk(b"active-time");
    reply.integer(consumer.active_ms.unwrap_or(-1));
    reply.bulk(b"pel-count");
    reply.integer(consumer.pending_len() as i64);
    reply.bulk(b"pending");
    reply.array(count.min(consumer.pending_len()));
    for entry in consumer.pending_from(StreamId::MIN).take(count).filter_map(|id| group.pending(id)) {
        if to.is_over() {
            return;
        }
        let mut reply = to.reply();
        reply.array(3);
        reply::id(&mut reply, entry.id);
        reply.integer(entry.delivered_ms);
        reply.integer(entry.deliveries as i64);
    }
}
