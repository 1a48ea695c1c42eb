//! What the kernel of a host keeps for its one process: descriptors, readiness, signals, the waker.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use refrain_runtime::{Address, Interest, Signal, Token};

use crate::net::connection::{ConnectionId, Side};
use crate::net::pipe::NEVER;

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) address: Address,
    /// Connections whose handshake is over.
    pub(crate) backlog: VecDeque<ConnectionId>,
    /// Connections whose handshake isn't.
    pub(crate) half_open: usize,
}

#[derive(Debug)]
pub(crate) enum Descriptor {
    Free,
    Listener(Listener),
    Connection(ConnectionId, Side),
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    what: Descriptor,
    /// Readiness not yet reported.
    bits: u8,
    /// Whether the slot is in the ready list.
    listed: bool,
}

#[derive(Debug)]
pub(crate) struct Process {
    slots: Vec<Slot>,
    free: Vec<u32>,
    ready: Vec<u32>,
    pub(crate) open: usize,
    pub(crate) listeners: BTreeMap<Address, u32>,
    pub(crate) signals: VecDeque<Signal>,
    pub(crate) signal_waker: Option<Waker>,
    pub(crate) waker: Option<Waker>,
    /// Whether it was woken since it last waited.
    pub(crate) woken: bool,
    /// When its present wait ends.
    pub(crate) until: u64,
    /// The earliest timer event that is queued for it.
    pub(crate) timer_at: u64,
}

impl Process {
    pub(crate) fn new() -> Process {
        Process {
            slots: Vec::new(),
            free: Vec::new(),
            ready: Vec::new(),
            open: 0,
            listeners: BTreeMap::new(),
            signals: VecDeque::new(),
            signal_waker: None,
            waker: None,
            woken: false,
            until: NEVER,
            timer_at: NEVER,
        }
    }

    pub(crate) fn add(&mut self, what: Descriptor) -> Token {
        self.open += 1;
        if let Some(n) = self.free.pop() {
            let slot = &mut self.slots[n as usize];
            slot.what = what;
            slot.bits = 0;
            return Token::new(n, slot.generation);
        }
        self.slots.push(Slot { generation: 1, what, bits: 0, listed: false });
        Token::new((self.slots.len() - 1) as u32, 1)
    }

    /// Frees a descriptor and gives what it was; `None` for a stale token.
    pub(crate) fn remove(&mut self, token: Token) -> Option<Descriptor> {
        let slot = self.slots.get_mut(token.slot()).filter(|s| s.generation == token.generation())?;
        if matches!(slot.what, Descriptor::Free) {
            return None;
        }
        slot.generation = slot.generation.wrapping_add(1).max(1);
        slot.bits = 0;
        self.open -= 1;
        self.free.push(token.slot() as u32);
        Some(std::mem::replace(&mut slot.what, Descriptor::Free))
    }

    pub(crate) fn get(&mut self, token: Token) -> Option<&mut Descriptor> {
        let slot = self.slots.get_mut(token.slot()).filter(|s| s.generation == token.generation())?;
        Some(&mut slot.what).filter(|w| !matches!(w, Descriptor::Free))
    }

    pub(crate) fn connection(&mut self, token: Token) -> Option<(ConnectionId, Side)> {
        match self.get(token)? {
            Descriptor::Connection(id, side) => Some((*id, *side)),
            _ => None,
        }
    }

    pub(crate) fn listener(&mut self, slot: u32, generation: u32) -> Option<&mut Listener> {
        match self.get(Token::new(slot, generation))? {
            Descriptor::Listener(l) => Some(l),
            _ => None,
        }
    }

    pub(crate) fn token(&self, slot: u32) -> Token {
        Token::new(slot, self.slots[slot as usize].generation)
    }

    /// All that is open.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let open = |s: &&Slot| !matches!(s.what, Descriptor::Free);
        let all = self.slots.iter().enumerate();
        all.filter(|(_, s)| open(s)).map(|(n, s)| Token::new(n as u32, s.generation)).collect()
    }

    /// Adds readiness to a slot, to be reported once.
    pub(crate) fn mark(&mut self, slot: u32, bits: u8) {
        let s = &mut self.slots[slot as usize];
        s.bits |= bits;
        if !s.listed {
            s.listed = true;
            self.ready.push(slot);
        }
    }

    /// Marks the `n`-th slot (modulo) as readable or writable whether or not it is.
    pub(crate) fn mark_falsely(&mut self, n: u64, write: bool) {
        if self.slots.is_empty() {
            return;
        }
        let slot = (n % self.slots.len() as u64) as u32;
        if !matches!(self.slots[slot as usize].what, Descriptor::Free) {
            self.mark(slot, if write { Interest::WRITE } else { Interest::READ });
        }
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Takes what is ready, each slot once.
    pub(crate) fn harvest(&mut self, mut report: impl FnMut(Token, u8)) {
        for n in 0..self.ready.len() {
            let slot = self.ready[n];
            let s = &mut self.slots[slot as usize];
            s.listed = false;
            let bits = std::mem::take(&mut s.bits);
            if bits != 0 {
                report(Token::new(slot, s.generation), bits);
            }
        }
        self.ready.clear();
    }

    /// Wakes it, at most once a wait.
    pub(crate) fn wake(&mut self) {
        if !self.woken
            && let Some(waker) = &self.waker
        {
            self.woken = true;
            waker.wake_by_ref();
        }
    }
}
