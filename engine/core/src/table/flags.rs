//! What a command may do and when it may run: [`Flags`] and [`Categories`], each a set kept in one word.
//!
//! Names and meanings are Redis's. Categories that follow from flags (`@write` from `WRITE`, `@slow` from the absence of
//! `FAST`, …) are derived by [`Categories::implied_by`] and never written into the table, so the two can't disagree.

macro_rules! bit_set {
    ($(#[$doc:meta])* $set:ident($word:ty) { $($(#[$bit_doc:meta])* $name:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $set($word);

        impl $set {
            bit_set!(@constants $set, $word, 0; $($(#[$bit_doc])* $name,)*);

            /// Every member with its name, in the order in which replies list them.
            pub const NAMES: &'static [($set, &'static str)] = &[$(($set::$name, $text),)*];

            /// The empty set.
            pub const NONE: $set = $set(0);

            /// The union of `members`.
            pub const fn of(members: &[$set]) -> $set {
                let mut word = 0;
                let mut i = 0;
                while i < members.len() {
                    word |= members[i].0;
                    i += 1;
                }
                $set(word)
            }

            /// This set and all of `other`.
            pub const fn with(self, other: $set) -> $set {
                $set(self.0 | other.0)
            }

            /// This set less all of `other`.
            pub const fn without(self, other: $set) -> $set {
                $set(self.0 & !other.0)
            }

            /// True when every member of `other` is in this set.
            pub const fn contains(self, other: $set) -> bool {
                self.0 & other.0 == other.0
            }

            /// True when at least one member of `other` is in this set.
            pub const fn intersects(self, other: $set) -> bool {
                self.0 & other.0 != 0
            }

            /// True when there is no member.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The member of that name, in any case.
            pub fn named(name: &[u8]) -> Option<$set> {
                Self::NAMES.iter().find(|(_, text)| text.as_bytes().eq_ignore_ascii_case(name)).map(|&(member, _)| member)
            }

            /// The names of the members, in the order in which replies list them.
            pub fn names(self) -> impl Iterator<Item = &'static str> + Clone {
                Self::NAMES.iter().filter(move |(member, _)| self.intersects(*member)).map(|&(_, text)| text)
            }
        }
    };
    (@constants $set:ident, $word:ty, $bit:expr; ) => {};
    (@constants $set:ident, $word:ty, $bit:expr; $(#[$doc:meta])* $name:ident, $($rest:tt)*) => {
        $(#[$doc])*
        pub const $name: $set = $set(1 << ($bit));
        bit_set!(@constants $set, $word, $bit + 1; $($rest)*);
    };
}
pub(crate) use bit_set;

bit_set! {
    /// What a command may do, and in which states of the server it may run.
    Flags(u32) {
        /// May change the data set.
        WRITE = "write",
        /// Only reads the data set.
        READONLY = "readonly",
        /// Refused while memory is above `maxmemory`.
        DENYOOM = "denyoom",
        /// For operators.
        ADMIN = "admin",
        /// Belongs to publish/subscribe.
        PUBSUB = "pubsub",
        /// Refused in scripts.
        NOSCRIPT = "noscript",
        /// May wait, and hold its client until it is served.
        BLOCKING = "blocking",
        /// Runs while the data set is being loaded.
        LOADING = "loading",
        /// Runs on a replica that has lost its primary and may not serve stale data.
        STALE = "stale",
        /// Not shown to MONITOR.
        SKIP_MONITOR = "skip_monitor",
        /// Not entered into the slow log.
        SKIP_SLOWLOG = "skip_slowlog",
        /// Runs on a slot being imported, as if ASKING had been sent.
        ASKING = "asking",
        /// Constant or logarithmic time; never delays others noticeably.
        FAST = "fast",
        /// Runs before the client has authenticated.
        NO_AUTH = "no_auth",
        /// May propagate though it is not a write.
        MAY_REPLICATE = "may_replicate",
        /// Exists in Sentinel mode.
        SENTINEL = "sentinel",
        /// Exists in Sentinel mode only.
        ONLY_SENTINEL = "only_sentinel",
        /// Takes keys, but may be called without any.
        NO_MANDATORY_KEYS = "no_mandatory_keys",
        /// Exists only when a configuration parameter allows it.
        PROTECTED = "protected",
        /// Refused while a replica loads beside the data it serves.
        NO_ASYNC_LOADING = "no_async_loading",
        /// Refused in transactions.
        NO_MULTI = "no_multi",
        /// Keys can't be told from the legacy range (first, last, step). Derived from the key specs, never written.
        MOVABLEKEYS = "movablekeys",
        /// Runs while a script or another long command is busy.
        ALLOW_BUSY = "allow_busy",
        /// Touches keys that its arguments don't name.
        TOUCHES_ARBITRARY_KEYS = "touches_arbitrary_keys",
    }
}

impl Flags {
    /// Flags that steer the server but that `COMMAND` does not show.
    pub const HIDDEN: Flags = Flags::of(&[
        Flags::MAY_REPLICATE,
        Flags::SENTINEL,
        Flags::ONLY_SENTINEL,
        Flags::PROTECTED,
        Flags::TOUCHES_ARBITRARY_KEYS,
    ]);
}

bit_set! {
    /// The ACL categories that a command belongs to. Names are without the `@`.
    Categories(u32) {
        /// `@keyspace`: works on keys of any type.
        KEYSPACE = "keyspace",
        /// `@read`: reads values.
        READ = "read",
        /// `@write`: writes values.
        WRITE = "write",
        /// `@set`.
        SET = "set",
        /// `@sortedset`.
        SORTEDSET = "sortedset",
        /// `@list`.
        LIST = "list",
        /// `@hash`.
        HASH = "hash",
        /// `@string`.
        STRING = "string",
        /// `@bitmap`.
        BITMAP = "bitmap",
        /// `@hyperloglog`.
        HYPERLOGLOG = "hyperloglog",
        /// `@geo`.
        GEO = "geo",
        /// `@stream`.
        STREAM = "stream",
        /// `@pubsub`.
        PUBSUB = "pubsub",
        /// `@admin`: for operators.
        ADMIN = "admin",
        /// `@fast`.
        FAST = "fast",
        /// `@slow`: whatever is not fast.
        SLOW = "slow",
        /// `@blocking`.
        BLOCKING = "blocking",
        /// `@dangerous`: may harm availability or reveals what others do.
        DANGEROUS = "dangerous",
        /// `@connection`.
        CONNECTION = "connection",
        /// `@transaction`.
        TRANSACTION = "transaction",
        /// `@scripting`.
        SCRIPTING = "scripting",
    }
}

impl Categories {
    /// `explicit` with the categories that follow from `flags`. Commands that run scripts are not `@read`, whatever their
    /// flags say, for a script may do anything that its caller may.
    pub const fn implied_by(flags: Flags, explicit: Categories) -> Categories {
        let mut all = explicit;
        if flags.contains(Flags::WRITE) {
            all = all.with(Categories::WRITE);
        }
        if flags.contains(Flags::READONLY) && !explicit.contains(Categories::SCRIPTING) {
            all = all.with(Categories::READ);
        }
        if flags.contains(Flags::ADMIN) {
            all = all.with(Categories::ADMIN).with(Categories::DANGEROUS);
        }
        if flags.contains(Flags::PUBSUB) {
            all = all.with(Categories::PUBSUB);
        }
        if flags.contains(Flags::BLOCKING) {
            all = all.with(Categories::BLOCKING);
        }
        if flags.contains(Flags::FAST) { all.with(Categories::FAST) } else { all.with(Categories::SLOW) }
    }
}
