//! What the model knows of commands that move, copy and compare values as a whole.

use crate::model::{Model, int};

const OK: &str = "+OK\r\n";
const SAME: &str = "-ERR source and destination objects are the same\r\n";

impl Model {
    pub fn apply_whole(&mut self, w: &[&str]) -> String {
        match w {
            ["RENAME", from, to] => match self.rename(from, to, true) {
                Some(_) => OK.into(),
                None => "-ERR no such key\r\n".into(),
            },
            ["RENAMENX", from, to] => match self.rename(from, to, false) {
                Some(renamed) => int(i64::from(renamed)),
                None => "-ERR no such key\r\n".into(),
            },
            ["MOVE", k, db] => {
                let db: usize = db.parse().unwrap();
                if db == self.db {
                    return SAME.into();
                }
                if !self.here().contains_key(*k) || self.databases[db].contains_key(*k) {
                    return int(0);
                }
                let entry = self.here().remove(*k).unwrap();
                self.databases[db].insert((*k).into(), entry);
                int(1)
            }
            ["COPY", from, to, options @ ..] => {
                let replace = options.contains(&"REPLACE");
                let db = match options {
                    ["DB", db, ..] => db.parse().unwrap(),
                    _ => self.db,
                };
                if (db, to) == (self.db, from) {
                    return SAME.into();
                }
                let Some(entry) = self.here().get(*from).cloned() else { return int(0) };
                if !replace && self.databases[db].contains_key(*to) {
                    return int(0);
                }
                self.databases[db].insert((*to).into(), entry);
                int(1)
            }
            ["DELEX", k, condition @ ..] => {
                let value = self.here().get(*k).map(|(value, _)| value.clone());
                let holds = match condition {
                    [] => value.is_some(),
                    ["IFEQ", v] => value.is_some_and(|value| value == v.as_bytes()),
                    ["IFNE", v] => value.is_some_and(|value| value != v.as_bytes()),
                    other => panic!("{other:?}"),
                };
                if holds {
                    self.here().remove(*k);
                }
                int(i64::from(holds))
            }
            ["MSETEX", "2", k, v, l, w, options @ ..] => self.set_several(&[(k, v), (l, w)], options),
            ["INCREX", k, options @ ..] => self.count(k, options),
            other => panic!("the model does not know {other:?}"),
        }
    }

    /// Whether the key has the new name now; `None` if there is none.
    fn rename(&mut self, from: &str, to: &str, replace: bool) -> Option<bool> {
        let entry = self.here().get(from).cloned()?;
        if from == to || !replace && self.here().contains_key(to) {
            return Some(replace);
        }
        self.here().remove(from);
        self.here().insert(to.into(), entry);
        Some(true)
    }

    fn set_several(&mut self, pairs: &[(&str, &str)], options: &[&str]) -> String {
        let (condition, expiration) = match options {
            [condition @ ("NX" | "XX"), rest @ ..] => (*condition, rest),
            rest => ("", rest),
        };
        let deadline = match expiration {
            [unit, time] => match self.deadline(unit, time, "msetex", true) {
                Ok(at) => Some(at),
                Err(error) => return error,
            },
            _ => None,
        };
        let refused = |exists: bool| condition == "NX" && exists || condition == "XX" && !exists;
        if pairs.iter().any(|(k, _)| refused(self.here().contains_key(*k))) {
            return int(0);
        }
        for (k, v) in pairs {
            let old = self.here().get(*k).and_then(|(_, at)| *at);
            let at = if expiration == ["KEEPTTL"] { old } else { deadline };
            self.here().insert((*k).into(), (v.as_bytes().to_vec(), at));
        }
        int(1)
    }

    /// INCREX BYINT n LBOUND l UBOUND u [SATURATE] [PX t [ENX] | PERSIST]
    fn count(&mut self, k: &str, options: &[&str]) -> String {
        let ["BYINT", by, "LBOUND", lower, "UBOUND", upper, rest @ ..] = options else { panic!("{options:?}") };
        let number = |text: &str| text.parse::<i64>().unwrap();
        let (by, lower, upper) = (number(by), number(lower), number(upper));
        if lower > upper {
            return "-ERR LBOUND can't be greater than UBOUND\r\n".into();
        }
        let (saturate, rest) = match rest {
            ["SATURATE", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        let at = match rest {
            ["PX", time, ..] => match self.deadline("PX", time, "increx", true) {
                Ok(at) => Some(at),
                Err(error) => return error,
            },
            _ => None,
        };
        let (value, old_at) = self.here().get(k).cloned().unwrap_or((b"0".to_vec(), None));
        let Some(old) = crate::model::parse(&value) else {
            return "-ERR value is not an integer or out of range\r\n".into();
        };
        let sum = i128::from(old) + i128::from(by);
        let (low, high) = (i128::from(lower), i128::from(upper));
        if !(low..=high).contains(&sum) && !saturate {
            return format!("*2\r\n{}{}", int(old), int(0));
        }
        let new = sum.clamp(low, high) as i64;
        let Some(applied) = new.checked_sub(old) else { return "-ERR applied increment would overflow\r\n".into() };
        let deadline = match rest {
            ["PERSIST"] => None,
            ["PX", _, "ENX"] => old_at.or(at),
            ["PX", _] => at,
            _ => old_at,
        };
        self.here().insert(k.into(), (new.to_string().into_bytes(), deadline));
        format!("*2\r\n{}{}", int(new), int(applied))
    }
}
