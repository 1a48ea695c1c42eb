//! Every command on strings, mixed, by several clients on few keys, several in flight at once.
//!
//! Keys live for a while and are then left for fresh ones: a lost reply leaves an operation that may take effect at any
//! later time, and the checker must consider it for as long as the key is used.

use std::collections::BTreeMap;
use std::time::Duration;

use refrain_jepsen::{Call, Condition, Expiry};
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::vocabulary::{Answer, answer, command};
use crate::client::{Client, Loss};
use crate::record::Which;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Strings {
        /// Keys at one time.
        keys: Span,
        /// How long a key is used.
        key_life_ms: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        /// Bits, one for each of [`KINDS`]: which commands are in play. Reading and writing always are.
        commands: Span,
        ; each
        /// Commands in flight together; at most two for each key, for what is in flight on one key has no known order, and a
        /// checker has to try them all.
        depth: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
        /// Bytes of padding in a value.
        padding: Span,
        /// Times to live, in milliseconds.
        ttl_ms: Span,
    }
}

/// Kinds of operations, as [`Strings::commands`] numbers them, and how often each is drawn.
pub const KINDS: [(Kind, u64); 14] = [
    (Kind::Get, 30),
    (Kind::Set, 14),
    (Kind::SetAbsent, 6),
    (Kind::SetPresent, 5),
    (Kind::SetEqual, 6),
    (Kind::SetGet, 5),
    (Kind::SetFor, 10),
    (Kind::Increment, 12),
    (Kind::Append, 5),
    (Kind::GetDelete, 4),
    (Kind::Delete, 4),
    (Kind::Exists, 3),
    (Kind::Expire, 6),
    (Kind::ExpireTime, 4),
];

/// See [`KINDS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the commands")]
pub enum Kind {
    Get,
    Set,
    SetAbsent,
    SetPresent,
    SetEqual,
    SetGet,
    SetFor,
    Increment,
    Append,
    GetDelete,
    Delete,
    Exists,
    Expire,
    ExpireTime,
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Strings) {
    let kinds: Vec<(Kind, u64)> = KINDS
        .into_iter()
        .enumerate()
        .filter(|(i, _)| *i < 2 || p.commands.value() >> i & 1 == 1)
        .map(|(_, kind)| kind)
        .collect();
    let mut seen = BTreeMap::new();
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            let wall_ms = client.runtime().wall().millis();
            let operations = draw(context, p, &kinds, batch, wall_ms, &mut stream, &seen);
            if let Err(loss) = exchange(client, context, p, operations, &mut seen).await {
                client.close();
                context.lost(&loss);
                context.become_another_process();
            }
        }
        client.sleep(pause).await;
    }
    read_all(client, context, p).await;
}

/// An operation to be.
struct Operation {
    key: String,
    call: Call,
}

fn key(context: &Context, p: &Strings, number: u64) -> String {
    let life = context.now() / 1_000_000 / p.key_life_ms.value().max(1);
    format!("k{number}.{life}.{}", context.record.borrow().era())
}

