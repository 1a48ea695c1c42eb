//! The vocabulary of histories: what can be asked, and what can be answered.

use std::fmt;

/// What a client asks of one key. Each [model](crate::models) knows some of these.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Call {
    /// Register: see the value.
    Read,
    /// Register: replace the value.
    Write {
        /// The new value.
        value: Vec<u8>,
    },
    /// Register: replace `from` by `to`, or be refused.
    Cas {
        /// What must be there.
        from: Vec<u8>,
        /// What is left there.
        to: Vec<u8>,
    },
    /// Map and Redis: see the value.
    Get,
    /// Map: replace the value.
    Put {
        /// The new value.
        value: Vec<u8>,
    },
    /// Map and Redis: add to the value's end. Redis answers with the new length.
    Append {
        /// What is added.
        value: Vec<u8>,
    },
    /// Redis: `SET`.
    Set {
        /// The new value.
        value: Vec<u8>,
        /// `NX`, `XX`, `IFEQ`.
        when: Condition,
        /// `GET`: answer with the old value.
        get: bool,
        /// `PX`, `PXAT`, `KEEPTTL`.
        expiry: Expiry,
    },
    /// Redis: `INCRBY`, and with 1 and -1 `INCR` and `DECR`.
    IncrementBy {
        /// How much.
        by: i64,
    },
    /// Redis: `GETDEL`.
    GetDelete,
    /// Redis: `DEL` or `UNLINK` of one key.
    Delete,
    /// Redis: `EXISTS` of one key.
    Exists,
    /// Redis: `PEXPIRE` or `PEXPIREAT` without conditions.
    Expire {
        /// The new deadline: [`Expiry::In`] or [`Expiry::At`].
        expiry: Expiry,
    },
    /// Redis: `PERSIST`.
    Persist,
    /// Redis: `PEXPIRETIME`.
    ExpireTime,
    /// Lists: `LPUSH` or `RPUSH` of one element.
    Push {
        /// The element.
        value: Vec<u8>,
        /// At the left end.
        left: bool,
    },
    /// Lists: `LPOP` or `RPOP` of one element, or a blocking form that did not wait in vain.
    Pop {
        /// At the left end.
        left: bool,
    },
    /// Collections: how many elements there are.
    Length,
    /// Lists: all elements. Streams: all entries, ids and values in turn.
    Range,
    /// Sets: `SADD` of one member.
    SetAdd {
        /// The member.
        member: Vec<u8>,
    },
    /// Sets: `SREM` of one member.
    SetRemove {
        /// The member.
        member: Vec<u8>,
    },
    /// Sets: `SISMEMBER`.
    Contains {
        /// The member.
        member: Vec<u8>,
    },
    /// Sorted sets: `ZADD` of one member.
    ScoreSet {
        /// The member.
        member: Vec<u8>,
        /// Its score.
        score: i64,
    },
    /// Sorted sets: `ZSCORE`.
    Score {
        /// The member.
        member: Vec<u8>,
    },
    /// Sorted sets: `ZPOPMIN`.
    PopLeast,
    /// Hashes: `HSET` of one field.
    FieldSet {
        /// The field.
        field: Vec<u8>,
        /// Its new value.
        value: Vec<u8>,
    },
    /// Hashes: `HGET`.
    FieldGet {
        /// The field.
        field: Vec<u8>,
    },
    /// Hashes: `HINCRBY`.
    FieldIncrement {
        /// The field.
        field: Vec<u8>,
        /// How much.
        by: i64,
    },
    /// Hashes: `HDEL` of one field.
    FieldRemove {
        /// The field.
        field: Vec<u8>,
    },
    /// Streams: `XADD *` of one entry.
    StreamAdd {
        /// What it says.
        value: Vec<u8>,
    },
}

/// When `SET` sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Always.
    Always,
    /// `NX`: only if the key does not exist.
    Absent,
    /// `XX`: only if it does.
    Present,
    /// `IFEQ`: only if it holds this value.
    Equal(Vec<u8>),
}

/// What becomes of a key's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Expiry {
    /// It has none afterwards.
    None,
    /// `KEEPTTL`: it stays.
    Keep,
    /// `PX`: this many milliseconds from when the server executes the command.
    In {
        /// Milliseconds; zero or less deletes at once.
        ms: i64,
    },
    /// `PXAT`: this moment.
    At {
        /// Milliseconds of Unix time.
        unix_ms: i64,
    },
}

