//! A client that does nothing until all others are served after the last fault, and then looks what is left in the queues.

use std::collections::BTreeMap;
use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use super::consumer::texts;
use super::producer::{list, sorted_set};
use crate::client::{Client, Loss};
use crate::span::parameters;
use crate::world::{Context, Phase};

parameters! {
    /// Parameters of [`self`].
    pub struct Auditor {
        /// Queues that are lists.
        lists: Span,
        /// Queues that are sorted sets.
        sorted_sets: Span,
        /// How long it waits for them at the most.
        patience_ms: Span,
        ; each
    }
}

/// Looks once.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Auditor) {
    let mut waited = 0;
    while context.control.phase.get() == Phase::Faults || !others_are_done(context) {
        client.sleep(Duration::from_millis(20)).await;
        if !context.working() {
            waited += 20;
            if waited > p.patience_ms.value() {
                return;
            }
        }
    }
    for _ in 0..20 {
        if !client.is_connected() && client.connect().await.is_err() {
            let pause = client.backoff();
            client.sleep(pause).await;
            continue;
        }
        match look(client, context, p).await {
            Ok(left) => {
                context.record.borrow_mut().queues.left = Some(left);
                return;
            }
            Err(loss) => {
                client.close();
                context.lost(&loss);
            }
        }
    }
}

/// Whether everybody but this client has been served.
fn others_are_done(context: &Context) -> bool {
    let record = context.record.borrow();
    record.recovered.len() + 1 >= record.clients
}

async fn look<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Auditor,
) -> Result<BTreeMap<String, Vec<String>>, Loss> {
    let deadline = client.now() + Duration::from_secs(5);
    let mut left = BTreeMap::new();
    client.send(&["KEYS", "p.*"]);
    let own = client.receive(deadline).await?;
    let lists = (0..p.lists.value()).map(list).chain(texts(&own).unwrap_or_default());
    let all = lists.map(|name| ("LRANGE", name));
    for (command, name) in all.chain((0..p.sorted_sets.value()).map(|n| ("ZRANGE", sorted_set(n)))) {
        client.send(&[command, &name, "0", "-1"]);
        let reply: Reply = client.receive(deadline).await?;
        match texts(&reply) {
            Some(elements) => drop(left.insert(name, elements)),
            None => context.record.borrow_mut().unexpected(context.now(), &context.plan.name, command, &reply),
        }
    }
    Ok(left)
}
