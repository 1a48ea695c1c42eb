//! A connection: two ends, two pipes.

use std::io::ErrorKind;

use refrain_runtime::Peer;

use super::pipe::Pipe;
use crate::world::NodeId;

/// Which end: the one that connected, or the one that accepted. Pipe `s` carries what end `s` sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client = 0,
    Server = 1,
}

impl Side {
    pub(crate) const BOTH: [Side; 2] = [Side::Client, Side::Server];

    pub(crate) fn other(self) -> Side {
        match self {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        }
    }
}

/// Who holds an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// No process: closed, or its process is gone.
    Nobody,
    /// A listener's backlog.
    Backlog,
    /// A slot of the process's descriptors.
    Slot(u32),
}

#[derive(Debug)]
pub(crate) struct End {
    pub(crate) node: NodeId,
    pub(crate) holder: Holder,
    /// The host's kernel knows the connection. Data that reaches an end that isn't alive is answered with a reset.
    pub(crate) alive: bool,
    /// The handshake is over, as far as this end knows.
    pub(crate) established: bool,
    /// What the next call of the process is told, once.
    pub(crate) error: Option<ErrorKind>,
    pub(crate) peer: Peer,
}

/// Names a connection for as long as it lives; a later tenant of the slot has another serial number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnectionId {
    pub(crate) slot: u32,
    pub(crate) serial: u32,
}

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) ends: [End; 2],
    pub(crate) pipes: [Pipe; 2],
    /// The listener's slot and generation in the server's process, and that process's life.
    pub(crate) listener: Option<(u32, u32, u32)>,
    /// Whether the connection counts among its listener's half-open ones.
    pub(crate) half_open: bool,
    /// When the connect gives up.
    pub(crate) connect_until: u64,
}

impl Connection {
    pub(crate) fn end(&mut self, side: Side) -> &mut End {
        &mut self.ends[side as usize]
    }

    /// What `side` sends.
    pub(crate) fn pipe(&mut self, side: Side) -> &mut Pipe {
        &mut self.pipes[side as usize]
    }

    pub(crate) fn node(&self, side: Side) -> NodeId {
        self.ends[side as usize].node
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ends.iter().all(|e| !e.alive && e.holder == Holder::Nobody)
    }
}

/// All connections of a world.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<(u32, Option<Box<Connection>>)>,
    free: Vec<u32>,
    serial: u32,
}

impl Connections {
    pub(crate) fn add(&mut self, connection: Connection) -> ConnectionId {
        self.serial += 1;
        let boxed = Some(Box::new(connection));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = (self.serial, boxed);
                slot
            }
            None => {
                self.slots.push((self.serial, boxed));
                (self.slots.len() - 1) as u32
            }
        };
        ConnectionId { slot, serial: self.serial }
    }

    pub(crate) fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        match self.slots.get_mut(id.slot as usize) {
            Some((serial, Some(c))) if *serial == id.serial => Some(c),
            _ => None,
        }
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        if self.get(id).is_some() {
            self.slots[id.slot as usize].1 = None;
            self.free.push(id.slot);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ConnectionId, &Connection)> {
        self.slots.iter().enumerate().filter_map(|(slot, (serial, c))| {
            c.as_ref().map(|c| (ConnectionId { slot: slot as u32, serial: *serial }, &**c))
        })
    }

    /// Those for which `wanted` holds, in the order of their slots.
    pub(crate) fn which(&self, wanted: impl Fn(&Connection) -> bool) -> Vec<ConnectionId> {
        self.iter().filter(|(_, c)| wanted(c)).map(|(id, _)| id).collect()
    }
}
