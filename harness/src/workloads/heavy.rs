//! A client whose commands cost many times what an ordinary one does: KEYS over everything, thousands of keys in one MGET or
//! MSET, long values, comparisons of long texts, transactions of all of these; several in flight at once.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Heavy {
        /// Keys that it writes at first.
        keys: Span,
        /// Bits, one for each of [`KINDS`]: which commands are in play. MGET always is.
        commands: Span,
        ; each
        /// Commands in flight together.
        depth: Span,
        /// Keys of one command.
        keys_each: Span,
        /// Bytes of a long value.
        value_bytes: Span,
        /// Bytes of texts that are compared.
        text_bytes: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// What it asks, as [`Heavy::commands`] numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Many keys read.
    ManyRead,
    /// All keys listed.
    Keys,
    /// Many keys written.
    ManyWritten,
    /// A long value written and read.
    LongValue,
    /// Two long texts compared.
    Compare,
    /// Many reads between MULTI and EXEC.
    Transaction,
}

/// All of them.
pub const KINDS: [Kind; 6] =
    [Kind::ManyRead, Kind::Keys, Kind::ManyWritten, Kind::LongValue, Kind::Compare, Kind::Transaction];

/// Keys written with one command at first.
const FILL: u64 = 100;

/// No reply in so long means that the server is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Heavy) {
    while client.connect_while(|| context.working()).await && context.working() {
        if let Err(loss) = overload(client, context, p).await {
            client.close();
            context.lost(&loss);
        }
    }
}

async fn overload<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Heavy) -> Result<(), Loss> {
    client.send(&["CLIENT", "SETNAME", &context.plan.name]);
    let mut replies = 1;
    for first in (0..p.keys.value()).step_by(FILL as usize) {
        let end = (first + FILL).min(p.keys.value());
        client.send(&many("MSET", context, first..end, Some("a value of ordinary length")));
        replies += 1;
    }
    let kinds: Vec<Kind> = KINDS
        .into_iter()
        .enumerate()
        .filter(|(i, _)| *i == 0 || p.commands.value() >> i & 1 == 1)
        .map(|(_, kind)| kind)
        .collect();
    await_replies(client, context, replies).await?;
    while context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            let mut replies = 0;
            for _ in 0..p.depth.pick_u64(&mut stream) {
                let kind = *stream.pick(&kinds);
                replies += ask(client, context, p, kind, &mut stream);
            }
            await_replies(client, context, replies).await?;
        }
        client.sleep(pause).await;
    }
    Ok(())
}

/// Sends commands of one kind and says how many replies they will have.
fn ask<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Heavy, kind: Kind, stream: &mut Stream) -> u64 {
    let name = &context.plan.name;
    let count = p.keys_each.pick_u64(stream).max(1);
    match kind {
        Kind::ManyRead => client.send(&many("MGET", context, 0..count, None)),
        Kind::Keys => client.send(&["KEYS", "*"]),
        Kind::ManyWritten => client.send(&many("MSET", context, 0..count, Some("another value"))),
        Kind::LongValue => {
            let (key, value) = (format!("{name}:long"), vec![b'.'; p.value_bytes.pick_u64(stream) as usize]);
            client.send(&[b"SET".as_slice(), key.as_bytes(), &value]);
            client.send(&["GET", &key]);
            return 2;
        }
        Kind::Compare => {
            let text = |c: &str| c.repeat(p.text_bytes.value() as usize / 2);
            let (left, right) = (format!("{name}:left"), format!("{name}:right"));
            client.send(&["MSET", &left, &text("ab"), &right, &text("bc")]);
            client.send(&["LCS", &left, &right, "LEN"]);
            return 2;
        }
        Kind::Transaction => {
            client.send(&["MULTI"]);
            let reads = 2 + stream.below(4);
            (0..reads).for_each(|_| client.send(&many("MGET", context, 0..count, None)));
            client.send(&["EXEC"]);
            return reads + 2;
        }
    }
    1
}

/// A command on many of this client's keys.
fn many(command: &str, context: &Context, keys: std::ops::Range<u64>, value: Option<&str>) -> Vec<String> {
    let mut words = vec![command.to_owned()];
    for number in keys {
        words.push(format!("{}:{number}", context.plan.name));
        words.extend(value.map(str::to_owned));
    }
    words
}

async fn await_replies<R: Runtime>(client: &mut Client<R>, context: &Context, count: u64) -> Result<(), Loss> {
    for _ in 0..count {
        let deadline = client.now() + PATIENCE;
        let reply = client.receive(deadline).await?;
        let now = context.now();
        let mut record = context.record.borrow_mut();
        record.overload.served(&context.plan.group, &context.plan.name);
        if let Reply::Error(_) = reply {
            record.unexpected(now, &context.plan.name, "a heavy command", &reply);
        }
    }
    Ok(())
}
