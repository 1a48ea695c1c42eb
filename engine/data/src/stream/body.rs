//! How a stream meets an entry of the keyspace: always as a large value, whatever its length.

use std::ops::{Deref, DerefMut};

use super::Stream;
use crate::collection::{Body, BodyRef, Collection, Large};
use crate::value::Kind;

/// A stream in the block that its entry holds, so that an edit moves and allocates nothing.
pub struct StreamBody(Box<Large>);

impl Deref for StreamBody {
    type Target = Stream;

    #[inline]
    fn deref(&self) -> &Stream {
        match &*self.0 {
            Large::Stream(stream) => stream,
            _ => unreachable!("it was made of a stream"),
        }
    }
}

impl DerefMut for StreamBody {
    #[inline]
    fn deref_mut(&mut self) -> &mut Stream {
        match &mut *self.0 {
            Large::Stream(stream) => stream,
            _ => unreachable!("it was made of a stream"),
        }
    }
}

impl From<Stream> for StreamBody {
    fn from(stream: Stream) -> Self {
        StreamBody(Box::new(Large::Stream(stream)))
    }
}

impl Collection for StreamBody {
    const KIND: Kind = Kind::Stream;
    /// A key keeps a stream that has lost all entries, for its ids and its groups.
    const ENDS_EMPTY: bool = false;
    type View<'a> = &'a Stream;

    fn empty() -> Self {
        Stream::new().into()
    }

    fn is_empty(&self) -> bool {
        Stream::is_empty(self)
    }

    #[inline]
    fn from_body(body: Body) -> Self {
        match body {
            Body::Large(large) => StreamBody(large),
            Body::Packed(_) | Body::Alternate(_) => unreachable!("streams are never packed"),
        }
    }

    #[inline]
    fn into_body(self) -> Body {
        Body::Large(self.0)
    }

    #[inline]
    fn view(body: BodyRef<'_>) -> &Stream {
        match body {
            BodyRef::Large(Large::Stream(stream)) => stream,
            _ => unreachable!("streams are never packed, and the entry said that it holds one"),
        }
    }
}
