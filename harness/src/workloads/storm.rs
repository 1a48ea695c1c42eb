//! A hog: as many commands on one hot key in flight as the server takes, for as long as the first phase lasts.

use std::time::Duration;

use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Storm {
        /// Commands in flight.
        depth: Span,
        /// Bytes of the hot key's value.
        value_bytes: Span,
        /// Of a hundred commands, how many read the value; the others count on a second hot key.
        read_percent: Span,
        ; each
    }
}

/// No reply in so long means that the server is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Storm) {
    while client.connect_while(|| context.working()).await && context.working() {
        if let Err(loss) = storm(client, context, p).await {
            context.lost(&loss);
        }
        client.close();
    }
}

async fn storm<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Storm) -> Result<(), Loss> {
    let value = vec![b'.'; p.value_bytes.value() as usize];
    client.send(&[b"SET".as_slice(), b"hot", &value]);
    let mut stream = super::batch_stream(context, context.next_batch());
    let mut in_flight = 1;
    while context.working() {
        while in_flight < p.depth.value() {
            if stream.below(100) < p.read_percent.value() {
                client.send(&["GET", "hot"]);
            } else {
                client.send(&["INCR", "hot count"]);
            }
            in_flight += 1;
        }
        let deadline = client.now() + PATIENCE;
        client.receive(deadline).await?;
        in_flight -= 1;
        // Room for a whole segment is made before more is sent: single commands would be a packet each.
        while in_flight > p.depth.value() / 2 && context.working() {
            client.receive(deadline).await?;
            in_flight -= 1;
        }
    }
    Ok(())
}
