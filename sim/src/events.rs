//! The world's one queue of what is still to happen, in order of time and, within a moment, of entry.

use std::cell::RefCell;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::task::Waker;

use crate::net::connection::{ConnectionId, Side};
use crate::world::{NodeId, World};

/// What happens.
pub(crate) enum Event {
    /// The oldest item in flight arrives.
    Delivery(ConnectionId, Side),
    /// An acknowledgement may have made room for a waiting writer.
    AckCheck(ConnectionId, Side),
    /// The sender hears that the receiver's window opened.
    Window(ConnectionId, Side),
    /// The sender has waited too long for an acknowledgement.
    GiveUp(ConnectionId, Side),
    /// The first packet of a handshake arrives, or is sent again.
    Syn(ConnectionId),
    SynRetry(ConnectionId, u32),
    /// The answer to it arrives.
    SynAck(ConnectionId),
    Refused(ConnectionId),
    /// A handshake that never ended is forgotten by the listener.
    HalfOpenTimeout(ConnectionId),
    /// A reset arrives at this end.
    Reset(ConnectionId, Side),
    /// A node's wait is over; for which of its lives.
    Timer(NodeId, u32),
    /// A sleep outside the nodes' socket loops ends.
    Wake(Rc<RefCell<Option<Waker>>>),
    /// The harness wanted something done.
    Call(Box<dyn FnOnce(&World)>),
}

struct Entry {
    at: u64,
    order: u64,
    event: Event,
}

impl Ord for Entry {
    fn cmp(&self, other: &Entry) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Entry) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Entry) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

#[derive(Default)]
pub(crate) struct Events {
    heap: BinaryHeap<Reverse<Entry>>,
    order: u64,
    /// Moments for which the kernel was armed and that haven't come yet.
    armed: BinaryHeap<Reverse<u64>>,
}

impl Events {
    pub(crate) fn push(&mut self, at: u64, event: Event) {
        self.order += 1;
        self.heap.push(Reverse(Entry { at, order: self.order, event }));
    }

    /// The next event that is due, and when it was.
    pub(crate) fn pop(&mut self, now: u64) -> Option<(u64, Event)> {
        if self.heap.peek().is_none_or(|e| e.0.at > now) {
            return None;
        }
        self.heap.pop().map(|Reverse(e)| (e.at, e.event))
    }

    /// The moment for which the kernel must be armed now, if it isn't armed early enough. Each moment is armed once.
    pub(crate) fn arm(&mut self, now: u64) -> Option<u64> {
        while self.armed.peek().is_some_and(|t| t.0 <= now) {
            self.armed.pop();
        }
        let next = self.heap.peek()?.0.at;
        if self.armed.peek().is_some_and(|t| t.0 <= next) {
            return None;
        }
        self.armed.push(Reverse(next));
        Some(next)
    }

    /// How many events are waiting.
    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Forgets everything, for the world ends. A sleep shares its waker with its event, and the waker holds the task that
    /// holds the sleep: taking it out breaks the circle.
    pub(crate) fn let_go(self) {
        for Reverse(entry) in self.heap {
            if let Event::Wake(waker) = entry.event {
                drop(waker.take());
            }
        }
    }

    /// The kernel has a new driver, whom no earlier arming will wake.
    pub(crate) fn disarm(&mut self) {
        self.armed.clear();
    }
}
