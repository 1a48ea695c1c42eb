//! What a consumer of a group reads of one stream: its history, or what was pending for long and what is new.

use refrain_data::stream::{ConsumerNumber, Group, Log, Pending, StreamBody, StreamId};

use super::{Delivery, consumer_was_added, edit, no_group, now_ms, propagate_deliveries, propagate_position, reply};
use crate::call::{Call, Key};
use crate::error::ErrorReply;
use crate::session::Session;

/// After so many entries, or so many bytes, it is asked whether the client is still to get more.
const PIECE_ENTRIES: usize = 256;
const PIECE_BYTES: usize = 256 * 1024;

/// What a consumer asks for.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) group: &'a [u8],
    pub(super) consumer: &'a [u8],
    /// Its history after this id; without one, what is new.
    pub(super) after: Option<StreamId>,
    /// As many as there are if it is 0.
    pub(super) count: u64,
    pub(super) no_ack: bool,
    /// What is new begins with what has been pending for so many milliseconds.
    pub(super) claim: Option<i64>,
}

/// Replies with what a consumer is to get of a stream, if that is anything; `open` then begins the reply. False when the
/// client is not to get more.
pub(super) fn read(
    call: &mut Call<'_>,
    key: &Key<'_>,
    request: &Request<'_>,
    open: impl FnOnce(&mut Call<'_>),
) -> Result<bool, ErrorReply> {
    let now_ms = now_ms(call);
    let missing = || no_group(key.name, request.group, " in XREADGROUP with GROUP option");
    let mut reading = edit(call, key, |stream| {
        stream.edit_group(request.group, |group, log| Reading::open(group, log, request, now_ms))
    })?
    .flatten()
    .ok_or_else(missing)?;
    if reading.consumer_is_new {
        consumer_was_added(call, key, [request.group, request.consumer]);
    }
    if reading.part == Part::Nothing {
        return Ok(true);
    }
    open(call);
    let begun = call.reply().deferred_array();
    let mut gets_more = true;
    while gets_more && reading.part != Part::Nothing {
        let Call { state, session, .. } = call;
        state.edit::<StreamBody, _>(key, |stream| {
            stream.edit_group(request.group, |group, log| reading.piece(group, log, request, session))
        })?;
        gets_more = call.reply_may_grow();
    }
    if gets_more {
        call.reply().finish_array(begun, reading.total as usize);
    }
    reading.tell(call, key, request);
    Ok(gets_more)
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The consumer's own entries, from an id on.
    History(StreamId),
    /// Entries that were pending for long; so many were given out.
    Idle(usize),
    New,
    Nothing,
}

/// A reading as far as it has come, and what it has changed.
struct Reading {
    now_ms: i64,
    consumer: ConsumerNumber,
    consumer_is_new: bool,
    part: Part,
    idle: Vec<StreamId>,
    total: u64,
    deliveries: Vec<Delivery>,
    advanced: bool,
    last_id: StreamId,
    entries_read: Option<u64>,
}

impl Reading {
    /// Finds the consumer, or makes it, and what there is for it.
    fn open(group: &mut Group, log: &Log, request: &Request<'_>, now_ms: i64) -> Reading {
        let known = group.consumer(request.consumer).map(|consumer| consumer.number());
        let consumer = match known {
            Some(number) => number,
            None => group.add_consumer(request.consumer, now_ms).expect("it is not there"),
        };
        group.edit_consumer(consumer, |consumer| consumer.seen_ms = now_ms);
        let mut idle = Vec::new();
        let part = match (request.after, request.claim) {
            // After the largest id comes the smallest, as in Redis.
            (Some(after), _) => Part::History(after.next().unwrap_or_default()),
            (None, claim) => {
                if let Some(min_idle) = claim {
                    let most = if request.count == 0 { usize::MAX } else { request.count as usize };
                    let old = group.idle_since(now_ms.saturating_sub(min_idle));
                    idle = old.filter(|id| log.contains(*id)).take(most).collect();
                }
                let has_new = log.last_entry_id().is_some_and(|last| last > group.last_id());
                match (idle.is_empty(), has_new) {
                    (false, _) => Part::Idle(0),
                    (true, true) => Part::New,
                    (true, false) => Part::Nothing,
                }
            }
        };
        Reading {
            now_ms,
            consumer,
            consumer_is_new: known.is_none(),
            part,
            idle,
            total: 0,
            deliveries: Vec::new(),
            advanced: false,
            last_id: group.last_id(),
            entries_read: group.entries_read(),
        }
    }

    /// Replies with some entries.
    fn piece(&mut self, group: &mut Group, log: &Log, request: &Request<'_>, session: &mut Session) {
        let until = session.output.len() + PIECE_BYTES;
        let before = self.deliveries.len();
        self.part = match self.part {
            Part::History(start) => self.history(start, group, log, request, session, until),
            Part::Idle(at) => self.idle(at, group, log, request, session, until),
            Part::New => self.new_entries(group, log, request, session, until),
            Part::Nothing => Part::Nothing,
        };
        if request.after.is_none() && self.deliveries.len() > before {
            group.edit_consumer(self.consumer, |consumer| consumer.active_ms = Some(self.now_ms));
        }
        (self.last_id, self.entries_read) = (group.last_id(), group.entries_read());
    }

    fn is_full(&self, request: &Request<'_>) -> bool {
        request.count > 0 && self.total >= request.count
    }

    fn history(
        &mut self,
        mut start: StreamId,
        group: &mut Group,
        log: &Log,
        request: &Request<'_>,
        session: &mut Session,
        until: usize,
    ) -> Part {
        let own = group.consumer(request.consumer).into_iter().flat_map(|consumer| consumer.pending_from(start));
        let ids: Vec<StreamId> = own.take(PIECE_ENTRIES).collect();
        let last_piece = ids.len() < PIECE_ENTRIES;
        for id in ids {
            if self.is_full(request) {
                return Part::Nothing;
            }
            if session.output.len() > until {
                return Part::History(id);
            }
            self.total += 1;
            if reply::entry_or_id(&mut session.reply(), log, id)
                && let Some(pending) = group.pending(id).copied()
            {
                self.deliver(group, Pending { deliveries: pending.deliveries.wrapping_add(1), ..pending });
            }
            match id.next() {
                Some(next) => start = next,
                None => return Part::Nothing,
            }
        }
        if last_piece { Part::Nothing } else { Part::History(start) }
    }

    fn idle(
        &mut self,
        from: usize,
        group: &mut Group,
        log: &Log,
        request: &Request<'_>,
        session: &mut Session,
        until: usize,
    ) -> Part {
        for at in from..self.idle.len() {
            if session.output.len() > until {
                return Part::Idle(at);
            }
            let id = self.idle[at];
            let (Some(entry), Some(pending)) = (log.get(id), group.pending(id).copied()) else { continue };
            self.total += 1;
            let mut reply = session.reply();
            reply.array(4);
            reply::id(&mut reply, id);
            reply::fields(&mut reply, &entry);
            reply.integer(self.now_ms.saturating_sub(pending.delivered_ms).max(0));
            reply.integer(pending.deliveries as i64);
            let deliveries = pending.deliveries.wrapping_add(1);
            self.deliver(group, Pending { deliveries, consumer: self.consumer, ..pending });
        }
        if self.is_full(request) { Part::Nothing } else { Part::New }
    }

    fn new_entries(
        &mut self,
        group: &mut Group,
        log: &Log,
        request: &Request<'_>,
        session: &mut Session,
        until: usize,
    ) -> Part {
        let Some(start) = group.last_id().next() else { return Part::Nothing };
        for entry in log.range(start, StreamId::MAX) {
            if self.is_full(request) {
                return Part::Nothing;
            }
            if session.output.len() > until {
                return Part::New;
            }
            self.total += 1;
            self.advanced |= group.advance_over(log, entry.id);
            let mut reply = session.reply();
            if request.claim.is_some() {
                reply.array(4);
                reply::id(&mut reply, entry.id);
                reply::fields(&mut reply, &entry);
                reply.integer(0);
                reply.integer(0);
            } else {
                reply::entry(&mut reply, &entry);
            }
            if !request.no_ack {
                let pending = Pending { id: entry.id, delivered_ms: 0, deliveries: 1, consumer: self.consumer };
                self.deliver(group, pending);
            }
        }
        Part::Nothing
    }

    /// An entry is pending from now on as it says.
    fn deliver(&mut self, group: &mut Group, pending: Pending) {
        let pending = Pending { delivered_ms: self.now_ms, ..pending };
        group.assign(pending);
        let Pending { id, delivered_ms, deliveries, .. } = pending;
        self.deliveries.push(Delivery { id, delivered_ms, deliveries });
    }

    /// Says what was changed.
    fn tell(&self, call: &mut Call<'_>, key: &Key<'_>, request: &Request<'_>) {
        if !self.deliveries.is_empty() {
            call.state.begins_to_age(key);
        }
        if !self.deliveries.is_empty() || self.advanced {
            call.state.modified_aside();
        }
        if call.state.effects.stream.is_enabled() {
            propagate_deliveries(call, key, [request.group, request.consumer], self.last_id, &self.deliveries);
            if self.advanced {
                propagate_position(call, key, request.group, self.last_id, self.entries_read);
            }
        }
    }
}
