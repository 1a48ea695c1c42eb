//! The argument trees that `COMMAND DOCS` shows. Documentation only: nothing parses by them.

use super::flags::bit_set;

/// What an argument is, with Redis's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any bytes.
    String,
    /// An integer.
    Integer,
    /// A floating-point number.
    Double,
    /// A key's name.
    Key,
    /// A glob pattern.
    Pattern,
    /// A time since the Unix epoch, in the unit that the argument's name says.
    UnixTime,
    /// The token alone.
    PureToken,
    /// One of the nested arguments.
    OneOf,
    /// All of the nested arguments, in order.
    Block,
}

impl Kind {
    /// The name in replies.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Key => "key",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }
}

bit_set! {
    /// How often an argument may come.
    ArgumentFlags(u8) {
        /// It may be left out.
        OPTIONAL = "optional",
        /// It may be repeated.
        MULTIPLE = "multiple",
        /// Its token is repeated with it.
        MULTIPLE_TOKEN = "multiple_token",
    }
}

/// One node of a command's argument tree. Built by the constructor of its kind and refined by the methods below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argument {
    /// Its name in the documentation.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What a syntax line shows instead of the name; empty for the name itself.
    pub display: &'static str,
    /// Which of the command's key specs finds it.
    pub key_spec: Option<u8>,
    /// The word that precedes it (or that it consists of); empty for none.
    pub token: &'static str,
    /// The first version that took it, when later than the command's own; empty otherwise.
    pub since: &'static str,
    /// The version from which on it is discouraged; empty for none.
    pub deprecated_since: &'static str,
    /// How often it may come.
    pub flags: ArgumentFlags,
    /// Nested arguments, of [`Kind::OneOf`] and [`Kind::Block`].
    pub arguments: &'static [Argument],
}

impl Argument {
    const fn new(name: &'static str, kind: Kind) -> Argument {
        Argument {
            name,
            kind,
            display: "",
            key_spec: None,
            token: "",
            since: "",
            deprecated_since: "",
            flags: ArgumentFlags::NONE,
            arguments: &[],
        }
    }

    /// Any bytes.
    pub const fn string(name: &'static str) -> Argument {
        Argument::new(name, Kind::String)
    }

    /// An integer.
    pub const fn integer(name: &'static str) -> Argument {
        Argument::new(name, Kind::Integer)
    }

    /// A floating-point number.
    pub const fn double(name: &'static str) -> Argument {
        Argument::new(name, Kind::Double)
    }

    /// A glob pattern.
    pub const fn pattern(name: &'static str) -> Argument {
        Argument::new(name, Kind::Pattern)
    }

    /// A time since the Unix epoch.
    pub const fn unix_time(name: &'static str) -> Argument {
        Argument::new(name, Kind::UnixTime)
    }

    /// A key, found by the command's key spec number `spec`.
    pub const fn key(name: &'static str, spec: u8) -> Argument {
        Argument { key_spec: Some(spec), ..Argument::new(name, Kind::Key) }
    }

    /// The word `token` alone.
    pub const fn word(name: &'static str, token: &'static str) -> Argument {
        Argument { token, ..Argument::new(name, Kind::PureToken) }
    }

    /// One of `arguments`.
    pub const fn one_of(name: &'static str, arguments: &'static [Argument]) -> Argument {
        Argument { arguments, ..Argument::new(name, Kind::OneOf) }
    }

    /// All of `arguments`, in order.
    pub const fn block(name: &'static str, arguments: &'static [Argument]) -> Argument {
        Argument { arguments, ..Argument::new(name, Kind::Block) }
    }

    /// Preceded by the word `token`.
    pub const fn after(self, token: &'static str) -> Argument {
        Argument { token, ..self }
    }

    /// Shown as `display` in a syntax line.
    pub const fn shown_as(self, display: &'static str) -> Argument {
        Argument { display, ..self }
    }

    /// Taken from `version` on.
    pub const fn since(self, version: &'static str) -> Argument {
        Argument { since: version, ..self }
    }

    /// Discouraged from `version` on.
    pub const fn deprecated_since(self, version: &'static str) -> Argument {
        Argument { deprecated_since: version, ..self }
    }

    /// May be left out.
    pub const fn optional(self) -> Argument {
        Argument { flags: self.flags.with(ArgumentFlags::OPTIONAL), ..self }
    }

    /// May be repeated.
    pub const fn multiple(self) -> Argument {
        Argument { flags: self.flags.with(ArgumentFlags::MULTIPLE), ..self }
    }

    /// May be repeated, each time with its token.
    pub const fn multiple_with_token(self) -> Argument {
        Argument { flags: self.flags.with(ArgumentFlags::MULTIPLE).with(ArgumentFlags::MULTIPLE_TOKEN), ..self }
    }
}
