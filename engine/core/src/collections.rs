//! Collections in the state: read by their type, edited in place, made when they are missing and removed when they are empty.
//!
//! What a command changed it says itself ([`State::modified`], [`State::notify`]); here only a key's coming into being is
//! said, and its end is reported to the caller, whose own event comes first.

use refrain_data::{Collection, Deadline, Lookup};

use crate::call::Key;
use crate::error::{ErrorReply, WRONG_TYPE};
use crate::notify::NotifyClass;
use crate::state::State;

/// What has become of a collection that was edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edited<R> {
    /// What the editor returned.
    pub result: R,
    /// Nothing was left in it, so that its key is gone.
    pub emptied: bool,
}

impl State {
    /// Looks a collection up for a command that reads it: counted as a hit or a miss, and marked as used.
    ///
    /// # Errors
    /// `WRONGTYPE` when the key holds something else.
    #[inline]
    pub fn view<C: Collection>(&mut self, key: &Key<'_>) -> Result<Option<C::View<'_>>, ErrorReply> {
        match self.read(key) {
            Some(entry) => entry.view::<C>().map(Some).ok_or(WRONG_TYPE),
            None => Ok(None),
        }
    }

    /// Changes a collection that exists, and removes its key if nothing is left in it. `None` when the key is missing.
    ///
    /// # Errors
    /// `WRONGTYPE` when the key holds something else.
    pub fn edit<C: Collection, R>(
        &mut self,
        key: &Key<'_>,
        editor: impl FnOnce(&mut C) -> R,
    ) -> Result<Option<Edited<R>>, ErrorReply> {
        let Lookup::Occupied(mut found) = self.write_here(key) else { return Ok(None) };
        if found.entry().kind() != C::KIND {
            return Err(WRONG_TYPE);
        }
        let (result, emptied) = found.edit(|collection: &mut C| {
            let result = editor(collection);
            (result, collection.is_empty())
        });
        let emptied = emptied && C::ENDS_EMPTY;
        if emptied {
            found.remove();
        }
        Ok(Some(Edited { result, emptied }))
    }

    /// Changes a collection, which is made if the key is missing, and is not kept if nothing is in it.
    ///
    /// # Errors
    /// `WRONGTYPE` when the key holds something else.
    pub fn edit_or_create<C: Collection, R>(
        &mut self,
        key: &Key<'_>,
        editor: impl FnOnce(&mut C) -> R,
    ) -> Result<Edited<R>, ErrorReply> {
        let free = match self.write_here(key) {
            Lookup::Occupied(mut found) => {
                if found.entry().kind() != C::KIND {
                    return Err(WRONG_TYPE);
                }
                let (result, emptied) = found.edit(|collection: &mut C| {
                    let result = editor(collection);
                    (result, collection.is_empty())
                });
                let emptied = emptied && C::ENDS_EMPTY;
                if emptied {
                    found.remove();
                }
                return Ok(Edited { result, emptied });
            }
            Lookup::Vacant(free) => free,
        };
        let mut collection = C::empty();
        let result = editor(&mut collection);
        if !C::ENDS_EMPTY || !collection.is_empty() {
            free.insert_collection(collection, Deadline::Clear);
            self.notify(NotifyClass::NEW, "new", key);
        }
        Ok(Edited { result, emptied: false })
    }

    /// Stores a collection under a key, whatever it held and whatever its deadline was; an empty one deletes the key. Returns
    /// whether the key held anything before.
    pub fn replace_with<C: Collection>(&mut self, key: &Key<'_>, value: C) -> bool {
        let ends = C::ENDS_EMPTY && value.is_empty();
        match self.write(key) {
            Lookup::Occupied(found) if ends => {
                found.remove();
                true
            }
            Lookup::Occupied(mut found) => {
                found.set_collection(value, Deadline::Clear);
                true
            }
            Lookup::Vacant(_) if ends => false,
            Lookup::Vacant(free) => {
                free.insert_collection(value, Deadline::Clear);
                self.notify(NotifyClass::NEW, "new", key);
                false
            }
        }
    }

    /// To be called before so many elements go from a collection that stays: if they are many, they are freed elsewhere.
    pub fn set_aside(&mut self, key: &Key<'_>, going: usize) {
        /// Elements that are freed where they are: some microseconds' worth.
        const FEW: usize = 4096;
        if going > FEW
            && let Lookup::Occupied(mut found) = self.write(key)
        {
            found.set_aside();
        }
    }

    /// Hands over to the node what was removed and takes long to free.
    pub(crate) fn gather_graves(&mut self) {
        let graves = self.keyspace.take_graves();
        if !graves.is_empty() {
            self.effects.detached.push(graves);
        }
    }
}
