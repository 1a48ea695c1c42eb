//! Leases: keys with short times to live, taken over under WATCH. What a transaction reads inside EXEC must be what its
//! client read under WATCH before it; a lease that has run out meanwhile is no longer that.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::record::WatchedRead;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Leases {
        /// Keys that all clients share.
        keys: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Times to live, in milliseconds.
        ttl_ms: Span,
        /// Pause between WATCH and EXEC, in microseconds.
        hold_us: Span,
        /// Pause between takeovers, in microseconds.
        pause_us: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Leases) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        let turn = Turn {
            key: format!("lease {}", stream.below(p.keys.value().max(1))),
            ttl: p.ttl_ms.pick_u64(&mut stream).max(1).to_string(),
            hold: Duration::from_micros(p.hold_us.pick_u64(&mut stream)),
            value: format!("{}:{batch}", context.plan.name),
            timeout: Duration::from_millis(p.timeout_ms.value()),
        };
        if !context.plan.skips(batch)
            && let Err(loss) = turn.take_over(client, context).await
        {
            client.close();
            context.lost(&loss);
            context.become_another_process();
        }
        client.sleep(pause).await;
    }
}

/// One takeover.
struct Turn {
    key: String,
    ttl: String,
    hold: Duration,
    value: String,
    timeout: Duration,
}

impl Turn {
    async fn take_over<R: Runtime>(&self, client: &mut Client<R>, context: &Context) -> Result<(), Loss> {
        let Turn { key, ttl, hold, value, timeout } = self;
        let first = format!("{value}:first");
        client.send(&["SET", key, &first, "NX", "PX", ttl]);
        client.send(&["WATCH", key]);
        client.send(&["GET", key]);
        let deadline = client.now() + *timeout;
        client.receive(deadline).await?;
        client.receive(deadline).await?;
        let before = client.receive(deadline).await?;
        client.sleep(*hold).await;
        client.send(&["MULTI"]);
        client.send(&["GET", key]);
        client.send(&["SET", key, value, "PX", ttl]);
        client.send(&["EXEC"]);
        let deadline = client.now() + *timeout;
        for _ in 0..3 {
            client.receive(deadline).await?;
        }
        let reply = client.receive(deadline).await?;
        let now = context.now();
        let mut record = context.record.borrow_mut();
        match reply {
            // Somebody else was faster, or the lease has run out.
            Reply::Null => {}
            Reply::Array(mut replies) if replies.len() == 2 => {
                let within = replies.swap_remove(0);
                let client = context.plan.name.clone();
                record.watched_reads.push(WatchedRead { at: now, client, key: key.clone(), before, within });
            }
            other => record.unexpected(now, &context.plan.name, "EXEC under WATCH", &other),
        }
        Ok(())
    }
}
