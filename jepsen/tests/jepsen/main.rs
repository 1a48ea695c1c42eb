//! The checker against naive oracles, recorded histories and its own command line.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read histories from files and from a folder that the environment names"
)]
#![expect(clippy::unwrap_used, reason = "the helpers of tests are tests")]

mod against_naive;
mod budgets;
mod collections;
mod command_line;
mod expiry;
mod explanation;
mod generate;
mod naive;
mod recorded;
mod round_trip;
