//! Databases as maps, and what each command does to them.

use std::collections::BTreeMap;

use crate::fixture::START_US;

pub const DATABASES: usize = 16;
const NIL: &str = "$-1\r\n";
const OK: &str = "+OK\r\n";
const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range\r\n";
const SYNTAX: &str = "-ERR syntax error\r\n";

/// A value and its deadline.
type Entry = (Vec<u8>, Option<i64>);

/// What the engine must agree with.
#[derive(Default)]
pub struct Model {
    pub databases: Vec<BTreeMap<String, Entry>>,
    pub db: usize,
    pub now_ms: i64,
}

fn bulk(bytes: &[u8]) -> String {
    format!("${}\r\n{}\r\n", bytes.len(), String::from_utf8_lossy(bytes))
}

pub fn int(n: i64) -> String {
    format!(":{n}\r\n")
}

/// An integer as Redis reads one: no sign but a minus, no leading zero, no space.
pub fn parse(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let n: i64 = text.parse().ok()?;
    (n.to_string() == text).then_some(n)
}

impl Model {
    pub fn new() -> Model {
        Model { databases: vec![BTreeMap::new(); DATABASES], db: 0, now_ms: (START_US / 1000) as i64 }
    }

    /// Whoever's deadline has come is not there.
    pub fn bury(&mut self) {
        for db in &mut self.databases {
            db.retain(|_, (_, deadline)| deadline.is_none_or(|at| at > self.now_ms));
        }
    }

    pub fn here(&mut self) -> &mut BTreeMap<String, Entry> {
        &mut self.databases[self.db]
    }

    /// The reply to a command; what KEYS and RANDOMKEY may say is for the caller to judge.
    pub fn apply(&mut self, words: &[String]) -> String {
        self.bury();
        let now = self.now_ms;
        let w: Vec<&str> = words.iter().map(String::as_str).collect();
        let get = |m: &mut Model, k: &str| m.here().get(k).cloned();
        match w.as_slice() {
            ["GET", k] => get(self, k).map_or(NIL.into(), |(v, _)| bulk(&v)),
            ["STRLEN", k] => int(get(self, k).map_or(0, |(v, _)| v.len() as i64)),
            ["MGET", keys @ ..] => {
                let each = keys.iter().map(|k| get(self, k).map_or(NIL.into(), |(v, _)| bulk(&v)));
                let each: String = each.collect();
                format!("*{}\r\n{each}", keys.len())
            }
            ["MSET", pairs @ ..] => {
                for pair in pairs.chunks(2) {
                    self.here().insert(pair[0].into(), (pair[1].into(), None));
                }
                OK.into()
            }
            ["SET", k, v, options @ ..] => self.set(k, v, options),
            ["APPEND", k, tail] => {
                let entry = self.here().entry((*k).into()).or_default();
                entry.0.extend_from_slice(tail.as_bytes());
                int(entry.0.len() as i64)
            }
            ["INCR", k] => self.add(k, "1", 1),
            ["DECR", k] => self.add(k, "1", -1),
            ["INCRBY", k, by] => self.add(k, by, 1),
            ["DECRBY", k, by] => self.add(k, by, -1),
            ["GETDEL", k] => self.here().remove(*k).map_or(NIL.into(), |(v, _)| bulk(&v)),
            ["GETEX", k, options @ ..] => {
                let Some((v, _)) = get(self, k) else { return NIL.into() };
                match options {
                    [] => {}
                    ["PERSIST"] => self.here().get_mut(*k).unwrap().1 = None,
                    [unit, time] => match self.deadline(unit, time, "getex", true) {
                        Ok(at) => self.here().get_mut(*k).unwrap().1 = Some(at),
                        Err(error) => return error,
                    },
                    _ => return SYNTAX.into(),
                }
                bulk(&v)
            }
            ["DEL" | "UNLINK", keys @ ..] => {
                int(keys.iter().filter(|k| self.here().remove(**k).is_some()).count() as i64)
            }
            ["EXISTS" | "TOUCH", keys @ ..] => {
                int(keys.iter().filter(|k| self.here().contains_key(**k)).count() as i64)
            }
            ["TYPE", k] => if get(self, k).is_some() { "+string\r\n" } else { "+none\r\n" }.into(),
            [name @ ("EXPIRE" | "PEXPIRE" | "EXPIREAT" | "PEXPIREAT"), k, time, conditions @ ..] => {
                let unit = match *name {
                    "EXPIRE" => "EX",
                    "PEXPIRE" => "PX",
                    "EXPIREAT" => "EXAT",
                    _ => "PXAT",
                };
                let at = match self.deadline(unit, time, &name.to_lowercase(), false) {
                    Ok(at) => at,
                    Err(error) => return error,
                };
                let Some((_, old)) = get(self, k) else { return int(0) };
                let never = i64::MAX;
                let holds = conditions.iter().all(|c| match *c {
                    "NX" => old.is_none(),
                    "XX" => old.is_some(),
                    "GT" => old.is_some() && at > old.unwrap_or(never),
                    _ => old.is_none() || at < old.unwrap_or(never),
                });
                if !holds {
                    return int(0);
                }
                self.here().get_mut(*k).unwrap().1 = Some(at);
                int(1)
            }
            ["PTTL", k] => int(get(self, k).map_or(-2, |(_, at)| at.map_or(-1, |at| at - now))),
            ["TTL", k] => int(get(self, k).map_or(-2, |(_, at)| at.map_or(-1, |at| (at - now + 500) / 1000))),
            ["PEXPIRETIME", k] => int(get(self, k).map_or(-2, |(_, at)| at.unwrap_or(-1))),
            ["EXPIRETIME", k] => {
                int(get(self, k).map_or(-2, |(_, at)| at.map_or(-1, |at| at / 1000 + i64::from(at % 1000 >= 500))))
            }
            ["PERSIST", k] => int(i64::from(self.here().get_mut(*k).is_some_and(|e| e.1.take().is_some()))),
            ["SELECT", n] => {
                self.db = n.parse().unwrap();
                OK.into()
            }
            ["SWAPDB", a, b] => {
                self.databases.swap(a.parse().unwrap(), b.parse().unwrap());
                OK.into()
            }
            ["FLUSHDB", ..] => {
                self.here().clear();
                OK.into()
            }
            ["FLUSHALL", ..] => {
                self.databases.iter_mut().for_each(BTreeMap::clear);
                OK.into()
            }
            ["SETNX", k, v] => int(i64::from(self.set(k, v, &["NX"]) == OK)),
            ["SETEX", k, t, v] => self.set_with_time("setex", "EX", k, t, v),
            ["PSETEX", k, t, v] => self.set_with_time("psetex", "PX", k, t, v),
            ["GETSET", k, v] => self.set(k, v, &["GET"]),
            ["MSETNX", pairs @ ..] => {
                if pairs.chunks(2).any(|pair| self.here().contains_key(pair[0])) {
                    return int(0);
                }
                for pair in pairs.chunks(2) {
                    self.here().insert(pair[0].into(), (pair[1].into(), None));
                }
                int(1)
            }
            ["GETRANGE" | "SUBSTR", k, start, end] => {
                let (value, _) = get(self, k).unwrap_or_default();
                bulk(part(&value, start.parse().unwrap(), end.parse().unwrap()))
            }
            ["SETRANGE", k, offset, v] => {
                let offset: usize = offset.parse().unwrap();
                if v.is_empty() {
                    return int(get(self, k).map_or(0, |(v, _)| v.len() as i64));
                }
                let (value, _) = self.here().entry((*k).into()).or_default();
                value.resize(value.len().max(offset + v.len()), 0);
                value[offset..offset + v.len()].copy_from_slice(v.as_bytes());
                int(value.len() as i64)
            }
            _ => self.apply_whole(&w),
        }
    }