fn draw(
    context: &Context,
    p: &Strings,
    kinds: &[(Kind, u64)],
    batch: u64,
    wall_ms: u64,
    stream: &mut Stream,
    seen: &BTreeMap<String, Vec<u8>>,
) -> Vec<Operation> {
    let total: u64 = kinds.iter().map(|(_, weight)| weight).sum();
    let depth = p.depth.pick_u64(stream).clamp(1, 2 * p.keys.value().max(1));
    (0..depth)
        .map(|i| {
            let number = stream.below(p.keys.value().max(1));
            let key = key(context, p, number);
            let mut at = stream.below(total);
            let (kind, _) = kinds
                .iter()
                .find(|(_, weight)| at.checked_sub(*weight).map(|rest| at = rest).is_none())
                .expect("a draw below the sum of the weights meets one of them");
            // Every other key counts, so that increments mostly meet numbers.
            let value = if number.is_multiple_of(2) {
                let unique = stream.below(1000) * 1_000_000 + batch % 10_000 * 100 + i;
                unique.to_string().into_bytes()
            } else {
                let padding = p.padding.pick_u64(stream) as usize;
                format!("{}:{batch}:{i}{}", context.plan.name, ".".repeat(padding)).into_bytes()
            };
            let ms = p.ttl_ms.pick(stream);
            // Absolute deadlines ask for a client whose clock agrees with the server's.
            let ttl = if stream.chance(0.25) {
                Expiry::At { unix_ms: ms.saturating_add_unsigned(wall_ms) }
            } else {
                Expiry::In { ms }
            };
            let call = match kind {
                Kind::Get => Call::Get,
                Kind::Set => set(value, Condition::Always, Expiry::None),
                Kind::SetAbsent => set(value, Condition::Absent, if stream.chance(0.5) { ttl } else { Expiry::None }),
                Kind::SetPresent => set(value, Condition::Present, Expiry::Keep),
                Kind::SetEqual => {
                    let guess = seen.get(&key).cloned().unwrap_or_else(|| b"never written".to_vec());
                    set(value, Condition::Equal(guess), Expiry::None)
                }
                Kind::SetGet => Call::Set { value, when: Condition::Always, get: true, expiry: Expiry::None },
                Kind::SetFor => set(value, Condition::Always, ttl),
                Kind::Increment => Call::IncrementBy { by: *stream.pick(&[1, 1, 1, -1, 7]) },
                Kind::Append => Call::Append { value: format!("{}", batch % 10).into_bytes() },
                Kind::GetDelete => Call::GetDelete,
                Kind::Delete => Call::Delete,
                Kind::Exists => Call::Exists,
                Kind::Expire if stream.chance(0.2) => Call::Persist,
                Kind::Expire => Call::Expire { expiry: ttl },
                Kind::ExpireTime => Call::ExpireTime,
            };
            Operation { key, call }
        })
        .collect()
}

fn set(value: Vec<u8>, when: Condition, expiry: Expiry) -> Call {
    Call::Set { value, when, get: false, expiry }
}

/// Sends a batch and records what becomes of each operation.
async fn exchange<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Strings,
    operations: Vec<Operation>,
    seen: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), Loss> {
    let sent = context.now();
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    let mut ids = Vec::with_capacity(operations.len());
    for Operation { key, call } in &operations {
        client.send(&command(key, call));
        let mut record = context.record.borrow_mut();
        ids.push(record.invoke(Which::Strings, context.process.get(), sent, key, call.clone()));
    }
    let mut outcome = Ok(());
    let half_close = context.control.half_close.take();
    if half_close {
        (context.note)("ends its sending side");
        outcome = client.half_close(deadline).await;
    }
    for (Operation { key, call }, id) in operations.into_iter().zip(ids) {
        if outcome.is_ok() {
            match client.receive(deadline).await {
                Ok(reply) => {
                    settle(context, &key, &call, id, reply, seen);
                    continue;
                }
                Err(loss) => outcome = Err(loss),
            }
        }
        let now = context.now();
        context.record.borrow_mut().lose(Which::Strings, id, now);
    }
    if half_close {
        client.close();
    }
    outcome
}

fn settle(
    context: &Context,
    key: &str,
    call: &Call,
    id: refrain_jepsen::OperationId,
    reply: refrain_resp::Reply,
    seen: &mut BTreeMap<String, Vec<u8>>,
) {
    let now = context.now();
    let mut record = context.record.borrow_mut();
    let told = reply.clone();
    match answer(call, reply) {
        Answer::Done(reply) => {
            if let refrain_jepsen::Reply::Value(value) = &reply {
                // Only the keys in use are worth remembering.
                if seen.len() > 64 {
                    seen.clear();
                }
                seen.insert(key.to_owned(), value.clone());
            }
            record.answer(Which::Strings, id, now, reply);
        }
        Answer::Refused => record.refuse(Which::Strings, id, now),
        Answer::Impossible => {
            record.unexpected(now, &context.plan.name, &format!("{call} on {key}"), &told);
            record.lose(Which::Strings, id, now);
        }
    }
}

/// Once all is healed: what is left in every key. Losses are possible still, and are recorded like any other.
async fn read_all<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Strings) {
    if !client.is_connected() && client.connect().await.is_err() {
        return;
    }
    let operations = (0..p.keys.value()).map(|n| Operation { key: key(context, p, n), call: Call::Get }).collect();
    if exchange(client, context, p, operations, &mut BTreeMap::new()).await.is_err() {
        client.close();
        context.become_another_process();
    }
}
