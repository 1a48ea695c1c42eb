//! An operator who pauses clients, and lets the pause run out or ends it.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::record::pauses::Pause;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Pauser {
        /// Of a hundred pauses, how many hold back everything.
        everything_percent: Span,
        /// Of a hundred pauses of writes, how many are ended before their time.
        end_percent: Span,
        /// How long a reply is waited for, beyond the pause.
        timeout_ms: Span,
        ; each
        /// How long a pause lasts.
        pause_ms: Span,
        /// From the end of one to the next.
        between_ms: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Pauser) {
    // An UNPAUSE whose answer was lost may still come, at any time: from then on nothing is sure.
    let mut sure = true;
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let between = Duration::from_millis(p.between_ms.pick_u64(&mut stream));
        if !context.plan.skips(batch)
            && let Err(loss) = pause(client, context, p, &mut stream, &mut sure).await
        {
            client.close();
            context.lost(&loss);
            context.become_another_process();
        }
        client.sleep(between).await;
    }
}

async fn pause<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Pauser,
    stream: &mut Stream,
    sure: &mut bool,
) -> Result<(), Loss> {
    let ms = p.pause_ms.pick_u64(stream).max(1);
    let everything = stream.below(100) < p.everything_percent.value();
    let ends = !everything && stream.below(100) < p.end_percent.value();
    let timeout = Duration::from_millis(p.timeout_ms.value());
    let sent = context.now();
    client.send(&["CLIENT", "PAUSE", &ms.to_string(), if everything { "ALL" } else { "WRITE" }]);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    let from = context.now();
    ok(context, "CLIENT PAUSE", &reply);
    let held = Duration::from_millis(if ends { stream.below(ms) } else { ms });
    let asked = client.now() + held;
    while client.now() < asked {
        client.wait(asked).await;
    }
    let mut until = sent + ms * 1_000_000;
    if ends {
        until = until.min(context.now());
    }
    if *sure && until > from {
        context.record.borrow_mut().pauses.push(Pause { everything, from, until });
    }
    if ends {
        *sure = false;
        client.send(&["CLIENT", "UNPAUSE"]);
        let deadline = client.now() + timeout;
        let reply = client.receive(deadline).await?;
        ok(context, "CLIENT UNPAUSE", &reply);
        *sure = true;
    }
    Ok(())
}

fn ok(context: &Context, command: &str, reply: &Reply) {
    if *reply != Reply::Simple(b"OK".to_vec()) {
        context.record.borrow_mut().unexpected(context.now(), &context.plan.name, command, reply);
    }
}
