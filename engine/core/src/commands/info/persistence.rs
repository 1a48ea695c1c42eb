//! Persistence and replication. There is no fork, so nothing is ever copied on write by one; nobody follows.

use std::fmt::Write as _;

use super::{Report, fields};

pub(super) fn persistence(report: &Report<'_>, out: &mut String) {
    report.state.report_persistence(out);
}

pub(super) fn replication(report: &Report<'_>, out: &mut String) {
    let state = report.state;
    fields! { out;
        "role" => "master",
        "connected_slaves" => 0,
        "master_failover_state" => "no-failover",
        "master_replid" => state.replication_id,
        "master_replid2" => "0".repeat(40),
        "master_repl_offset" => 0,
        "second_repl_offset" => -1,
        "repl_backlog_active" => 0,
        "repl_backlog_size" => state.config.replication.repl_backlog_size,
        "repl_backlog_first_byte_offset" => 0,
        "repl_backlog_histlen" => 0,
    }
}
