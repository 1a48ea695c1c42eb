//! A user of the server whose rights an operator changes meanwhile. It logs in with the password that it was told last, and
//! tries commands on one key and on several, whether it may or not.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use crate::client::{Client, Loss};
use crate::record::access::{Act, Deed};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Member {
        /// Users at one time, as the operator has them.
        users: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Commands in flight together.
        depth: Span,
        /// Commands of one connection.
        life: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

/// Commands that users try, and that their rights are about.
pub const COMMANDS: [&str; 5] = ["get", "set", "mget", "mset", "del"];

/// Prefixes of keys that users try, and that their rights are about.
pub const PREFIXES: [&str; 3] = ["a:", "b:", "c:"];

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Member) {
    while client.connect_while(|| context.working()).await && context.working() {
        let outcome = live(client, context, p).await;
        client.close();
        match outcome {
            // A user that was deleted loses its connections.
            Ok(()) | Err(Loss::Ended) => {}
            Err(loss) => context.lost(&loss),
        }
        client.sleep(Duration::from_millis(2)).await;
    }
}

/// One connection: a login, and commands until it has done enough.
async fn live<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Member) -> Result<(), Loss> {
    let batch = context.next_batch();
    let mut stream = super::batch_stream(context, batch);
    if context.plan.skips(batch) {
        return Ok(());
    }
    let place = stream.below(p.users.value().max(1));
    let known = {
        let access = &context.record.borrow().access;
        let account = access.current.get(&place).copied();
        account.and_then(|account| {
            let Some(rights) = &access.accounts[account].changes.last()?.rights else { return None };
            Some((account, access.accounts[account].name.clone(), rights.password.clone()))
        })
    };
    let Some((account, name, password)) = known else { return Ok(()) };
    let timeout = Duration::from_millis(p.timeout_ms.value());
    let sent = context.now();
    client.send(&["AUTH", &name, &password]);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    let logged_in = context.now();
    let allowed = reply == Reply::Simple(b"OK".to_vec());
    let mut act = Act { account, sent, answered: logged_in, logged_in, deed: Deed::LogIn(password), allowed };
    context.record.borrow_mut().access.acts.push(act.clone());
    if !allowed {
        if !matches!(&reply, Reply::Error(text) if text.starts_with(b"WRONGPASS")) {
            context.record.borrow_mut().unexpected(logged_in, &context.plan.name, "AUTH", &reply);
        }
        return Ok(());
    }
    for _ in 0..p.life.pick_u64(&mut stream) {
        if !context.working() {
            break;
        }
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        let deeds: Vec<Deed> = (0..p.depth.pick_u64(&mut stream).max(1)).map(|_| draw(&mut stream)).collect();
        act.sent = context.now();
        for deed in &deeds {
            client.send(&words(deed));
        }
        let deadline = client.now() + timeout;
        for deed in deeds {
            let reply = client.receive(deadline).await?;
            act.answered = context.now();
            act.allowed = !matches!(reply, Reply::Error(_));
            act.deed = deed;
            let mut record = context.record.borrow_mut();
            if matches!(&reply, Reply::Error(text) if !text.starts_with(b"NOPERM")) {
                record.unexpected(act.answered, &context.plan.name, "a user's command", &reply);
            }
            record.access.acts.push(act.clone());
        }
        client.sleep(pause).await;
    }
    Ok(())
}

fn draw(stream: &mut Stream) -> Deed {
    let command = *stream.pick(&COMMANDS);
    let keys = if matches!(command, "get" | "set") { 1 } else { 1 + stream.below(3) };
    let key = |stream: &mut Stream| format!("{}{}", stream.pick(&PREFIXES), stream.below(4));
    Deed::Use(command, (0..keys).map(|_| key(stream)).collect())
}

fn words(deed: &Deed) -> Vec<String> {
    let Deed::Use(command, keys) = deed else { return Vec::new() };
    let mut words = vec![command.to_string()];
    for key in keys {
        words.push(key.clone());
        if matches!(*command, "set" | "mset") {
            words.push("secret-value".into());
        }
    }
    words
}
