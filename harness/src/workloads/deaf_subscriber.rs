//! A client that subscribes to everything and never reads. It stays connected until the server closes the connection.

use std::time::Duration;

use refrain_runtime::Runtime;

use crate::client::Client;
use crate::record::messages::{Event, Topic};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct DeafSubscriber {
        ; each
        /// Pause before it connects again, in milliseconds.
        pause_ms: Span,
    }
}

/// How often it looks whether it is still connected.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// It hears nothing, but it is a receiver.
fn note(context: &Context) {
    let now = context.now();
    let messages = &mut context.record.borrow_mut().messages;
    let listener = messages.connect(&context.plan.name);
    messages.event(listener, now, Event::Asked(true, (Topic::Pattern, "*".into())));
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &DeafSubscriber) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        if !context.plan.skips(batch) {
            client.send(&["PSUBSCRIBE", "*"]);
            note(context);
            while context.working() {
                if client.flush().is_err() || client.is_hung_up() {
                    context.record.borrow_mut().hung_up(&context.plan.group);
                    (context.note)("is closed for not reading");
                    break;
                }
                let until = client.now() + LOOK_EVERY;
                client.wait(until).await;
            }
        }
        client.close();
        client.sleep(Duration::from_millis(p.pause_ms.pick_u64(&mut stream))).await;
    }
}
