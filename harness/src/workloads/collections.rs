//! Operations on lists, sets, sorted sets, hashes and streams, mixed, by several clients on few keys, several in flight at once.
//!
//! Keys live for a while and are then left for fresh ones, as in [`super::strings`].

use std::time::Duration;

use refrain_jepsen::{Call, Reply as Told};
use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::consumer::texts;
use crate::client::{Client, Loss};
use crate::record::Which;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Collections {
        /// Keys at one time; their types go round.
        keys: Span,
        /// How long a key is used.
        key_life_ms: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Commands in flight together.
        depth: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// Types of collections, in the order in which keys have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    Set,
    SortedSet,
    Hash,
    Stream,
}

const KINDS: [Kind; 5] = [Kind::List, Kind::Set, Kind::SortedSet, Kind::Hash, Kind::Stream];

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Collections) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            let depth = p.depth.pick_u64(&mut stream).clamp(1, 2 * p.keys.value().max(1));
            let operations: Vec<Operation> = (0..depth).map(|i| draw(context, p, batch, i, &mut stream)).collect();
            if let Err(loss) = exchange(client, context, p, operations).await {
                client.close();
                context.lost(&loss);
                context.become_another_process();
            }
        }
        client.sleep(pause).await;
    }
    look_at_all(client, context, p).await;
}

/// An operation to be.
struct Operation {
    key: String,
    kind: Kind,
    call: Call,
}

fn key(context: &Context, p: &Collections, number: u64) -> (String, Kind) {
    let life = context.now() / 1_000_000 / p.key_life_ms.value().max(1);
    let kind = KINDS[(number % KINDS.len() as u64) as usize];
    (format!("c{number}.{life}.{}", context.record.borrow().era()), kind)
}

fn draw(context: &Context, p: &Collections, batch: u64, i: u64, stream: &mut Stream) -> Operation {
    let (key, kind) = key(context, p, stream.below(p.keys.value().max(1)));
    let unique = format!("{}:{batch}:{i}", context.plan.name).into_bytes();
    // Few names, so that operations meet.
    let name = format!("m{}", stream.below(4)).into_bytes();
    let left = stream.chance(0.5);
    let number = stream.below(7) as i64 - 2;
    let call = match (kind, stream.below(10)) {
        (_, 0) => Call::Length,
        (Kind::List, 1..5) => Call::Push { value: unique, left },
        (Kind::List, 5..9) => Call::Pop { left },
        (Kind::List, _) => Call::Range,
        (Kind::Set, 1..5) => Call::SetAdd { member: name },
        (Kind::Set, 5..8) => Call::SetRemove { member: name },
        (Kind::Set, _) => Call::Contains { member: name },
        (Kind::SortedSet, 1..5) => Call::ScoreSet { member: name, score: number },
        (Kind::SortedSet, 5..8) => Call::PopLeast,
        (Kind::SortedSet, _) => Call::Score { member: name },
        (Kind::Hash, 1..4) => Call::FieldIncrement { field: name, by: number },
        (Kind::Hash, 4) => Call::FieldSet { field: name, value: number.to_string().into_bytes() },
        (Kind::Hash, 5..7) => Call::FieldRemove { field: name },
        (Kind::Hash, _) => Call::FieldGet { field: name },
        (Kind::Stream, 1..7) => Call::StreamAdd { value: unique },
        (Kind::Stream, _) => Call::Range,
    };
    Operation { key, kind, call }
}

/// A call as Redis hears it.
fn command(key: &str, kind: Kind, call: &Call) -> Vec<Vec<u8>> {
    let number = |n: &i64| n.to_string().into_bytes();
    let words = |name: &str, rest: &[&[u8]]| {
        let head = [name.as_bytes().to_vec(), key.as_bytes().to_vec()];
        head.into_iter().chain(rest.iter().map(|word| word.to_vec())).collect()
    };
    let length = match kind {
        Kind::List => "LLEN",
        Kind::Set => "SCARD",
        Kind::SortedSet => "ZCARD",
        Kind::Hash => "HLEN",
        Kind::Stream => "XLEN",
    };
    match call {
        Call::Length => words(length, &[]),
        Call::Push { value, left } => words(if *left { "LPUSH" } else { "RPUSH" }, &[value]),
        Call::Pop { left } => words(if *left { "LPOP" } else { "RPOP" }, &[]),
        Call::Range if kind == Kind::Stream => words("XRANGE", &[b"-", b"+"]),
        Call::Range => words("LRANGE", &[b"0", b"-1"]),
        Call::SetAdd { member } => words("SADD", &[member]),
        Call::SetRemove { member } => words("SREM", &[member]),
        Call::Contains { member } => words("SISMEMBER", &[member]),
        Call::ScoreSet { member, score } => words("ZADD", &[&number(score), member]),
        Call::Score { member } => words("ZSCORE", &[member]),
        Call::PopLeast => words("ZPOPMIN", &[]),
        Call::FieldSet { field, value } => words("HSET", &[field, value]),
        Call::FieldGet { field } => words("HGET", &[field]),
        Call::FieldIncrement { field, by } => words("HINCRBY", &[field, &number(by)]),
        Call::FieldRemove { field } => words("HDEL", &[field]),
        Call::StreamAdd { value } => words("XADD", &[b"*", b"v", value]),
        other => unreachable!("{} is not drawn", other.name()),
    }
}

