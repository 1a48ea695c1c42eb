//! An operator who has files rewritten, saved and loaded again, and changes how they are kept.
//!
//! What he asks for may be refused: because something is under way, or the disk fails. It must never fail because of what is
//! in a file.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct DiskOperator {
        /// Bits, one for each of [`ACTS`]: what he does.
        acts: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Pause between acts.
        pause_ms: Span,
        /// How long the append-only file stays off.
        off_ms: Span,
    }
}

/// What he may do, as [`DiskOperator::acts`] numbers it, and how often each is drawn.
pub const ACTS: [(Act, u64); 7] = [
    (Act::Rewrite, 6),
    (Act::BackgroundSave, 6),
    (Act::Save, 2),
    (Act::Reload, 2),
    (Act::LoadAof, 2),
    (Act::ChangeFsync, 3),
    (Act::TurnOff, 2),
];

/// See [`ACTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the commands")]
pub enum Act {
    Rewrite,
    BackgroundSave,
    Save,
    Reload,
    LoadAof,
    ChangeFsync,
    TurnOff,
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &DiskOperator) {
    let acts: Vec<(Act, u64)> =
        ACTS.into_iter().enumerate().filter(|(i, _)| p.acts.value() >> i & 1 == 1).map(|(_, act)| act).collect();
    let (mut turned_off, mut was_off) = (false, false);
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_millis(p.pause_ms.pick_u64(&mut stream));
        client.sleep(pause).await;
        if !context.plan.skips(batch)
            && !acts.is_empty()
            && client.is_connected()
            && let Err(loss) = act(client, context, p, &acts, &mut stream, [&mut turned_off, &mut was_off]).await
        {
            client.close();
            context.lost(&loss);
            context.become_another_process();
        }
    }
}

async fn act<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &DiskOperator,
    acts: &[(Act, u64)],
    stream: &mut Stream,
    [turned_off, was_off]: [&mut bool; 2],
) -> Result<(), Loss> {
    let timeout = Duration::from_millis(p.timeout_ms.value());
    if *turned_off {
        // The answer to turning it on again was lost.
        ask(client, context, timeout, &["CONFIG", "SET", "appendonly", "yes"]).await?;
        *turned_off = false;
    }
    let mut at = stream.below(acts.iter().map(|(_, weight)| weight).sum());
    let (act, _) = acts
        .iter()
        .find(|(_, weight)| at.checked_sub(*weight).map(|rest| at = rest).is_none())
        .expect("a draw below the sum of the weights meets one of them");
    let needs_aof = matches!(act, Act::Reload | Act::LoadAof | Act::ChangeFsync | Act::TurnOff | Act::Rewrite);
    if needs_aof && !appends(client, timeout).await? {
        return ask(client, context, timeout, &["BGSAVE"]).await;
    }
    match act {
        Act::Rewrite => ask(client, context, timeout, &["BGREWRITEAOF"]).await,
        Act::BackgroundSave => ask(client, context, timeout, &["BGSAVE"]).await,
        Act::Save => ask(client, context, timeout, &["SAVE"]).await,
        Act::Reload => ask(client, context, timeout, &["DEBUG", "RELOAD"]).await,
        // A file that was turned on again is not all that there is before its first base is complete.
        Act::LoadAof if *was_off && rewrites(client, timeout).await? => Ok(()),
        Act::LoadAof => load_aof(client, context, timeout).await,
        Act::ChangeFsync => {
            let policy = *stream.pick(&["always", "everysec", "no"]);
            ask(client, context, timeout, &["CONFIG", "SET", "appendfsync", policy]).await
        }
        Act::TurnOff => {
            let off = Duration::from_millis(p.off_ms.pick_u64(stream));
            (*turned_off, *was_off) = (true, true);
            ask(client, context, timeout, &["CONFIG", "SET", "appendonly", "no"]).await?;
            client.sleep(off).await;
            ask(client, context, timeout, &["CONFIG", "SET", "appendonly", "yes"]).await?;
            *turned_off = false;
            Ok(())
        }
    }
}

/// Whether there is an append-only file.
async fn appends<R: Runtime>(client: &mut Client<R>, timeout: Duration) -> Result<bool, Loss> {
    client.send(&["CONFIG", "GET", "appendonly"]);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    let yes = Reply::Bulk(b"yes".to_vec());
    Ok(matches!(reply, Reply::Array(pair) if pair.get(1) == Some(&yes)))
}

/// Whether a rewrite is under way, or is to be.
async fn rewrites<R: Runtime>(client: &mut Client<R>, timeout: Duration) -> Result<bool, Loss> {
    client.send(&["INFO", "persistence"]);
    let deadline = client.now() + timeout;
    let Reply::Bulk(text) = client.receive(deadline).await? else { return Ok(true) };
    let text = String::from_utf8_lossy(&text);
    Ok(["aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1"].iter().any(|field| text.contains(field)))
}

/// What tells whether the append-only file was all that there is.
#[derive(PartialEq, Eq)]
struct Doubt {
    /// A sync of it has failed, and the rewrite that leads out of that has not ended.
    stands: bool,
    /// How many rewrites have begun: another one may have led out of a doubt that was there for a moment.
    rewrites: String,
}

impl Doubt {
    async fn look<R: Runtime>(client: &mut Client<R>, timeout: Duration) -> Result<Doubt, Loss> {
        client.send(&["INFO", "persistence"]);
        let deadline = client.now() + timeout;
        let reply = client.receive(deadline).await?;
        let text = match &reply {
            Reply::Bulk(text) => String::from_utf8_lossy(text),
            _ => "".into(),
        };
        let rewrites = text.lines().find(|line| line.starts_with("aof_rewrites:")).unwrap_or_default().to_owned();
        Ok(Doubt { stands: text.contains("aof_last_write_status:err"), rewrites })
    }
}

/// Has everything loaded again from the append-only file. While a sync has failed it is not all that there is, and an error is right.
async fn load_aof<R: Runtime>(client: &mut Client<R>, context: &Context, timeout: Duration) -> Result<(), Loss> {
    let before = Doubt::look(client, timeout).await?;
    let command = ["DEBUG", "LOADAOF"];
    let reply = note_reply(client, context, timeout, &command).await?;
    if !is_possible(&reply) {
        let after = Doubt::look(client, timeout).await?;
        if !before.stands && before == after {
            context.record.borrow_mut().unexpected(context.now(), &context.plan.name, &command.join(" "), &reply);
        }
    }
    Ok(())
}

async fn ask<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    timeout: Duration,
    command: &[&str],
) -> Result<(), Loss> {
    let reply = note_reply(client, context, timeout, command).await?;
    if !is_possible(&reply) {
        context.record.borrow_mut().unexpected(context.now(), &context.plan.name, &command.join(" "), &reply);
    }
    Ok(())
}

async fn note_reply<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    timeout: Duration,
    command: &[&str],
) -> Result<Reply, Loss> {
    client.send(command);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    (context.note)(&format!("{}: {}", command.join(" "), crate::record::show(&reply)));
    Ok(reply)
}

fn is_possible(reply: &Reply) -> bool {
    match reply {
        Reply::Simple(_) => true,
        Reply::Error(text) => !text.starts_with(b"ERR Error trying to load"),
        _ => false,
    }
}
