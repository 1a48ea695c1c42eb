//! A client that takes elements from queues by commands that wait: BLPOP, BLMPOP, BZPOPMIN, and BLMOVE to a list of its own.
//!
//! Behind each request it sends an ECHO, whose answer must come next: an answer too many shows. When it comes back after a
//! connection was lost or given up, it looks into its own list, and asks the server whether it has forgotten that connection:
//! from then on nothing can be taken by what was asked there.

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::producer::{list, sorted_set};
use crate::client::{Client, Loss};
use crate::record::queues::Take;
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Consumer {
        /// Queues that are lists.
        lists: Span,
        /// Queues that are sorted sets.
        sorted_sets: Span,
        /// Of a hundred requests, how many may wait for ever; the client then gives up by itself.
        endless_percent: Span,
        /// Of a hundred times that it comes back, how often it kills the connection that it had.
        kill_percent: Span,
        /// How long an answer is waited for that does not have to wait.
        timeout_ms: Span,
        ; each
        /// How long a request waits, in milliseconds.
        wait_ms: Span,
        /// Pause between requests, in microseconds.
        pause_us: Span,
    }
}

/// The list that belongs to a client.
pub fn own_list(client: &str) -> String {
    format!("p.{client}")
}

/// Works until the first phase is over, and then waits until nothing that it has asked for can still be served.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Consumer) {
    /// Attempts to hear that old connections are forgotten, once everything is well.
    const ATTEMPTS: usize = 40;
    let name = context.plan.name.clone();
    let mut attempts = 0;
    loop {
        if context.working() {
            if !client.connect_while(|| context.working()).await {
                continue;
            }
        } else {
            context.record.borrow_mut().queues.give_up(&name);
            attempts += 1;
            if attempts > ATTEMPTS || context.record.borrow().queues.haunting(&name).is_empty() && attempts > 1 {
                return;
            }
            if !client.is_connected() && client.connect().await.is_err() {
                let pause = client.backoff();
                client.sleep(pause).await;
                continue;
            }
        }
        context.record.borrow_mut().queues.give_up(&name);
        let mut consumer = Consuming { client, context, p, connection: 0 };
        match consumer.live().await {
            Ok(true) => {}
            // It gives the connection up with a request on it.
            Ok(false) => client.close(),
            Err(loss) => {
                client.close();
                context.lost(&loss);
            }
        }
        context.become_another_process();
    }
}

/// One connection.
struct Consuming<'a, R: Runtime> {
    client: &'a mut Client<R>,
    context: &'a Context,
    p: &'a Consumer,
    connection: i64,
}

