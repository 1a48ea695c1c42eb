//! A client that changes the keys that others keep in their caches: SET with and without deadlines, DEL, transactions that
//! hold their writes for a while, now and then FLUSHALL. It keeps nothing itself.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::record::caching::Sight;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct CacheWriter {
        /// Keys that all clients share.
        keys: Span,
        /// Of a thousand writes, how many are FLUSHALL.
        flush_permille: Span,
        /// Of a hundred writes, how many have a deadline.
        ttl_percent: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Times to live, in milliseconds.
        ttl_ms: Span,
        /// Pause between a transaction's queue and its EXEC, in microseconds.
        hold_us: Span,
        /// Pause between writes, in microseconds.
        pause_us: Span,
    }
}

/// The name of a key that is cached; keys share prefixes.
pub fn key(number: u64) -> String {
    format!("{}:{number}", ["user", "item"][number as usize % 2])
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &CacheWriter) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch)
            && let Err(loss) = change(client, context, p, batch, &mut stream).await
        {
            client.close();
            context.lost(&loss);
            context.become_another_process();
        }
        client.sleep(pause).await;
    }
}

async fn change<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &CacheWriter,
    batch: u64,
    stream: &mut Stream,
) -> Result<(), Loss> {
    let timeout = Duration::from_millis(p.timeout_ms.value());
    let key = key(stream.below(p.keys.value().max(1)));
    let value = format!("{}:{batch}", context.process.get());
    if stream.below(1000) < p.flush_permille.value() {
        return write(client, context, timeout, None, None, None, &["FLUSHALL"]).await;
    }
    match stream.below(10) {
        0 | 1 => write(client, context, timeout, Some(&key), None, None, &["DEL", &key]).await,
        2 | 3 => {
            client.send(&["MULTI"]);
            client.send(&["SET", &key, &value]);
            let deadline = client.now() + timeout;
            client.receive(deadline).await?;
            client.receive(deadline).await?;
            client.sleep(Duration::from_micros(p.hold_us.pick_u64(stream))).await;
            write(client, context, timeout, Some(&key), Some(value), None, &["EXEC"]).await
        }
        4 => {
            let asked = context.now();
            client.send(&["GET", &key]);
            let deadline = client.now() + timeout;
            let reply = client.receive(deadline).await?;
            let answered = context.now();
            let mut record = context.record.borrow_mut();
            match text(&reply) {
                Some(value) => record.caching.sights.push(Sight { key, value, asked, answered }),
                None => record.unexpected(answered, &context.plan.name, "GET", &reply),
            }
            Ok(())
        }
        _ if stream.below(100) < p.ttl_percent.value() => {
            let ttl = p.ttl_ms.pick_u64(stream).max(1);
            let words = ["SET", &key, &value, "PX", &ttl.to_string()];
            write(client, context, timeout, Some(&key), Some(value.clone()), Some(ttl), &words).await
        }
        _ => write(client, context, timeout, Some(&key), Some(value.clone()), None, &["SET", &key, &value]).await,
    }
}

async fn write<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    timeout: Duration,
    key: Option<&str>,
    value: Option<String>,
    ttl_ms: Option<u64>,
    words: &[&str],
) -> Result<(), Loss> {
    let sent = context.now();
    let write = context.record.borrow_mut().caching.write(key, value, ttl_ms, sent);
    client.send(words);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    let now = context.now();
    let mut record = context.record.borrow_mut();
    match reply {
        Reply::Simple(_) | Reply::Integer(1) | Reply::Array(_) => record.caching.done(write, now),
        // There was nothing to delete, so nothing was changed.
        Reply::Integer(0) => {}
        other => record.unexpected(now, &context.plan.name, words[0], &other),
    }
    Ok(())
}

/// A value, or nothing; `None` for what GET can't answer.
pub fn text(reply: &Reply) -> Option<Option<String>> {
    match reply {
        Reply::Null => Some(None),
        Reply::Bulk(bytes) => Some(Some(String::from_utf8_lossy(bytes).into_owned())),
        _ => None,
    }
}
