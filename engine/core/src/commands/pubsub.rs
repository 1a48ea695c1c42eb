//! SUBSCRIBE and its kin, PUBLISH, SPUBLISH, PUBSUB.
//!
//! Each name subscribed to or left is confirmed by a message of its own, which is all the reply that these commands have; like
//! every message it comes even where CLIENT REPLY has silenced replies.

use refrain_resp::Encoder;

use crate::call::{Call, Outcome};
use crate::error::ErrorReply;
use crate::glob;
use crate::pubsub::Kind;

/// SUBSCRIBE channel [channel ...]
pub fn subscribe(call: &mut Call<'_>) -> Outcome {
    subscribe_to(call, Kind::Channel);
    Ok(())
}

/// PSUBSCRIBE pattern [pattern ...]
pub fn psubscribe(call: &mut Call<'_>) -> Outcome {
    subscribe_to(call, Kind::Pattern);
    Ok(())
}

/// SSUBSCRIBE shardchannel [shardchannel ...]: unlike the others, never in a transaction.
pub fn ssubscribe(call: &mut Call<'_>) -> Outcome {
    if call.session.in_exec() {
        return Err(ErrorReply::new("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    subscribe_to(call, Kind::Shard);
    Ok(())
}

/// UNSUBSCRIBE [channel [channel ...]]
pub fn unsubscribe(call: &mut Call<'_>) -> Outcome {
    unsubscribe_from(call, Kind::Channel);
    Ok(())
}

/// PUNSUBSCRIBE [pattern [pattern ...]]
pub fn punsubscribe(call: &mut Call<'_>) -> Outcome {
    unsubscribe_from(call, Kind::Pattern);
    Ok(())
}

/// SUNSUBSCRIBE [shardchannel [shardchannel ...]]
pub fn sunsubscribe(call: &mut Call<'_>) -> Outcome {
    unsubscribe_from(call, Kind::Shard);
    Ok(())
}

/// PUBLISH channel message
pub fn publish(call: &mut Call<'_>) -> Outcome {
    let receivers = call.state.publish(call.args.at(1), call.args.at(2));
    answer_receivers(call, receivers);
    Ok(())
}

/// SPUBLISH shardchannel message
pub fn spublish(call: &mut Call<'_>) -> Outcome {
    let receivers = call.state.publish_to_shard(call.args.at(1), call.args.at(2));
    answer_receivers(call, receivers);
    Ok(())
}

/// Says how many got a message, and charges what it took to give it to them.
fn answer_receivers(call: &mut Call<'_>, receivers: usize) {
    const RECEIVERS_PER_WORK: usize = 8;
    const BYTES_PER_WORK: usize = 4096;
    let bytes = receivers.saturating_mul(call.args.at(2).len());
    call.work((receivers / RECEIVERS_PER_WORK + bytes / BYTES_PER_WORK) as u64);
    call.reply().integer(receivers as i64);
}

fn subscribe_to(call: &mut Call<'_>, kind: Kind) {
    let word: &[u8] = match kind {
        Kind::Channel => b"subscribe",
        Kind::Pattern => b"psubscribe",
        Kind::Shard => b"ssubscribe",
    };
    for name in call.args.iter().skip(1) {
        call.state.subscribe(call.session, kind, name);
        confirm(call, kind, word, Some(name));
    }
}

/// Without names, from all of the kind; from nothing at all is confirmed, too.
fn unsubscribe_from(call: &mut Call<'_>, kind: Kind) {
    let word: &[u8] = match kind {
        Kind::Channel => b"unsubscribe",
        Kind::Pattern => b"punsubscribe",
        Kind::Shard => b"sunsubscribe",
    };
    if call.args.len() > 1 {
        for name in call.args.iter().skip(1) {
            call.state.unsubscribe(call.session, kind, name);
            confirm(call, kind, word, Some(name));
        }
        return;
    }
    let names: Vec<_> = match &call.session.subscriptions {
        Some(subscriptions) => subscriptions.names(kind).cloned().collect(),
        None => Vec::new(),
    };
    for name in &names {
        call.state.unsubscribe(call.session, kind, name);
        confirm(call, kind, word, Some(name));
    }
    if names.is_empty() {
        confirm(call, kind, word, None);
    }
}

/// Confirms one subscription that was made or taken back, with the number of those that are left: shard channels are counted
/// by themselves, channels and patterns together.
fn confirm(call: &mut Call<'_>, kind: Kind, word: &[u8], name: Option<&[u8]>) {
    let session = &mut *call.session;
    let left = match kind {
        Kind::Shard => session.subscribed(Kind::Shard),
        Kind::Channel | Kind::Pattern => session.subscribed(Kind::Channel) + session.subscribed(Kind::Pattern),
    };
    let write = |reply: &mut Encoder<'_>| {
        reply.push(3);
        reply.bulk(word);
        match name {
            Some(name) => reply.bulk(name),
            None => reply.null(),
        }
        reply.integer(left as i64);
    };
    if session.is_silenced() {
        call.state.push(session.handle, write);
    } else {
        write(&mut session.reply());
    }
}

/// PUBSUB CHANNELS [pattern]
pub fn channels(call: &mut Call<'_>) -> Outcome {
    list(call, Kind::Channel)
}

/// PUBSUB SHARDCHANNELS [pattern]
pub fn shardchannels(call: &mut Call<'_>) -> Outcome {
    list(call, Kind::Shard)
}

fn list(call: &mut Call<'_>, kind: Kind) -> Outcome {
    if call.args.len() > 3 {
        return Err(unknown_form(call));
    }
    let pattern = call.args.get(2);
    let names = call.state.pubsub.names(kind, |name| pattern.is_none_or(|p| glob::matches(p, name)));
    let end = call.state.reply_end(call.session);
    call.session.reply().array(names.len());
    for name in names {
        call.session.reply().bulk(name);
        if call.session.output.len() >= end {
            break;
        }
    }
    let units = call.state.pubsub.count(kind) as u64 / 16;
    call.work(units);
    Ok(())
}

/// PUBSUB NUMSUB [channel [channel ...]]
pub fn numsub(call: &mut Call<'_>) -> Outcome {
    count(call, Kind::Channel)
}

/// PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]
pub fn shardnumsub(call: &mut Call<'_>) -> Outcome {
    count(call, Kind::Shard)
}

fn count(call: &mut Call<'_>, kind: Kind) -> Outcome {
    let mut reply = call.session.reply();
    reply.array((call.args.len() - 2) * 2);
    for name in call.args.iter().skip(2) {
        reply.bulk(name);
        reply.integer(call.state.pubsub.subscribers(kind, call.state.keyspace.hash(name), name) as i64);
    }
    Ok(())
}

/// PUBSUB NUMPAT
pub fn numpat(call: &mut Call<'_>) -> Outcome {
    let patterns = call.state.pubsub.count(Kind::Pattern);
    call.reply().integer(patterns as i64);
    Ok(())
}

/// PUBSUB HELP
pub fn help(call: &mut Call<'_>) -> Outcome {
    crate::table::help(call.command, &mut call.session.reply());
    Ok(())
}

/// What a subcommand answers that exists but not with so many arguments.
fn unknown_form(call: &Call<'_>) -> ErrorReply {
    ErrorReply::subcommand_syntax(call.args.at(0), call.args.at(1))
}
