//! Fields of hashes with deadlines that are known exactly: each is written once with a time to live, asked for its deadline,
//! and read in several ways until it is gone and beyond; some are never read again. Now and then HSET writes one anew, and
//! then it has to last.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::{Mono, Runtime};
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::record::Sighting;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct ExpiringFields {
        /// How long a reply is waited for.
        timeout_ms: Span,
        /// Hashes of each client, among which its fields are spread.
        hashes: Span,
        /// Of a hundred fields, how many are never read.
        unread_percent: Span,
        ; each
        /// Fields written together.
        writes: Span,
        /// Fields read together.
        reads: Span,
        /// Fields written anew together.
        rewrites: Span,
        /// Times to live, in milliseconds.
        ttl_ms: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// Fields that a client keeps reading; the oldest is forgotten for a new one.
const KNOWN_MAX: usize = 64;

/// The deadline of a field that has none.
const NEVER: u64 = u64::MAX;

/// A field by its hash and its name.
#[derive(Clone)]
struct Field {
    hash: String,
    name: String,
}

/// A field whose deadline the server has told, or that has none.
struct Known {
    field: Field,
    deadline_ms: u64,
}

/// What a client knows.
#[derive(Default)]
struct Knowledge {
    known: Vec<Known>,
    /// Fields that may have no deadline: they are deleted in the end.
    lasting: Vec<Field>,
}

/// Works until the first phase is over, and then until the last field is gone.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &ExpiringFields) {
    let mut knowledge = Knowledge::default();
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch)
            && let Err(loss) = turn(client, context, p, batch, &mut stream, &mut knowledge).await
        {
            client.close();
            context.lost(&loss);
            context.become_another_process();
        }
        client.sleep(pause).await;
    }
    until_all_are_gone(client, context, &knowledge.lasting).await;
}

async fn turn<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &ExpiringFields,
    batch: u64,
    stream: &mut Stream,
    knowledge: &mut Knowledge,
) -> Result<(), Loss> {
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    // No name is given twice: what a lost command does later concerns nobody.
    let fields: Vec<Field> = (0..p.writes.pick_u64(stream))
        .map(|i| Field {
            hash: format!("{}:{}", context.plan.name, stream.below(p.hashes.value().max(1))),
            name: format!("{batch}:{i}"),
        })
        .collect();
    let (mut rewritten, mut reads) = (Vec::new(), Vec::new());
    let choose = |stream: &mut Stream, known: &[Known]| stream.below(known.len() as u64) as usize;
    if !knowledge.known.is_empty() {
        for _ in 0..p.rewrites.pick_u64(stream) {
            let i = choose(stream, &knowledge.known);
            // Whatever becomes of this turn, nothing is known of the field until it is over.
            let Known { field, .. } = knowledge.known.swap_remove(i);
            knowledge.lasting.push(field.clone());
            rewritten.push(field);
            if knowledge.known.is_empty() {
                break;
            }
        }
    }
    if !knowledge.known.is_empty() {
        for _ in 0..p.reads.pick_u64(stream) {
            reads.push((choose(stream, &knowledge.known), READS[stream.below(READS.len() as u64) as usize]));
        }
    }
    // Until all of it is answered a field may have been written without its deadline.
    let lasting_before = knowledge.lasting.len();
    knowledge.lasting.extend(fields.iter().cloned());
    for Field { hash, name } in &fields {
        let ttl = p.ttl_ms.pick_u64(stream).max(1).to_string();
        if stream.below(2) == 0 {
            client.send(&["HSET", hash, name, "v"]);
            client.send(&["HPEXPIRE", hash, &ttl, "FIELDS", "1", name]);
        } else {
            client.send(&["HSETEX", hash, "PX", &ttl, "FIELDS", "1", name, "v"]);
            client.send(&["HEXISTS", hash, name]);
        }
        client.send(&["HPEXPIRETIME", hash, "FIELDS", "1", name]);
    }
    rewritten.iter().for_each(|Field { hash, name }| client.send(&["HSET", hash, name, "w"]));
    let asked = context.now();
    reads.iter().for_each(|(i, read)| read.send(client, &knowledge.known[*i].field));
    let half_close = context.control.half_close.take();
    if half_close {
        client.half_close(deadline).await?;
    }
    let mut learned = Vec::new();
    for field in fields {
        for command in ["a field's first value", "a field's first deadline"] {
            let reply = client.receive(deadline).await?;
            let is_well = matches!(reply, Reply::Integer(_))
                || matches!(&reply, Reply::Array(of) if matches!(of.as_slice(), [Reply::Integer(1 | -2)]));
            if !is_well {
                complain(context, command, &reply);
            }
        }
        let told = client.receive(deadline).await?;
        let unread = stream.below(100) < p.unread_percent.value();
        match told {
            Reply::Array(of) => match of.as_slice() {
                [Reply::Integer(at)] if *at > 0 && unread => {}
                [Reply::Integer(at)] if *at > 0 => learned.push(Known { field, deadline_ms: at.unsigned_abs() }),
                // It was gone before the question.
                [Reply::Integer(-2)] => {}
                _ => complain(context, "HPEXPIRETIME of a field with a deadline", &Reply::Array(of)),
            },
            other => complain(context, "HPEXPIRETIME of a field with a deadline", &other),
        }
    }
    for field in rewritten {
        match client.receive(deadline).await? {
            Reply::Integer(0 | 1) => learned.push(Known { field, deadline_ms: NEVER }),
            other => complain(context, "HSET", &other),
        }
    }
    for (i, read) in reads {
        let reply = client.receive(deadline).await?;
        let Known { field, deadline_ms } = &knowledge.known[i];
        let Some(alive) = read.sees(&reply, field) else {
            complain(context, read.name(), &reply);
            continue;
        };
        let key = format!("{} field {}", field.hash, field.name);
        let sighting = Sighting { key, deadline_ms: *deadline_ms, asked, answered: context.now(), alive };
        context.record.borrow_mut().sightings.push(sighting);
    }
    if half_close {
        client.close();
    }
    knowledge.lasting.truncate(lasting_before);
    knowledge.known.extend(learned);
    let forgotten = knowledge.known.len().saturating_sub(KNOWN_MAX);
    knowledge.known.drain(..forgotten);
    Ok(())
}

