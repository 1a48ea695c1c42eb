//! A stranger without credentials who tries everything: every command of the table with made-up arguments, in pipelines, inside
//! MULTI, in halves, before and after HELLO and RESET.

use std::time::Duration;

use refrain_core::table::Table;
use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::record::{shorten, show};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Intruder {
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Commands in flight together.
        depth: Span,
        /// Arguments of a command.
        arguments: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// Words that mean something somewhere.
const WORDS: &[&str] = &[
    "secret:1",
    "secret:2",
    "a:1",
    "*",
    "0",
    "1",
    "-1",
    "100",
    "GET",
    "SET",
    "PX",
    "ID",
    "LIST",
    "default",
    "on",
    ">x",
    "allkeys",
    "+@all",
    "requirepass",
    "",
    "3",
    "2",
    "WITHCODE",
    "ALL",
    "return redis.call('GET','secret:1')",
];

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Intruder) {
    let commands = every_command();
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        if !context.plan.skips(batch) {
            match probe(client, context, p, &commands, &mut stream).await {
                Ok(()) => {}
                // QUIT, and what breaks the protocol, end a connection in good order.
                Err(Loss::Ended) => client.close(),
                Err(loss) => {
                    client.close();
                    context.lost(&loss);
                }
            }
            if stream.chance(0.1) {
                client.close();
            }
        }
        client.sleep(pause).await;
    }
    // It may have said QUIT on the last one.
    client.close();
}

/// The words that call each command, subcommands included.
fn every_command() -> Vec<Vec<String>> {
    Table::new().all().map(|found| found.command.name.split('|').map(str::to_owned).collect()).collect()
}

async fn probe<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    p: &Intruder,
    commands: &[Vec<String>],
    stream: &mut Stream,
) -> Result<(), Loss> {
    let mut asked = Vec::new();
    let mut ask = |client: &mut Client<R>, words: Vec<String>| {
        client.send(&words);
        asked.push(words[0].to_uppercase());
    };
    match stream.below(8) {
        0 => ask(client, vec!["HELLO".into(), stream.pick(&["2", "3", "4"]).to_string()]),
        1 => ask(client, vec!["MULTI".into()]),
        2 => ask(client, vec!["RESET".into()]),
        _ => {}
    }
    for _ in 0..p.depth.pick_u64(stream).max(1) {
        let mut words = stream.pick(commands).clone();
        // CLIENT REPLY would only hide the answers.
        if words.iter().any(|word| word.eq_ignore_ascii_case("reply")) {
            continue;
        }
        for _ in 0..p.arguments.pick_u64(stream).min(7) {
            words.push(stream.pick(WORDS).to_string());
        }
        ask(client, words);
    }
    if stream.chance(0.1) {
        ask(client, vec!["EXEC".into()]);
    }
    let half = stream.chance(0.1);
    let deadline = client.now() + Duration::from_millis(p.timeout_ms.value());
    for command in asked {
        let reply = client.receive(deadline).await?;
        context.record.borrow_mut().access.probed(&command, class_of(&reply));
    }
    if half {
        // Half of a request, and nothing behind it.
        client.send_raw(b"*3\r\n$3\r\nSET\r\n$8\r\nsecr");
        client.flush()?;
        client.close();
    }
    Ok(())
}

/// An answer for the record: what is not an error is kept as it is.
pub fn class_of(reply: &Reply) -> String {
    match reply {
        Reply::Error(text) => format!("-{}", shorten(&text.escape_ascii().to_string())),
        other => shorten(&show(other)),
    }
}
