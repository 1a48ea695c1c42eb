//! A client that adds entries to a stream, several in flight, and deletes some of those that it added. Some it adds so that they may
//! be sent again: what has got no answer is, over another connection, until it has one.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::record::groups::{Added, EntryId, id, text};
use crate::span::parameters;
use crate::world::Context;

/// The stream that all share.
pub const STREAM: &str = "work";

parameters! {
    /// Parameters of [`self`].
    pub struct StreamProducer {
        /// Of a hundred batches, after how many one of the last entries is deleted.
        delete_percent: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        /// Of a hundred batches, in how many entries are such that they may be sent again.
        repeat_percent: Span,
        ; each
        /// Entries in flight together.
        depth: Span,
        /// Bytes of padding in an entry.
        padding: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &StreamProducer) {
    let mut recent: Vec<EntryId> = Vec::new();
    let mut again: Vec<String> = Vec::new();
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        let depth = p.depth.pick_u64(&mut stream).max(1);
        let padding = ".".repeat(p.padding.pick_u64(&mut stream) as usize);
        let deletes = stream.below(100) < p.delete_percent.value() && !recent.is_empty();
        let victim = deletes.then(|| recent.remove(stream.below(recent.len() as u64) as usize));
        let repeats = stream.below(100) < p.repeat_percent.value();
        if !context.plan.skips(batch) {
            let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
            let new = depth.saturating_sub(again.len() as u64);
            let tokens: Vec<String> = (0..new).map(|i| format!("{}:{batch}:{i}", context.plan.name)).collect();
            if repeats {
                again.extend(tokens.iter().cloned());
            }
            let once = if repeats { &[] } else { &tokens[..] };
            let outcome = async {
                add(client, context, (&mut again, once), &padding, deadline, &mut recent).await?;
                if let Some(victim) = victim {
                    delete(client, context, victim, deadline).await?;
                }
                Ok(())
            };
            if let Err(loss) = outcome.await {
                client.close();
                context.lost(&loss);
            }
        }
        const RECENT_MAX: usize = 24;
        recent.drain(..recent.len().saturating_sub(RECENT_MAX));
        client.sleep(pause).await;
    }
}

async fn add<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    (again, once): (&mut Vec<String>, &[String]),
    padding: &str,
    deadline: refrain_runtime::Mono,
    recent: &mut Vec<EntryId>,
) -> Result<(), Loss> {
    let tokens: Vec<String> = again.iter().chain(once).cloned().collect();
    for (i, token) in tokens.iter().enumerate() {
        let mut words = vec!["XADD", STREAM];
        if i < again.len() {
            words.extend(["IDMP", &context.plan.name, token]);
        }
        words.extend(["*", "token", token, "padding", padding]);
        client.send(&words);
        context.record.borrow_mut().stream.unanswered.insert(token.clone());
    }
    for token in &tokens {
        let reply = client.receive(deadline).await?;
        let now = context.now();
        let mut record = context.record.borrow_mut();
        match &reply {
            Reply::Bulk(bytes) if id(bytes).is_some() => {
                let id = id(bytes).unwrap_or_default();
                record.stream.unanswered.remove(token);
                again.retain(|other| other != token);
                let added = Added { token: token.clone(), answered: now };
                if record.stream.added.insert(id, added).is_some() {
                    record.unexpected(now, &context.plan.name, "XADD, whose id was given before,", &reply);
                }
                recent.push(id);
            }
            other => record.unexpected(now, &context.plan.name, "XADD", other),
        }
    }
    Ok(())
}

async fn delete<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    victim: EntryId,
    deadline: refrain_runtime::Mono,
) -> Result<(), Loss> {
    let now = context.now();
    context.record.borrow_mut().stream.deletions.entry(victim).or_insert(now);
    client.send(&["XDEL", STREAM, &text(victim)]);
    let reply = client.receive(deadline).await?;
    if reply != Reply::Integer(1) {
        context.record.borrow_mut().unexpected(context.now(), &context.plan.name, "XDEL of an entry", &reply);
    }
    Ok(())
}
