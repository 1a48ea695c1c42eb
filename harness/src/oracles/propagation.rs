//! The propagation stream, applied to an empty engine, gives an equal data set: values and deadlines.
//!
//! Source: the stream is what append-only files and replicas are made of, so whatever it leaves out is lost there. The
//! copy's clock stands still at zero: what expires does so because the stream says it, never by the copy's own clock.

use std::collections::BTreeMap;

use refrain_core::{Config, Engine, Hooks, Input, Now, Origin, ProcessReport, SessionId};
use refrain_data::{Entry, Hash, Keyspace, Kind, Value};

use super::{Invariant, Violation};
use crate::record::seconds;
use crate::server::ServerEngine;

/// Virtual nanoseconds between two comparisons.
const COMPARE_EVERY: u64 = 100_000_000;

/// See the module.
#[derive(Default)]
pub struct Propagation {
    copy: Option<Copy>,
    compared: u64,
    broken: Option<String>,
}

/// An engine that hears nothing but the stream.
struct Copy {
    engine: Engine<StillHooks>,
    session: SessionId,
}

struct StillHooks;

impl Hooks for StillHooks {
    fn now(&self) -> Now {
        Now::default()
    }

    fn ticks(&self) -> u64 {
        0
    }

    fn ticks_per_second(&self) -> u64 {
        1_000_000
    }

    fn work(&self, _: u64) {}

    fn entropy(&self) -> u64 {
        4
    }

    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }
}

impl Copy {
    fn new(config: &Config) -> Copy {
        let mut engine = Engine::new(config.clone(), StillHooks);
        let origin =
            Origin { remote: "stream".into(), local: "copy".into(), is_local: true, is_unix: false, descriptor: -1 };
        let session = engine.connect(origin).expect("an engine without clients takes one");
        Copy { engine, session }
    }

    fn apply(&mut self, stream: &[u8]) {
        let input = Input { session: self.session, bytes: Some(0..stream.len()), len: stream.len() };
        self.engine.round(stream, &[input]);
        self.swallow();
        while self.engine.is_runnable() {
            self.engine.round(&[], &[]);
            self.swallow();
        }
    }

    /// Nobody reads the replies.
    fn swallow(&mut self) {
        let attended = self.engine.take_attended();
        self.engine.recycle_attended(attended);
        while !self.engine.unsent(self.session).is_empty() {
            let owed = self.engine.unsent(self.session).len();
            self.engine.sent(self.session, owed);
        }
    }
}

/// Values and deadlines by database and key.
type DataSet = BTreeMap<(usize, Vec<u8>), (Vec<u8>, Option<u64>)>;

/// What a key holds, as bytes: equal for equal values, whatever their encoding.
fn held(entry: Entry<'_>) -> Vec<u8> {
    let Some(hash) = entry.view::<Hash>() else {
        return match entry.kind() {
            Kind::String => entry.value().to_vec(),
            _ => refrain_core::commands::debug::digest::of_value([0; 20], entry).to_vec(),
        };
    };
    let text = |value: Value<'_>| value.to_vec().escape_ascii().to_string();
    let mut fields: Vec<String> = hash
        .iter()
        .map(|field| format!("{} = {}, {:?}\n", text(field.name), text(field.value), field.deadline))
        .collect();
    fields.sort();
    fields.concat().into_bytes()
}

fn data_set(keyspace: &Keyspace) -> DataSet {
    let mut all = DataSet::new();
    for db in 0..keyspace.len() {
        let mut cursor = 0;
        loop {
            cursor = keyspace.db(db).scan(cursor, 1000, &mut |entry| {
                all.insert((db, entry.key().to_vec()), (held(entry), entry.deadline()));
            });
            if cursor == 0 {
                break;
            }
        }
    }
    all
}

impl Invariant for Propagation {
    fn begin(&mut self, engine: &mut ServerEngine) {
        engine.effects().stream.enable(true);
        self.copy = Some(Copy::new(engine.config()));
    }

    fn look(&mut self, at: u64, engine: &mut ServerEngine) {
        let Some(copy) = &mut self.copy else { return };
        let stream = &mut engine.effects().stream;
        if !stream.bytes().is_empty() {
            copy.apply(stream.bytes());
            stream.clear();
        }
        if at - self.compared < COMPARE_EVERY || self.broken.is_some() {
            return;
        }
        self.compared = at;
        let refused = copy.engine.state().stats.error_replies;
        let (here, there) = (&engine.state().keyspace, &copy.engine.state().keyspace);
        let difference = if refused > 0 {
            Some(format!("the copy refused {refused} commands of the stream"))
        } else if (0..here.len()).any(|db| !here.db(db).is_empty() || !there.db(db).is_empty()) {
            first_difference(&data_set(here), &data_set(there))
        } else {
            None
        };
        self.broken = difference.map(|what| format!("{}: {what}", seconds(at)));
    }

    fn violations(&self) -> Vec<Violation> {
        self.broken.iter().map(|what| Violation::new("propagation", what.clone())).collect()
    }
}

/// The first key that the two data sets do not share.
fn first_difference(here: &DataSet, there: &DataSet) -> Option<String> {
    let show = |side: Option<&(Vec<u8>, Option<u64>)>| match side {
        None => "nothing".to_owned(),
        Some((value, None)) => format!("\"{}\"", value.escape_ascii()),
        Some((value, Some(deadline))) => format!("\"{}\" until {deadline}", value.escape_ascii()),
    };
    let key = here.keys().chain(there.keys()).find(|key| here.get(*key) != there.get(*key))?;
    let (db, name) = key;
    Some(format!(
        "database {db}, key \"{}\": the server holds {}, the copy {}",
        name.escape_ascii(),
        show(here.get(key)),
        show(there.get(key))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy_of(stream: &[&[&str]]) -> Copy {
        let mut copy = Copy::new(&Config::default());
        let mut bytes = Vec::new();
        for command in stream {
            refrain_resp::encode_command(&mut bytes, command);
        }
        copy.apply(&bytes);
        copy
    }

    #[test]
    fn a_missing_command_shows() {
        let whole = copy_of(&[&["SELECT", "0"], &["SET", "a", "1"], &["SET", "b", "2", "PXAT", "99"]]);
        let lacking = copy_of(&[&["SELECT", "0"], &["SET", "a", "1"]]);
        let (whole, lacking) = (&whole.engine.state().keyspace, &lacking.engine.state().keyspace);
        assert_eq!(first_difference(&data_set(whole), &data_set(whole)), None);
        let words = first_difference(&data_set(whole), &data_set(lacking)).unwrap();
        assert!(words.contains("key \"b\": the server holds \"2\" until 99, the copy nothing"), "{words}");
    }

    #[test]
    fn a_long_stream_is_applied_whole() {
        let values: Vec<String> = (0..5000).map(|n| n.to_string()).collect();
        let commands: Vec<[&str; 3]> = values.iter().map(|v| ["SET", v.as_str(), "x"]).collect();
        let stream: Vec<&[&str]> = commands.iter().map(|c| &c[..]).collect();
        assert_eq!(data_set(&copy_of(&stream).engine.state().keyspace).len(), 5000);
    }
}
