//! XPENDING.

use refrain_data::stream::{Group, Pending, StreamBody, StreamId};
use refrain_resp::Encoder;

use super::{id, no_group, now_ms, reply};
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::session::Session;

/// Which pending entries.
struct Filter<'a> {
    min_idle: i64,
    start: StreamId,
    end: StreamId,
    count: u64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    fn parse(call: &Call<'a>) -> Result<Option<Filter<'a>>, ErrorReply> {
        let args = call.args;
        if args.len() == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&args.len()) {
            return Err(SYNTAX);
        }
        let (mut first, mut min_idle) = (3, 0);
        if args.is(3, "IDLE") {
            min_idle = call.integer(4)?;
            if args.len() < 8 {
                return Err(SYNTAX);
            }
            first = 5;
        }
        let count = u64::try_from(call.integer(first + 2)?).unwrap_or(0);
        let start = id::start(args.at(first))?;
        let end = id::end(args.at(first + 1))?;
        Ok(Some(Filter { min_idle, start, end, count, consumer: args.get(first + 3) }))
    }
}

/// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
pub fn xpending(call: &mut Call<'_>) -> Outcome {
    let filter = Filter::parse(call)?;
    let now_ms = now_ms(call);
    let key = call.key(1);
    let name = call.args.at(2);
    let end = call.reply_end();
    let Call { state, session, .. } = call;
    let stream = state.view::<StreamBody>(&key)?;
    let group = stream.and_then(|stream| stream.group(name)).ok_or_else(|| no_group(key.name, name, ""))?;
    let looked_at = match filter {
        None => summary(group, &mut session.reply()),
        Some(filter) => listing(group, &filter, now_ms, session, end),
    };
    call.work(looked_at / 32);
    Ok(())
}

/// How much is pending, between which ids, and for whom.
fn summary(group: &Group, reply: &mut Encoder<'_>) -> u64 {
    reply.array(4);
    reply.integer(group.pending_len() as i64);
    let (Some(first), Some(last)) = (group.first_pending(), group.last_pending()) else {
        reply.null();
        reply.null();
        reply.null_array();
        return 0;
    };
    reply::id(reply, first.id);
    reply::id(reply, last.id);
    let busy = group.consumers().filter(|consumer| consumer.pending_len() > 0);
    reply.array(busy.clone().count());
    for consumer in busy {
        reply.array(2);
        reply.bulk(consumer.name());
        reply.bulk_int(consumer.pending_len() as i64);
    }
    group.consumers_len() as u64
}

/// Entry by entry, until the client is owed what its reply ends at. Returns how many were looked at.
fn listing(group: &Group, filter: &Filter<'_>, now_ms: i64, session: &mut Session, end: usize) -> u64 {
    let (mut of_group, mut of_consumer);
    let entries: &mut dyn Iterator<Item = &Pending> = match filter.consumer {
        None => {
            of_group = group.pending_from(filter.start);
            &mut of_group
        }
        Some(name) => {
            let ids = group.consumer(name).into_iter().flat_map(|consumer| consumer.pending_from(filter.start));
            of_consumer = ids.filter_map(|id| group.pending(id));
            &mut of_consumer
        }
    };
    let begun = session.reply().deferred_array();
    let (mut looked_at, mut listed) = (0, 0);
    for entry in entries.take_while(|entry| entry.id <= filter.end) {
        if listed == filter.count || session.output.len() >= end {
            break;
        }
        looked_at += 1;
        let idle = now_ms.saturating_sub(entry.delivered_ms);
        if filter.min_idle != 0 && idle < filter.min_idle {
            continue;
        }
        listed += 1;
        let mut reply = session.reply();
        reply.array(4);
        reply::id(&mut reply, entry.id);
        reply.bulk(group.consumer_name(entry.consumer));
        reply.integer(idle.max(0));
        reply.integer(entry.deliveries as i64);
    }
    session.reply().finish_array(begun, listed as usize);
    looked_at
}
