//! The process as the operating system and its operator see it: foreground or background, its pid file, its supervisor, its
//! title, its place in the order of the out-of-memory killer.
//!
//! What can fail here without keeping the server from serving is logged and no error, as in Redis.

pub mod background;
pub mod descriptors;
pub mod huge_pages;
pub mod life;
pub mod oom_score;
pub mod parameters;
pub mod pid_file;
pub mod supervisor;
pub mod title;

pub use refrain_core::system_text as reason;