impl<R: Runtime> Consuming<'_, R> {
    /// False when the connection is to be given up.
    async fn live(&mut self) -> Result<bool, Loss> {
        match self.ask(&["CLIENT", "ID"]).await? {
            Reply::Integer(id) => self.connection = id,
            other => self.unexpected("CLIENT ID", &other),
        }
        self.recover().await?;
        loop {
            self.look_for_ghosts().await?;
            if !self.context.working() {
                self.client.sleep(Duration::from_millis(50)).await;
                return Ok(true);
            }
            let batch = self.context.next_batch();
            let mut stream = super::batch_stream(self.context, batch);
            let pause = Duration::from_micros(self.p.pause_us.pick_u64(&mut stream));
            if !self.context.plan.skips(batch) && !self.take(batch, &mut stream).await? {
                return Ok(false);
            }
            self.client.sleep(pause).await;
        }
    }

    async fn ask(&mut self, command: &[&str]) -> Result<Reply, Loss> {
        self.client.send(command);
        let deadline = self.client.now() + Duration::from_millis(self.p.timeout_ms.value());
        self.client.receive(deadline).await
    }

    fn unexpected(&self, command: &str, reply: &Reply) {
        self.context.record.borrow_mut().unexpected(self.context.now(), &self.context.plan.name, command, reply);
    }

    /// What lies in its own list was taken before.
    async fn recover(&mut self) -> Result<(), Loss> {
        let own = own_list(&self.context.plan.name);
        let reply = self.ask(&["LRANGE", &own, "0", "-1"]).await?;
        let Some(elements) = texts(&reply) else {
            self.unexpected("LRANGE", &reply);
            return Ok(());
        };
        for element in elements {
            self.context.record.borrow_mut().queues.recovered.push((element.clone(), own.clone()));
            self.ask(&["LREM", &own, "1", &element]).await?;
        }
        Ok(())
    }

    /// Asks which of its old connections the server still knows.
    async fn look_for_ghosts(&mut self) -> Result<(), Loss> {
        let name = &self.context.plan.name;
        let mut old = self.context.record.borrow().queues.haunting(name);
        // Others may be on the present connection.
        old.retain(|id| *id != self.connection);
        for id in old {
            let text = id.to_string();
            let batch = self.context.next_batch();
            if super::batch_stream(self.context, batch).below(100) < self.p.kill_percent.value() {
                self.ask(&["CLIENT", "KILL", "ID", &text]).await?;
            }
            match self.ask(&["CLIENT", "LIST", "ID", &text]).await? {
                Reply::Bulk(line) if line.is_empty() => {
                    let now = self.context.now();
                    self.context.record.borrow_mut().queues.laid_to_rest(id, now);
                }
                Reply::Bulk(_) => {}
                other => self.unexpected("CLIENT LIST", &other),
            }
        }
        Ok(())
    }

    /// Asks for elements and waits. False when it has waited for long enough.
    async fn take(&mut self, batch: u64, stream: &mut Stream) -> Result<bool, Loss> {
        let name = self.context.plan.name.clone();
        let (lists, sorted_sets) = (self.p.lists.value().max(1), self.p.sorted_sets.value().max(1));
        let own = own_list(&name);
        let ms = self.p.wait_ms.pick_u64(stream).max(1);
        let endless = stream.below(100) < self.p.endless_percent.value();
        let timeout = if endless { "0".to_owned() } else { format!("{}.{:03}", ms / 1000, ms % 1000) };
        let (one, other) = (list(stream.below(lists)), list(stream.below(lists)));
        let most = 1 + stream.below(3) as usize;
        let kind = stream.below(4);
        let count = most.to_string();
        let sorted = sorted_set(stream.below(sorted_sets));
        let (command, queues, most): (Vec<&str>, Vec<&String>, usize) = match kind {
            0 => (vec!["BLPOP", &one, &other, &timeout], vec![&one, &other], 1),
            1 => (vec!["BLMPOP", &timeout, "2", &one, &other, "LEFT", "COUNT", &count], vec![&one, &other], most),
            2 => (vec!["BZPOPMIN", &sorted, &timeout], vec![&sorted], 1),
            _ => (vec!["BLMOVE", &one, &own, "LEFT", "RIGHT", &timeout], vec![&one], 1),
        };
        let marker = format!("{name}:{batch}");
        let number = self.context.record.borrow_mut().queues.ask(Take {
            client: name,
            connection: self.connection,
            queues: queues.into_iter().cloned().collect(),
            most,
            moves: kind == 3,
            sent: self.context.now(),
            got: None,
            given_up: false,
            gone_by: None,
        });
        self.client.send(&command);
        self.client.send(&["ECHO", &marker]);
        let patience = Duration::from_millis(ms + if endless { 0 } else { self.p.timeout_ms.value() });
        let deadline = self.client.now() + patience;
        let reply = match self.client.receive(deadline).await {
            Err(Loss::TimedOut) if endless => return Ok(false),
            other => other?,
        };
        match elements(kind, &reply) {
            Some(elements) => {
                let now = self.context.now();
                self.context.record.borrow_mut().queues.takes[number].got = Some((now, elements));
            }
            None => self.unexpected(command[0], &reply),
        }
        let deadline = self.client.now() + Duration::from_millis(self.p.timeout_ms.value());
        let echo = self.client.receive(deadline).await?;
        if echo != Reply::Bulk(marker.into_bytes()) {
            self.unexpected("ECHO behind a request that waited", &echo);
            return Ok(false);
        }
        if kind == 3
            && let Reply::Bulk(element) = &reply
        {
            let element = String::from_utf8_lossy(element).into_owned();
            self.ask(&["LREM", &own, "1", &element]).await?;
        }
        Ok(true)
    }
}

/// The elements that a reply brings; `None` if it cannot be one.
fn elements(kind: u64, reply: &Reply) -> Option<Vec<String>> {
    let text = |reply: &Reply| match reply {
        Reply::Bulk(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    match (kind, reply) {
        (_, Reply::Null) => Some(Vec::new()),
        (3, reply) => Some(vec![text(reply)?]),
        (0, Reply::Array(items)) if items.len() == 2 => Some(vec![text(&items[1])?]),
        (1, Reply::Array(items)) if items.len() == 2 => texts(&items[1]),
        (2, Reply::Array(items)) if items.len() == 3 => Some(vec![text(&items[1])?]),
        _ => None,
    }
}

/// An array of texts.
pub fn texts(reply: &Reply) -> Option<Vec<String>> {
    let Reply::Array(items) = reply else { return None };
    let text = |item: &Reply| match item {
        Reply::Bulk(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    };
    items.iter().map(text).collect()
}
