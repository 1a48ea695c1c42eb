//! An operator who gives users rights and takes them away while they are connected: ACL SETUSER with all rules anew or one
//! rule, `off`, new passwords, ACL DELUSER. In the end it reads what the server says of refusals.

use std::collections::BTreeSet;
use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::member::{COMMANDS, PREFIXES};
use crate::client::{Client, Loss};
use crate::record::access::{Account, Change, Logged, Rights};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct AclOperator {
        /// Users at one time.
        users: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Pause between changes, in microseconds.
        pause_us: Span,
    }
}

/// How long the last look may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Works until the first phase is over, and reads the log.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &AclOperator) {
    let mut logged_in = false;
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        let timeout = Duration::from_millis(p.timeout_ms.value());
        if !context.plan.skips(batch) {
            let place = stream.below(p.users.value().max(1));
            let outcome = match logged_in {
                true => change(client, context, place, batch, timeout, &mut stream).await,
                false => super::log_in(client, context, timeout).await,
            };
            logged_in = outcome.is_ok();
            if let Err(loss) = outcome {
                client.close();
                context.lost(&loss);
                // What was not answered may be done at any time: that user is left for a fresh one.
                context.record.borrow_mut().access.current.remove(&place);
            }
        }
        client.sleep(pause).await;
    }
    while context.record.borrow().access.logged.is_none() {
        if !client.is_connected() {
            logged_in = false;
            if client.connect().await.is_err() {
                let pause = client.backoff();
                client.sleep(pause).await;
                continue;
            }
        }
        if read_log(client, context, &mut logged_in).await.is_err() {
            client.close();
        }
    }
}

async fn change<R: Runtime>(
    client: &mut Client<R>,
    context: &Context,
    place: u64,
    batch: u64,
    timeout: Duration,
    stream: &mut Stream,
) -> Result<(), Loss> {
    let (account, name, before) = {
        let access = &mut context.record.borrow_mut().access;
        let fresh = access.accounts.len();
        let account = *access.current.entry(place).or_insert(fresh);
        if account == fresh {
            access.accounts.push(Account { name: format!("user-{place}-{fresh}"), changes: Vec::new() });
        }
        let Account { name, changes } = &access.accounts[account];
        (account, name.clone(), changes.last().and_then(|change| change.rights.clone()))
    };
    let (words, rights) = draw(before, &name, batch, stream);
    let sent = context.now();
    context.record.borrow_mut().access.accounts[account].changes.push(Change { sent, acked: None, rights });
    client.send(&words);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    let now = context.now();
    let mut record = context.record.borrow_mut();
    let done = reply == Reply::Simple(b"OK".to_vec()) || reply == Reply::Integer(1);
    if !done {
        record.unexpected(now, &context.plan.name, &words.join(" "), &reply);
    }
    let changes = &mut record.access.accounts[account].changes;
    changes.last_mut().expect("it was entered above").acked = Some(now);
    Ok(())
}

/// A command that changes a user, and the rights that are left.
fn draw(before: Option<Rights>, name: &str, batch: u64, stream: &mut Stream) -> (Vec<String>, Option<Rights>) {
    let words = |rest: &[&str]| ["ACL", "SETUSER", name].iter().chain(rest).map(|w| w.to_string()).collect::<Vec<_>>();
    let Some(mut rights) = before else {
        let rights = all_anew(batch, stream);
        return (words(&rules(&rights).iter().map(String::as_str).collect::<Vec<_>>()), Some(rights));
    };
    let command = *stream.pick(&COMMANDS);
    let prefix = *stream.pick(&PREFIXES);
    match stream.below(10) {
        0 => (["ACL", "DELUSER", name].map(str::to_owned).to_vec(), None),
        1 => {
            rights.on = !rights.on;
            (words(&[if rights.on { "on" } else { "off" }]), Some(rights))
        }
        2 => {
            rights.password = format!("password-{batch}");
            (words(&["resetpass", &format!(">{}", rights.password)]), Some(rights))
        }
        3 | 4 => {
            rights.commands.remove(command);
            (words(&[&format!("-{command}")]), Some(rights))
        }
        5 | 6 => {
            rights.commands.insert(command);
            (words(&[&format!("+{command}")]), Some(rights))
        }
        7 => {
            rights.prefixes.insert(prefix);
            (words(&[&format!("~{prefix}*")]), Some(rights))
        }
        _ => {
            let rights = all_anew(batch, stream);
            (words(&rules(&rights).iter().map(String::as_str).collect::<Vec<_>>()), Some(rights))
        }
    }
}

fn all_anew(batch: u64, stream: &mut Stream) -> Rights {
    let mut some = |all: &[&'static str]| all.iter().copied().filter(|_| stream.chance(0.6)).collect::<BTreeSet<_>>();
    let (commands, prefixes) = (some(&COMMANDS), some(&PREFIXES));
    Rights { on: stream.chance(0.9), password: format!("password-{batch}"), commands, prefixes }
}

/// Rules that give these rights, whatever there was before.
fn rules(rights: &Rights) -> Vec<String> {
    let mut rules = vec!["reset".to_owned(), if rights.on { "on" } else { "off" }.to_owned()];
    rules.push(format!(">{}", rights.password));
    rules.extend(rights.commands.iter().map(|command| format!("+{command}")));
    rules.extend(rights.prefixes.iter().map(|prefix| format!("~{prefix}*")));
    rules
}

async fn read_log<R: Runtime>(client: &mut Client<R>, context: &Context, logged_in: &mut bool) -> Result<(), Loss> {
    if !*logged_in {
        super::log_in(client, context, PATIENCE).await?;
        *logged_in = true;
    }
    client.send(&["ACL", "LOG", "1000"]);
    client.send(&["INFO", "stats"]);
    let deadline = client.now() + PATIENCE;
    let log = client.receive(deadline).await?;
    let info = client.receive(deadline).await?;
    let mut record = context.record.borrow_mut();
    match logged(&log, &info) {
        Some(logged) => record.access.logged = Some(logged),
        None => {
            record.unexpected(context.now(), &context.plan.name, "ACL LOG", &log);
            record.access.logged = Some(Logged::default());
        }
    }
    Ok(())
}

/// What ACL LOG and INFO say, in RESP2.
fn logged(log: &Reply, info: &Reply) -> Option<Logged> {
    let (Reply::Array(entries), Reply::Bulk(info)) = (log, info) else { return None };
    let mut logged = Logged::default();
    for entry in entries {
        let Reply::Array(fields) = entry else { return None };
        let of = |name: &str| {
            fields.chunks_exact(2).find_map(|pair| match pair {
                [Reply::Bulk(key), Reply::Bulk(value)] if key == name.as_bytes() => {
                    Some(String::from_utf8_lossy(value).into_owned())
                }
                _ => None,
            })
        };
        logged.entries.push((of("reason")?, of("username")?));
    }
    for line in String::from_utf8_lossy(info).lines() {
        if let Some((name, count)) = line.split_once(':')
            && name.starts_with("acl_access_denied")
        {
            logged.counters.insert(name.to_owned(), count.parse().ok()?);
        }
    }
    Some(logged)
}
