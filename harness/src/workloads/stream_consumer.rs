//! A consumer of a group: reads what is new, acknowledges most of it, leaves some behind, claims what others left, and looks
//! now and then at the whole group. It may die at any moment; its name and what it left stay.

use std::collections::BTreeMap;
use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;

use super::stream_producer::STREAM;
use crate::client::{Client, Loss};
use crate::record::groups::{Delivery, EntryId, How, LostClaim, View, id, text};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct StreamConsumer {
        /// Of a hundred batches, how many claim instead of reading.
        claim_percent: Span,
        /// Of a hundred entries, how many are left pending.
        leave_percent: Span,
        /// Of a hundred batches, after how many the connection is given up with entries in hand.
        crash_percent: Span,
        /// Of a hundred batches, before how many the group is looked at.
        look_percent: Span,
        /// How long entries are pending before they are claimed.
        min_idle_ms: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        ; each
        /// Entries asked for together.
        count: Span,
        /// How long the server may wait for entries; 0 for not at all.
        block_ms: Span,
        /// Pause between batches, in microseconds.
        pause_us: Span,
    }
}

const GROUP: &str = "crew";

/// Works until the first phase is over, then looks at the group once more.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &StreamConsumer) {
    let timeout = Duration::from_millis(p.timeout_ms.value());
    let mut cursor = "0-0".to_owned();
    let mut joined = false;
    let mut looked = false;
    while !looked {
        let working = context.working();
        if !client.is_connected() && client.connect().await.is_err() {
            let pause = client.backoff();
            client.sleep(pause).await;
            continue;
        }
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        let mut turn = Turn {
            context,
            timeout,
            count: p.count.pick_u64(&mut stream).max(1),
            block_ms: p.block_ms.pick_u64(&mut stream),
            min_idle_ms: p.min_idle_ms.value(),
            claims: stream.below(100) < p.claim_percent.value(),
            looks: stream.below(100) < p.look_percent.value() || !working,
            crashes: stream.below(100) < p.crash_percent.value() && working,
            leaves: (0..64).map(|_| stream.below(100) < p.leave_percent.value()).collect(),
        };
        if working && context.plan.skips(batch) {
            client.sleep(pause).await;
            continue;
        }
        let outcome = async {
            if !joined {
                turn.join(client).await?;
                joined = true;
            }
            if working {
                turn.take(client, &mut cursor).await?;
            }
            if turn.looks {
                turn.look(client).await?;
            }
            Ok::<(), Loss>(())
        };
        match outcome.await {
            Ok(()) => looked = !working,
            Err(loss) => {
                client.close();
                context.lost(&loss);
            }
        }
        client.sleep(pause).await;
    }
}

/// One batch.
struct Turn<'a> {
    context: &'a Context,
    timeout: Duration,
    count: u64,
    block_ms: u64,
    min_idle_ms: u64,
    claims: bool,
    looks: bool,
    crashes: bool,
    leaves: Vec<bool>,
}

