//! A client that pushes numbered elements to queues, several in flight: to lists by RPUSH, to sorted sets by ZADD.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use crate::client::{Client, Loss};
use crate::record::queues::Pushed;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Producer {
        /// Queues that are lists.
        lists: Span,
        /// Queues that are sorted sets.
        sorted_sets: Span,
        /// Of a hundred batches, how many are a transaction.
        together_percent: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Commands in flight together.
        depth: Span,
        /// Elements pushed by one command.
        elements: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// The name of a list.
pub fn list(number: u64) -> String {
    format!("q{number}")
}

/// The name of a sorted set.
pub fn sorted_set(number: u64) -> String {
    format!("z{number}")
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Producer) {
    let mut number = 0;
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            let together = stream.below(100) < p.together_percent.value();
            let mut commands = Vec::new();
            for _ in 0..p.depth.pick_u64(&mut stream).max(1) {
                let which = stream.below(p.lists.value() + p.sorted_sets.value());
                let count = p.elements.pick_u64(&mut stream).max(1);
                let elements: Vec<u64> = (number..number + count).collect();
                number += count;
                commands.push((which, elements));
            }
            if let Err(loss) = push(client, context, p, together, &commands).await {
                client.close();
                context.lost(&loss);
                context.become_another_process();
            }
        }
        client.sleep(pause).await;
    }
}

async fn push<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Producer,
    together: bool,
    commands: &[(u64, Vec<u64>)],
) -> Result<(), Loss> {
    let process = context.process.get();
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    if together {
        client.send(&["MULTI"]);
    }
    let from = context.record.borrow().queues.pushed.len();
    let mut counts = Vec::new();
    for (which, numbers) in commands {
        let (is_list, queue) = match which.checked_sub(p.lists.value()) {
            None => (true, list(*which)),
            Some(which) => (false, sorted_set(which)),
        };
        let mut words = vec![if is_list { "RPUSH" } else { "ZADD" }.to_owned(), queue.clone()];
        for number in numbers {
            let element = format!("{process}:{number}");
            if !is_list {
                words.push(number.to_string());
            }
            words.push(element.clone());
            let pushed = Pushed { element, queue: queue.clone(), process, sent: context.now(), acked: None };
            context.record.borrow_mut().queues.pushed.push(pushed);
        }
        client.send(&words);
        counts.push(numbers.len());
    }
    let mut replies = Vec::new();
    if together {
        client.send(&["EXEC"]);
        for _ in 0..=counts.len() {
            client.receive(deadline).await?;
        }
        match client.receive(deadline).await? {
            Reply::Array(items) => replies = items,
            other => context.record.borrow_mut().unexpected(context.now(), &context.plan.name, "EXEC", &other),
        }
    }
    // Others may record between two replies: ours lie one behind the other, for they were recorded at once.
    let mut at = from;
    for (i, count) in counts.into_iter().enumerate() {
        let reply = match replies.get(i) {
            Some(reply) => reply.clone(),
            None if together => break,
            None => client.receive(deadline).await?,
        };
        let now = context.now();
        let mut record = context.record.borrow_mut();
        match reply {
            Reply::Integer(_) => record.queues.pushed[at..at + count].iter_mut().for_each(|p| p.acked = Some(now)),
            other => record.unexpected(now, &context.plan.name, "RPUSH or ZADD", &other),
        }
        at += count;
    }
    Ok(())
}
