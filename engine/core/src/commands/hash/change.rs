//! The door through which commands change a hash: what is due is removed first, and said.

use refrain_data::{Deadline, Found, Hash, HashLimits};

use crate::call::{Call, Key};
use crate::collections::Edited;
use crate::error::ErrorReply;

/// Due fields that a command removes, beside those that it names: what it costs is bounded, and periodic work does the rest.
const REMOVED_AT_ONCE: usize = 64;

/// A hash while a command changes it. What is due is not there.
pub(super) struct Fields<'h> {
    hash: &'h mut Hash,
    now: u64,
    limits: HashLimits,
    /// Names of fields that were removed because they were due.
    gone: Vec<Vec<u8>>,
    /// More fields are due than were removed.
    more_are_due: bool,
}

impl Fields<'_> {
    /// The value and the deadline of a field.
    pub(super) fn get(&self, name: &[u8]) -> Option<Found<'_>> {
        self.hash.view().get(name).filter(|found| !found.is_due(self.now))
    }

    /// Sets a field, and tells whether it is new.
    #[inline]
    pub(super) fn set(&mut self, name: &[u8], value: &[u8], deadline: Deadline) -> bool {
        self.make_way(name);
        self.hash.set(name, value, deadline, &self.limits)
    }

    /// Sets or clears the deadline of a field; false if there is no such field.
    pub(super) fn set_deadline(&mut self, name: &[u8], deadline: Option<u64>) -> bool {
        self.make_way(name);
        self.hash.set_deadline(name, deadline, &self.limits)
    }

    /// Takes the form of a hash whose fields have deadlines, whether one will have any or not.
    pub(super) fn expect_deadlines(&mut self) {
        if !self.hash.view().is_empty() {
            self.hash.expect_deadlines(&self.limits);
        }
    }

    /// Removes a field; false if there is none.
    pub(super) fn remove(&mut self, name: &[u8]) -> bool {
        self.make_way(name);
        self.hash.remove(name)
    }

    /// Removes fields that are due, so that nearly always none is left.
    #[cold]
    fn remove_due(&mut self) {
        let gone = &mut self.gone;
        self.hash.remove_due(self.now, REMOVED_AT_ONCE, &mut |name| gone.push(name.to_vec()));
        self.more_are_due = self.is_due();
    }

    #[inline]
    fn is_due(&self) -> bool {
        self.hash.view().earliest_deadline().is_some_and(|at| at <= self.now)
    }

    /// Removes the field of this name if it is due.
    #[inline]
    fn make_way(&mut self, name: &[u8]) {
        if self.more_are_due && self.hash.view().get(name).is_some_and(|found| found.is_due(self.now)) {
            self.hash.remove(name);
            self.gone.push(name.to_vec());
        }
    }
}

/// What has become of a hash.
pub(super) struct Changed<R> {
    /// What the command's part returned.
    pub(super) result: R,
    /// The command took the last field out: the key is gone.
    pub(super) emptied: bool,
}

/// Changes a hash; a missing one is made if `create` says so, unless it stays empty, and otherwise the answer is `None`.
///
/// # Errors
/// `WRONGTYPE`.
pub(super) fn change<R>(
    call: &mut Call<'_>,
    key: &Key<'_>,
    create: bool,
    change: impl FnOnce(&mut Fields<'_>) -> R,
) -> Result<Option<Changed<R>>, ErrorReply> {
    let (now, limits) = (call.state.fields_now(), call.state.hash_limits());
    let mut change = Some(change);
    loop {
        let mut gone = Vec::new();
        let editor = |hash: &mut Hash| {
            let mut fields = Fields { hash, now, limits, gone: Vec::new(), more_are_due: false };
            if fields.is_due() {
                fields.remove_due();
                if fields.hash.view().is_empty() {
                    gone = fields.gone;
                    return None;
                }
            }
            let change = change.take().expect("a hash loses its last field to its deadline once");
            let result = change(&mut fields);
            gone = fields.gone;
            Some(result)
        };
        let Edited { result, emptied } = if create {
            call.state.edit_or_create(key, editor)?
        } else {
            match call.state.edit(key, editor)? {
                Some(edited) => edited,
                None => return Ok(None),
            }
        };
        if !gone.is_empty() {
            call.state.fields_gone(key, &gone, result.is_none());
        }
        // Without a result the key went with its last fields, and what the command does it does to a missing one.
        if let Some(result) = result {
            return Ok(Some(Changed { result, emptied }));
        }
    }
}
