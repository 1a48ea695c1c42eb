//! How nodes form a cluster.

use super::declare::group;
use crate::config::choice::choice;

choice! {
    /// By what clients are sent to other nodes.
    Endpoint {
        /// By address.
        Ip = "ip",
        /// By host name.
        Hostname = "hostname",
        /// By nothing: at the address that they used before.
        Unknown = "unknown-endpoint",
    }
}

fn is_host_name(name: &str) -> Result<(), String> {
    const LENGTH: usize = 256;
    if name.len() >= LENGTH {
        return Err(format!("Hostnames must be less than {LENGTH} characters"));
    }
    match name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.')) {
        true => Ok(()),
        false => Err("Hostnames may only contain alphanumeric characters, hyphens or dots".to_owned()),
    }
}

/// What would break the line of the nodes' file in which the name stands.
fn is_node_name(name: &str) -> Result<(), String> {
    match name.contains(|c| "!#$%&()*+:;<>?@[]^{|}~".contains(c)) {
        true => Err("Announced human node name contained invalid character".to_owned()),
        false => Ok(()),
    }
}

group! {
    /// How nodes form a cluster.
    cluster: Cluster {
        /// Whether shard channels work while slots are uncovered.
        "cluster-allow-pubsubshard-when-down" allow_pubsubshard_when_down: bool = true, yes_no().missing("cluster");
        /// Whether reads do.
        "cluster-allow-reads-when-down" allow_reads_when_down: bool = false, yes_no().missing("cluster");
        /// Whether replicas change to other primaries.
        "cluster-allow-replica-migration" allow_replica_migration: bool = true, yes_no().missing("cluster");
        /// The bus port by which others are to know this node.
        "cluster-announce-bus-port" announce_bus_port: u16 = 0, integer(0, 65535).missing("cluster");
        /// The name by which clients are to know it.
        "cluster-announce-hostname" announce_hostname: String = String::new(), text_or_none().missing("cluster").check(is_host_name);
        /// The name by which people are to know it.
        "cluster-announce-human-nodename" announce_human_nodename: String = String::new(), text_or_none().missing("cluster").check(is_node_name);
        /// The address by which others are to know it.
        "cluster-announce-ip" announce_ip: String = String::new(), text_or_none().missing("cluster");
        /// The port by which others are to know it.
        "cluster-announce-port" announce_port: u16 = 0, integer(0, 65535).missing("cluster");
        /// The TLS port by which others are to know it.
        "cluster-announce-tls-port" announce_tls_port: u16 = 0, integer(0, 65535).missing("cluster");
        /// The file in which it keeps what it knows of the others.
        "cluster-config-file" config_file: String = "nodes.conf".into(), text().fixed().missing("cluster");
        /// The IPv4 address that clients are told (Valkey).
        "cluster-announce-client-ipv4" announce_client_ipv4: String = String::new(), text_or_none().hidden().missing("cluster");
        /// The IPv6 address that clients are told (Valkey).
        "cluster-announce-client-ipv6" announce_client_ipv6: String = String::new(), text_or_none().hidden().missing("cluster");
        /// Seconds for which a node that was forgotten stays so (Valkey).
        "cluster-blacklist-ttl" blacklist_ttl: u64 = 60, integer(0, i64::MAX).hidden().missing("cluster");
        /// Whether use is counted by slot (Redis 8, Valkey).
        "cluster-slot-stats-enabled" slot_stats_enabled: bool = false, yes_no().hidden().missing("cluster");
        /// Whether there is a cluster.
        "cluster-enabled" enabled: bool = false, yes_no().fixed().missing("cluster");
        /// Bytes that a link of the bus may be owed; 0 means no limit.
        "cluster-link-sendbuf-limit" link_sendbuf_limit: u64 = 0, memory(0, u64::MAX).missing("cluster");
        /// Replicas that a primary keeps when others need one.
        "cluster-migration-barrier" migration_barrier: i64 = 1, integer(0, i32::MAX as i64).missing("cluster");
        /// Milliseconds of silence after which a node is suspected.
        "cluster-node-timeout" node_timeout: i64 = 15000, integer(0, i64::MAX).missing("cluster");
        /// Milliseconds between two pings; 0 derives them.
        "cluster-ping-interval" ping_interval: i64 = 0, integer(0, i64::MAX).hidden().missing("cluster");
        /// The bus port; 0 means the port and 10000.
        "cluster-port" port: u16 = 0, integer(0, 65535).fixed().missing("cluster");
        /// By what clients are sent to other nodes.
        "cluster-preferred-endpoint-type" preferred_endpoint_type: Endpoint = Endpoint::Ip, choice().missing("cluster");
        /// Whether this replica is never promoted.
        "cluster-replica-no-failover" replica_no_failover: bool = false, yes_no().alias("cluster-slave-no-failover").missing("cluster");
        /// How stale a replica may be to be promoted.
        "cluster-replica-validity-factor" replica_validity_factor: i64 = 10, integer(0, i32::MAX as i64).alias("cluster-slave-validity-factor").missing("cluster");
        /// Whether nothing is served while slots are uncovered.
        "cluster-require-full-coverage" require_full_coverage: bool = true, yes_no().missing("cluster");
    }
}
