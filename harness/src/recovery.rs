//! The second phase: after the last fault, every client must be served again.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::workloads::{is_refusal, log_in};
use crate::world::Context;

/// How long one reply is waited for before the client tries anew. The run's bound is the plan's `recovery_ms`.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tries until a PING and a read were answered, and says so.
pub async fn be_served<R: Runtime>(client: &mut Client<R>, context: &Context) {
    loop {
        if !client.is_connected() && client.connect().await.is_err() {
            let pause = client.backoff();
            client.sleep(pause).await;
            continue;
        }
        match ask(client, context).await {
            Ok(Served::Yes) => break,
            Ok(Served::NotYet) => {
                let pause = client.backoff();
                client.sleep(pause).await;
            }
            Ok(Served::Wrongly) => {
                let reply = Reply::Error(b"neither PONG nor a value".to_vec());
                context.record.borrow_mut().unexpected(context.now(), &context.plan.name, "PING or GET", &reply);
                break;
            }
            Err(loss) => {
                context.lost(&loss);
                client.close();
            }
        }
    }
    let now = context.now();
    context.record.borrow_mut().recovered.insert(context.plan.name.clone(), now);
    (context.note)("is served");
}

enum Served {
    Yes,
    /// The data set is being loaded, or nothing can be kept.
    NotYet,
    Wrongly,
}

async fn ask<R: Runtime>(client: &mut Client<R>, context: &Context) -> Result<Served, Loss> {
    log_in(client, context, PATIENCE).await?;
    let deadline = client.now() + PATIENCE;
    client.send(&["PING"]);
    client.send(&["GET", "is anybody there"]);
    let pong = client.receive(deadline).await?;
    let read = client.receive(deadline).await?;
    Ok(match pong == Reply::Simple(b"PONG".to_vec()) && read == Reply::Null {
        true => Served::Yes,
        false if is_refusal(&pong) || is_refusal(&read) => Served::NotYet,
        false => Served::Wrongly,
    })
}
