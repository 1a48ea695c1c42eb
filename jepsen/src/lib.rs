//! Histories and their checkers: was what clients saw possible?
mod check;
mod hashing;
pub mod history;
mod memo;
pub mod models;
mod report;
mod search;
mod window;

pub use check::{Examination, Options, Reason, Verdict, check, examine};
pub use history::{Call, Clock, Condition, Expiry, History, OperationId, ReadError, Reply, read};
pub use models::ModelKind;
pub use report::{Detail, details};
pub use window::Explanation;
