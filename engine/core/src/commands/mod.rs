//! Handlers, one file per family. Each reads its arguments, acts on the state through its few doors, and replies.

pub mod acl;
pub mod client;
pub mod client_kill;
pub mod client_list;
pub mod client_pause;
pub mod command;
pub mod config;
pub mod connection;
pub mod copying;
pub mod debug;
pub mod dump;
pub mod expire;
pub mod info;
pub mod keyspace;
pub mod latency;
pub mod lolwut;
pub mod module;
pub mod object;
pub mod pubsub;
pub mod server;
pub mod shutdown;
pub mod slowlog;
pub mod string;
pub mod time_option;
pub mod transaction;
