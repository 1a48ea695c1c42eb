//! One who guesses passwords from one address, as fast as the server answers, over connections that come and go.

use std::time::Duration;

use refrain_runtime::Runtime;

use super::intruder::class_of;
use crate::client::{Client, Loss};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Guesser {
        /// How long an answer is waited for before it tries on another connection.
        timeout_ms: Span,
        ; each
        /// Guesses in flight together.
        depth: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Guesser) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        if context.plan.skips(batch) {
            client.sleep(Duration::from_millis(1)).await;
            continue;
        }
        match guess(client, context, p, batch).await {
            Ok(()) => {}
            // After many wrong passwords the connection is closed.
            Err(Loss::Ended | Loss::TimedOut) => client.close(),
            Err(loss) => {
                client.close();
                context.lost(&loss);
            }
        }
    }
}

async fn guess<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Guesser, batch: u64) -> Result<(), Loss> {
    let mut stream = super::batch_stream(context, batch);
    let depth = p.depth.pick_u64(&mut stream).max(1);
    for number in 0..depth {
        let word = format!("guess-{batch}-{number}");
        match stream.below(3) {
            0 => client.send(&["AUTH", &word]),
            1 => client.send(&["AUTH", "operator", &word]),
            _ => client.send(&["HELLO", "3", "AUTH", "operator", &word]),
        }
    }
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    for _ in 0..depth {
        let reply = client.receive(deadline).await?;
        context.record.borrow_mut().access.guessed(&context.plan.name, context.now(), class_of(&reply));
    }
    Ok(())
}
