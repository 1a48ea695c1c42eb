//! Failed logins slow down whoever guesses, by address, and nobody else.
//!
//! The first failures cost nothing. From then on a login from that address is not looked at before a deadline, which moves on
//! with every failure by twice as much as before, up to a bound. The deadline is the address's: however many connections it
//! opens, one guess is made at each, by whoever has waited longest: one who guesses with many connections can't keep out for
//! ever who knows a password. Other addresses, and commands of connections that are logged in, do not wait.
//!
//! Deterministic: deadlines are moments of the engine's clock, and whoever waits for one is woken by the tick.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::session::Origin;

/// Failures in a row that cost nothing.
const FREE: u32 = 10;
/// What the first one after those costs.
const FIRST_DELAY_US: u64 = 2_000;
/// An address from which nobody failed for so long is forgotten.
const FORGOTTEN_AFTER_US: u64 = 600_000_000;
/// Addresses that are remembered. Beyond it the one that failed least and longest ago makes room.
const ADDRESSES_MAX: usize = 1024;
/// An address is reported once in so long, and nothing is while another report is younger than this.
const REPORT_EVERY_US: u64 = 1_000_000;

/// Failed logins by address.
#[derive(Debug, Default)]
pub struct Attempts {
    by_address: BTreeMap<Box<str>, Failures>,
    reported_us: Option<u64>,
}

#[derive(Debug)]
struct Failures {
    in_a_row: u32,
    /// Whose name was tried, as long as it was one only.
    name: Option<Box<[u8]>>,
    last_us: u64,
    /// No login is looked at before.
    until_us: u64,
}

/// What is worth a line in the log.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    /// Where from.
    pub address: String,
    /// How many in a row.
    pub failures: u32,
}

impl Attempts {
    /// Until when logins from there are not looked at, if that is not over.
    pub fn slowed_until(&self, origin: &Origin, now_us: u64) -> Option<u64> {
        let failures = self.by_address.get(&*address(origin))?;
        (now_us < failures.until_us).then_some(failures.until_us)
    }

    /// A login failed, which costs its address `delay_max_us` at the most. Returns what is to be reported, which is not every one: the log must not be floodable.
    pub fn failed(&mut self, origin: &Origin, name: &[u8], now_us: u64, delay_max_us: u64) -> Option<Report> {
        const NAME_MAX: usize = 64;
        let name = &name[..name.len().min(NAME_MAX)];
        let address = address(origin);
        if !self.by_address.contains_key(&*address) {
            self.make_room(now_us);
        }
        let fresh = || Failures { in_a_row: 0, name: Some(name.into()), last_us: now_us, until_us: now_us };
        let failures = self.by_address.entry(address.clone()).or_insert_with(fresh);
        if now_us.saturating_sub(failures.last_us) > FORGOTTEN_AFTER_US {
            *failures = fresh();
        }
        failures.in_a_row = failures.in_a_row.saturating_add(1);
        failures.last_us = now_us;
        if failures.name.as_deref() != Some(name) {
            failures.name = None;
        }
        let delay_us = delay(failures.in_a_row, delay_max_us);
        failures.until_us = now_us + delay_us;
        let due = self.reported_us.is_none_or(|last| now_us.saturating_sub(last) >= REPORT_EVERY_US);
        let notable = delay_us > 0 && (failures.in_a_row == FREE + 1 || delay_us == delay_max_us);
        (notable && due).then(|| {
            self.reported_us = Some(now_us);
            Report { address: address.into(), failures: failures.in_a_row }
        })
    }

    /// A login succeeded. It forgives failures to log in under the same name, which are those of somebody who knows it now;
    /// one who tries other names gains nothing by an account of his own.
    pub fn succeeded(&mut self, origin: &Origin, name: &[u8]) {
        if self.by_address.is_empty() {
            return;
        }
        let address = address(origin);
        if self.by_address.get(&*address).is_some_and(|f| f.name.as_deref() == Some(name)) {
            self.by_address.remove(&*address);
        }
    }

    fn make_room(&mut self, now_us: u64) {
        if self.by_address.len() < ADDRESSES_MAX {
            return;
        }
        self.by_address.retain(|_, f| now_us.saturating_sub(f.last_us) <= FORGOTTEN_AFTER_US);
        while self.by_address.len() >= ADDRESSES_MAX {
            let least = self.by_address.iter().min_by_key(|(_, f)| (f.in_a_row, f.last_us)).map(|(a, _)| a.clone());
            self.by_address.remove(&least.expect("the table is full"));
        }
    }
}

