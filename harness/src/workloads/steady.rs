//! An ordinary client: one command at a time at a low rate, on a key of its own. How long it waits is recorded, and that it
//! reads what it wrote.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Steady {
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Pause between commands, in microseconds.
        pause_us: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Steady) {
    let timeout = Duration::from_millis(p.timeout_ms.value());
    let mut logged_in = false;
    while client.connect_while(|| context.working()).await && context.working() {
        if !std::mem::replace(&mut logged_in, true)
            && let Err(loss) = super::log_in(client, context, timeout).await
        {
            logged_in = false;
            client.close();
            context.lost(&loss);
            continue;
        }
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        client.sleep(pause).await;
        if !context.plan.skips(batch)
            && let Err(loss) = turn(client, context, p, batch).await
        {
            client.close();
            logged_in = false;
            context.lost(&loss);
            context.become_another_process();
        }
    }
}

async fn turn<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Steady, batch: u64) -> Result<(), Loss> {
    // A key for each process: what an earlier one has lost may still be written.
    let key = format!("{}:{}", context.plan.name, context.process.get());
    let value = batch.to_string();
    let timeout = Duration::from_millis(p.timeout_ms.value());
    let set = timed(client, context, timeout, &["SET", &key, &value]).await?;
    let got = timed(client, context, timeout, &["GET", &key]).await?;
    let now = context.now();
    if set != Reply::Simple(b"OK".to_vec()) {
        context.record.borrow_mut().unexpected(now, &context.plan.name, "SET", &set);
    }
    if got != Reply::Bulk(value.into_bytes()) {
        context.record.borrow_mut().unexpected(now, &context.plan.name, "GET of what it wrote", &got);
    }
    Ok(())
}

async fn timed<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    timeout: Duration,
    command: &[&str],
) -> Result<Reply, Loss> {
    let sent = context.now();
    let deadline = client.now() + timeout;
    client.send(command);
    let reply = client.receive(deadline).await;
    // A wait that was given up counts as long as it lasted.
    context.record.borrow_mut().waited(&context.plan.group, sent, context.now());
    reply
}