/// What a client was answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reply {
    /// Nothing there; in Redis also "the condition did not hold".
    Nil,
    /// Done, with nothing more to say: `OK`.
    Done,
    /// A compare-and-set that found another value.
    Refused,
    /// A number.
    Integer(i64),
    /// A value.
    Value(Vec<u8>),
    /// Several values.
    Values(Vec<Vec<u8>>),
}

impl Call {
    /// Its name in JSON lines.
    pub fn name(&self) -> &'static str {
        match self {
            Call::Read => "read",
            Call::Write { .. } => "write",
            Call::Cas { .. } => "cas",
            Call::Get => "get",
            Call::Put { .. } => "put",
            Call::Append { .. } => "append",
            Call::Set { .. } => "set",
            Call::IncrementBy { .. } => "incrby",
            Call::GetDelete => "getdel",
            Call::Delete => "del",
            Call::Exists => "exists",
            Call::Expire { .. } => "pexpire",
            Call::Persist => "persist",
            Call::ExpireTime => "pexpiretime",
            Call::Push { left: true, .. } => "lpush",
            Call::Push { left: false, .. } => "rpush",
            Call::Pop { left: true } => "lpop",
            Call::Pop { left: false } => "rpop",
            Call::Length => "length",
            Call::Range => "range",
            Call::SetAdd { .. } => "sadd",
            Call::SetRemove { .. } => "srem",
            Call::Contains { .. } => "sismember",
            Call::ScoreSet { .. } => "zadd",
            Call::Score { .. } => "zscore",
            Call::PopLeast => "zpopmin",
            Call::FieldSet { .. } => "hset",
            Call::FieldGet { .. } => "hget",
            Call::FieldIncrement { .. } => "hincrby",
            Call::FieldRemove { .. } => "hdel",
            Call::StreamAdd { .. } => "xadd",
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Call::Write { value }
            | Call::Put { value }
            | Call::Append { value }
            | Call::Push { value, .. }
            | Call::StreamAdd { value } => write!(f, " {}", printable(value)),
            Call::SetAdd { member: name }
            | Call::SetRemove { member: name }
            | Call::Contains { member: name }
            | Call::Score { member: name }
            | Call::FieldGet { field: name }
            | Call::FieldRemove { field: name } => write!(f, " {}", printable(name)),
            Call::ScoreSet { member: name, score: number } | Call::FieldIncrement { field: name, by: number } => {
                write!(f, " {} {number}", printable(name))
            }
            Call::FieldSet { field, value } => write!(f, " {} {}", printable(field), printable(value)),
            Call::Cas { from, to } => write!(f, " {} → {}", printable(from), printable(to)),
            Call::Set { value, when, get, expiry } => {
                write!(f, " {}", printable(value))?;
                match when {
                    Condition::Always => {}
                    Condition::Absent => f.write_str(" nx")?,
                    Condition::Present => f.write_str(" xx")?,
                    Condition::Equal(value) => write!(f, " ifeq {}", printable(value))?,
                }
                f.write_str(if *get { " get" } else { "" })?;
                write!(f, "{expiry}")
            }
            Call::IncrementBy { by } => write!(f, " {by}"),
            Call::Expire { expiry } => write!(f, "{expiry}"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expiry::None => Ok(()),
            Expiry::Keep => f.write_str(" keepttl"),
            Expiry::In { ms } => write!(f, " px {ms}"),
            Expiry::At { unix_ms } => write!(f, " pxat {unix_ms}"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Nil => f.write_str("nil"),
            Reply::Done => f.write_str("ok"),
            Reply::Refused => f.write_str("refused"),
            Reply::Integer(number) => write!(f, "{number}"),
            Reply::Value(value) => f.write_str(&printable(value)),
            Reply::Values(values) => {
                let values: Vec<String> = values.iter().map(|value| printable(value)).collect();
                write!(f, "[{}]", values.join(", "))
            }
        }
    }
}

/// A value for people: quoted and escaped, and its middle left out if it is long.
pub(crate) fn printable(value: &[u8]) -> String {
    const LONGEST: usize = 60;
    if value.len() <= LONGEST {
        return format!("\"{}\"", value.escape_ascii());
    }
    let (start, end) = (&value[..LONGEST / 2], &value[value.len() - LONGEST / 2..]);
    format!("\"{}…{}\" ({} bytes)", start.escape_ascii(), end.escape_ascii(), value.len())
}
