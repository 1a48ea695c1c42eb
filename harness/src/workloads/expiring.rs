//! Keys with deadlines that are known exactly: each is written once with a time to live, asked for its deadline, and read
//! now and then until it is gone; some are never read again.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::record::Sighting;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Expiring {
        /// How long a reply is waited for.
        timeout_ms: Span,
        /// Of a hundred keys, how many are never read.
        unread_percent: Span,
        ; each
        /// Keys written together.
        writes: Span,
        /// Keys read together.
        reads: Span,
        /// Times to live, in milliseconds.
        ttl_ms: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// Keys that a client keeps reading; the oldest is forgotten for a new one.
const KNOWN_MAX: usize = 64;

/// A key whose deadline the server has told.
struct Known {
    key: String,
    deadline_ms: u64,
}

/// Works until the first phase is over, and then until the last key is gone.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Expiring) {
    let mut known: Vec<Known> = Vec::new();
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch)
            && let Err(loss) = turn(client, context, p, batch, &mut stream, &mut known).await
        {
            client.close();
            context.lost(&loss);
            context.become_another_process();
        }
        client.sleep(pause).await;
    }
    until_all_are_gone(client, context).await;
}

async fn turn<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Expiring,
    batch: u64,
    stream: &mut Stream,
    known: &mut Vec<Known>,
) -> Result<(), Loss> {
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    // No key is written twice: what a lost command does later concerns nobody.
    let keys: Vec<String> =
        (0..p.writes.pick_u64(stream)).map(|i| format!("{}:{batch}:{i}", context.plan.name)).collect();
    for key in &keys {
        let ttl = p.ttl_ms.pick_u64(stream).max(1).to_string();
        client.send(&["SET", key, "v", "PX", &ttl]);
        client.send(&["PEXPIRETIME", key]);
    }
    let reads: Vec<usize> = match known.len() {
        0 => Vec::new(),
        n => (0..p.reads.pick_u64(stream)).map(|_| stream.below(n as u64) as usize).collect(),
    };
    let asked = context.now();
    reads.iter().for_each(|i| client.send(&["GET", &known[*i].key]));
    let half_close = context.control.half_close.take();
    if half_close {
        client.half_close(deadline).await?;
    }
    let mut learned = Vec::new();
    for key in keys {
        let set = client.receive(deadline).await?;
        if set != Reply::Simple(b"OK".to_vec()) {
            complain(context, "SET with PX", &set);
        }
        let told = client.receive(deadline).await?;
        let unread = stream.below(100) < p.unread_percent.value();
        match told {
            Reply::Integer(at) if at > 0 && unread => {}
            Reply::Integer(at) if at > 0 => learned.push(Known { key, deadline_ms: at.unsigned_abs() }),
            // It was gone before the question.
            Reply::Integer(-2) => {}
            other => complain(context, "PEXPIRETIME of a key with a deadline", &other),
        }
    }
    for i in reads {
        let reply = client.receive(deadline).await?;
        let alive = match reply {
            Reply::Bulk(value) if value == b"v" => true,
            Reply::Null => false,
            other => {
                complain(context, "GET", &other);
                continue;
            }
        };
        let Known { key, deadline_ms } = &known[i];
        let answered = context.now();
        let sighting = Sighting { key: key.clone(), deadline_ms: *deadline_ms, asked, answered, alive };
        context.record.borrow_mut().sightings.push(sighting);
    }
    if half_close {
        client.close();
    }
    known.extend(learned);
    let forgotten = known.len().saturating_sub(KNOWN_MAX);
    known.drain(..forgotten);
    Ok(())
}

fn complain(context: &Context, command: &str, reply: &Reply) {
    let now = context.now();
    context.record.borrow_mut().unexpected(now, &context.plan.name, command, reply);
}

/// Asks how many keys there are until there are none. Nobody reads them any more: they must go by themselves. A client
/// that never hears of it is not served, and the run's bound says so.
async fn until_all_are_gone<R: Runtime>(client: &mut Client<R>, context: &Context) {
    const PATIENCE: Duration = Duration::from_secs(2);
    const ASK_EVERY: Duration = Duration::from_millis(100);
    loop {
        if !client.is_connected() && client.connect().await.is_err() {
            let pause = client.backoff();
            client.sleep(pause).await;
            continue;
        }
        let deadline = client.now() + PATIENCE;
        client.send(&["DBSIZE"]);
        match client.receive(deadline).await {
            Ok(Reply::Integer(0)) => break,
            Ok(Reply::Integer(_)) => client.sleep(ASK_EVERY).await,
            Ok(other) => complain(context, "DBSIZE", &other),
            Err(_) => client.close(),
        }
    }
    (context.note)("sees an empty data set");
}