impl Turn<'_> {
    fn name(&self) -> &str {
        &self.context.plan.name
    }

    fn unexpected(&self, command: &str, reply: &Reply) {
        self.context.record.borrow_mut().unexpected(self.context.now(), self.name(), command, reply);
    }

    /// Makes the group unless it is there.
    async fn join<R: Runtime>(&self, client: &mut Client<R>) -> Result<(), Loss> {
        client.send(&["XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM"]);
        let deadline = client.now() + self.timeout;
        match client.receive(deadline).await? {
            Reply::Simple(_) => {}
            Reply::Error(text) if text.starts_with(b"BUSYGROUP ") => {}
            other => self.unexpected("XGROUP CREATE", &other),
        }
        Ok(())
    }

    /// Reads or claims, and acknowledges what is not left behind.
    async fn take<R: Runtime>(&mut self, client: &mut Client<R>, cursor: &mut String) -> Result<(), Loss> {
        let entries = if self.claims {
            // Lost until it is answered: this client may die before.
            let asked = self.context.now();
            self.context.record.borrow_mut().stream.lost_claims.push(LostClaim { asked, given_up: None });
            let claimed = self.claim(client, cursor).await;
            let lost = &mut self.context.record.borrow_mut().stream.lost_claims;
            if let Some(at) = lost.iter().position(|one| one.asked == asked && one.given_up.is_none()) {
                match &claimed {
                    Ok(_) => {
                        lost.swap_remove(at);
                    }
                    Err(_) => lost[at].given_up = Some(self.context.now()),
                }
            }
            claimed?
        } else {
            self.read(client).await?
        };
        if self.crashes {
            (self.context.note)("gives up its connection with entries in hand");
            client.close();
            self.looks = false;
            return Ok(());
        }
        let left = |at: usize| self.leaves[at % self.leaves.len()];
        let done: Vec<String> =
            entries.iter().enumerate().filter(|(at, _)| !left(*at)).map(|(_, id)| text(*id)).collect();
        if done.is_empty() {
            return Ok(());
        }
        let mut command = vec!["XACK", STREAM, GROUP];
        command.extend(done.iter().map(String::as_str));
        for id in entries.iter().enumerate().filter(|(at, _)| !left(*at)).map(|(_, id)| *id) {
            self.context.record.borrow_mut().stream.acknowledged.insert(id);
        }
        client.send(&command);
        let deadline = client.now() + self.timeout;
        match client.receive(deadline).await? {
            // Another may have claimed and acknowledged them.
            Reply::Integer(count) if (0..=done.len() as i64).contains(&count) => {}
            other => self.unexpected("XACK", &other),
        }
        Ok(())
    }

    async fn read<R: Runtime>(&self, client: &mut Client<R>) -> Result<Vec<EntryId>, Loss> {
        let (count, block) = (self.count.to_string(), self.block_ms.to_string());
        let mut command = vec!["XREADGROUP", "GROUP", GROUP, self.name(), "COUNT", &count];
        if self.block_ms > 0 {
            command.extend(["BLOCK", &block]);
        }
        command.extend(["STREAMS", STREAM, ">"]);
        client.send(&command);
        let deadline = client.now() + self.timeout + Duration::from_millis(self.block_ms);
        let reply = client.receive(deadline).await?;
        let entries = match &reply {
            Reply::Null => Some(Vec::new()),
            Reply::Array(streams) => match streams.as_slice() {
                [Reply::Array(stream)] if stream.len() == 2 => entries(&stream[1]),
                _ => None,
            },
            _ => None,
        };
        Ok(self.delivered(How::New, entries, "XREADGROUP", &reply))
    }

    async fn claim<R: Runtime>(&self, client: &mut Client<R>, cursor: &mut String) -> Result<Vec<EntryId>, Loss> {
        let (count, idle) = (self.count.to_string(), self.min_idle_ms.to_string());
        client.send(&["XAUTOCLAIM", STREAM, GROUP, self.name(), &idle, cursor, "COUNT", &count]);
        let deadline = client.now() + self.timeout;
        let reply = client.receive(deadline).await?;
        let (claimed, gone) = match &reply {
            Reply::Array(parts) => match parts.as_slice() {
                [Reply::Bulk(next), claimed, Reply::Array(gone)] => {
                    *cursor = String::from_utf8_lossy(next).into_owned();
                    (entries(claimed), gone.iter().map(bulk_id).collect::<Option<Vec<_>>>())
                }
                _ => (None, None),
            },
            _ => (None, None),
        };
        match gone {
            Some(gone) => self.context.record.borrow_mut().stream.reported.extend(gone),
            None => self.unexpected("XAUTOCLAIM", &reply),
        }
        Ok(self.delivered(How::Claimed, claimed, "XAUTOCLAIM", &reply))
    }

    fn delivered(
        &self,
        how: How,
        entries: Option<Vec<(EntryId, String)>>,
        command: &str,
        reply: &Reply,
    ) -> Vec<EntryId> {
        let Some(entries) = entries else {
            self.unexpected(command, reply);
            return Vec::new();
        };
        let at = self.context.now();
        let mut record = self.context.record.borrow_mut();
        let mut ids = Vec::new();
        for (id, token) in entries {
            ids.push(id);
            record.stream.deliveries.push(Delivery { at, consumer: self.name().to_owned(), id, token, how });
        }
        ids
    }

    /// Everything about the group, at one moment.
    async fn look<R: Runtime>(&self, client: &mut Client<R>) -> Result<(), Loss> {
        let asked = self.context.now();
        let all = i64::MAX.to_string();
        client.send(&["MULTI"]);
        client.send(&["XPENDING", STREAM, GROUP]);
        client.send(&["XPENDING", STREAM, GROUP, "-", "+", &all]);
        client.send(&["XINFO", "CONSUMERS", STREAM, GROUP]);
        client.send(&["XINFO", "GROUPS", STREAM]);
        client.send(&["XLEN", STREAM]);
        client.send(&["XRANGE", STREAM, "-", "+"]);
        client.send(&["EXEC"]);
        let deadline = client.now() + self.timeout;
        for _ in 0..7 {
            client.receive(deadline).await?;
        }
        let reply = client.receive(deadline).await?;
        match view(&reply) {
            Some(view) => {
                let view = View { asked, answered: self.context.now(), ..view };
                self.context.record.borrow_mut().stream.views.push(view);
            }
            None => self.unexpected("EXEC of a look at the group", &reply),
        }
        Ok(())
    }
}