/// What a reply says; `None` if the call cannot have it.
fn told(kind: Kind, call: &Call, reply: &Reply) -> Option<Told> {
    let values = |texts: Vec<String>| Told::Values(texts.into_iter().map(String::into_bytes).collect());
    match (call, reply) {
        (Call::Range, reply) if kind == Kind::Stream => {
            let Reply::Array(entries) = reply else { return None };
            let mut all = Vec::new();
            for entry in entries {
                match entry {
                    Reply::Array(parts) => match parts.as_slice() {
                        [Reply::Bulk(id), fields] => match texts(fields)?.as_slice() {
                            [_, value] => all.extend([id.clone(), value.clone().into_bytes()]),
                            _ => return None,
                        },
                        _ => return None,
                    },
                    _ => return None,
                }
            }
            Some(Told::Values(all))
        }
        (Call::Range | Call::PopLeast, reply) => texts(reply).map(values),
        (Call::Pop { .. } | Call::Score { .. } | Call::FieldGet { .. }, Reply::Null) => Some(Told::Nil),
        (
            Call::Pop { .. } | Call::Score { .. } | Call::FieldGet { .. } | Call::StreamAdd { .. },
            Reply::Bulk(value),
        ) => Some(Told::Value(value.clone())),
        (_, Reply::Integer(number)) => Some(Told::Integer(*number)),
        _ => None,
    }
}

/// Sends a batch and records what becomes of each operation.
async fn exchange<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Collections,
    operations: Vec<Operation>,
) -> Result<(), Loss> {
    let sent = context.now();
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    let mut ids = Vec::with_capacity(operations.len());
    for Operation { key, kind, call } in &operations {
        client.send(&command(key, *kind, call));
        let mut record = context.record.borrow_mut();
        ids.push(record.invoke(Which::Collections, context.process.get(), sent, key, call.clone()));
    }
    let mut outcome = Ok(());
    for (Operation { kind, call, .. }, id) in operations.into_iter().zip(ids) {
        let reply = match &outcome {
            Ok(()) => client.receive(deadline).await,
            Err(_) => Err(Loss::TimedOut),
        };
        let now = context.now();
        let mut record = context.record.borrow_mut();
        match reply {
            Ok(reply) => match told(kind, &call, &reply) {
                Some(told) => record.answer(Which::Collections, id, now, told),
                None if super::is_refusal(&reply) => record.refuse(Which::Collections, id, now),
                None => {
                    record.unexpected(now, &context.plan.name, call.name(), &reply);
                    record.lose(Which::Collections, id, now);
                }
            },
            Err(loss) => {
                record.lose(Which::Collections, id, now);
                if outcome.is_ok() {
                    outcome = Err(loss);
                }
            }
        }
    }
    outcome
}

/// The last look at the present keys, whose contents say what became of everything before.
async fn look_at_all<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Collections) {
    for _ in 0..20 {
        if !client.is_connected() && client.connect().await.is_err() {
            let pause = client.backoff();
            client.sleep(pause).await;
            continue;
        }
        let look = |number| {
            let (key, kind) = key(context, p, number);
            let call = if matches!(kind, Kind::List | Kind::Stream) { Call::Range } else { Call::Length };
            Operation { key, kind, call }
        };
        let operations = (0..p.keys.value()).map(look).collect();
        match exchange(client, context, p, operations).await {
            Ok(()) => return,
            Err(loss) => {
                client.close();
                context.lost(&loss);
                context.become_another_process();
            }
        }
    }
}
