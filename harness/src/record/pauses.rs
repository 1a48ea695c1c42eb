//! What is recorded of CLIENT PAUSE.

/// A pause that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Whether it holds back everything, or writes only.
    pub everything: bool,
    /// From when on it surely held: when it was answered.
    pub from: u64,
    /// Until when it surely held: when it was asked for and its length, or when its end was asked for, if that was earlier.
    pub until: u64,
}
