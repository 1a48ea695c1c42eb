//! The parameters, grouped by what they are about: a file, a struct of typed fields, and a part of the table each.

pub(super) mod declare;

pub(super) mod acl;
pub(super) mod cluster;
pub(super) mod encodings;
pub(super) mod limits;
pub(super) mod logging;
pub(super) mod memory;
pub(super) mod monitoring;
pub(super) mod network;
pub(super) mod persistence;
pub(super) mod process;
pub(super) mod replication;
pub(super) mod scripting;
pub(super) mod tls;

pub use acl::{Acl, Allowed, ChannelsDefault};
pub use cluster::{Cluster, Endpoint};
pub use encodings::{Encodings, Sanitize};
pub use limits::Limits;
pub use logging::{LogFormat, LogLevel, LogTimestampFormat, Logging, SyslogFacility};
pub use memory::{EvictionPolicy, Memory};
pub use monitoring::Monitoring;
pub use network::Network;
pub use persistence::{AppendFsync, Persistence};
pub use process::{OomScoreAdj, Process, Supervised};
pub use replication::{DisklessLoad, PropagationError, Replication};
pub use scripting::Scripting;
pub use tls::{Tls, TlsAuth};

use super::parameter::Parameter;

/// The table: every parameter, group by group.
pub(super) const TABLE: &[&[Parameter]] = &[
    acl::PARAMETERS,
    cluster::PARAMETERS,
    encodings::PARAMETERS,
    limits::PARAMETERS,
    logging::PARAMETERS,
    memory::PARAMETERS,
    monitoring::PARAMETERS,
    network::PARAMETERS,
    persistence::PARAMETERS,
    process::PARAMETERS,
    replication::PARAMETERS,
    scripting::PARAMETERS,
    tls::PARAMETERS,
];
