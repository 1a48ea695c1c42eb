//! One Redis key that holds a string: `SET` with its options, `GET`, `INCRBY`, `APPEND`, `GETDEL`, `DEL`, `EXISTS`, and
//! expiry by `PEXPIRE`, `PEXPIREAT`, `PERSIST` and `PEXPIRETIME`.
//!
//! # Time
//!
//! A deadline is not known exactly. The state keeps the window `[earliest, latest]` in which it must lie: a relative
//! time-to-live set by an operation that ran in `[invoked, returned]` gives `[invoked + ttl, returned + ttl]`, an absolute
//! one gives a point, and both are widened by the clock tolerance, which bounds how far the server's clock may stray from
//! the observer's. Redis counts in whole milliseconds and lets a key live to the end of the one that its deadline names,
//! so a window's end is a millisecond later. A key vanishes by an event of its own that may come before any operation:
//!
//! * an operation may find the key expired only if it *returned* at or after `earliest`;
//! * an operation may find the key alive only if it was *invoked* at or before `latest`;
//! * once the key was found expired, real time has reached `earliest`: an operation that had returned before that can no
//!   longer come next. The state keeps this as its `floor`. (Overwriting a key needs no expiry before it: the branch
//!   without one allows whatever the branch with it allows.)
//!
//! Both tests are as weak as the window allows, so a history that some deadline explains is never called illegal. The
//! converse is bounded by the windows' width: a server that misses a deadline by less than the setting call's duration
//! plus twice the tolerance passes. So does one that shows a key whose absolute deadline had already passed when it was set,
//! to an operation that was invoked before that deadline.
//!
//! An operation of unknown outcome has no return (`u64::MAX`), so a deadline that it set is bounded from below only.

use super::{Interval, Misfit, Model, ModelKind, StateId, Successors, Values};
use crate::hashing::Table;
use crate::history::{Call, Clock, Condition, Expiry, Reply, printable};

/// The Redis-strings model.
#[derive(Debug)]
pub struct RedisString {
    values: Values,
    states: Vec<State>,
    ids: Table<State, StateId>,
    clock: Clock,
    /// Nanoseconds by which the server's clock may differ from the history's, either way.
    tolerance: u64,
}

/// In nanoseconds.
const MILLISECOND: u64 = 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    key: Option<Key>,
    /// Nanoseconds that real time has certainly reached.
    floor: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    value: u32,
    deadline: Option<Window>,
}

/// Bounds of a deadline in nanoseconds of the history's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Window {
    earliest: u64,
    latest: u64,
}

