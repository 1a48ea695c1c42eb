//! What an element stands for: itself, or the value of a key or of a field whose name is made of it.

use refrain_data::{Hash, IntBuffer, Kind, Value};

use crate::call::Key;
use crate::state::State;

/// The argument of BY or GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    /// It has no place for the element, so it names nothing.
    Nothing,
    /// A key, and perhaps a field of the hash in it.
    Key {
        /// What precedes the element in the key's name.
        before: &'a [u8],
        /// What follows it.
        after: &'a [u8],
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    /// `before*after`, `before*after->field`.
    pub(super) fn parse(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = text.iter().position(|byte| *byte == b'*') else { return Pattern::Nothing };
        let (before, after) = (&text[..star], &text[star + 1..]);
        match after.windows(2).position(|two| two == b"->") {
            Some(arrow) if arrow + 2 < after.len() => {
                Pattern::Key { before, after: &after[..arrow], field: Some(&after[arrow + 2..]) }
            }
            _ => Pattern::Key { before, after, field: None },
        }
    }

    /// Whether what it stands for is in keys.
    pub(super) fn names_keys(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// What it stands for with this element. `name` is room for the key's name.
    pub(super) fn value<'s>(
        &self,
        state: &'s mut State,
        db: usize,
        element: Value<'s>,
        name: &mut Vec<u8>,
    ) -> Option<Value<'s>> {
        let Pattern::Key { before, after, field } = self else {
            return (*self == Pattern::Element).then_some(element);
        };
        name.clear();
        name.extend_from_slice(before);
        name.extend_from_slice(element.bytes(&mut IntBuffer::new()));
        name.extend_from_slice(after);
        let key = Key { db, name, hash: state.keyspace.hash(name) };
        let now = state.fields_now();
        let entry = state.read(&key)?;
        match field {
            None => (entry.kind() == Kind::String).then(|| entry.value()),
            Some(field) => {
                let found = entry.view::<Hash>()?.get(field)?;
                (!found.is_due(now)).then_some(found.value)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern::{self, Element, Key, Nothing};

    #[test]
    fn patterns_are_read_as_redis_reads_them() {
        let key = |before: &'static str, after: &'static str, field: Option<&'static str>| Key {
            before: before.as_bytes(),
            after: after.as_bytes(),
            field: field.map(str::as_bytes),
        };
        for (text, expected) in [
            ("#", Element),
            ("##", Nothing),
            ("", Nothing),
            ("constant", Nothing),
            ("h->f", Nothing),
            ("*", key("", "", None)),
            ("w_*", key("w_", "", None)),
            ("w_*_x*", key("w_", "_x*", None)),
            ("w_*->f", key("w_", "", Some("f"))),
            ("w->*_x->f->g", key("w->", "_x", Some("f->g"))),
            ("w_*->", key("w_", "->", None)),
        ] {
            assert_eq!(Pattern::parse(text.as_bytes()), expected, "{text}");
        }
    }
}
