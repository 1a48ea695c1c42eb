//! What clients do. Each workload is a file: its parameters, and a process that works until the first phase is over.
//!
//! Workloads work in numbered batches, and every batch draws from a stream of its own, named after client and number: a
//! batch that a plan leaves out shifts no other.

pub mod acl_operator;
pub mod auditor;
pub mod bookkeeper;
pub mod cache_writer;
pub mod cacher;
pub mod collections;
pub mod consumer;
pub mod deaf;
pub mod deaf_subscriber;
pub mod disk_operator;
pub mod expiring;
pub mod expiring_fields;
pub mod guesser;
pub mod heavy;
pub mod intruder;
pub mod leases;
pub mod member;
pub mod pauser;
pub mod producer;
pub mod publisher;
pub mod slowlog_reader;
pub mod steady;
pub mod storm;
pub mod stream_consumer;
pub mod stream_producer;
pub mod strings;
pub mod subscriber;
pub mod transactions;
pub mod vocabulary;

use std::time::Duration;

use refrain_resp::Reply;
use refrain_runtime::Runtime;
use refrain_sim::Stream;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Loss};
use crate::recovery;
use crate::span::Draw;
use crate::world::Context;

/// A workload with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Workload {
    /// See [`strings`].
    Strings(strings::Strings),
    /// See [`transactions`].
    Transactions(transactions::Transactions),
    /// See [`storm`].
    Storm(storm::Storm),
    /// See [`steady`].
    Steady(steady::Steady),
    /// See [`deaf`].
    Deaf(deaf::Deaf),
    /// See [`expiring`].
    Expiring(expiring::Expiring),
    /// See [`expiring_fields`].
    ExpiringFields(expiring_fields::ExpiringFields),
    /// See [`leases`].
    Leases(leases::Leases),
    /// See [`pauser`].
    Pauser(pauser::Pauser),
    /// See [`intruder`].
    Intruder(intruder::Intruder),
    /// See [`guesser`].
    Guesser(guesser::Guesser),
    /// See [`acl_operator`].
    AclOperator(acl_operator::AclOperator),
    /// See [`member`].
    Member(member::Member),
    /// See [`cacher`].
    Cacher(cacher::Cacher),
    /// See [`cache_writer`].
    CacheWriter(cache_writer::CacheWriter),
    /// See [`publisher`].
    Publisher(publisher::Publisher),
    /// See [`subscriber`].
    Subscriber(subscriber::Subscriber),
    /// See [`deaf_subscriber`].
    DeafSubscriber(deaf_subscriber::DeafSubscriber),
    /// See [`heavy`].
    Heavy(heavy::Heavy),
    /// See [`stream_producer`].
    StreamProducer(stream_producer::StreamProducer),
    /// See [`stream_consumer`].
    StreamConsumer(stream_consumer::StreamConsumer),
    /// See [`slowlog_reader`].
    SlowlogReader(slowlog_reader::SlowlogReader),
    /// See [`producer`].
    Producer(producer::Producer),
    /// See [`consumer`].
    Consumer(consumer::Consumer),
    /// See [`auditor`].
    Auditor(auditor::Auditor),
    /// See [`collections`].
    Collections(collections::Collections),
    /// See [`bookkeeper`].
    Bookkeeper(bookkeeper::Bookkeeper),
    /// See [`disk_operator`].
    DiskOperator(disk_operator::DiskOperator),
}

impl Draw for Workload {
    fn draw(&self, stream: &mut Stream) -> Workload {
        match self {
            Workload::Strings(p) => Workload::Strings(p.draw(stream)),
            Workload::Transactions(p) => Workload::Transactions(p.draw(stream)),
            Workload::Storm(p) => Workload::Storm(p.draw(stream)),
            Workload::Steady(p) => Workload::Steady(p.draw(stream)),
            Workload::Deaf(p) => Workload::Deaf(p.draw(stream)),
            Workload::Expiring(p) => Workload::Expiring(p.draw(stream)),
            Workload::ExpiringFields(p) => Workload::ExpiringFields(p.draw(stream)),
            Workload::Leases(p) => Workload::Leases(p.draw(stream)),
            Workload::Pauser(p) => Workload::Pauser(p.draw(stream)),
            Workload::Intruder(p) => Workload::Intruder(p.draw(stream)),
            Workload::Guesser(p) => Workload::Guesser(p.draw(stream)),
            Workload::AclOperator(p) => Workload::AclOperator(p.draw(stream)),
            Workload::Member(p) => Workload::Member(p.draw(stream)),
            Workload::Cacher(p) => Workload::Cacher(p.draw(stream)),
            Workload::CacheWriter(p) => Workload::CacheWriter(p.draw(stream)),
            Workload::Publisher(p) => Workload::Publisher(p.draw(stream)),
            Workload::Subscriber(p) => Workload::Subscriber(p.draw(stream)),
            Workload::DeafSubscriber(p) => Workload::DeafSubscriber(p.draw(stream)),
            Workload::Heavy(p) => Workload::Heavy(p.draw(stream)),
            Workload::StreamProducer(p) => Workload::StreamProducer(p.draw(stream)),
            Workload::StreamConsumer(p) => Workload::StreamConsumer(p.draw(stream)),
            Workload::SlowlogReader(p) => Workload::SlowlogReader(p.draw(stream)),
            Workload::Producer(p) => Workload::Producer(p.draw(stream)),
            Workload::Consumer(p) => Workload::Consumer(p.draw(stream)),
            Workload::Auditor(p) => Workload::Auditor(p.draw(stream)),
            Workload::Collections(p) => Workload::Collections(p.draw(stream)),
            Workload::Bookkeeper(p) => Workload::Bookkeeper(p.draw(stream)),
            Workload::DiskOperator(p) => Workload::DiskOperator(p.draw(stream)),
        }
    }
}

