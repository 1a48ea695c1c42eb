//! EDN events, a map a line, of a map with get, put and append, every value empty at first:
//! `{:process 0, :type :invoke, :f :append, :key "4", :value "x"}`.
//!
//! `:time` (nanoseconds) is read if it is there; any other keyword is ignored. A get's `:value nil` in a reply is the empty
//! value.

use std::collections::BTreeMap;

use super::edn::{self, Edn};
use super::{Call, Clock, History, Moment, OperationId, Outcome, ReadError, Reply};
use crate::models::ModelKind;

/// Reads such events.
pub(super) fn read(text: &str) -> Result<History, ReadError> {
    let mut history = History::new(ModelKind::KeyValue, Clock::default());
    let mut pending = BTreeMap::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let event = edn::parse(line).map_err(|message| ReadError::at(index + 1, message))?;
        take(&mut history, &mut pending, &event).map_err(|message| ReadError::at(index + 1, message))?;
    }
    Ok(history)
}

fn take(history: &mut History, pending: &mut BTreeMap<u64, OperationId>, event: &Edn) -> Result<(), String> {
    let field = |name: &str| event.get(name).ok_or(format!("the event has no :{name}"));
    let process = match field("process")? {
        Edn::Integer(process) if *process >= 0 => process.unsigned_abs(),
        Edn::Keyword(_) => return Ok(()),
        _ => return Err(":process is not a number".into()),
    };
    let Edn::Keyword(kind) = field("type")? else { return Err(":type is not a keyword".into()) };
    let Edn::Keyword(f) = field("f")? else { return Err(":f is not a keyword".into()) };
    let time = match event.get("time") {
        None => history.last_time,
        Some(Edn::Integer(time)) if *time >= 0 => time.unsigned_abs(),
        Some(_) => return Err(":time is not a number of nanoseconds".into()),
    };
    if kind == "invoke" {
        let key = field("key")?.plain().ok_or(":key is neither a string nor a number")?;
        let call = call(f, event.get("value").unwrap_or(&Edn::Nil))?;
        let id = history.try_invoke(process, time, key, call).map_err(|e| e.to_string())?;
        return match pending.insert(process, id) {
            None => Ok(()),
            Some(_) => Err(format!("process {process} invokes while its last operation is under way")),
        };
    }
    let id = pending.remove(&process).ok_or(format!("process {process} has nothing under way"))?;
    let operation = &history.operations[id.0];
    if f != operation.call.name() {
        return Err(format!("process {process} has a {} under way, not :{f}", operation.call.name()));
    }
    if event.get("key").is_some_and(|key| key.plain().as_ref() != Some(&operation.key)) {
        return Err(format!("process {process} has an operation on another key under way"));
    }
    let outcome: Box<dyn FnOnce(Moment) -> Outcome> = match kind.as_str() {
        "ok" => {
            let reply = reply(&operation.call, event.get("value").unwrap_or(&Edn::Nil))?;
            Box::new(move |moment| Outcome::Ok(moment, reply))
        }
        "fail" => Box::new(Outcome::Failed),
        "info" => Box::new(Outcome::Unknown),
        _ => return Err(format!("unknown type :{kind}")),
    };
    history.try_end(id, time, outcome).map_err(|e| e.to_string())
}

fn call(f: &str, value: &Edn) -> Result<Call, String> {
    let plain = || value.plain().ok_or(format!(":{f} takes a string or a number"));
    match f {
        "get" => Ok(Call::Get),
        "put" => Ok(Call::Put { value: plain()? }),
        "append" => Ok(Call::Append { value: plain()? }),
        _ => Err(format!("unknown operation :{f}")),
    }
}

fn reply(call: &Call, value: &Edn) -> Result<Reply, String> {
    match (call, value) {
        (Call::Get, Edn::Nil) => Ok(Reply::Nil),
        (Call::Get, value) => Ok(Reply::Value(value.plain().ok_or("a get sees nil, a string or a number")?)),
        _ => Ok(Reply::Done),
    }
}
