//! No value is seen after its deadline, and none is gone before it, by the server's own clock.
//!
//! Source: the documentation of EXPIRE: a key with a deadline exists until exactly then. Deadlines are known from
//! PEXPIRETIME, and the clock by which the server executes from its state after every round: a command between two
//! readings was executed by a time between them.

use super::Violation;
use crate::record::{COMPLAINTS_MAX, Record, Sighting, seconds};

/// What the server's wall clock showed at the end of rounds: (true nanoseconds, unix milliseconds), in order.
pub type Readings = Vec<(u64, u64)>;

/// Compares what was seen with the deadlines.
pub fn judge(record: &Record, readings: &Readings) -> Vec<Violation> {
    record.sightings.iter().filter_map(|sighting| complaint(sighting, readings)).take(COMPLAINTS_MAX).collect()
}

fn complaint(sighting: &Sighting, readings: &Readings) -> Option<Violation> {
    let Sighting { key, deadline_ms, asked, answered, alive } = sighting;
    let before = readings.partition_point(|(at, _)| at < asked);
    let within = readings.partition_point(|(at, _)| at <= answered);
    let earliest = before.checked_sub(1).map_or(0, |i| readings[i].1);
    let latest = within.checked_sub(1).map_or(0, |i| readings[i].1);
    let what = if *alive && earliest >= *deadline_ms {
        format!("was seen {} ms after its deadline", earliest - deadline_ms)
    } else if !*alive && latest < *deadline_ms {
        format!("was gone {} ms before its deadline", deadline_ms - latest)
    } else {
        return None;
    };
    Some(Violation::new("deadlines", format!("{} key {key} {what}", seconds(*answered))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_moment_explains_is_a_violation() {
        let readings = vec![(10, 100), (20, 110), (30, 120)];
        let wrong = |alive, asked, answered, deadline_ms| {
            let sighting = Sighting { key: "k".into(), deadline_ms, asked, answered, alive };
            complaint(&sighting, &readings).is_some()
        };
        assert!(!wrong(true, 11, 20, 101), "executed between 100 and 110");
        assert!(wrong(true, 11, 20, 100), "at 100 it had gone");
        assert!(!wrong(false, 11, 20, 110), "it may have been executed at 110");
        assert!(wrong(false, 11, 20, 111));
    }
}
