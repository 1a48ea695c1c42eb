//! Commands on single keys in both languages: as a client sends and decodes them, and as histories record them.

use refrain_jepsen::{Call, Condition, Expiry, Reply};

/// What a server's reply says of an operation.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done, or found that there was nothing to do.
    Done(Reply),
    /// It was refused and has changed nothing.
    Refused,
    /// A reply that the command can't have.
    Impossible,
}

/// The command that asks for `call` on `key`.
///
/// # Panics
/// When `call` is none of Redis's.
pub fn command(key: &str, call: &Call) -> Vec<Vec<u8>> {
    let mut words: Vec<Vec<u8>> = Vec::with_capacity(4);
    let number = |n: i64| n.to_string().into_bytes();
    let mut say = |name: &str, rest: &[&[u8]]| {
        words.push(name.as_bytes().to_vec());
        words.push(key.as_bytes().to_vec());
        words.extend(rest.iter().map(|word| word.to_vec()));
    };
    match call {
        Call::Get => say("GET", &[]),
        Call::Append { value } => say("APPEND", &[value]),
        Call::Set { value, when, get, expiry } => {
            say("SET", &[value]);
            match when {
                Condition::Always => {}
                Condition::Absent => words.push(b"NX".to_vec()),
                Condition::Present => words.push(b"XX".to_vec()),
                Condition::Equal(value) => words.extend([b"IFEQ".to_vec(), value.clone()]),
            }
            if *get {
                words.push(b"GET".to_vec());
            }
            match *expiry {
                Expiry::None => {}
                Expiry::Keep => words.push(b"KEEPTTL".to_vec()),
                Expiry::In { ms } if ms % 1000 == 0 => words.extend([b"EX".to_vec(), number(ms / 1000)]),
                Expiry::In { ms } => words.extend([b"PX".to_vec(), number(ms)]),
                Expiry::At { unix_ms } => words.extend([b"PXAT".to_vec(), number(unix_ms)]),
            }
        }
        Call::IncrementBy { by: 1 } => say("INCR", &[]),
        Call::IncrementBy { by: -1 } => say("DECR", &[]),
        Call::IncrementBy { by } => say("INCRBY", &[&number(*by)]),
        Call::GetDelete => say("GETDEL", &[]),
        Call::Delete => say("DEL", &[]),
        Call::Exists => say("EXISTS", &[]),
        Call::Expire { expiry: Expiry::At { unix_ms } } => say("PEXPIREAT", &[&number(*unix_ms)]),
        Call::Expire { expiry: Expiry::In { ms } } => say("PEXPIRE", &[&number(*ms)]),
        Call::Persist => say("PERSIST", &[]),
        Call::ExpireTime => say("PEXPIRETIME", &[]),
        other => panic!("{other} is no command of Redis"),
    }
    words
}

/// What `reply` says of `call`.
pub fn answer(call: &Call, reply: refrain_resp::Reply) -> Answer {
    use refrain_resp::Reply as Wire;
    let gives_value = matches!(call, Call::Get | Call::GetDelete | Call::Set { get: true, .. });
    let gives_status = matches!(call, Call::Set { get: false, .. });
    let counts = matches!(call, Call::IncrementBy { .. });
    match reply {
        Wire::Bulk(value) if gives_value => Answer::Done(Reply::Value(value)),
        Wire::Null if gives_value => Answer::Done(Reply::Nil),
        Wire::Null if conditional(call) => Answer::Done(Reply::Nil),
        Wire::Simple(text) if gives_status && text == b"OK" => Answer::Done(Reply::Done),
        Wire::Integer(n) if !gives_value && !gives_status => Answer::Done(Reply::Integer(n)),
        Wire::Error(text) if counts && (text.starts_with(NOT_AN_INTEGER) || text.starts_with(OVERFLOW)) => {
            Answer::Refused
        }
        refusal if super::is_refusal(&refusal) => Answer::Refused,
        _ => Answer::Impossible,
    }
}

const NOT_AN_INTEGER: &[u8] = b"ERR value is not an integer or out of range";
const OVERFLOW: &[u8] = b"ERR increment or decrement would overflow";

fn conditional(call: &Call) -> bool {
    matches!(call, Call::Set { when, get: false, .. } if *when != Condition::Always)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(call: &Call) -> String {
        let words = command("k", call);
        words.iter().map(|w| String::from_utf8_lossy(w)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn calls_are_said_as_redis_hears_them() {
        let set = |when, get, expiry| Call::Set { value: b"v".to_vec(), when, get, expiry };
        assert_eq!(text(&set(Condition::Absent, true, Expiry::In { ms: 50 })), "SET k v NX GET PX 50");
        assert_eq!(text(&set(Condition::Equal(b"w".to_vec()), false, Expiry::In { ms: 2000 })), "SET k v IFEQ w EX 2");
        assert_eq!(text(&Call::IncrementBy { by: -1 }), "DECR k");
        assert_eq!(text(&Call::Expire { expiry: Expiry::In { ms: -1 } }), "PEXPIRE k -1");
    }

    #[test]
    fn a_reply_of_the_wrong_type_is_impossible() {
        use refrain_resp::Reply as Wire;
        let plain = Call::Set { value: b"v".to_vec(), when: Condition::Always, get: false, expiry: Expiry::None };
        assert_eq!(answer(&plain, Wire::Null), Answer::Impossible);
        assert_eq!(answer(&Call::Get, Wire::Simple(b"OK".to_vec())), Answer::Impossible);
        assert_eq!(answer(&Call::Get, Wire::Error(NOT_AN_INTEGER.to_vec())), Answer::Impossible);
        assert_eq!(answer(&Call::IncrementBy { by: 1 }, Wire::Error(OVERFLOW.to_vec())), Answer::Refused);
    }
}
