//! Refusals that a test on the loopback interface can't provoke at the binary: they are asked of the engine itself.
//!
//! `docs/errors.md` and `docs/guarantees.md` name these tests.

use refrain_core::{Config, Engine, Hooks, Now, Origin, ProcessReport};

/// A world in which nothing moves.
struct StandingStill;

impl Hooks for StandingStill {
    fn now(&self) -> Now {
        Now { unix_us: 1_700_000_000_000_000, mono_us: 1 }
    }

    fn ticks(&self) -> u64 {
        0
    }

    fn ticks_per_second(&self) -> u64 {
        1
    }

    fn work(&self, _: u64) {}

    fn entropy(&self) -> u64 {
        4
    }

    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }
}

fn origin(is_local: bool) -> Origin {
    Origin {
        remote: "192.0.2.7:40000".into(),
        local: "192.0.2.1:6379".into(),
        is_local,
        is_unix: false,
        descriptor: -1,
    }
}

fn engine(change: impl FnOnce(&mut Config)) -> Engine<StandingStill> {
    let mut config = Config::default();
    change(&mut config);
    Engine::new(config, StandingStill)
}

#[test]
fn protected_mode_keeps_strangers_out_until_there_is_a_password() {
    let refused = |change: fn(&mut Config), is_local| engine(change).connect(origin(is_local)).err();
    let text = refused(|_| {}, false).expect("a stranger without a password to give");
    assert!(text.starts_with(b"-DENIED Refrain is running in protected mode"), "{}", text.escape_ascii());
    assert!(text.ends_with(b".\r\n"), "one whole line");
    assert_eq!(text.iter().filter(|byte| **byte == b'\n').count(), 1);
    assert_eq!(refused(|_| {}, true), None, "loopback and Unix-domain sockets are no strangers");
    assert_eq!(refused(|config| config.network.protected_mode = false, false), None);
    assert_eq!(refused(|config| config.acl.requirepass = "secret".into(), false), None, "but it must log in");
}
