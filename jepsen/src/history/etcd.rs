//! Logs of `jepsen.util`: `INFO  jepsen.util - <process> <type> <f> <value>`, tab-separated, of one compare-and-set register.
//!
//! Lines of other loggers and of the nemesis are not events. A failed read saw anything or nothing; a failed
//! compare-and-set is one that found another value, unless it says that it timed out, which tells nothing.

use std::collections::BTreeMap;

use super::edn::{self, Edn};
use super::{Call, Clock, History, OperationId, Outcome, ReadError, Reply};
use crate::models::ModelKind;

/// Reads such a log.
pub(super) fn read(text: &str) -> Result<History, ReadError> {
    let mut history = History::new(ModelKind::Register, Clock::default());
    let mut pending = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        let fail = |message: String| ReadError::at(number, message);
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let (logger, event) = line.split_once(" - ").ok_or_else(|| fail("not a line of a log".into()))?;
        if !logger.ends_with("jepsen.util") || event.starts_with(":nemesis") {
            continue;
        }
        let event = parse(event).map_err(fail)?;
        take(&mut history, &mut pending, number as u64, event).map_err(fail)?;
    }
    Ok(history)
}

struct Event {
    process: u64,
    kind: String,
    f: String,
    value: Edn,
}

fn parse(event: &str) -> Result<Event, String> {
    let mut fields = event.splitn(4, |char: char| char.is_whitespace());
    let mut field = || fields.next().ok_or("an event has four fields: process, type, f, value");
    let process = field()?.parse().map_err(|_| "the process is not a number")?;
    let (kind, f) = (field()?.to_string(), field()?.to_string());
    Ok(Event { process, kind, f, value: edn::parse(field()?)? })
}

fn take(
    history: &mut History,
    pending: &mut BTreeMap<u64, OperationId>,
    time: u64,
    Event { process, kind, f, value }: Event,
) -> Result<(), String> {
    if kind == ":invoke" {
        let call = call(&f, &value)?;
        let id = history.try_invoke(process, time, Vec::new(), call).map_err(|e| e.to_string())?;
        return match pending.insert(process, id) {
            None => Ok(()),
            Some(_) => Err(format!("process {process} invokes while its last operation is under way")),
        };
    }
    let id = pending.remove(&process).ok_or_else(|| format!("process {process} has nothing under way"))?;
    let call = &history.operations[id.0].call;
    if f.strip_prefix(':') != Some(call.name()) {
        return Err(format!("process {process} has a {} under way, not {f}", call.name()));
    }
    let timed_out = matches!(&value, Edn::Keyword(_));
    let outcome: fn(_) -> _ = match (kind.as_str(), call) {
        (":ok", Call::Read) => {
            let reply = match value {
                Edn::Nil => Reply::Nil,
                value => Reply::Value(value.plain().ok_or("a read sees nil or a value")?),
            };
            return history.try_end(id, time, |moment| Outcome::Ok(moment, reply)).map_err(|e| e.to_string());
        }
        (":ok", _) => |moment| Outcome::Ok(moment, Reply::Done),
        (":fail", Call::Cas { .. }) if !timed_out => |moment| Outcome::Ok(moment, Reply::Refused),
        (":fail", Call::Cas { .. } | Call::Read) => Outcome::Unknown,
        (":fail", _) => Outcome::Failed,
        (":info", _) => Outcome::Unknown,
        _ => return Err(format!("unknown type {kind}")),
    };
    history.try_end(id, time, outcome).map_err(|e| e.to_string())
}

fn call(f: &str, value: &Edn) -> Result<Call, String> {
    let plain = |value: &Edn| value.plain().ok_or(format!("{f} takes values that are numbers or strings"));
    match (f, value) {
        (":read", _) => Ok(Call::Read),
        (":write", value) => Ok(Call::Write { value: plain(value)? }),
        (":cas", Edn::Vector(pair)) if pair.len() == 2 => {
            Ok(Call::Cas { from: plain(&pair[0])?, to: plain(&pair[1])? })
        }
        (":cas", _) => Err(":cas takes a vector of two values".into()),
        _ => Err(format!("unknown operation {f}")),
    }
}
