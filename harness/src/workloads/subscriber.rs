//! A client that subscribes to channels, patterns and shard channels, leaves them again, and writes down all that it hears, in
//! RESP2 or RESP3. Now and then it sends a PING: what was published before that must have come before the answer.

use std::collections::BTreeSet;
use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;

use super::publisher::{channel, shard_channel};
use crate::client::{Client, Loss};
use crate::record::messages::{Event, MessageId, Subscription, Topic};
use crate::span::parameters;
use crate::world::Context;

parameters! {
    /// Parameters of [`self`].
    pub struct Subscriber {
        /// Channels, and as many shard channels.
        channels: Span,
        /// Of a hundred connections, how many speak RESP3.
        resp3_percent: Span,
        /// How long an answer is waited for.
        timeout_ms: Span,
        ; each
        /// Subscriptions made or given up together.
        changes: Span,
        /// How long it listens then, in milliseconds.
        listen_ms: Span,
    }
}

/// Works until the first phase is over, and hears out what was published until then.
pub async fn work<R: Runtime>(client: &mut Client<R>, context: &Context, p: &Subscriber) {
    while client.connect_while(|| context.working()).await {
        let listener = context.record.borrow_mut().messages.connect(&context.plan.name);
        let mut ear = Ear { client, context, listener, subscribed: BTreeSet::new() };
        let outcome = ear.live(p).await;
        client.close();
        match outcome {
            Ok(()) => return,
            // A subscriber that does not keep up is closed; the oracle knows what it must have got until then.
            Err(Loss::Ended) => {
                (context.note)("is closed while it listens");
                context.record.borrow_mut().hung_up(&context.plan.group);
            }
            Err(loss) => context.lost(&loss),
        }
    }
}

/// One connection.
struct Ear<'a, R: Runtime> {
    client: &'a mut Client<R>,
    context: &'a Context,
    listener: usize,
    /// What was asked for last.
    subscribed: BTreeSet<Subscription>,
}

impl<R: Runtime> Ear<'_, R> {
    async fn live(&mut self, p: &Subscriber) -> Result<(), Loss> {
        let timeout = Duration::from_millis(p.timeout_ms.value());
        let batch = self.context.next_batch();
        if super::batch_stream(self.context, batch).below(100) < p.resp3_percent.value() {
            self.client.send(&["HELLO", "3"]);
            let deadline = self.client.now() + timeout;
            self.client.receive(deadline).await?;
        }
        while self.context.working() {
            let batch = self.context.next_batch();
            let mut stream = super::batch_stream(self.context, batch);
            if !self.context.plan.skips(batch) {
                let changes = p.changes.pick_u64(&mut stream);
                self.change(p, changes, &mut stream);
            }
            let until = self.client.now() + Duration::from_millis(p.listen_ms.pick_u64(&mut stream));
            while self.client.now() < until {
                self.listen()?;
                self.client.wait(until).await;
            }
            self.ping(batch, timeout).await?;
        }
        // What was published in the first phase has been answered, or will never be.
        let batch = self.context.next_batch();
        self.ping(batch, timeout).await
    }

    fn note(&self, event: Event) {
        let now = self.context.now();
        self.context.record.borrow_mut().messages.event(self.listener, now, event);
    }

    /// Subscribes to some, leaves some.
    fn change(&mut self, p: &Subscriber, count: u64, stream: &mut Stream) {
        // What is changed twice at once has no stint of its own in between that anybody could judge.
        let mut touched = BTreeSet::new();
        for _ in 0..count {
            let which = stream.below(p.channels.value().max(1));
            let subscription = match stream.below(4) {
                0 => (Topic::Shard, shard_channel(which)),
                1 => (Topic::Pattern, stream.pick(&["*", "news.*", "news.0.*", "news.1.*", "news.2.*"]).to_string()),
                _ => (Topic::Channel, channel(which)),
            };
            if !touched.insert(subscription.clone()) {
                continue;
            }
            let leaves = self.subscribed.contains(&subscription);
            let verb = match (subscription.0, leaves) {
                (Topic::Channel, false) => "SUBSCRIBE",
                (Topic::Pattern, false) => "PSUBSCRIBE",
                (Topic::Shard, false) => "SSUBSCRIBE",
                (Topic::Channel, true) => "UNSUBSCRIBE",
                (Topic::Pattern, true) => "PUNSUBSCRIBE",
                (Topic::Shard, true) => "SUNSUBSCRIBE",
            };
            self.client.send(&[verb, &subscription.1]);
            if leaves {
                self.subscribed.remove(&subscription)
            } else {
                self.subscribed.insert(subscription.clone())
            };
            self.note(Event::Asked(!leaves, subscription));
        }
    }

    /// Asks for an answer, and listens until it comes.
    async fn ping(&mut self, number: u64, timeout: Duration) -> Result<(), Loss> {
        self.client.send(&["PING", &number.to_string()]);
        self.note(Event::Pinged(number));
        let deadline = self.client.now() + timeout;
        loop {
            let reply = self.client.receive(deadline).await?;
            if let Some(Event::Ponged(told)) = self.hear(reply)
                && told == number
            {
                return Ok(());
            }
        }
    }

    /// Takes down what has come.
    fn listen(&mut self) -> Result<(), Loss> {
        while let Some(reply) = self.client.arrived()? {
            self.hear(reply);
        }
        Ok(())
    }

    fn hear(&mut self, reply: Reply) -> Option<Event> {
        let heard = event(&reply);
        let now = self.context.now();
        let mut record = self.context.record.borrow_mut();
        match &heard {
            Some(event) => {
                if let Event::Message { id, .. } = event
                    && let Some(sent) = record.messages.find(*id).map(|publication| publication.sent)
                {
                    record.waited(&self.context.plan.group, sent, now);
                }
                record.messages.event(self.listener, now, event.clone());
            }
            None => record.unexpected(now, &self.context.plan.name, "listening", &reply),
        }
        heard
    }
}

