//! XREAD and XREADGROUP: entries after given ids, of several streams at once, at once or as soon as there are any.
//!
//! A `$` is what it was when the command came: a client that waits has its last ids in the command that runs again.

use refrain_data::Kind;
use refrain_data::stream::{Stream, StreamBody, StreamId};
use refrain_resp::Deferred;

use super::consumer::{self, Request};
use super::reply::{self, Span};
use super::{edit, id, no_group, now_ms};
use crate::blocked::{Block, Timeout};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};

/// What is read.
struct Options {
    /// As many as there are if it is 0.
    count: u64,
    timeout: Option<Timeout>,
    /// Group and consumer.
    group: Option<[usize; 2]>,
    no_ack: bool,
    /// Entries are claimed that have been pending for so many milliseconds.
    claim: Option<i64>,
    /// The first key.
    first: usize,
    streams: usize,
}

/// From where on a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    After(StreamId),
    /// From where the group has come to.
    New,
}

const NO_MEANING: [ErrorReply; 2] = [
    ErrorReply::new(
        "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a \
         proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.",
    ),
    ErrorReply::new(
        "ERR The + ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a \
         proper ID, or use the > ID to get new messages. The + ID would just return an empty result set.",
    ),
];
const ONLY_GROUP: ErrorReply = ErrorReply::new(
    "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
);

