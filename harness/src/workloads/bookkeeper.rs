//! Clients that keep a ledger: each transaction appends one entry to it and the same to some accounts.
//!
//! An entry is text: who wrote it and its number, which nobody uses twice, then the accounts, then padding. So the ledger alone
//! tells what every account must hold, and its order is that in which transactions were executed. Others read its last entry.
//! Whoever is told of an entry, by the reply to his own transaction or by what he reads, is recorded.

use std::collections::BTreeSet;
use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::is_refusal;
use crate::client::{Client, Loss};
use crate::oracles::ledger::{AccountKind, LEDGER};
use crate::record::entries::Told;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Bookkeeper {
        /// Accounts.
        accounts: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        /// Of a hundred turns, how many read.
        read_percent: Span,
        ; each
        /// Accounts of a transaction.
        width: Span,
        /// Bytes of padding in an entry.
        padding: Span,
        /// Pause between turns, in microseconds.
        pause_us: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Bookkeeper) {
    let mut is_served = false;
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            let began = context.now();
            let outcome = if stream.below(100) < p.read_percent.value() {
                read(client, context, p).await
            } else {
                write(client, context, p, batch, &mut stream).await
            };
            // Before something was executed on this connection the server may have had to start.
            if is_served && outcome.is_ok() {
                context.record.borrow_mut().waited(&context.plan.group, began, context.now());
            }
            is_served |= matches!(outcome, Ok(true));
            if let Err(loss) = outcome {
                is_served = false;
                client.close();
                context.lost(&loss);
                context.become_another_process();
            }
        }
        client.sleep(pause).await;
    }
}

fn told(context: &Context, entry: Vec<u8>, asked: u64) {
    let told = Told { entry, client: context.plan.name.clone(), asked, answered: context.now() };
    context.record.borrow_mut().entries.told.push(told);
}

/// True if it was executed.
async fn read<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Bookkeeper) -> Result<bool, Loss> {
    let asked = context.now();
    client.send(&["LINDEX", LEDGER, "-1"]);
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    match client.receive(deadline).await? {
        Reply::Bulk(entry) => told(context, entry, asked),
        Reply::Null => {}
        refusal if is_refusal(&refusal) => return Ok(false),
        other => context.record.borrow_mut().unexpected(context.now(), &context.plan.name, "LINDEX", &other),
    }
    Ok(true)
}

/// True if it was executed.
async fn write<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Bookkeeper,
    batch: u64,
    stream: &mut Stream,
) -> Result<bool, Loss> {
    let asked = context.now();
    let id = format!("{}:{batch}", context.plan.name);
    let width = p.width.pick_u64(stream).min(p.accounts.value());
    let accounts: BTreeSet<String> = (0..width).map(|_| account(stream.below(p.accounts.value().max(1)))).collect();
    let names: Vec<&str> = accounts.iter().map(String::as_str).collect();
    let entry = format!("{id} {} {}", names.join(","), ".".repeat(p.padding.pick_u64(stream) as usize)).into_bytes();
    let alone = accounts.is_empty();
    if !alone {
        client.send(&["MULTI"]);
    }
    client.send(&[b"RPUSH", LEDGER.as_bytes(), &entry]);
    for account in &accounts {
        match AccountKind::of(account.as_bytes()) {
            AccountKind::Text => client.send(&["APPEND", account, &format!("{id};")]),
            AccountKind::List => client.send(&["RPUSH", account, &id]),
            AccountKind::Hash => client.send(&["HINCRBY", account, &id, "1"]),
        }
    }
    if !alone {
        client.send(&["EXEC"]);
    }
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    let complain = |command: &str, reply: &Reply| {
        context.record.borrow_mut().unexpected(context.now(), &context.plan.name, command, reply);
    };
    if !alone {
        let begun = client.receive(deadline).await?;
        if begun != Reply::Simple(b"OK".to_vec()) {
            complain("MULTI", &begun);
        }
        for _ in 0..=accounts.len() {
            let reply = client.receive(deadline).await?;
            if reply != Reply::Simple(b"QUEUED".to_vec()) && !is_refusal(&reply) {
                complain("a queued command", &reply);
            }
        }
    }
    let reply = client.receive(deadline).await?;
    let done = match &reply {
        Reply::Integer(_) => alone,
        Reply::Array(replies) => {
            !alone
                && replies.len() == accounts.len() + 1
                && replies.iter().all(|reply| matches!(reply, Reply::Integer(_)))
        }
        _ => false,
    };
    if done {
        told(context, entry, asked);
    } else if is_refusal(&reply) {
        context.record.borrow_mut().entries.refused.insert(entry);
    } else {
        complain("an entry", &reply);
    }
    Ok(done)
}

/// The name of an account, which says its type.
fn account(number: u64) -> String {
    let kind = ["t", "l", "h"][(number % 3) as usize];
    format!("{kind}{number}")
}
