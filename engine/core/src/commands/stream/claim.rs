//! XCLAIM and XAUTOCLAIM: pending entries that change hands.

use refrain_data::stream::{ConsumerNumber, Group, Log, Pending, StreamId};

use super::{
    Delivery, consumer_was_added, edit, expect_group, id, now_ms, propagate_deliveries, propagate_position, reply,
};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::hooks::Bug;

/// What has become of entries that were asked for.
#[derive(Default)]
struct Claims {
    claimed: Vec<StreamId>,
    deliveries: Vec<Delivery>,
    /// They are no longer in the stream, and no longer pending.
    gone: Vec<StreamId>,
    consumer_is_new: bool,
    /// The group has moved forward.
    advanced: bool,
    last_id: StreamId,
    entries_read: Option<u64>,
}

impl Claims {
    /// Finds the consumer, or makes it; in either case it is seen now.
    fn open(&mut self, group: &mut Group, name: &[u8], now_ms: i64) -> ConsumerNumber {
        let number = match group.consumer(name) {
            Some(consumer) => consumer.number(),
            None => {
                self.consumer_is_new = true;
                group.add_consumer(name, now_ms).expect("it is not there")
            }
        };
        group.edit_consumer(number, |consumer| consumer.seen_ms = now_ms);
        number
    }

    /// Takes an entry out that is pending and no longer there.
    fn forget(&mut self, group: &mut Group, id: StreamId) {
        if group.acknowledge(id).is_some() {
            self.gone.push(id);
        }
    }

    fn give(&mut self, group: &mut Group, pending: Pending) {
        let Pending { id, delivered_ms, deliveries, .. } = pending;
        group.assign(pending);
        self.claimed.push(id);
        self.deliveries.push(Delivery { id, delivered_ms, deliveries });
    }

    fn close(&mut self, group: &mut Group, consumer: ConsumerNumber, now_ms: i64) {
        if !self.claimed.is_empty() {
            group.edit_consumer(consumer, |consumer| consumer.active_ms = Some(now_ms));
        }
        (self.last_id, self.entries_read) = (group.last_id(), group.entries_read());
    }

    /// Says what was changed.
    fn tell(&self, call: &mut Call<'_>, key: &Key<'_>, names: [&[u8]; 2]) {
        // What came is not what is to be repeated.
        call.propagate_nothing();
        if self.consumer_is_new {
            consumer_was_added(call, key, names);
        }
        if !self.gone.is_empty() && call.state.effects.stream.is_enabled() {
            let texts: Vec<_> = self.gone.iter().map(|id| id.text()).collect();
            let mut command: Vec<&[u8]> = vec![b"XACK", key.name, names[0]];
            command.extend(texts.iter().map(|text| text.as_bytes()));
            call.propagate(&command);
        }
        propagate_deliveries(call, key, names, self.last_id, &self.deliveries);
        if self.advanced && self.deliveries.is_empty() {
            propagate_position(call, key, names[0], self.last_id, self.entries_read);
        }
        if !self.claimed.is_empty() {
            call.state.begins_to_age(key);
        }
        if self.advanced || !self.gone.is_empty() || !self.claimed.is_empty() {
            call.state.modified_aside();
        }
    }
}

/// Whether an entry was delivered too recently to be claimed.
fn is_busy(pending: &Pending, min_idle: i64, now_ms: i64) -> bool {
    min_idle > 0 && now_ms.saturating_sub(pending.delivered_ms) < min_idle
}

/// What XCLAIM is asked for.
struct Claim {
    min_idle: i64,
    ids: Vec<StreamId>,
    delivered_ms: i64,
    retries: Option<u64>,
    force: bool,
    just_ids: bool,
    last_id: StreamId,
}

impl Claim {
    fn parse(call: &Call<'_>, now_ms: i64) -> Result<Claim, ErrorReply> {
        let args = call.args;
        let number = |i: usize, what: &str| {
            let refused = |_| ErrorReply::owned(format!("ERR Invalid {what} argument for XCLAIM"));
            call.integer(i).map_err(refused)
        };
        let min_idle = number(4, "min-idle-time")?.max(0);
        let ids: Vec<StreamId> = (5..args.len()).map_while(|i| id::strict(args.at(i)).ok()).collect();
        let mut i = 5 + ids.len();
        let mut claim = Claim {
            min_idle,
            ids,
            delivered_ms: -1,
            retries: None,
            force: false,
            just_ids: false,
            last_id: StreamId::MIN,
        };
        while i < args.len() {
            let more = i + 1 < args.len();
            if args.is(i, "FORCE") {
                claim.force = true;
            } else if args.is(i, "JUSTID") {
                claim.just_ids = true;
            } else if more && args.is(i, "IDLE") {
                i += 1;
                claim.delivered_ms = now_ms.wrapping_sub(number(i, "IDLE option")?);
            } else if more && args.is(i, "TIME") {
                i += 1;
                claim.delivered_ms = number(i, "TIME option")?;
            } else if more && args.is(i, "RETRYCOUNT") {
                i += 1;
                claim.retries = u64::try_from(number(i, "RETRYCOUNT option")?).ok();
            } else if more && args.is(i, "LASTID") {
                i += 1;
                claim.last_id = id::strict(args.at(i))?;
            } else {
                return Err(ErrorReply::quoting("ERR Unrecognized XCLAIM option '", args.at(i), "'"));
            }
            i += 1;
        }
        // Clients work with clocks of their own: a time that can't be is taken for now.
        if !(0..=now_ms).contains(&claim.delivered_ms) {
            claim.delivered_ms = now_ms;
        }
        Ok(claim)
    }

