//! Libraries of functions, which this engine keeps and does not run.
//!
//! They come with files of other servers and go into every file that is written, so that a data set loses none on its way through
//! here. No command of a client reaches them. Of the same libraries every file is the same: they are kept in the order of their
//! names.

use std::collections::BTreeMap;
use std::sync::Arc;

use refrain_persist::{UnnamedLibrary, library_name};

/// Libraries by their names.
#[derive(Debug, Default)]
pub struct Libraries {
    sources: BTreeMap<Vec<u8>, Arc<[u8]>>,
    /// Of names and sources.
    bytes: usize,
}

/// Why a library can't be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LibraryError {
    /// Nobody can tell what it is called.
    Unnamed(UnnamedLibrary),
    /// There is one of that name.
    Exists(Vec<u8>),
}

impl std::fmt::Display for LibraryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            LibraryError::Unnamed(why) => write!(f, "{why}"),
            LibraryError::Exists(name) => write!(f, "Library '{}' already exists", name.escape_ascii()),
        }
    }
}

impl std::error::Error for LibraryError {}

impl Libraries {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sources.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// The bytes of their names and sources.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes
    }

    /// Their sources, in the order of their names.
    #[must_use]
    pub fn sources(&self) -> Vec<Arc<[u8]>> {
        self.sources.values().cloned().collect()
    }

    /// Adds one, in the place of one of the same name if it may replace that.
    ///
    /// # Errors
    /// See [`LibraryError`]: nothing has changed then.
    pub(crate) fn add(&mut self, source: &[u8], replaces: bool) -> Result<(), LibraryError> {
        let name = library_name(source).map_err(LibraryError::Unnamed)?;
        if !replaces && self.sources.contains_key(name) {
            return Err(LibraryError::Exists(name.to_vec()));
        }
        self.remove(name);
        self.bytes += name.len() + source.len();
        self.sources.insert(name.to_vec(), source.into());
        Ok(())
    }

    /// Removes one. False if there is none of that name.
    pub(crate) fn remove(&mut self, name: &[u8]) -> bool {
        let removed = self.sources.remove(name);
        self.bytes -= removed.as_ref().map_or(0, |source| name.len() + source.len());
        removed.is_some()
    }

    /// Removes all.
    pub(crate) fn clear(&mut self) {
        *self = Libraries::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_replaced_only_by_what_may() {
        let (a, other_a, b) = (b"#!lua name=a\n1", b"#!lua name=a\n22", b"#!lua name=b\n");
        let mut libraries = Libraries::default();
        for source in [&b[..], a] {
            assert_eq!(libraries.add(source, false), Ok(()));
        }
        assert_eq!(libraries.add(other_a, false), Err(LibraryError::Exists(b"a".to_vec())));
        assert_eq!(libraries.add(b"no library", true), Err(LibraryError::Unnamed(UnnamedLibrary::NoMetadata)));
        let texts = |libraries: &Libraries| libraries.sources().concat();
        assert_eq!(texts(&libraries), [&a[..], b].concat());
        assert_eq!(libraries.add(other_a, true), Ok(()));
        assert_eq!((texts(&libraries), libraries.memory()), ([&other_a[..], b].concat(), 2 + other_a.len() + b.len()));
        assert_eq!([libraries.remove(b"a"), libraries.remove(b"a")], [true, false]);
        libraries.clear();
        assert_eq!((libraries.len(), libraries.memory()), (0, 0));
    }
}