fn bulk_text(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Bulk(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

fn bulk_id(reply: &Reply) -> Option<EntryId> {
    match reply {
        Reply::Bulk(bytes) => id(bytes),
        _ => None,
    }
}

fn integer(reply: &Reply) -> Option<i64> {
    match reply {
        Reply::Integer(number) => Some(*number),
        _ => None,
    }
}

fn array(reply: &Reply) -> Option<&[Reply]> {
    match reply {
        Reply::Array(parts) => Some(parts),
        _ => None,
    }
}

/// Ids and tokens of entries.
fn entries(reply: &Reply) -> Option<Vec<(EntryId, String)>> {
    let entry = |reply: &Reply| {
        let [id, fields] = array(reply)? else { return None };
        let [_, token, ..] = array(fields)? else { return None };
        Some((bulk_id(id)?, bulk_text(token)?))
    };
    array(reply)?.iter().map(entry).collect()
}

/// What comes after a name in a flat list of pairs.
fn field<'a>(pairs: &'a [Reply], name: &str) -> Option<&'a Reply> {
    pairs.chunks(2).find(|pair| bulk_text(&pair[0]).as_deref() == Some(name)).and_then(|pair| pair.get(1))
}

fn view(reply: &Reply) -> Option<View> {
    let [sum, listed, consumers, groups, len, range] = array(reply)? else { return None };
    let [count, _, _, by_consumer] = array(sum)? else { return None };
    let mut view = View { pending_sum: integer(count)?, len: integer(len)?, ..View::default() };
    if let Some(by_consumer) = array(by_consumer) {
        for one in by_consumer {
            let [name, count] = array(one)? else { return None };
            view.pending_by_consumer.insert(bulk_text(name)?, bulk_text(count)?.parse().ok()?);
        }
    }
    for one in array(listed)? {
        let [id, owner, _, deliveries] = array(one)? else { return None };
        view.pending.push((bulk_id(id)?, bulk_text(owner)?, integer(deliveries)?));
    }
    let mut known = BTreeMap::new();
    for one in array(consumers)? {
        let pairs = array(one)?;
        known.insert(bulk_text(field(pairs, "name")?)?, integer(field(pairs, "pending")?)?);
    }
    view.consumers = known;
    let [group] = array(groups)? else { return None };
    view.last_delivered = bulk_id(field(array(group)?, "last-delivered-id")?)?;
    view.entries = entries(range)?.into_iter().map(|(id, _)| id).collect();
    Some(view)
}
