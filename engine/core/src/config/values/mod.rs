//! Values with a grammar of their own, one a file.

mod bind;
mod client_memory;
mod directory;
mod notify_classes;
mod oom_scores;
mod output_limits;
mod percentiles;
mod replica_of;
mod save_points;
mod shutdown_on;
mod title;

pub use bind::BindAddresses;
pub use client_memory::ClientMemory;
pub use directory::Directory;
pub use oom_scores::OomScores;
pub use output_limits::{ClientClass, OutputLimit, OutputLimits};
pub use percentiles::{Percentile, Percentiles};
pub use replica_of::ReplicaOf;
pub use save_points::{SavePoint, SavePoints};
pub use shutdown_on::ShutdownOn;
pub use title::{expand_title, is_title_template};

/// What a parameter says that was given another number of words than it takes.
const WRONG_NUMBER: &str = "wrong number of arguments";