/// What a subscriber is told; `None` if that is nothing that it can be told.
fn event(reply: &Reply) -> Option<Event> {
    let text = |reply: &Reply| match reply {
        Reply::Bulk(bytes) => String::from_utf8(bytes.clone()).ok(),
        _ => None,
    };
    let fields = match reply {
        Reply::Bulk(_) => return Some(Event::Ponged(text(reply)?.parse().ok()?)),
        Reply::Array(fields) | Reply::Push(fields) => fields,
        _ => return None,
    };
    let (word, rest) = fields.split_first()?;
    Some(match (text(word)?.as_str(), rest) {
        ("pong", [number]) => Event::Ponged(text(number)?.parse().ok()?),
        ("message", [channel, message]) => heard(Topic::Channel, text(channel)?, text(channel)?, text(message)?)?,
        ("smessage", [channel, message]) => heard(Topic::Shard, text(channel)?, text(channel)?, text(message)?)?,
        ("pmessage", [pattern, channel, message]) => {
            heard(Topic::Pattern, text(pattern)?, text(channel)?, text(message)?)?
        }
        (word, [name, Reply::Integer(count)]) => {
            let (joins, topic) = match word {
                "subscribe" => (true, Topic::Channel),
                "psubscribe" => (true, Topic::Pattern),
                "ssubscribe" => (true, Topic::Shard),
                "unsubscribe" => (false, Topic::Channel),
                "punsubscribe" => (false, Topic::Pattern),
                "sunsubscribe" => (false, Topic::Shard),
                _ => return None,
            };
            Event::Confirmed(joins, (topic, text(name)?), *count)
        }
        _ => return None,
    })
}

fn heard(topic: Topic, name: String, channel: String, message: String) -> Option<Event> {
    Some(Event::Message { by: (topic, name), channel, id: message_id(&message)? })
}

/// The name in a message's text.
fn message_id(text: &str) -> Option<MessageId> {
    let mut parts = text.split(':');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use refrain_resp::decode;

    #[test]
    fn both_protocols_say_the_same() {
        let read = |wire: &str| event(&decode(wire.as_bytes()).unwrap().unwrap().0);
        let by = (Topic::Pattern, "n*".to_owned());
        let message = Some(Event::Message { by: by.clone(), channel: "news".into(), id: (3, 14) });
        let wire = "4\r\n$8\r\npmessage\r\n$2\r\nn*\r\n$4\r\nnews\r\n$7\r\n3:14:..\r\n";
        assert_eq!((read(&format!("*{wire}")), read(&format!(">{wire}"))), (message.clone(), message));
        assert_eq!(read(">3\r\n$12\r\npunsubscribe\r\n$2\r\nn*\r\n:0\r\n"), Some(Event::Confirmed(false, by, 0)));
        assert_eq!(
            (read("$2\r\n17\r\n"), read("*2\r\n$4\r\npong\r\n$2\r\n17\r\n")),
            (read("$2\r\n17\r\n"), Some(Event::Ponged(17)))
        );
        assert_eq!(read("+OK\r\n"), None);
    }
}