    fn apply(&self, group: &mut Group, log: &Log, consumer: &[u8], now_ms: i64) -> Claims {
        let mut claims = Claims { advanced: group.advance(self.last_id), ..Claims::default() };
        let consumer = claims.open(group, consumer, now_ms);
        for &id in &self.ids {
            if !log.contains(id) {
                claims.forget(group, id);
                continue;
            }
            let deliveries = match group.pending(id) {
                Some(pending) if is_busy(pending, self.min_idle, now_ms) => continue,
                Some(pending) => pending.deliveries,
                None if self.force => 1,
                None => continue,
            };
            let deliveries = match self.retries {
                Some(retries) => retries,
                None if self.just_ids => deliveries,
                None => deliveries.wrapping_add(1),
            };
            claims.give(group, Pending { id, delivered_ms: self.delivered_ms, deliveries, consumer });
        }
        claims.close(group, consumer, now_ms);
        claims
    }
}

/// XCLAIM key group consumer min-idle-time id … [IDLE ms] [TIME unix-time-ms] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID id]
pub fn xclaim(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let names = [call.args.at(2), call.args.at(3)];
    expect_group(call, &key, names[0])?;
    let now_ms = now_ms(call);
    let claim = Claim::parse(call, now_ms)?;
    let claims =
        edit(call, &key, |stream| stream.edit_group(names[0], |group, log| claim.apply(group, log, names[1], now_ms)))?;
    let claims = claims.flatten().unwrap_or_default();
    claims.tell(call, &key, names);
    answer(call, &key, &claims.claimed, claim.just_ids);
    Ok(())
}

fn answer(call: &mut Call<'_>, key: &Key<'_>, claimed: &[StreamId], just_ids: bool) {
    if just_ids {
        reply::ids(call, claimed);
    } else {
        reply::entries(call, key, claimed);
    }
}

/// What XAUTOCLAIM is asked for.
struct AutoClaim {
    min_idle: i64,
    start: StreamId,
    count: u64,
    just_ids: bool,
    /// A test wants entries that are no longer there to be forgotten without a word.
    forgetful: bool,
}

impl AutoClaim {
    /// So many entries are looked at for each that may be claimed.
    const ATTEMPTS: u64 = 10;
    const COUNT_MAX: u64 = i64::MAX as u64 / 16;

    fn parse(call: &Call<'_>) -> Result<AutoClaim, ErrorReply> {
        const MIN_IDLE: ErrorReply = ErrorReply::new("ERR Invalid min-idle-time argument for XAUTOCLAIM");
        const COUNT: ErrorReply = ErrorReply::new("ERR COUNT must be > 0");
        let min_idle = call.integer(4).map_err(|_| MIN_IDLE)?.max(0);
        let start = id::start(call.args.at(5))?;
        let forgetful = call.hooks.planted(Bug::ForgottenDeletions);
        let mut claim = AutoClaim { min_idle, start, count: 100, just_ids: false, forgetful };
        let mut i = 6;
        while i < call.args.len() {
            if call.args.is(i, "COUNT") && i + 1 < call.args.len() {
                let count = call.integer(i + 1).ok().and_then(|count| u64::try_from(count).ok());
                claim.count = count.filter(|count| (1..=Self::COUNT_MAX).contains(count)).ok_or(COUNT)?;
                i += 2;
            } else if call.args.is(i, "JUSTID") {
                claim.just_ids = true;
                i += 1;
            } else {
                return Err(SYNTAX);
            }
        }
        Ok(claim)
    }

    /// Claims, and returns where to go on, and how many entries were looked at.
    fn apply(&self, group: &mut Group, log: &Log, consumer: &[u8], now_ms: i64) -> (Claims, StreamId, u64) {
        let mut claims = Claims::default();
        let consumer = claims.open(group, consumer, now_ms);
        let mut next = self.start;
        let mut looked_at = 0;
        let mut cursor = StreamId::MIN;
        let most = self.count.saturating_mul(Self::ATTEMPTS);
        loop {
            let pending = group.pending_from(next).next().copied();
            let Some(pending) = pending else { break };
            if looked_at == most || (claims.claimed.len() + claims.gone.len()) as u64 == self.count {
                cursor = pending.id;
                break;
            }
            looked_at += 1;
            if !log.contains(pending.id) {
                claims.forget(group, pending.id);
            } else if !is_busy(&pending, self.min_idle, now_ms) {
                let more = u64::from(!self.just_ids);
                let deliveries = pending.deliveries.wrapping_add(more);
                claims.give(group, Pending { delivered_ms: now_ms, deliveries, consumer, ..pending });
            }
            match pending.id.next() {
                Some(id) => next = id,
                None => break,
            }
        }
        claims.close(group, consumer, now_ms);
        (claims, cursor, looked_at)
    }
}

/// XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]
pub fn xautoclaim(call: &mut Call<'_>) -> Outcome {
    let claim = AutoClaim::parse(call)?;
    let key = call.key(1);
    let names = [call.args.at(2), call.args.at(3)];
    expect_group(call, &key, names[0])?;
    let now_ms = now_ms(call);
    let done =
        edit(call, &key, |stream| stream.edit_group(names[0], |group, log| claim.apply(group, log, names[1], now_ms)))?;
    let (mut claims, cursor, looked_at) = done.flatten().unwrap_or_default();
    claims.tell(call, &key, names);
    call.work(looked_at / 8);
    if claim.forgetful {
        claims.gone.clear();
    }
    call.reply().array(3);
    reply::id(&mut call.reply(), cursor);
    answer(call, &key, &claims.claimed, claim.just_ids);
    reply::ids(call, &claims.gone);
    Ok(())
}
