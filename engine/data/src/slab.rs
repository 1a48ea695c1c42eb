//! Where a dictionary keeps its segments: densely, in chunks that are never moved once they are full, so that adding a
//! segment to many copies nothing.

use crate::segment::Segment;

/// Segments of a chunk.
const CHUNK: usize = 64;

/// Names a segment of a dictionary: a number below [`Slab::len`].
pub(crate) type SegmentId = u32;

/// Segments by id.
#[derive(Default)]
pub(crate) struct Slab {
    chunks: Vec<Vec<Segment>>,
}

impl Slab {
    #[inline]
    pub(crate) fn get(&self, id: SegmentId) -> &Segment {
        &self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: SegmentId) -> &mut Segment {
        &mut self.chunks[id as usize / CHUNK][id as usize % CHUNK]
    }

    /// How many segments there are.
    #[inline]
    pub(crate) fn len(&self) -> SegmentId {
        self.chunks.last().map_or(0, |last| ((self.chunks.len() - 1) * CHUNK + last.len()) as SegmentId)
    }

    pub(crate) fn push(&mut self, segment: Segment) -> SegmentId {
        let id = self.len();
        if (id as usize).is_multiple_of(CHUNK) {
            if self.chunks.is_empty() {
                // A dictionary of one segment should not pay for whole chunks.
                self.chunks.reserve_exact(1);
            }
            self.chunks.push(Vec::with_capacity(if id == 0 { 1 } else { CHUNK }));
        }
        let chunk = self.chunks.last_mut().expect("a chunk with room was just ensured");
        if chunk.len() == chunk.capacity() {
            chunk.reserve_exact(chunk.len());
        }
        chunk.push(segment);
        id
    }

    /// Takes a segment out. The last one, unless it is the same, takes its id.
    pub(crate) fn swap_remove(&mut self, id: SegmentId) -> Segment {
        let chunk = self.chunks.last_mut().expect("there is a segment to remove");
        let last = chunk.pop().expect("no chunk is empty");
        if chunk.is_empty() {
            self.chunks.pop();
            shrink(&mut self.chunks);
        } else if let [only] = self.chunks.as_mut_slice() {
            shrink(only);
        }
        if id == self.len() { last } else { std::mem::replace(self.get_mut(id), last) }
    }

    /// The memory of the headers, in bytes.
    pub(crate) fn memory(&self) -> usize {
        let headers = match self.chunks.as_slice() {
            [] => 0,
            [first, rest @ ..] => first.capacity() + rest.len() * CHUNK,
        };
        headers * size_of::<Segment>() + self.chunks.capacity() * size_of::<Vec<Segment>>()
    }
}

/// Gives back half of the room or more, once three quarters of it are unused.
fn shrink<T>(items: &mut Vec<T>) {
    if items.len() * 4 <= items.capacity() {
        items.shrink_to(items.len() * 2);
    }
}
