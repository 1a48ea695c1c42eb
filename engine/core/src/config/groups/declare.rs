//! How a group of parameters is declared: one line each, from which come the typed field, its default, and its row of the
//! table. So the three can't disagree, and whoever adds a parameter writes it once.

/// Declares the group `$group` of [`crate::config::Config`]. A parameter is
///
/// ```text
/// /// What it means.
/// "name" field: Type = default, kind(arguments).flag().flag("…");
/// ```
///
/// where the kinds are those of `kind!` and the flags are methods of `Parameter`.
macro_rules! group {
    (
        $(#[$meta:meta])*
        $group:ident: $struct:ident {
            $(
                $(#[$doc:meta])*
                $name:literal $field:ident: $type:ty = $default:expr, $kind:ident $args:tt $(. $flag:ident $flag_args:tt)*;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $struct {
            $( $(#[$doc])* pub $field: $type, )*
        }

        impl Default for $struct {
            fn default() -> $struct {
                $struct { $( $field: $default, )* }
            }
        }

        /// The rows of this group.
        pub(in crate::config) const PARAMETERS: &[$crate::config::parameter::Parameter] = &[
            $(
                $crate::config::parameter::Parameter::new($name, $crate::config::groups::declare::kind!($kind, $group.$field, $args))
                    $(. $flag $flag_args)*,
            )*
        ];
    };
}

/// The kind of one parameter, with the way to its field.
macro_rules! kind {
    (yes_no, $group:ident.$field:ident, ()) => {
        $crate::config::parameter::Kind::YesNo { get: |c| c.$group.$field, set: |c, v| c.$group.$field = v }
    };
    (integer, $group:ident.$field:ident, ($min:expr, $max:expr)) => {
        $crate::config::parameter::Kind::Integer {
            get: |c| $crate::config::numbers::Number::read(c.$group.$field),
            set: |c, v| c.$group.$field = $crate::config::numbers::Number::written(v),
            min: $min,
            max: $max,
        }
    };
    (memory, $group:ident.$field:ident, ($min:expr, $max:expr)) => {
        $crate::config::parameter::Kind::Memory {
            get: |c| c.$group.$field,
            set: |c, v| c.$group.$field = v,
            min: $min,
            max: $max,
        }
    };
    (octal, $group:ident.$field:ident, ($max:expr)) => {
        $crate::config::parameter::Kind::Octal { get: |c| c.$group.$field, set: |c, v| c.$group.$field = v, max: $max }
    };
    (choice, $group:ident.$field:ident, ()) => {
        $crate::config::parameter::Kind::Choice {
            get: |c| $crate::config::choice::name(&c.$group.$field),
            set: |c, word| $crate::config::choice::choose(&mut c.$group.$field, word),
            names: |c| $crate::config::choice::names(&c.$group.$field),
        }
    };
    (text, $group:ident.$field:ident, ()) => {
        $crate::config::parameter::Kind::Text {
            get: |c| &c.$group.$field,
            set: |c, v| c.$group.$field = v,
            unset_is_empty: false,
        }
    };
    (text_or_none, $group:ident.$field:ident, ()) => {
        $crate::config::parameter::Kind::Text {
            get: |c| &c.$group.$field,
            set: |c, v| c.$group.$field = v,
            unset_is_empty: true,
        }
    };
    (bytes_or_none, $group:ident.$field:ident, ()) => {
        $crate::config::parameter::Kind::Bytes { get: |c| &c.$group.$field, set: |c, v| c.$group.$field = v }
    };
    (special, $group:ident.$field:ident, ()) => {
        $crate::config::parameter::Kind::Special { get: |c| &c.$group.$field, get_mut: |c| &mut c.$group.$field }
    };
}

pub(in crate::config) use {group, kind};
