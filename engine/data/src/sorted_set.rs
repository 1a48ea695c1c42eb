//! Large sorted sets.

/// One of the large sorted sets.
#[derive(Clone)]
pub struct LargeSortedSet;

impl LargeSortedSet {
    /// How many elements there are.
    #[must_use]
    pub fn len(&self) -> usize {
        0
    }

    /// The memory beside the value itself, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        0
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        true
    }
}