    pub fn deadline(&self, unit: &str, time: &str, command: &str, positive: bool) -> Result<i64, String> {
        let n = parse(time.as_bytes()).ok_or(NOT_AN_INTEGER)?;
        let invalid = format!("-ERR invalid expire time in '{command}' command\r\n");
        if positive && n <= 0 {
            return Err(invalid);
        }
        let ms = if unit.starts_with('E') { n.checked_mul(1000).ok_or(invalid.clone())? } else { n };
        if unit.ends_with("AT") { Ok(ms) } else { ms.checked_add(self.now_ms).ok_or(invalid) }
    }

    fn set(&mut self, k: &str, v: &str, options: &[&str]) -> String {
        let (mut get, mut keep, mut at, mut condition) = (false, false, None, None);
        let mut rest = options;
        while let [word, tail @ ..] = rest {
            rest = tail;
            match *word {
                "GET" => get = true,
                "KEEPTTL" => keep = true,
                "NX" | "XX" => condition = Some((*word, "")),
                _ => {
                    let (operand, tail) = tail.split_first().expect("generated with one");
                    rest = tail;
                    if word.starts_with("IF") {
                        condition = Some((*word, *operand));
                    } else {
                        match self.deadline(word, operand, "set", true) {
                            Ok(time) => at = Some(time),
                            Err(error) => return error,
                        }
                    }
                }
            }
        }
        let old = self.here().get(k).cloned();
        let holds = match condition {
            None => true,
            Some(("NX", _)) => old.is_none(),
            Some(("XX", _)) => old.is_some(),
            Some(("IFEQ", e)) => old.as_ref().is_some_and(|(v, _)| v == e.as_bytes()),
            Some(("IFNE", e)) => old.as_ref().is_none_or(|(v, _)| v != e.as_bytes()),
            Some(other) => panic!("{other:?}"),
        };
        if holds {
            let deadline = if keep { old.as_ref().and_then(|(_, at)| *at) } else { at };
            self.here().insert(k.into(), (v.into(), deadline));
        }
        match (get, old) {
            (true, Some((old, _))) => bulk(&old),
            (true, None) => NIL.into(),
            (false, _) => if holds { OK } else { NIL }.into(),
        }
    }

    fn set_with_time(&mut self, command: &str, unit: &str, k: &str, time: &str, v: &str) -> String {
        match self.deadline(unit, time, command, true) {
            Ok(at) => {
                self.here().insert(k.into(), (v.into(), Some(at)));
                OK.into()
            }
            Err(error) => error,
        }
    }

    fn add(&mut self, k: &str, by: &str, sign: i64) -> String {
        let Some(by) = parse(by.as_bytes()) else { return NOT_AN_INTEGER.into() };
        let Some(by) = by.checked_mul(sign) else { return "-ERR decrement would overflow\r\n".into() };
        let old = self.here().get(k).cloned();
        let (value, deadline) = old.unwrap_or((b"0".to_vec(), None));
        let Some(n) = parse(&value) else { return NOT_AN_INTEGER.into() };
        let Some(n) = n.checked_add(by) else { return "-ERR increment or decrement would overflow\r\n".into() };
        self.here().insert(k.into(), (n.to_string().into_bytes(), deadline));
        int(n)
    }
}

/// GETRANGE by the book: indexes from either end, clipped.
fn part(value: &[u8], start: i64, end: i64) -> &[u8] {
    let len = value.len() as i64;
    let index = |i: i64| if i < 0 { (len + i).max(0) } else { i };
    if start < 0 && end < 0 && start > end {
        return b"";
    }
    let (start, end) = (index(start), index(end).min(len - 1));
    if start > end { b"" } else { &value[start as usize..=end as usize] }
}
