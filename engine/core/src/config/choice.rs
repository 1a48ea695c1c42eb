//! Parameters whose value is one word of a few.

/// A type whose values have names in the configuration.
pub trait Choice: Copy + PartialEq + 'static {
    /// Every name, in the order in which errors list them. Of two names of one value the first is the one reported.
    const NAMED: &'static [(&'static str, Self)];

    /// Its name.
    fn name(self) -> &'static str {
        name(&self)
    }
}

/// The name of a value.
pub(super) fn name<T: Choice>(value: &T) -> &'static str {
    T::NAMED.iter().find(|(_, v)| v == value).map(|(name, _)| *name).expect("every value of a choice has a name")
}

/// Takes the value that `word` names, in any case; false when it names none.
pub(super) fn choose<T: Choice>(value: &mut T, word: &str) -> bool {
    let named = T::NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(word));
    if let Some((_, v)) = named {
        *value = *v;
    }
    named.is_some()
}

/// Every name of this value's type, separated as errors list them.
pub(super) fn names<T: Choice>(_: &T) -> String {
    T::NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// Declares a type of named values. The first variant is no default: defaults stand in the table.
macro_rules! choice {
    (
        $(#[$meta:meta])*
        $type:ident { $( $(#[$doc:meta])* $variant:ident = $name:literal $(| $alias:literal)?, )* }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type { $( $(#[$doc])* $variant, )* }

        impl $crate::config::choice::Choice for $type {
            const NAMED: &'static [(&'static str, $type)] =
                &[ $( ($name, $type::$variant), $( ($alias, $type::$variant), )? )* ];
        }
    };
}

pub(super) use choice;
