//! From directives to a configuration, from a configuration to addresses, and what the system must allow.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use refrain_core::Config;
use refrain_node::Listen;
use refrain_runtime::Address;

use crate::command_line::Invocation;
use crate::conf_file::{self, ConfFileError};

/// Everything that was configured.
pub struct Settings {
    /// The parameters.
    pub config: Config,
    /// Neither a file nor an option said anything.
    pub from_defaults: bool,
}

/// Reads the configuration that the command line names.
///
/// # Errors
/// What the operator is to see: an unreadable file, or the line that can't be obeyed.
pub fn read(invocation: &Invocation) -> Result<Settings, ConfFileError> {
    let directives = conf_file::load(invocation)?;
    let mut config = Config::default();
    let from_defaults = directives.is_empty() && invocation.config_file.is_none();
    for directive in &directives {
        let values: Vec<&[u8]> = directive.args.iter().map(Vec::as_slice).collect();
        config.set_at_start(&directive.name, &values).map_err(|reason| directive.place.fatal(&reason))?;
    }
    Ok(Settings { config, from_defaults })
}

/// Where to listen.
///
/// # Errors
/// A `bind` address that is none.
pub fn addresses(config: &Config) -> Result<Vec<Listen>, String> {
    let mut listens = Vec::new();
    let network = &config.network;
    if network.port != 0 {
        for word in &network.bind.0 {
            let (optional, name) = match word.strip_prefix('-') {
                Some(name) => (true, name),
                None => (false, word.as_str()),
            };
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
    }
    if !network.unixsocket.is_empty() {
        let mode = (network.unixsocketperm != 0).then_some(network.unixsocketperm);
        let address = Address::Unix { path: network.unixsocket.clone().into(), mode };
        listens.push(Listen { address, optional: false });
    }
    Ok(listens)
}

fn resolve(name: &str) -> Option<IpAddr> {
    name.parse().ok().or_else(|| (name, 0).to_socket_addrs().ok()?.next().map(|a| a.ip()))
}

/// Descriptors that are not clients: listeners, the log, the poll, the reserve.
const DESCRIPTORS_RESERVED: u64 = 32;

/// Makes room for `maxclients` descriptors, as far as the system lets us; returns the `maxclients` that there is room for.
///
/// # Errors
/// When there is room for none.
pub fn raise_descriptor_limit(maxclients: i64) -> Result<i64, String> {
    let wanted = u64::try_from(maxclients).unwrap_or(0) + DESCRIPTORS_RESERVED;
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit to a valid pointer.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return Ok(maxclients);
    }
    if limit.rlim_cur >= wanted {
        return Ok(maxclients);
    }
    let raised = libc::rlimit { rlim_cur: wanted, rlim_max: limit.rlim_max.max(wanted) };
    let modest = libc::rlimit { rlim_cur: limit.rlim_max.min(wanted), rlim_max: limit.rlim_max };
    // SAFETY: setrlimit reads one rlimit from a valid pointer.
    let room = match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } {
        0 => wanted,
        // SAFETY: as above.
        _ => match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const modest) } {
            0 => modest.rlim_cur,
            _ => limit.rlim_cur,
        },
    };
    let clients = i64::try_from(room.saturating_sub(DESCRIPTORS_RESERVED)).unwrap_or(i64::MAX).min(maxclients);
    if clients < 1 {
        return Err(format!(
            "Your current 'ulimit -n' of {room} is not enough for the server to start. Please increase your open file limit \
             to at least {wanted}. Exiting."
        ));
    }
    if clients < maxclients {
        tracing::warn!(
            "You requested maxclients of {maxclients} requiring at least {wanted} max file descriptors. Current maximum open \
             files is {room}. maxclients has been reduced to {clients} to compensate for low ulimit. If you need higher \
             maxclients increase 'ulimit -n'."
        );
    }
    Ok(clients)
}
