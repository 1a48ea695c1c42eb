//! Transactions over groups of keys: each writes one unique value to every key of a group, reads a whole group, or
//! replaces what it has read under WATCH.
//!
//! Seen from outside a group is one register: written whole, read whole, and compared and set by WATCH, GET, MULTI … EXEC.
//! It is recorded as such, next to what each reading transaction saw of every single key.

use std::time::Duration;

use refrain_jepsen::{Call, OperationId, Reply as Said};
use refrain_resp::Reply;
use refrain_runtime::{Mono, Runtime};

use super::is_refusal;
use crate::client::{Client, Loss};
use crate::record::{GroupRead, Which};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Transactions {
        /// Groups of keys at one time.
        groups: Span,
        /// Keys of a group.
        keys: Span,
        /// How long a group is used.
        group_life_ms: Span,
        /// How long a reply is waited for.
        timeout_ms: Span,
        /// Of a hundred transactions, how many write under WATCH.
        watch_percent: Span,
        /// Of a hundred others, how many read.
        read_percent: Span,
        ; each
        /// Pause between transactions, in microseconds.
        pause_us: Span,
        /// Pause between WATCH and EXEC, in microseconds.
        hold_us: Span,
    }
}

/// Works until the first phase is over.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Transactions) {
    while client.connect_while(|| context.working()).await && context.working() {
        let batch = context.next_batch();
        let mut stream = super::batch_stream(context, batch);
        let pause = Duration::from_micros(p.pause_us.pick_u64(&mut stream));
        let hold = Duration::from_micros(p.hold_us.pick_u64(&mut stream));
        let life = context.now() / 1_000_000 / p.group_life_ms.value().max(1);
        let era = context.record.borrow().era();
        let group = format!("g{}.{life}.{era}", stream.below(p.groups.value().max(1)));
        let keys = (0..p.keys.value().max(2)).map(|i| format!("{group}:{i}")).collect();
        let deadline = client.now() + Duration::from_millis(p.timeout_ms.value()) + hold;
        let value = format!("{}:{batch}", context.plan.name).into_bytes();
        let mut turn = Turn { client, context, group, keys, deadline };
        if !context.plan.skips(batch) {
            let outcome = if stream.below(100) < p.watch_percent.value() {
                turn.replace(value, hold).await
            } else if stream.below(100) < p.read_percent.value() {
                turn.read(stream.chance(0.5)).await
            } else {
                turn.write(value, stream.chance(0.3)).await
            };
            if let Err(loss) = outcome {
                client.close();
                context.lost(&loss);
                context.become_another_process();
            }
        }
        client.sleep(pause).await;
    }
}

/// One transaction on one group.
struct Turn<'a, R: Runtime> {
    client: &'a mut Client<R>,
    context: &'a Context,
    group: String,
    keys: Vec<String>,
    deadline: Mono,
}

