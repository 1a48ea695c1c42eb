//! Columns of a page: vectors whose room grows and shrinks in the allocator's steps, so that what they hold in reserve is little, and what
//! they occupy is known.

use crate::size_class::size_class;

/// Room for `more` elements, up to the next size class.
#[inline]
pub(super) fn reserve<T>(column: &mut Vec<T>, more: usize) {
    let needed = column.len() + more;
    if needed > column.capacity() {
        let room = size_class(needed * size_of::<T>()) / size_of::<T>();
        column.reserve_exact(room - column.len());
    }
}

/// Gives back room once a quarter of it is not used.
#[inline]
pub(super) fn give_back<T>(column: &mut Vec<T>) {
    if column.capacity() > column.len() + column.len() / 3 + 32 {
        fit(column);
    }
}

/// Gives back all room beyond the size class of what is there.
pub(super) fn fit<T>(column: &mut Vec<T>) {
    let room = if column.is_empty() { 0 } else { size_class(column.len() * size_of::<T>()) / size_of::<T>() };
    column.shrink_to(room);
}

/// A copy whose room is that of its size class.
pub(super) fn copied<T: Copy>(column: &[T]) -> Vec<T> {
    let mut copy = Vec::new();
    reserve(&mut copy, column.len());
    copy.extend_from_slice(column);
    copy
}

/// Heap bytes of a column.
#[inline]
pub(super) fn heap<T>(column: &Vec<T>) -> usize {
    if column.capacity() == 0 { 0 } else { size_class(column.capacity() * size_of::<T>()) }
}