impl Options {
    fn parse(call: &Call<'_>, of_group: bool) -> Result<Options, ErrorReply> {
        let args = call.args;
        let mut options =
            Options { count: 0, timeout: None, group: None, no_ack: false, claim: None, first: 0, streams: 0 };
        let only_group = |option: &str| {
            ErrorReply::owned(format!(
                "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
            ))
        };
        let mut i = 1;
        while i < args.len() {
            let more = args.len() - 1 - i;
            if args.is(i, "BLOCK") && more >= 1 {
                options.timeout = Some(Timeout::millis(call, i + 1)?);
                i += 1;
            } else if args.is(i, "COUNT") && more >= 1 {
                options.count = u64::try_from(call.integer(i + 1)?).unwrap_or(0);
                i += 1;
            } else if args.is(i, "STREAMS") && more >= 1 {
                options.first = i + 1;
                options.streams = balanced(call, of_group, more)?;
                break;
            } else if args.is(i, "GROUP") && more >= 2 {
                if !of_group {
                    return Err(only_group("GROUP"));
                }
                options.group = Some([i + 1, i + 2]);
                i += 2;
            } else if args.is(i, "NOACK") {
                if !of_group {
                    return Err(only_group("NOACK"));
                }
                options.no_ack = true;
            } else if args.is(i, "CLAIM") && more >= 1 {
                if !of_group {
                    return Err(only_group("CLAIM"));
                }
                options.claim = Some(min_idle(call, i + 1)?);
                i += 1;
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        if options.streams == 0 {
            return Err(SYNTAX);
        }
        if of_group && options.group.is_none() {
            return Err(ErrorReply::new("ERR Missing GROUP option for XREADGROUP"));
        }
        Ok(options)
    }
}

/// Half of the arguments after STREAMS, which are keys and as many ids.
fn balanced(call: &Call<'_>, of_group: bool, more: usize) -> Result<usize, ErrorReply> {
    if more.is_multiple_of(2) {
        return Ok(more / 2);
    }
    let (name, symbol) = (call.command.name, if of_group { '>' } else { '$' });
    Err(ErrorReply::owned(format!(
        "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be specified."
    )))
}

fn min_idle(call: &Call<'_>, i: usize) -> Result<i64, ErrorReply> {
    const NO_NUMBER: ErrorReply = ErrorReply::new("ERR min-idle-time is not an integer or out of range");
    const NEGATIVE: ErrorReply = ErrorReply::new("ERR min-idle-time must be a positive integer");
    let min_idle = call.integer(i).map_err(|_| NO_NUMBER)?;
    if min_idle < 0 { Err(NEGATIVE) } else { Ok(min_idle) }
}

/// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key … id …
pub fn xread(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call, false)?;
    read(call, &options)
}

/// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [CLAIM min-idle-time] [NOACK] STREAMS key … id …
pub fn xreadgroup(call: &mut Call<'_>) -> Outcome {
    let options = Options::parse(call, true)?;
    // Others hear of the deliveries, and not of what caused them.
    call.propagate_nothing();
    read(call, &options)
}

fn read(call: &mut Call<'_>, options: &Options) -> Outcome {
    let mut from = Vec::with_capacity(options.streams);
    for i in 0..options.streams {
        from.push(resolve(call, options, i)?);
    }
    let mut answer = Answer { begun: None, streams: 0 };
    for (i, from) in from.iter().enumerate() {
        let key = call.key(options.first + i);
        let whole = match options.group {
            Some(names) => {
                let [group, consumer] = names.map(|at| call.args.at(at));
                let after = match *from {
                    From::After(id) => Some(id),
                    From::New => None,
                };
                let Options { count, no_ack, claim, .. } = *options;
                let request = Request { group, consumer, after, count, no_ack, claim };
                consumer::read(call, &key, &request, |call| answer.open(call, &key))?
            }
            None => plain(call, &key, *from, options.count, &mut answer),
        };
        if !whole {
            return Ok(());
        }
    }
    match (answer.begun, options.timeout) {
        (Some(begun), _) => {
            let mut reply = call.reply();
            match reply.protocol() {
                refrain_resp::Protocol::Resp2 => reply.finish_array(begun, answer.streams),
                refrain_resp::Protocol::Resp3 => reply.finish_map(begun, answer.streams),
            }
        }
        (None, Some(timeout)) => wait(call, options, timeout, &from),
        (None, None) => call.reply().null_array(),
    }
    Ok(())
}

/// From where on stream `i` is read; the stream and the group are checked before the id.
fn resolve(call: &mut Call<'_>, options: &Options, i: usize) -> Result<From, ErrorReply> {
    let key = call.key(options.first + i);
    let text = call.args.at(options.first + options.streams + i);
    let name = options.group.map(|[group, _]| call.args.at(group));
    let stream = call.state.view::<StreamBody>(&key)?;
    if let Some(name) = name
        && stream.is_none_or(|stream| stream.group(name).is_none())
    {
        return Err(no_group(key.name, name, " in XREADGROUP with GROUP option"));
    }
    let [no_last, no_top] = NO_MEANING;
    match (text, name) {
        (b"$", Some(_)) => Err(no_last),
        (b"+", Some(_)) => Err(no_top),
        (b"$", None) => Ok(From::After(stream.map(|stream| stream.log.last_id()).unwrap_or_default())),
        (b"+", None) => {
            let top = stream.map(|stream| match stream.log.last_entry_id() {
                Some(top) => top.previous().unwrap_or_default(),
                None => stream.log.last_id(),
            });
            Ok(From::After(top.unwrap_or_default()))
        }
        (b">", None) => Err(ONLY_GROUP),
        (b">", Some(_)) => Ok(From::New),
        (text, _) => match id::strict(text)? {
            StreamId::MAX if name.is_some() => Ok(From::New),
            id => Ok(From::After(id)),
        },
    }
}

/// A reply that begins with the first stream that has something.
struct Answer {
    begun: Option<Deferred>,
    streams: usize,
}

impl Answer {
    /// The entries of one more stream follow.
    fn open(&mut self, call: &mut Call<'_>, key: &Key<'_>) {
        let mut reply = call.reply();
        let is_map = reply.protocol() == refrain_resp::Protocol::Resp3;
        if self.begun.is_none() {
            self.begun = Some(if is_map { reply.deferred_map() } else { reply.deferred_array() });
        }
        self.streams += 1;
        if !is_map {
            reply.array(2);
        }
        reply.bulk(key.name);
    }
}

/// The entries of a stream after an id, if there are any. False when the client is not to get more.
fn plain(call: &mut Call<'_>, key: &Key<'_>, from: From, count: u64, answer: &mut Answer) -> bool {
    let From::After(after) = from else { unreachable!("`>` is for groups") };
    let stream = call.state.peek(key).and_then(|entry| entry.view::<StreamBody>());
    let last = stream.and_then(|stream| stream.log.last_entry_id());
    match (last, after.next()) {
        (Some(last), Some(start)) if last >= start => {
            answer.open(call, key);
            reply::span(call, key, Span { start, end: StreamId::MAX, count, back: false })
        }
        _ => true,
    }
}

/// Waits until one of the streams has something. `$` stays what it is now.
fn wait(call: &mut Call<'_>, options: &Options, timeout: Timeout, from: &[From]) {
    let keys = options.first..options.first + options.streams;
    let ids = keys.end..keys.end + options.streams;
    let mut block = Block::on(Kind::Stream, keys, timeout);
    if let Some([group, _]) = options.group {
        block = block.or_unusable();
        if let Some(min_idle) = options.claim {
            let looks_us = (0..options.streams).map(|i| next_look_us(call, options, i, group, min_idle)).collect();
            block = block.or_aged(min_idle.unsigned_abs(), looks_us);
        }
    }
    let args = call.args;
    if !ids.clone().any(|i| args.at(i) == b"$") {
        call.block(block);
        return;
    }
    let texts: Vec<_> = from
        .iter()
        .map(|from| match from {
            From::After(id) => id.text(),
            From::New => StreamId::MAX.text(),
        })
        .collect();
    let resolved = ids.zip(&texts).map(|(i, text)| if args.at(i) == b"$" { text.as_bytes() } else { args.at(i) });
    let args: Vec<&[u8]> = args.iter().take(options.first + options.streams).chain(resolved).collect();
    call.block_with(block, &args);
}

/// When the first entry of stream `i` that is pending will have been for long enough, by monotonic time.
fn next_look_us(call: &mut Call<'_>, options: &Options, i: usize, group: usize, min_idle: i64) -> Option<u64> {
    let key = call.key(options.first + i);
    let name = call.args.at(group);
    let now = call.state.now;
    let since_ms = now_ms(call).saturating_sub(min_idle);
    let next = |stream: &mut Stream| stream.edit_group(name, |group, log| group.next_delivery_after(since_ms, log));
    let delivered_ms = edit(call, &key, next).ok().flatten().flatten().flatten()?;
    let due_us = u64::try_from(delivered_ms.saturating_add(min_idle)).unwrap_or(0).saturating_mul(1000);
    Some(now.mono_us.saturating_add(due_us.saturating_sub(now.unix_us)))
}