fn delay(in_a_row: u32, max_us: u64) -> u64 {
    match in_a_row.checked_sub(FREE + 1) {
        None => 0,
        Some(doublings) => FIRST_DELAY_US.saturating_mul(1 << doublings.min(32)).min(max_us),
    }
}

/// Where a client comes from, without what it can choose: not the port, and of an IPv6 address only the network, for one who
/// has one address there has them all.
fn address(origin: &Origin) -> Box<str> {
    if origin.is_unix {
        return "unix".into();
    }
    let host = origin.remote.rsplit_once(':').map_or(&*origin.remote, |(host, _)| host);
    match host.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V6(ip)) if !ip.is_loopback() => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64").into()
        }
        Ok(ip) => ip.to_string().into(),
        Err(_) => host.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_US: u64 = 5_000_000;

    fn from(remote: &str) -> Origin {
        Origin { remote: remote.into(), local: String::new(), is_local: false, is_unix: false, descriptor: -1 }
    }

    #[test]
    fn the_first_failures_are_free_and_later_ones_cost_twice_as_much_each() {
        let mut attempts = Attempts::default();
        let who = from("10.0.0.1:1000");
        for _ in 0..FREE {
            assert_eq!(attempts.failed(&who, b"a", 5, MAX_US), None);
            assert_eq!(attempts.slowed_until(&who, 5), None);
        }
        let mut expected = FIRST_DELAY_US;
        for i in 0..40 {
            attempts.failed(&who, b"a", 5, MAX_US);
            assert_eq!(attempts.slowed_until(&from("10.0.0.1:7"), 5), Some(5 + expected), "failure {i}");
            expected = (expected * 2).min(MAX_US);
        }
        assert_eq!(attempts.slowed_until(&who, 5 + MAX_US), None, "the deadline has come");
        assert_eq!(attempts.slowed_until(&from("10.0.0.2:1000"), 5), None, "others do not wait");
    }

    #[test]
    fn only_who_knows_the_name_at_last_is_forgiven() {
        let mut attempts = Attempts::default();
        let who = from("10.0.0.1:1000");
        let fail =
            |attempts: &mut Attempts, name: &[u8]| (0..20).for_each(|_| drop(attempts.failed(&who, name, 5, MAX_US)));
        fail(&mut attempts, b"victim");
        attempts.succeeded(&who, b"mine");
        assert!(attempts.slowed_until(&who, 5).is_some());
        attempts.succeeded(&who, b"victim");
        assert_eq!(attempts.slowed_until(&who, 5), None);
        fail(&mut attempts, b"victim");
        fail(&mut attempts, b"mine");
        attempts.succeeded(&who, b"mine");
        assert!(attempts.slowed_until(&who, 5).is_some(), "who tried several names is not forgiven");
        attempts.failed(&who, b"mine", 6 + FORGOTTEN_AFTER_US, MAX_US);
        assert_eq!(attempts.slowed_until(&who, 6 + FORGOTTEN_AFTER_US), None, "time forgives everybody");
    }

    #[test]
    fn the_table_and_the_log_are_bounded() {
        let mut attempts = Attempts::default();
        let mut reports = 0;
        for _ in 0..20 {
            reports += u32::from(attempts.failed(&from("10.9.9.9:1"), b"a", 5, MAX_US).is_some());
        }
        for i in 0..3000u32 {
            let who = from(&format!("10.1.{}.{}:1", i / 256, i % 256));
            reports += (0..12).filter(|_| attempts.failed(&who, b"a", 5, MAX_US).is_some()).count() as u32;
        }
        assert_eq!(attempts.by_address.len(), ADDRESSES_MAX);
        assert_eq!(reports, 1);
        assert!(attempts.slowed_until(&from("10.9.9.9:1"), 5).is_some(), "the worst one is not crowded out");
    }

    #[test]
    fn what_a_client_can_choose_makes_no_other_address() {
        for (a, b, same) in [
            ("1.2.3.4:1", "1.2.3.4:2", true),
            ("[2001:db8::1]:1", "[2001:db8::ffff:2]:2", true),
            ("[2001:db8:0:1::1]:1", "[2001:db8::1]:1", false),
            ("[::ffff:1.2.3.4]:1", "1.2.3.4:9", true),
            ("[::1]:1", "[::2]:1", false),
        ] {
            assert_eq!(address(&from(a)) == address(&from(b)), same, "{a} {b}");
        }
    }
}