/// An operation with its reply and its interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    action: Action,
    reply: Option<Seen>,
    interval: Interval,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Exists,
    ExpireTime,
    Set { value: u32, when: When, get: bool, expiry: Deadline },
    IncrementBy(i64),
    Append(u32),
    Delete { get: bool },
    Expire(Deadline),
    Persist,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    Absent,
    Present,
    Equal(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deadline {
    None,
    Keep,
    At(Window),
    Past,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nil,
    Done,
    Integer(i64),
    Value(u32),
}

impl RedisString {
    /// A model for histories with this clock; `tolerance` in nanoseconds.
    pub fn new(clock: Clock, tolerance: u64) -> RedisString {
        let absent = State { key: None, floor: 0 };
        let mut model =
            RedisString { values: Values::default(), states: Vec::new(), ids: Table::default(), clock, tolerance };
        model.intern(absent);
        model
    }

    fn intern(&mut self, state: State) -> StateId {
        *self.ids.entry(state).or_insert_with(|| {
            self.states.push(state);
            StateId(u32::try_from(self.states.len() - 1).expect("the memory budget ends a search before 2^32 states"))
        })
    }

    fn deadline(&self, expiry: &Expiry, interval: Interval) -> Deadline {
        match *expiry {
            Expiry::None => Deadline::None,
            Expiry::Keep => Deadline::Keep,
            Expiry::In { ms } if ms <= 0 => Deadline::Past,
            Expiry::In { ms } => {
                let ttl = ms.unsigned_abs().saturating_mul(MILLISECOND).min(u64::MAX - MILLISECOND);
                Deadline::At(Window {
                    earliest: interval.invoked.saturating_add(ttl).saturating_sub(self.tolerance),
                    latest: interval.returned.saturating_add(ttl + MILLISECOND).saturating_add(self.tolerance),
                })
            }
            Expiry::At { unix_ms } => Deadline::At(self.window_at(unix_ms)),
        }
    }

    /// The window around a deadline that the server knows exactly.
    fn window_at(&self, unix_ms: i64) -> Window {
        let at = i128::from(unix_ms) * i128::from(MILLISECOND) - i128::from(self.clock.unix_origin_ns);
        let clamp = |ns: i128| ns.clamp(0, i128::from(u64::MAX)) as u64;
        Window {
            earliest: clamp(at - i128::from(self.tolerance)),
            latest: clamp(at + i128::from(MILLISECOND) + i128::from(self.tolerance)),
        }
    }

    /// What `key` becomes under `step`, or `None` if the step's reply does not fit. An absent key is `None` inside.
    fn apply(&mut self, key: Option<Key>, step: &Step) -> Option<Option<Key>> {
        let fits = |seen: Seen| step.reply.is_none_or(|reply| reply == seen);
        let content = key.map_or(Seen::Nil, |key| Seen::Value(key.value));
        let flag = |yes: bool| Seen::Integer(i64::from(yes));
        match step.action {
            Action::Get => fits(content).then_some(key),
            Action::Exists => fits(flag(key.is_some())).then_some(key),
            Action::ExpireTime => self.expire_time(key, step.reply),
            Action::Set { value, when, get, expiry } => {
                let holds = match when {
                    When::Always => true,
                    When::Absent => key.is_none(),
                    When::Present => key.is_some(),
                    When::Equal(other) => key.is_some_and(|key| key.value == other),
                };
                let seen = match (get, holds) {
                    (true, _) => content,
                    (false, true) => Seen::Done,
                    (false, false) => Seen::Nil,
                };
                let kept = key.and_then(|key| key.deadline);
                fits(seen).then(|| if holds { set(value, expiry, kept) } else { key })
            }
            Action::IncrementBy(by) => {
                let old = key.map_or(Some(0), |key| integer(self.values.text(key.value)));
                let new = old.and_then(|old| old.checked_add(by));
                let Some(new) = new else { return step.reply.is_none().then_some(key) };
                fits(Seen::Integer(new)).then(|| {
                    let value = self.values.intern(new.to_string().as_bytes());
                    Some(Key { value, deadline: key.and_then(|key| key.deadline) })
                })
            }
            Action::Append(tail) => {
                let value = key.map_or(tail, |key| self.values.concatenate(key.value, tail));
                let length = i64::try_from(self.values.text(value).len()).ok()?;
                fits(Seen::Integer(length)).then(|| Some(Key { value, deadline: key.and_then(|key| key.deadline) }))
            }
            Action::Delete { get } => fits(if get { content } else { flag(key.is_some()) }).then_some(None),
            Action::Expire(deadline) => {
                fits(flag(key.is_some())).then(|| key.and_then(|key| set(key.value, deadline, key.deadline)))
            }
            Action::Persist => {
                let had = key.is_some_and(|key| key.deadline.is_some());
                fits(flag(had)).then(|| key.map(|key| Key { deadline: None, ..key }))
            }
        }
    }

    /// `PEXPIRETIME`: the reply narrows the window.
    fn expire_time(&self, key: Option<Key>, reply: Option<Seen>) -> Option<Option<Key>> {
        match (key, reply) {
            (None, Some(Seen::Integer(-2))) => Some(None),
            (Some(Key { deadline: None, .. }), Some(Seen::Integer(-1))) => Some(key),
            (Some(Key { value, deadline: Some(window) }), Some(Seen::Integer(unix_ms))) if unix_ms >= 0 => {
                let told = self.window_at(unix_ms);
                let earliest = window.earliest.max(told.earliest);
                let latest = window.latest.min(told.latest);
                // Windows that only touch belong to different milliseconds.
                (earliest < latest).then_some(Some(Key { value, deadline: Some(Window { earliest, latest }) }))
            }
            _ => None,
        }
    }
}

/// The key after its value or deadline was set.
fn set(value: u32, deadline: Deadline, kept: Option<Window>) -> Option<Key> {
    match deadline {
        Deadline::None => Some(Key { value, deadline: None }),
        Deadline::Keep => Some(Key { value, deadline: kept }),
        Deadline::At(window) => Some(Key { value, deadline: Some(window) }),
        Deadline::Past => None,
    }
}

/// A string that Redis counts with: the decimal form of an `i64` and no other spelling of it.
fn integer(text: &[u8]) -> Option<i64> {
    let number: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (number.to_string().as_bytes() == text).then_some(number)
}

impl Model for RedisString {
    type Step = Step;

    fn initial(&self) -> StateId {
        StateId(0)
    }

    fn compile(&mut self, call: &Call, reply: Option<&Reply>, interval: Interval) -> Result<Option<Step>, Misfit> {
        let action = match call {
            Call::Get => Action::Get,
            Call::Exists => Action::Exists,
            Call::ExpireTime => Action::ExpireTime,
            Call::Set { value, when, get, expiry } => Action::Set {
                value: self.values.intern(value),
                when: match when {
                    Condition::Always => When::Always,
                    Condition::Absent => When::Absent,
                    Condition::Present => When::Present,
                    Condition::Equal(value) => When::Equal(self.values.intern(value)),
                },
                get: *get,
                expiry: self.deadline(expiry, interval),
            },
            Call::IncrementBy { by } => Action::IncrementBy(*by),
            Call::Append { value } => Action::Append(self.values.intern(value)),
            Call::GetDelete => Action::Delete { get: true },
            Call::Delete => Action::Delete { get: false },
            Call::Expire { expiry } => Action::Expire(self.deadline(expiry, interval)),
            Call::Persist => Action::Persist,
            _ => return Err(Misfit::call(ModelKind::RedisString, call)),
        };
        let reads = matches!(action, Action::Get | Action::Exists | Action::ExpireTime);
        let Some(reply) = reply else {
            return Ok((!reads).then_some(Step { action, reply: None, interval }));
        };
        let gives_value = matches!(action, Action::Get | Action::Set { get: true, .. } | Action::Delete { get: true });
        let gives_status = matches!(action, Action::Set { get: false, .. });
        let seen = match reply {
            Reply::Nil if gives_value || gives_status => Seen::Nil,
            Reply::Value(value) if gives_value => Seen::Value(self.values.intern(value)),
            Reply::Done if gives_status => Seen::Done,
            Reply::Integer(number) if !gives_value && !gives_status => Seen::Integer(*number),
            _ => return Err(Misfit::reply(call, reply)),
        };
        Ok(Some(Step { action, reply: Some(seen), interval }))
    }

    fn step(&mut self, state: StateId, step: &Step) -> Successors {
        let State { key, floor } = self.states[state.0 as usize];
        let Interval { invoked, returned } = step.interval;
        let mut successors = Successors::default();
        if returned < floor {
            return successors;
        }
        let deadline = key.and_then(|key| key.deadline);
        if deadline.is_none_or(|window| invoked <= window.latest)
            && let Some(key) = self.apply(key, step)
        {
            successors.push(self.intern(State { key, floor }));
        }
        if let Some(window) = deadline
            && returned >= window.earliest
            && let Some(key) = self.apply(None, step)
        {
            // What returned before this call can no longer come next anyway: a lower floor would say nothing.
            let floor = if window.earliest <= invoked { floor } else { floor.max(window.earliest) };
            successors.push(self.intern(State { key, floor }));
        }
        successors
    }

    /// Expiry is what a read may change besides, and what any operation after it could have found as well.
    fn is_read(&self, step: &Step) -> bool {
        match step.action {
            Action::Get | Action::Exists => true,
            Action::Set { when, get: false, .. } => when != When::Always && step.reply == Some(Seen::Nil),
            Action::Set { when: When::Absent, get: true, .. } => matches!(step.reply, Some(Seen::Value(_))),
            Action::Set { when: When::Present, get: true, .. } => step.reply == Some(Seen::Nil),
            Action::Set { when: When::Equal(value), get: true, .. } => {
                step.reply.is_some_and(|reply| reply != Seen::Value(value))
            }
            Action::Delete { get } => step.reply == Some(if get { Seen::Nil } else { Seen::Integer(0) }),
            Action::Expire(_) | Action::Persist => step.reply == Some(Seen::Integer(0)),
            Action::ExpireTime => matches!(step.reply, Some(Seen::Integer(..0))),
            Action::Set { .. } | Action::IncrementBy(_) | Action::Append(_) => false,
        }
    }

    fn describe(&self, state: StateId) -> String {
        let ms = |ns: u64| if ns == u64::MAX { "any later time".into() } else { format!("{} ms", ns / MILLISECOND) };
        match self.states[state.0 as usize].key {
            None => "absent".into(),
            Some(Key { value, deadline: None }) => printable(self.values.text(value)),
            Some(Key { value, deadline: Some(Window { earliest, latest }) }) => {
                format!("{}, expires between {} and {}", printable(self.values.text(value)), ms(earliest), ms(latest))
            }
        }
    }

    fn memory(&self) -> usize {
        self.values.memory() + self.states.len() * 3 * size_of::<State>()
    }
}