/// The life of a client's process: work under faults, then show that it is served.
pub async fn live<R: Runtime>(mut client: Client<R>, context: &Context) {
    context.become_another_process();
    match &context.plan.workload {
        Workload::Strings(p) => strings::work(&mut client, context, p).await,
        Workload::Transactions(p) => transactions::work(&mut client, context, p).await,
        Workload::Storm(p) => storm::work(&mut client, context, p).await,
        Workload::Steady(p) => steady::work(&mut client, context, p).await,
        Workload::Deaf(p) => deaf::work(&mut client, context, p).await,
        Workload::Expiring(p) => expiring::work(&mut client, context, p).await,
        Workload::ExpiringFields(p) => expiring_fields::work(&mut client, context, p).await,
        Workload::Leases(p) => leases::work(&mut client, context, p).await,
        Workload::Pauser(p) => pauser::work(&mut client, context, p).await,
        Workload::Intruder(p) => intruder::work(&mut client, context, p).await,
        Workload::Guesser(p) => guesser::work(&mut client, context, p).await,
        Workload::AclOperator(p) => acl_operator::work(&mut client, context, p).await,
        Workload::Member(p) => member::work(&mut client, context, p).await,
        Workload::Cacher(p) => cacher::work(&mut client, context, p).await,
        Workload::CacheWriter(p) => cache_writer::work(&mut client, context, p).await,
        Workload::Publisher(p) => publisher::work(&mut client, context, p).await,
        Workload::Subscriber(p) => subscriber::work(&mut client, context, p).await,
        Workload::DeafSubscriber(p) => deaf_subscriber::work(&mut client, context, p).await,
        Workload::Heavy(p) => heavy::work(&mut client, context, p).await,
        Workload::StreamProducer(p) => stream_producer::work(&mut client, context, p).await,
        Workload::StreamConsumer(p) => stream_consumer::work(&mut client, context, p).await,
        Workload::SlowlogReader(p) => slowlog_reader::work(&mut client, context, p).await,
        Workload::Producer(p) => producer::work(&mut client, context, p).await,
        Workload::Consumer(p) => consumer::work(&mut client, context, p).await,
        Workload::Auditor(p) => auditor::work(&mut client, context, p).await,
        Workload::Collections(p) => collections::work(&mut client, context, p).await,
        Workload::Bookkeeper(p) => bookkeeper::work(&mut client, context, p).await,
        Workload::DiskOperator(p) => disk_operator::work(&mut client, context, p).await,
    }
    recovery::be_served(&mut client, context).await;
}

/// Logs in as the plan says; who has no login need not.
///
/// # Errors
/// When no answer came.
pub async fn log_in<R: Runtime>(client: &mut Client<R>, context: &Context, timeout: Duration) -> Result<(), Loss> {
    let Some([name, password]) = &context.plan.login else { return Ok(()) };
    client.send(&["AUTH", name, password]);
    let deadline = client.now() + timeout;
    let reply = client.receive(deadline).await?;
    if reply != Reply::Simple(b"OK".to_vec()) {
        context.record.borrow_mut().unexpected(context.now(), &context.plan.name, "AUTH", &reply);
    }
    Ok(())
}

/// Whether this is an error that says that the command was not executed and may be tried again: the data set is being loaded, or
/// what the command would write could not be kept.
pub fn is_refusal(reply: &Reply) -> bool {
    let starts =
        |text: &[u8]| [&b"LOADING "[..], b"MISCONF ", b"EXECABORT "].iter().any(|start| text.starts_with(start));
    matches!(reply, Reply::Error(text) if starts(text))
}

/// The stream of one batch.
pub fn batch_stream(context: &Context, batch: u64) -> Stream {
    Stream::new(context.seed, &format!("{}/{batch}", context.plan.name))
}
