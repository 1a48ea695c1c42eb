//! A client that asks for large values and never reads. It stays connected until the server closes the connection.

use std::time::Duration;

use refrain_runtime::Runtime;

use crate::client::Client;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Deaf {
        /// Bytes of the value that it asks for.
        value_bytes: Span,
        /// How often it asks on one connection at the most.
        asks: Span,
        ; each
        /// Pause before it connects again, in milliseconds.
        pause_ms: Span,
    }
}

/// How long it waits for its own value to be written.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it looks whether it is still connected.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Bytes of questions that it keeps ready to leave.
const READY: usize = 16 * 1024;

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Deaf) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        if !context.plan.skips(batch) {
            ask(client, context, p).await;
        }
        client.close();
        client.sleep(Duration::from_millis(p.pause_ms.pick_u64(&mut stream))).await;
    }
}

async fn ask<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Deaf) {
    let key = format!("{}:big", context.plan.name);
    client.send(&[b"SET".as_slice(), key.as_bytes(), &vec![b'.'; p.value_bytes.value() as usize]]);
    let deadline = client.now() + PATIENCE;
    if client.receive(deadline).await.is_err() {
        return;
    }
    let mut left = p.asks.value();
    while context.working() {
        while left > 0 && client.unsent() < READY {
            client.send(&["GET", &key]);
            left -= 1;
        }
        if client.flush().is_err() || client.is_hung_up() {
            context.record.borrow_mut().hung_up(&context.plan.group);
            (context.note)("is closed for not reading");
            return;
        }
        let until = client.now() + LOOK_EVERY;
        client.wait(until).await;
    }
}
