//! Who sends an entry: `IDMP pid iid` and `IDMPAUTO pid` of XADD. An entry that its producer has sent before is not added again, and
//! the reply is the id that it got then: so whoever has lost a reply may send the same once more.
//!
//! What is decided by what a stream remembers is propagated as it came out: a new entry with its id, one that had come before as it was
//! sent. So whoever reads a file decides nothing: an entry with an id was new when the file was written, and one without was not,
//! whatever is remembered now.

use refrain_data::stream::{ProducerLimits, Stream, StreamId};
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::config::Config;
use crate::error::ErrorReply;

/// Only entries whose ids are left open can have been sent before.
pub(super) const ONLY_AUTO: ErrorReply =
    ErrorReply::new("ERR syntax error, IDMP/IDMPAUTO can be used only with auto-generated IDs");

/// Where the option stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sender {
    pid_at: usize,
    /// `None` if the entry is to be known by what it holds.
    iid_at: Option<usize>,
}

impl Sender {
    /// Reads the option at argument `i`, if it is this, and returns where the next one is.
    pub(super) fn read(call: &Call<'_>, i: usize, sender: &mut Option<Sender>) -> Result<Option<usize>, ErrorReply> {
        const TWICE: &str = "ERR syntax error, IDMP/IDMPAUTO specified multiple times";
        const NO_PID: &str = "ERR syntax error, IDMP requires a non-empty producer ID";
        const NO_IID: &str = "ERR syntax error, IDMP requires a non-empty idempotent ID";
        const NO_PID_AUTO: &str = "ERR syntax error, IDMPAUTO requires a non-empty producer ID";
        let more = call.args.len() - 1 - i;
        let found = if more >= 1 && call.args.is(i, "IDMPAUTO") {
            Sender { pid_at: i + 1, iid_at: None }
        } else if more >= 2 && call.args.is(i, "IDMP") {
            Sender { pid_at: i + 1, iid_at: Some(i + 2) }
        } else {
            return Ok(None);
        };
        if sender.is_some() {
            return Err(ErrorReply::new(TWICE));
        }
        if call.args.at(found.pid_at).is_empty() {
            return Err(ErrorReply::new(if found.iid_at.is_some() { NO_PID } else { NO_PID_AUTO }));
        }
        if found.iid_at.is_some_and(|at| call.args.at(at).is_empty()) {
            return Err(ErrorReply::new(NO_IID));
        }
        *sender = Some(found);
        Ok(Some(found.iid_at.unwrap_or(found.pid_at) + 1))
    }

    /// The entry's names, which holds the fields and values from argument `first` on.
    pub(super) fn message<'a>(self, call: &Call<'a>, first: usize) -> Message<'a> {
        let args = call.args;
        let iid = match self.iid_at {
            Some(at) => Iid::Given(args.at(at)),
            None => {
                let pairs = (first..args.len()).step_by(2).map(|i| (args.at(i), args.at(i + 1)));
                Iid::Made(fingerprint(pairs))
            }
        };
        Message { pid: args.at(self.pid_at), iid }
    }

    /// The option for whoever repeats the command.
    pub(super) fn words<'a>(self, call: &Call<'a>) -> impl Iterator<Item = &'a [u8]> {
        let args = call.args;
        let word: &[u8] = if self.iid_at.is_some() { b"IDMP" } else { b"IDMPAUTO" };
        [Some(word), Some(args.at(self.pid_at)), self.iid_at.map(|at| args.at(at))].into_iter().flatten()
    }
}

/// An entry as its producer knows it.
pub(super) struct Message<'a> {
    pid: &'a [u8],
    iid: Iid<'a>,
}

enum Iid<'a> {
    Given(&'a [u8]),
    Made([u8; 16]),
}

impl Message<'_> {
    fn iid(&self) -> &[u8] {
        match &self.iid {
            Iid::Given(iid) => iid,
            Iid::Made(iid) => iid,
        }
    }

    /// The id that the entry got, if it has come before.
    pub(super) fn find(&self, stream: &Stream) -> Option<StreamId> {
        stream.producers()?.find(self.pid, self.iid())
    }

    /// Counts an entry that has come before.
    pub(super) fn count_duplicate(stream: &mut Stream) {
        let producers = stream.producers_mut();
        producers.duplicates = producers.duplicates.wrapping_add(1);
    }

    /// Remembers the entry.
    pub(super) fn record(&self, stream: &mut Stream, id: StreamId, limits: ProducerLimits) {
        stream.producers_mut().record(self.pid, self.iid(), id, limits.entries());
    }
}

/// How long streams remember that are made now.
pub(super) fn configured(config: &Config) -> ProducerLimits {
    let encodings = &config.encodings;
    let limits = ProducerLimits::new(encodings.stream_idmp_duration, encodings.stream_idmp_maxsize);
    limits.expect("the parameters have the ranges of the limits")
}

/// What an entry is known by that has no other name: the same for the same pairs of field and value in whatever order. It is the sum of
/// the XXH3 of each pair, whose field is behind its length.
///
/// It stands in RDB files, so it must never change. Redis's is another one, which is not documented: of what Redis knows by its own it
/// is known here that it was sent, but not what, and the other way round. Append-only files hold the option instead.
fn fingerprint<'a>(pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> [u8; 16] {
    let mut hasher = Xxh3::new();
    let sum = pairs.fold(0u128, |sum, (field, value)| {
        hasher.reset();
        hasher.update(&(field.len() as u64).to_le_bytes());
        hasher.update(field);
        hasher.update(value);
        sum.wrapping_add(hasher.digest128())
    });
    sum.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    fn of(words: &[&str]) -> [u8; 16] {
        fingerprint(words.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes())))
    }

    #[test]
    fn an_entry_is_known_by_its_pairs_and_not_by_their_order() {
        assert_eq!(of(&["a", "b", "c", "d"]), of(&["c", "d", "a", "b"]));
        let different: [&[&str]; 8] = [
            &["a", "b"],
            &["b", "a"],
            &["ab", ""],
            &["", "ab"],
            &["a", "b", "a", "b"],
            &["a", "b", "a", "b", "a", "b"],
            &["a", "d", "c", "b"],
            &["a", "b", "", ""],
        ];
        for (i, one) in different.iter().enumerate() {
            for other in &different[..i] {
                assert_ne!(of(one), of(other), "{one:?} {other:?}");
            }
        }
    }

    /// Files hold it.
    #[test]
    fn the_fingerprint_stays_as_it_is() {
        assert_eq!(u128::from_le_bytes(of(&["a", "b"])), 199_124_371_545_376_541_773_512_285_859_386_302_299);
        assert_eq!(
            u128::from_le_bytes(of(&["temperature", "21", "sensor", "north"])),
            290_047_631_473_306_875_432_920_538_535_880_050_065
        );
    }
}