/// A way to look at a field.
#[derive(Clone, Copy)]
enum Read {
    Get,
    GetSeveral,
    GetAll,
    Exists,
    Length,
    TimeToLive,
    Scan,
}

const READS: [Read; 7] =
    [Read::Get, Read::GetSeveral, Read::GetAll, Read::Exists, Read::Length, Read::TimeToLive, Read::Scan];

impl Read {
    fn name(self) -> &'static str {
        match self {
            Read::Get => "HGET",
            Read::GetSeveral => "HMGET",
            Read::GetAll => "HGETALL",
            Read::Exists => "HEXISTS",
            Read::Length => "HSTRLEN",
            Read::TimeToLive => "HPTTL",
            Read::Scan => "HSCAN",
        }
    }

    fn send<R: Runtime>(self, client: &mut Client<R>, Field { hash, name }: &Field) {
        match self {
            Read::GetAll => client.send(&["HGETALL", hash]),
            Read::TimeToLive => client.send(&["HPTTL", hash, "FIELDS", "1", name]),
            Read::Scan => client.send(&["HSCAN", hash, "0", "MATCH", name, "COUNT", "1000000"]),
            _ => client.send(&[self.name(), hash, name]),
        }
    }

    /// Whether the field was there; `None` if the reply can't be.
    fn sees(self, reply: &Reply, field: &Field) -> Option<bool> {
        let is_value = |value: &Reply| matches!(value, Reply::Bulk(value) if value == b"v" || value == b"w");
        let name = field.name.as_bytes();
        match (self, reply) {
            (Read::Get, value) if is_value(value) => Some(true),
            (Read::Get, Reply::Null) => Some(false),
            (Read::Exists | Read::Length, Reply::Integer(found @ (0 | 1))) => Some(*found == 1),
            (Read::GetSeveral, Reply::Array(items)) => match items.as_slice() {
                [Reply::Null] => Some(false),
                [value] if is_value(value) => Some(true),
                _ => None,
            },
            (Read::TimeToLive, Reply::Array(items)) => match items.as_slice() {
                [Reply::Integer(-2)] => Some(false),
                [Reply::Integer(_)] => Some(true),
                _ => None,
            },
            (Read::GetAll, Reply::Array(items)) => Some(has_name(items, name)),
            (Read::Scan, Reply::Array(parts)) => match parts.as_slice() {
                [Reply::Bulk(_), Reply::Array(items)] => Some(has_name(items, name)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn has_name(items: &[Reply], name: &[u8]) -> bool {
    items.iter().step_by(2).any(|item| matches!(item, Reply::Bulk(found) if found == name))
}

fn complain(context: &Context, command: &str, reply: &Reply) {
    let now = context.now();
    context.record.borrow_mut().unexpected(now, &context.plan.name, command, reply);
}

/// Deletes what has no deadline, and asks how many keys there are until there are none: the others must go by themselves, and
/// their hashes with them. A client that never hears of it is not served, and the run's bound says so.
async fn until_all_are_gone<R: Runtime>(client: &mut Client<R>, context: &Context, lasting: &[Field]) {
    const PATIENCE: Duration = Duration::from_secs(2);
    const ASK_EVERY: Duration = Duration::from_millis(100);
    loop {
        if !client.is_connected() && client.connect().await.is_err() {
            let pause = client.backoff();
            client.sleep(pause).await;
            continue;
        }
        match ask_what_is_left(client, context, lasting, client.now() + PATIENCE).await {
            Ok(0) => break,
            Ok(_) => client.sleep(ASK_EVERY).await,
            Err(_) => client.close(),
        }
    }
    (context.note)("sees an empty data set");
}

/// How many keys there are once the lasting fields were deleted: some of them by a command that was thought lost come late.
async fn ask_what_is_left<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    lasting: &[Field],
    deadline: Mono,
) -> Result<i64, Loss> {
    for Field { hash, name } in lasting {
        client.send(&["HDEL", hash, name]);
    }
    client.send(&["DBSIZE"]);
    for _ in lasting {
        match client.receive(deadline).await? {
            Reply::Integer(0 | 1) => {}
            other => complain(context, "HDEL", &other),
        }
    }
    match client.receive(deadline).await? {
        Reply::Integer(left) => Ok(left),
        other => {
            complain(context, "DBSIZE", &other);
            Ok(1)
        }
    }
}
