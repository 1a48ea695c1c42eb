//! Where the node listens: opened at the start, moved while it runs.
//!
//! A move is whole or nothing. What stays is not touched, so nobody who is being accepted there notices; what is new is opened
//! before what is old is closed, unless the old is in its way.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use refrain_core::Config;
use refrain_runtime::{Address, Sockets, Token};

use crate::shared::SharedSockets;

/// Somewhere to listen. An optional address may be missing on this machine (a leading `-` in `bind`).
#[derive(Debug, Clone)]
pub struct Listen {
    /// Where.
    pub address: Address,
    /// Whether it may be left out where the machine does not have it.
    pub optional: bool,
}

/// Where a configuration wants the node to listen. `resolve` finds the address of a name.
///
/// # Errors
/// A `bind` address that is none.
pub fn addresses(config: &Config, resolve: impl Fn(&str) -> Option<IpAddr>) -> Result<Vec<Listen>, String> {
    let network = &config.network;
    let mut listens = Vec::new();
    for word in network.bind.0.iter().filter(|_| network.port != 0) {
        let (optional, name) = word.strip_prefix('-').map_or((false, word.as_str()), |name| (true, name));
        let ip = match name {
            "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            name => match resolve(name) {
                Some(ip) => ip,
                None if optional => continue,
                None => return Err(format!("Could not resolve the bind address '{name}'")),
            },
        };
        listens.push(Listen { address: Address::Tcp(SocketAddr::new(ip, network.port)), optional });
    }
    if !network.unixsocket.is_empty() {
        let mode = (network.unixsocketperm != 0).then_some(network.unixsocketperm);
        let address = Address::Unix { path: network.unixsocket.clone().into(), mode };
        listens.push(Listen { address, optional: false });
    }
    Ok(listens)
}

/// A socket that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Door {
    pub token: Token,
    pub address: Address,
}

/// All of them.
pub(crate) struct Doors<S> {
    sockets: SharedSockets<S>,
    open: RefCell<Vec<Door>>,
    moved: Cell<bool>,
}

impl<S: Sockets> Doors<S> {
    pub fn new(sockets: SharedSockets<S>) -> Doors<S> {
        Doors { sockets, open: RefCell::default(), moved: Cell::new(false) }
    }

    /// Every socket that listens, when that has changed since this was last asked.
    pub fn moved(&self) -> Option<Vec<Door>> {
        self.moved.take().then(|| self.open.borrow().clone())
    }

    /// Listens at `wanted` and nowhere else.
    ///
    /// # Errors
    /// The address that can't be had; the node then listens where it did before.
    pub fn open(&self, wanted: &[Listen]) -> Result<(), (Address, io::Error)> {
        let mut open = self.open.borrow_mut();
        let stays = |door: &Door| wanted.iter().any(|listen| listen.address == door.address);
        let (mut doors, mut leaving): (Vec<Door>, Vec<Door>) = open.drain(..).partition(stays);
        let kept = doors.len();
        let mut in_the_way = Vec::new();
        for Listen { address, optional } in wanted {
            if doors.iter().any(|door| door.address == *address) {
                continue;
            }
            let mut listening = self.sockets.listen(address);
            if is_taken(&listening) {
                let is_same_port =
                    |door: &mut Door| port(&door.address).is_some() && port(&door.address) == port(address);
                for door in leaving.extract_if(.., is_same_port) {
                    self.sockets.close(door.token);
                    in_the_way.push(door.address);
                }
                listening = self.sockets.listen(address);
            }
            match listening {
                Ok(token) => doors.push(Door { token, address: address.clone() }),
                Err(error) if *optional && may_be_left_out(&error) => {
                    tracing::debug!("not listening on {address}: {error}");
                }
                Err(error) => {
                    for door in doors.drain(kept..) {
                        self.sockets.close(door.token);
                    }
                    doors.append(&mut leaving);
                    doors.extend(self.opened_again(in_the_way));
                    *open = doors;
                    self.moved.set(true);
                    return Err((address.clone(), error));
                }
            }
        }
        for door in leaving {
            self.sockets.close(door.token);
        }
        *open = doors;
        self.moved.set(true);
        Ok(())
    }

    /// Opens what was closed a moment ago.
    fn opened_again(&self, addresses: Vec<Address>) -> impl Iterator<Item = Door> {
        addresses.into_iter().filter_map(|address| match self.sockets.listen(&address) {
            Ok(token) => Some(Door { token, address }),
            Err(error) => {
                tracing::warn!("Failed listening on {address} again: {error}");
                None
            }
        })
    }
}

fn is_taken<T>(outcome: &io::Result<T>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}

/// A machine may lack an address or a whole family; that somebody else has the port, or that it may not be had, is a fault.
fn may_be_left_out(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied)
}

fn port(address: &Address) -> Option<u16> {
    match address {
        Address::Tcp(address) => Some(address.port()),
        Address::Unix { .. } => None,
    }
}
