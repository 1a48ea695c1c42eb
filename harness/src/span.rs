//! Ranges that a seed draws from, and the values that are left when it has drawn.
//!
//! A scenario says `[10, 200]`, a plan says `57`: both are a [`Span`], so that a plan is read and written by the same
//! schema as the scenario it was drawn from.

use refrain_sim::Stream;
use serde::{Deserialize, Serialize};

/// An inclusive range of integers; one value when both ends are the same. By default it is 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Span {
    low: i64,
    high: i64,
}

/// How a span is written: `7` or `[3, 9]`.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Written {
    One(i64),
    Range([i64; 2]),
}

impl TryFrom<Written> for Span {
    type Error = String;

    fn try_from(written: Written) -> Result<Span, String> {
        match written {
            Written::One(value) => Ok(Span::fixed(value)),
            Written::Range([low, high]) if low <= high => Ok(Span { low, high }),
            Written::Range([low, high]) => Err(format!("the range [{low}, {high}] is empty")),
        }
    }
}

impl From<Span> for Written {
    fn from(span: Span) -> Written {
        if span.low == span.high { Written::One(span.low) } else { Written::Range([span.low, span.high]) }
    }
}

impl Span {
    /// One value.
    pub const fn fixed(value: i64) -> Span {
        Span { low: value, high: value }
    }

    /// From `low` to `high`, both included.
    ///
    /// # Panics
    /// When the range is empty.
    pub const fn new(low: i64, high: i64) -> Span {
        assert!(low <= high, "an empty range");
        Span { low, high }
    }

    /// A value of the range, each as likely.
    pub fn pick(self, stream: &mut Stream) -> i64 {
        let width = self.high.abs_diff(self.low).saturating_add(1);
        self.low.wrapping_add_unsigned(stream.below(width))
    }

    /// As [`Span::pick`], for what can't be negative: values below 0 give 0.
    pub fn pick_u64(self, stream: &mut Stream) -> u64 {
        u64::try_from(self.pick(stream)).unwrap_or(0)
    }

    /// A range narrowed to one value.
    pub fn draw(self, stream: &mut Stream) -> Span {
        Span::fixed(self.pick(stream))
    }

    /// The lower end: in a plan, the value. Values below 0 give 0.
    pub fn value(self) -> u64 {
        u64::try_from(self.low).unwrap_or(0)
    }

    /// The lower end.
    pub fn signed(self) -> i64 {
        self.low
    }

    /// The upper end. Values below 0 give 0.
    pub fn most(self) -> u64 {
        u64::try_from(self.high).unwrap_or(0)
    }
}

/// Parameters that a seed narrows to values.
pub trait Draw {
    /// The same with every range narrowed, but for those that are drawn anew for each operation.
    #[must_use]
    fn draw(&self, stream: &mut Stream) -> Self;
}

/// Declares parameters whose fields are all [`Span`]s, and how they are drawn: fields behind `each` stay ranges, for
/// they are drawn for every operation.
macro_rules! parameters {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident: Span, )*
            ; each
            $( $(#[$each_meta:meta])* $each:ident: Span, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $crate::span::Span, )*
            $( $(#[$each_meta])* pub $each: $crate::span::Span, )*
        }

        impl $crate::span::Draw for $name {
            fn draw(&self, stream: &mut refrain_sim::Stream) -> Self {
                let _ = &stream;
                $name {
                    $( $field: self.$field.draw(stream), )*
                    $( $each: self.$each, )*
                }
            }
        }
    };
}
pub(crate) use parameters;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_stays_within_its_range_and_reaches_both_ends() {
        let mut stream = Stream::new(1, "span");
        let span = Span::new(-2, 3);
        let drawn: Vec<i64> = (0..200).map(|_| span.pick(&mut stream)).collect();
        assert!(drawn.iter().all(|v| (-2..=3).contains(v)));
        assert!(drawn.contains(&-2) && drawn.contains(&3));
    }

    #[test]
    fn an_empty_range_is_refused() {
        assert!(toml::from_str::<std::collections::BTreeMap<String, Span>>("a = [3, 2]").is_err());
        let read: std::collections::BTreeMap<String, Span> = toml::from_str("a = [2, 3]\nb = 7").unwrap();
        assert_eq!((read["a"], read["b"]), (Span::new(2, 3), Span::fixed(7)));
    }
}
