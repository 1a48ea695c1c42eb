//! A client that publishes numbered messages, several in flight, to channels and shard channels.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::record::messages::Publication;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Publisher {
        /// Channels, and as many shard channels.
        channels: Span,
        /// Of a hundred messages, how many go to shard channels.
        shard_percent: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Messages in flight together.
        depth: Span,
        /// Bytes of padding in a message.
        padding: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// The name of a channel; channels share prefixes, so that patterns bring several.
pub fn channel(number: u64) -> String {
    format!("news.{}.{number}", number % 3)
}

/// The name of a shard channel.
pub fn shard_channel(number: u64) -> String {
    format!("shard.{number}")
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Publisher) {
    let mut number = 0;
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            let mut messages = Vec::new();
            for _ in 0..p.depth.pick_u64(&mut stream).max(1) {
                let which = stream.below(p.channels.value().max(1));
                let shard = stream.below(100) < p.shard_percent.value();
                let padding = p.padding.pick_u64(&mut stream) as usize;
                messages.push((number, which, shard, padding));
                number += 1;
            }
            if let Err(loss) = publish(client, context, p, &messages).await {
                client.close();
                context.lost(&loss);
                // What was lost may be published later, behind what the next connection sends.
                context.become_another_process();
            }
        }
        client.sleep(pause).await;
    }
}

async fn publish<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Publisher,
    messages: &[(u64, u64, bool, usize)],
) -> Result<(), Loss> {
    let process = context.process.get();
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    for (number, which, shard, padding) in messages {
        let (command, channel) =
            if *shard { ("SPUBLISH", shard_channel(*which)) } else { ("PUBLISH", channel(*which)) };
        let text = format!("{process}:{number}:{}", ".".repeat(*padding));
        client.send(&[command, &channel, &text]);
        let publication =
            Publication { id: (process, *number), channel, shard: *shard, sent: context.now(), acked: None };
        context.record.borrow_mut().messages.publish(publication);
    }
    for (number, ..) in messages {
        let reply = client.receive(deadline).await?;
        let now = context.now();
        let mut record = context.record.borrow_mut();
        match reply {
            Reply::Integer(receivers) => record.messages.acknowledge((process, *number), now, receivers),
            other => record.unexpected(now, &context.plan.name, "PUBLISH", &other),
        }
    }
    Ok(())
}