impl<R: Runtime> Turn<'_, R> {
    /// Writes the group as a whole: with a SET for each key, or with one command for all of them.
    async fn write(&mut self, value: Vec<u8>, at_once: bool) -> Result<(), Loss> {
        let id = self.invoke(Call::Write { value: value.clone() });
        let writes = if at_once {
            let pairs = self.keys.iter().flat_map(|key| [key.as_bytes(), &value]);
            vec![[b"MSET".as_slice()].into_iter().chain(pairs).map(<[u8]>::to_vec).collect()]
        } else {
            sets(&self.keys, &value)
        };
        let reply = self.execute(id, &writes).await?;
        match reply {
            Reply::Array(replies) if replies.iter().all(is_ok) && replies.len() == writes.len() => {
                self.answer(id, Said::Done);
            }
            refusal if is_refusal(&refusal) => self.refuse(id),
            other => self.impossible(id, "EXEC of writes", &other),
        }
        Ok(())
    }

    /// Reads the group as a whole: with a GET for each key, or with one command for all of them.
    async fn read(&mut self, at_once: bool) -> Result<(), Loss> {
        let id = self.invoke(Call::Read);
        let keys = self.keys.iter().map(|key| key.as_bytes());
        let reads: Vec<Vec<Vec<u8>>> = if at_once {
            vec![[b"MGET".as_slice()].into_iter().chain(keys).map(<[u8]>::to_vec).collect()]
        } else {
            keys.map(|key| words(&[b"GET", key])).collect()
        };
        let reply = self.execute(id, &reads).await?;
        let values = match &reply {
            Reply::Array(replies) if at_once => match &replies[..] {
                [Reply::Array(values)] => Some(values),
                _ => None,
            },
            Reply::Array(replies) => Some(replies),
            _ => None,
        };
        let values = values.filter(|values| values.len() == self.keys.len());
        let values = values.and_then(|values| values.iter().map(value_of).collect());
        let Some(values): Option<Vec<Option<Vec<u8>>>> = values else {
            if is_refusal(&reply) {
                self.refuse(id);
                return Ok(());
            }
            self.impossible(id, "EXEC of reads", &reply);
            return Ok(());
        };
        let first = values[0].clone();
        let whole = values.iter().all(|value| *value == first);
        let read = GroupRead {
            at: self.context.now(),
            process: self.context.process.get(),
            group: self.group.clone(),
            values,
        };
        self.context.record.borrow_mut().group_reads.push(read);
        if whole {
            self.answer(id, first.map_or(Said::Nil, Said::Value));
        } else {
            // What it saw belongs to no state of the group: its own oracle says so.
            self.refuse(id);
        }
        Ok(())
    }

    /// Reads under WATCH, holds for a while, and replaces what it has read if nobody else has.
    async fn replace(&mut self, value: Vec<u8>, hold: Duration) -> Result<(), Loss> {
        let watched = self.keys.len() - 1;
        self.client.send(&words(&[b"WATCH", self.keys[watched].as_bytes()]));
        self.client.send(&words(&[b"GET", self.keys[watched].as_bytes()]));
        let watching = self.client.receive(self.deadline).await?;
        let seen = self.client.receive(self.deadline).await?;
        let Some(seen) = value_of(&seen).filter(|_| is_ok(&watching)) else {
            if is_refusal(&watching) || is_refusal(&seen) {
                self.client.send(&["UNWATCH"]);
                let unwatched = self.client.receive(self.deadline).await?;
                if !is_ok(&unwatched) {
                    self.complain("UNWATCH", &unwatched);
                }
                return Ok(());
            }
            self.complain("WATCH and GET", &seen);
            return Ok(());
        };
        self.client.sleep(hold).await;
        // A group that nobody has written is no value to compare with: then this is a write like any other.
        let call = match seen {
            Some(from) => Call::Cas { from, to: value.clone() },
            None => Call::Write { value: value.clone() },
        };
        let id = self.invoke(call);
        let reply = self.execute(id, &sets(&self.keys, &value)).await?;
        match reply {
            Reply::Array(replies) if replies.iter().all(is_ok) && replies.len() == self.keys.len() => {
                self.answer(id, Said::Done);
            }
            // Refused for a write between WATCH and GET it may hold the very value that was read: that says nothing.
            Reply::Null => self.refuse(id),
            refusal if is_refusal(&refusal) => self.refuse(id),
            other => self.impossible(id, "EXEC under WATCH", &other),
        }
        Ok(())
    }

    /// MULTI, the commands, EXEC: gives EXEC's reply. An operation whose reply is lost is recorded as unknown.
    async fn execute(&mut self, id: OperationId, commands: &[Vec<Vec<u8>>]) -> Result<Reply, Loss> {
        self.client.send(&["MULTI"]);
        commands.iter().for_each(|command| self.client.send(command));
        self.client.send(&["EXEC"]);
        let outcome = self.replies(commands.len()).await;
        if outcome.is_err() {
            let now = self.context.now();
            self.context.record.borrow_mut().lose(Which::Groups, id, now);
        }
        outcome
    }

    async fn replies(&mut self, queued: usize) -> Result<Reply, Loss> {
        let half_close = self.context.control.half_close.take();
        if half_close {
            (self.context.note)("ends its sending side");
            self.client.half_close(self.deadline).await?;
        }
        let begun = self.client.receive(self.deadline).await?;
        if !is_ok(&begun) {
            self.complain("MULTI", &begun);
        }
        for _ in 0..queued {
            let reply = self.client.receive(self.deadline).await?;
            if reply != Reply::Simple(b"QUEUED".to_vec()) && !is_refusal(&reply) {
                self.complain("a queued command", &reply);
            }
        }
        let reply = self.client.receive(self.deadline).await;
        if half_close {
            self.client.close();
        }
        reply
    }

    fn invoke(&self, call: Call) -> OperationId {
        let now = self.context.now();
        self.context.record.borrow_mut().invoke(Which::Groups, self.context.process.get(), now, &self.group, call)
    }

    fn answer(&self, id: OperationId, reply: Said) {
        let now = self.context.now();
        self.context.record.borrow_mut().answer(Which::Groups, id, now, reply);
    }

    fn refuse(&self, id: OperationId) {
        let now = self.context.now();
        self.context.record.borrow_mut().refuse(Which::Groups, id, now);
    }

    fn impossible(&self, id: OperationId, command: &str, reply: &Reply) {
        self.complain(command, reply);
        let now = self.context.now();
        self.context.record.borrow_mut().lose(Which::Groups, id, now);
    }

    fn complain(&self, command: &str, reply: &Reply) {
        let now = self.context.now();
        self.context.record.borrow_mut().unexpected(now, &self.context.plan.name, command, reply);
    }
}

fn words(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

fn sets(keys: &[String], value: &[u8]) -> Vec<Vec<Vec<u8>>> {
    keys.iter().map(|key| words(&[b"SET", key.as_bytes(), value])).collect()
}

fn is_ok(reply: &Reply) -> bool {
    *reply == Reply::Simple(b"OK".to_vec())
}

/// The value that GET gives: `Some(None)` for no value, `None` for what is no reply of GET.
fn value_of(reply: &Reply) -> Option<Option<Vec<u8>>> {
    match reply {
        Reply::Bulk(value) => Some(Some(value.clone())),
        Reply::Null => Some(None),
        _ => None,
    }
}
