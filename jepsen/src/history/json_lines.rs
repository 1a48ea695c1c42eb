//! Histories as JSON lines, the format that harnesses write (described in the crate's documentation).
//!
//! Writing and reading again gives the same history. Unknown fields are errors: a misspelt option would change what an
//! operation means.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Call, Clock, Condition, Expiry, History, Moment, Operation, OperationId, Outcome, ReadError, Reply};
use crate::models::ModelKind;

/// The optional first line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    refrain_history: u32,
    model: String,
    #[serde(default)]
    unix_origin_ns: i64,
}

const VERSION: u32 = 1;

/// One event. Completions repeat `f` and `key` for people and for `grep`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    time: u64,
    process: u64,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Bytes>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<Field>,
    #[serde(default, skip_serializing_if = "is_false")]
    nx: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    xx: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ifeq: Option<Bytes>,
    #[serde(default, skip_serializing_if = "is_false")]
    get: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    keepttl: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    px: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pxat: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// A byte string: a JSON string if it is UTF-8, else its digits in hexadecimal.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Hex { hex: String },
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Field {
    Flag(bool),
    Number(i64),
    Bytes(Bytes),
    List(Vec<Bytes>),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Bytes {
    fn of(bytes: &[u8]) -> Bytes {
        match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text.into()),
            Err(_) => Bytes::Hex { hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect() },
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, String> {
        let hex = match self {
            Bytes::Text(text) => return Ok(text.into_bytes()),
            Bytes::Hex { hex } => hex,
        };
        let (pairs, odd) = hex.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        let byte = |pair: &[u8; 2]| Some(digit(pair[0])? << 4 | digit(pair[1])?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes.filter(|_| odd.is_empty()).ok_or(format!("`{hex}` is not hexadecimal"))
    }
}

/// Writes a history, header first.
pub(super) fn write(history: &History) -> String {
    let mut events: BTreeMap<usize, Line> = BTreeMap::new();
    for (index, operation) in history.operations.iter().enumerate() {
        events.insert(operation.invoked.position, invocation(index, operation));
        if let Some(moment) = operation.outcome.moment() {
            events.insert(moment.position, completion(index, operation, moment));
        }
    }
    let header = Header {
        refrain_history: VERSION,
        model: history.model.to_string(),
        unix_origin_ns: history.clock.unix_origin_ns,
    };
    let mut text = serde_json::to_string(&header).expect("a header is plain data");
    for event in events.values() {
        text.push('\n');
        text.push_str(&serde_json::to_string(event).expect("an event is plain data"));
    }
    text.push('\n');
    text
}

fn event(index: usize, operation: &Operation, time: u64, kind: Kind) -> Line {
    Line {
        time,
        process: operation.process,
        kind,
        id: Some(index as u64),
        f: Some(operation.call.name().into()),
        key: Some(Bytes::of(&operation.key)),
        value: None,
        nx: false,
        xx: false,
        ifeq: None,
        get: false,
        keepttl: false,
        px: None,
        pxat: None,
    }
}

fn invocation(index: usize, operation: &Operation) -> Line {
    let mut line = event(index, operation, operation.invoked.time, Kind::Invoke);
    let mut deadline = |expiry: &Expiry| match *expiry {
        Expiry::None => {}
        Expiry::Keep => line.keepttl = true,
        Expiry::In { ms } => line.px = Some(ms),
        Expiry::At { unix_ms } => line.pxat = Some(unix_ms),
    };
    match &operation.call {
        Call::Write { value }
        | Call::Put { value }
        | Call::Append { value }
        | Call::Push { value, .. }
        | Call::StreamAdd { value }
        | Call::SetAdd { member: value }
        | Call::SetRemove { member: value }
        | Call::Contains { member: value }
        | Call::Score { member: value }
        | Call::FieldGet { field: value }
        | Call::FieldRemove { field: value } => line.value = Some(Field::Bytes(Bytes::of(value))),
        Call::Cas { from: one, to: other } | Call::FieldSet { field: one, value: other } => {
            line.value = Some(Field::List(vec![Bytes::of(one), Bytes::of(other)]));
        }
        Call::ScoreSet { member, score: number } | Call::FieldIncrement { field: member, by: number } => {
            line.value = Some(Field::List(vec![Bytes::of(member), Bytes::Text(number.to_string())]));
        }
        Call::IncrementBy { by } => line.value = Some(Field::Number(*by)),
        Call::Expire { expiry } => deadline(expiry),
        Call::Set { value, when, get, expiry } => {
            deadline(expiry);
            line.value = Some(Field::Bytes(Bytes::of(value)));
            line.get = *get;
            match when {
                Condition::Always => {}
                Condition::Absent => line.nx = true,
                Condition::Present => line.xx = true,
                Condition::Equal(value) => line.ifeq = Some(Bytes::of(value)),
            }
        }
        Call::Read
        | Call::Get
        | Call::GetDelete
        | Call::Delete
        | Call::Exists
        | Call::Persist
        | Call::ExpireTime
        | Call::Pop { .. }
        | Call::Length
        | Call::Range
        | Call::PopLeast => {}
    }
    line
}

fn completion(index: usize, operation: &Operation, moment: Moment) -> Line {
    let kind = match &operation.outcome {
        Outcome::Ok(..) => Kind::Ok,
        Outcome::Failed(_) => Kind::Fail,
        Outcome::Unknown(_) | Outcome::Pending => Kind::Info,
    };
    let mut line = event(index, operation, moment.time, kind);
    if let Outcome::Ok(_, reply) = &operation.outcome {
        line.value = match reply {
            Reply::Nil => None,
            Reply::Done => Some(Field::Flag(true)),
            Reply::Refused => Some(Field::Flag(false)),
            Reply::Integer(number) => Some(Field::Number(*number)),
            Reply::Value(value) => Some(Field::Bytes(Bytes::of(value))),
            Reply::Values(values) => Some(Field::List(values.iter().map(|value| Bytes::of(value)).collect())),
        };
    }
    line
}

/// Reads a history. Without a header the model follows from the operations.
pub(super) fn read(text: &str) -> Result<History, ReadError> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let mut history = History::new(ModelKind::RedisString, Clock::default());
    let mut headed = false;
    if let Some((index, line)) = lines.next_if(|(_, line)| line.contains("\"refrain_history\"")) {
        let header = header(line).map_err(|message| ReadError::at(index + 1, message))?;
        (history, headed) = (header, true);
    }
    let mut pending = Pending::default();
    for (index, line) in lines {
        let line = serde_json::from_str(line).map_err(|error| ReadError::at(index + 1, error))?;
        pending.take(&mut history, line).map_err(|message| ReadError::at(index + 1, message))?;
    }
    if !headed && let Some(model) = history.operations.iter().find_map(|operation| model_of(&operation.call)) {
        history.model = model;
    }
    Ok(history)
}

fn header(line: &str) -> Result<History, String> {
    let Header { refrain_history, model, unix_origin_ns } = serde_json::from_str(line).map_err(|e| e.to_string())?;
    if refrain_history != VERSION {
        return Err(format!("history format {refrain_history} is not {VERSION}"));
    }
    let model =
        clap::ValueEnum::from_str(&model, false).map_err(|_: String| format!("no model is called `{model}`"))?;
    Ok(History::new(model, Clock { unix_origin_ns }))
}

/// The model that alone knows this call, if it is not that of Redis's strings.
fn model_of(call: &Call) -> Option<ModelKind> {
    match call {
        Call::Read | Call::Write { .. } | Call::Cas { .. } => Some(ModelKind::Register),
        Call::Put { .. } => Some(ModelKind::KeyValue),
        Call::Push { .. }
        | Call::Pop { .. }
        | Call::Length
        | Call::Range
        | Call::SetAdd { .. }
        | Call::SetRemove { .. }
        | Call::Contains { .. }
        | Call::ScoreSet { .. }
        | Call::Score { .. }
        | Call::PopLeast
        | Call::FieldSet { .. }
        | Call::FieldGet { .. }
        | Call::FieldIncrement { .. }
        | Call::FieldRemove { .. }
        | Call::StreamAdd { .. } => Some(ModelKind::RedisCollection),
        _ => None,
    }
}

/// Operations under way: by the id that the file gave them, or else by process.
#[derive(Default)]
struct Pending {
    by_id: BTreeMap<u64, OperationId>,
    by_process: BTreeMap<u64, OperationId>,
}

impl Pending {
    fn take(&mut self, history: &mut History, mut line: Line) -> Result<(), String> {
        let (process, time) = (line.process, line.time);
        if line.kind == Kind::Invoke {
            let name = line.id;
            let key = line.key.take().map_or(Ok(Vec::new()), Bytes::into_bytes)?;
            let id = history.try_invoke(process, time, key, call(line)?).map_err(|e| e.to_string())?;
            let before = match name {
                Some(name) => self.by_id.insert(name, id),
                None => self.by_process.insert(process, id),
            };
            return match (before, name) {
                (None, _) => Ok(()),
                (Some(_), Some(name)) => Err(format!("operation {name} is already under way")),
                (Some(_), None) => Err(format!("process {process} invokes while its last operation is under way")),
            };
        }
        let id = match line.id {
            Some(name) => self.by_id.remove(&name).ok_or(format!("operation {name} is not under way"))?,
            None => self.by_process.remove(&process).ok_or(format!("process {process} has nothing under way"))?,
        };
        let Operation { call, key, process: caller, .. } = &history.operations[id.0];
        let other_key = line.key.map(Bytes::into_bytes).transpose()?.is_some_and(|other| other != *key);
        if *caller != process || other_key || line.f.is_some_and(|f| f != call.name()) {
            return Err(format!("the completion does not match the call: {caller} called `{}`", call.name()));
        }
        let reply = match line.value {
            _ if line.kind != Kind::Ok => Reply::Nil,
            None => Reply::Nil,
            Some(Field::Flag(done)) => {
                if done {
                    Reply::Done
                } else {
                    Reply::Refused
                }
            }
            Some(Field::Number(number)) => Reply::Integer(number),
            Some(Field::Bytes(bytes)) => Reply::Value(bytes.into_bytes()?),
            Some(Field::List(list)) => {
                Reply::Values(list.into_iter().map(Bytes::into_bytes).collect::<Result<_, String>>()?)
            }
        };
        let ended = match line.kind {
            Kind::Ok => history.try_end(id, time, |moment| Outcome::Ok(moment, reply)),
            Kind::Fail => history.try_end(id, time, Outcome::Failed),
            Kind::Info | Kind::Invoke => history.try_end(id, time, Outcome::Unknown),
        };
        ended.map_err(|e| e.to_string())
    }
}

fn call(line: Line) -> Result<Call, String> {
    let f = line.f.ok_or("an invocation names its operation in `f`")?;
    let when = match (line.nx, line.xx, line.ifeq) {
        (false, false, None) => Condition::Always,
        (true, false, None) => Condition::Absent,
        (false, true, None) => Condition::Present,
        (false, false, Some(value)) => Condition::Equal(value.into_bytes()?),
        _ => return Err("of nx, xx and ifeq only one can be given".into()),
    };
    let expiry = match (line.keepttl, line.px, line.pxat) {
        (false, None, None) => Expiry::None,
        (true, None, None) => Expiry::Keep,
        (false, Some(ms), None) => Expiry::In { ms },
        (false, None, Some(unix_ms)) => Expiry::At { unix_ms },
        _ => return Err("of keepttl, px and pxat only one can be given".into()),
    };
    if f != "set" && (when != Condition::Always || line.get || (expiry != Expiry::None && f != "pexpire")) {
        return Err(format!("`{f}` takes none of set's options"));
    }
    let name = f.clone();
    let text = move |field: Option<Field>| match field {
        Some(Field::Bytes(bytes)) => bytes.into_bytes(),
        Some(Field::Number(number)) => Ok(number.to_string().into_bytes()),
        _ => Err(format!("`{name}` takes a value")),
    };
    let name = f.clone();
    let two = move |field: Option<Field>| match field {
        Some(Field::List(list)) => match <[Bytes; 2]>::try_from(list) {
            Ok([one, other]) => Ok((one.into_bytes()?, other.into_bytes()?)),
            Err(_) => Err(format!("`{name}` takes two values")),
        },
        _ => Err(format!("`{name}` takes two values")),
    };
    let number = |text: &[u8]| {
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse::<i64>().ok());
        number.ok_or_else(|| format!("`{}` is no number", text.escape_ascii()))
    };
    Ok(match (f.as_str(), line.value) {
        ("write", value) => Call::Write { value: text(value)? },
        ("put", value) => Call::Put { value: text(value)? },
        ("append", value) => Call::Append { value: text(value)? },
        ("set", value) => Call::Set { value: text(value)?, when, get: line.get, expiry },
        ("cas", values @ Some(Field::List(_))) => {
            let (from, to) = two(values)?;
            Call::Cas { from, to }
        }
        ("lpush", value) => Call::Push { value: text(value)?, left: true },
        ("rpush", value) => Call::Push { value: text(value)?, left: false },
        ("lpop", None) => Call::Pop { left: true },
        ("rpop", None) => Call::Pop { left: false },
        ("length", None) => Call::Length,
        ("range", None) => Call::Range,
        ("sadd", value) => Call::SetAdd { member: text(value)? },
        ("srem", value) => Call::SetRemove { member: text(value)? },
        ("sismember", value) => Call::Contains { member: text(value)? },
        ("zscore", value) => Call::Score { member: text(value)? },
        ("zpopmin", None) => Call::PopLeast,
        ("hget", value) => Call::FieldGet { field: text(value)? },
        ("hdel", value) => Call::FieldRemove { field: text(value)? },
        ("xadd", value) => Call::StreamAdd { value: text(value)? },
        ("hset", values) => {
            let (field, value) = two(values)?;
            Call::FieldSet { field, value }
        }
        ("zadd", values) => {
            let (member, score) = two(values)?;
            Call::ScoreSet { member, score: number(&score)? }
        }
        ("hincrby", values) => {
            let (field, by) = two(values)?;
            Call::FieldIncrement { field, by: number(&by)? }
        }
        ("incrby", Some(Field::Number(by))) => Call::IncrementBy { by },
        ("pexpire", None) if matches!(expiry, Expiry::In { .. } | Expiry::At { .. }) => Call::Expire { expiry },
        ("read", None) => Call::Read,
        ("get", None) => Call::Get,
        ("getdel", None) => Call::GetDelete,
        ("del", None) => Call::Delete,
        ("exists", None) => Call::Exists,
        ("persist", None) => Call::Persist,
        ("pexpiretime", None) => Call::ExpireTime,
        (
            known @ ("cas" | "incrby" | "pexpire" | "read" | "get" | "getdel" | "del" | "exists" | "persist"
            | "pexpiretime" | "lpop" | "rpop" | "length" | "range" | "zpopmin"),
            _,
        ) => return Err(format!("`{known}` does not take this value")),
        (unknown, _) => return Err(format!("unknown operation `{unknown}`")),
    })
}
