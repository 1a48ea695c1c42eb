//! HyperLogLogs: estimates of how many distinct elements were seen.
