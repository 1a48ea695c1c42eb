//! Removal from large lists, elsewhere than of single elements at an end: by value, and of all but a range.

use std::ops::Range;

use super::{End, LargeList, ListLimits};
use crate::packed_list::{Needle, PackedList};
use crate::tree::Page as _;

impl LargeList {
    /// Removes up to `limit` elements that equal `needle`, from the first on or from the last. Returns how many.
    pub fn remove(&mut self, needle: &[u8], limit: usize, from: End, limits: ListLimits) -> usize {
        let first = self.remove_from_edge(from, needle, limit, from);
        let middle = self.remove_from_tree(needle, limit - first, from, limits);
        let last = self.remove_from_edge(from.other(), needle, limit - first - middle, from);
        first + middle + last
    }

    fn remove_from_edge(&mut self, edge: End, needle: &[u8], limit: usize, from: End) -> usize {
        let edge = self.edge_mut(edge);
        if edge.is_empty() || limit == 0 {
            return 0;
        }
        super::remove_equal(edge, needle, limit, from)
    }

    fn remove_from_tree(&mut self, needle: &[u8], limit: usize, from: End, limits: ListLimits) -> usize {
        let needle = Needle::new(needle);
        let mut removed = 0;
        let mut buffer = Vec::new();
        let mut inside = self.inside(limits);
        // What has not been looked at.
        let mut rest = 0..self.tree.len();
        while removed < limit && !rest.is_empty() {
            let index = if from == End::Left { rest.start } else { rest.end - 1 };
            let Some((page, offset)) = self.tree.page_at(index) else { break };
            let looked_at = if from == End::Left { offset..page.len() } else { 0..offset + 1 };
            let found = page.view(&mut buffer).matches(looked_at.clone(), &needle);
            let gone = found.min(limit - removed);
            if gone > 0 {
                let which = if from == End::Left { 0..gone } else { found - gone..found };
                let range = looked_at.clone();
                self.tree.edit_at(index, |page, _| page.remove_matches(range, &needle, which));
                let first = index - offset;
                self.settle_shortened(first, first + looked_at.start, gone, &mut inside);
            }
            removed += gone;
            match from {
                End::Left => rest = rest.start + looked_at.len() - gone..self.tree.len(),
                End::Right => rest.end -= looked_at.len(),
            }
        }
        if removed > 0 {
            self.settle(limits, None);
        }
        removed
    }

    /// Removes all elements but those at `range`.
    pub fn keep(&mut self, range: Range<usize>, limits: ListLimits) {
        let len = self.len();
        let end = range.end.min(len);
        let start = range.start.min(end);
        self.remove_last(len - end);
        self.remove_first(start);
        self.settle(limits, None);
    }

    fn remove_first(&mut self, mut count: usize) {
        count -= take_off(&mut self.front, count, End::Left);
        let middle = count.min(self.tree.len());
        self.tree.remove_range(0..middle);
        take_off(&mut self.back, count - middle, End::Left);
    }

    fn remove_last(&mut self, mut count: usize) {
        count -= take_off(&mut self.back, count, End::Right);
        let len = self.tree.len();
        let middle = count.min(len);
        self.tree.remove_range(len - middle..len);
        take_off(&mut self.front, count - middle, End::Right);
    }
}

/// Removes up to `count` elements at an end of a packed list. Returns how many.
fn take_off(list: &mut PackedList, count: usize, end: End) -> usize {
    let len = list.len();
    let count = count.min(len);
    if count > 0 {
        list.remove_range(if end == End::Left { 0 } else { len - count }, count);
        list.give_back();
    }
    count
}
