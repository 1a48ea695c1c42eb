//! Settings of the system that cost speed or safety: `--check-system`, and what the log warns of at start.
//!
//! The names and the form are those of Redis's checks, for scripts read them. Two of them ask something else here, because
//! this server never forks to save: of overcommitting only the strict mode is in the way, and huge pages are in the way
//! where the kernel gives them at every page fault.

use std::fs;
use std::time::{Duration, Instant};

/// How a check came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is in the way.
    Fine,
    /// The system does not say.
    Skipped,
    /// Something is, and what can be done about it.
    Warning(String),
}

type Check = fn() -> Outcome;

const CHECKS: [(&str, Check); 4] = [
    ("slow-clocksource", slow_clock_source),
    ("xen-clocksource", xen_clock_source),
    ("overcommit", overcommit),
    ("THP", huge_pages),
];

/// Runs all checks: the report, and whether nothing is in the way.
pub fn report() -> (String, bool) {
    let mut text = String::new();
    let mut fine = true;
    for (name, check) in CHECKS {
        let outcome = check();
        fine &= !matches!(outcome, Outcome::Warning(_));
        let said = match outcome {
            Outcome::Fine => "OK".to_owned(),
            Outcome::Skipped => "skipped".to_owned(),
            Outcome::Warning(why) => format!("WARNING:\n{why}"),
        };
        text.push_str(&format!("[{name}]...{said}\n"));
    }
    (text, fine)
}

/// Logs what the checks that take no time find, and a backlog that the system cuts short.
pub fn warn_at_start(tcp_backlog: i64) {
    for check in [xen_clock_source as Check, overcommit] {
        if let Outcome::Warning(why) = check() {
            tracing::warn!("WARNING {why}");
        }
    }
    if let Some(most) = line("/proc/sys/net/core/somaxconn").and_then(|text| text.parse::<i64>().ok())
        && most > 0
        && most < tcp_backlog
    {
        tracing::warn!(
            "WARNING: The TCP backlog setting of {tcp_backlog} cannot be enforced because /proc/sys/net/core/somaxconn is set \
             to the lower value of {most}."
        );
    }
}

const CLOCK_SOURCES: &str = "/sys/devices/system/clocksource/clocksource0";

/// Reads the clock for a while: where that needs the kernel's help, much of the time is system time.
fn slow_clock_source() -> Outcome {
    const WHILE: Duration = Duration::from_millis(50);
    let Some((user, system)) = cpu_times() else { return Outcome::Skipped };
    let start = Instant::now();
    while start.elapsed() < WHILE {}
    let Some((user_then, system_then)) = cpu_times() else { return Outcome::Skipped };
    if !is_slow(user_then.saturating_sub(user), system_then.saturating_sub(system)) {
        return Outcome::Fine;
    }
    let current = line(&format!("{CLOCK_SOURCES}/current_clocksource")).unwrap_or_default();
    let others = line(&format!("{CLOCK_SOURCES}/available_clocksource")).unwrap_or_default();
    Outcome::Warning(format!(
        "Reading the clock is slow on this system, because each reading asks the kernel. The clock source in use is {current}; \
         there are: {others}. Choose a faster one, for example with \
         'echo tsc > {CLOCK_SOURCES}/current_clocksource', and for good with 'clocksource=' among the kernel's parameters."
    ))
}

/// More than a tenth of the time in the kernel.
fn is_slow(user: Duration, system: Duration) -> bool {
    system * 10 > user + system
}

fn cpu_times() -> Option<(Duration, Duration)> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: getrusage writes one rusage to the pointer, which is valid for it; all-zero is a valid rusage should it fail.
    let (outcome, usage) = unsafe { (libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()), usage.assume_init()) };
    let duration = |t: libc::timeval| {
        let micros = u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000 + u64::try_from(t.tv_usec).unwrap_or(0);
        Duration::from_micros(micros)
    };
    (outcome == 0).then(|| (duration(usage.ru_utime), duration(usage.ru_stime)))
}

fn xen_clock_source() -> Outcome {
    judge_clock_source(line(&format!("{CLOCK_SOURCES}/current_clocksource")).as_deref())
}

fn judge_clock_source(current: Option<&str>) -> Outcome {
    match current {
        None => Outcome::Skipped,
        Some("xen") => Outcome::Warning(
            "The clock source of this system is 'xen', which is slow as a rule. See the check slow-clocksource of \
             'refrain-server --check-system' for whether it is here."
                .to_owned(),
        ),
        Some(_) => Outcome::Fine,
    }
}

fn overcommit() -> Outcome {
    judge_overcommit(line("/proc/sys/vm/overcommit_memory").as_deref())
}

fn judge_overcommit(mode: Option<&str>) -> Outcome {
    match mode {
        None => Outcome::Skipped,
        Some("2") => Outcome::Warning(
            "The kernel refuses to overcommit memory (vm.overcommit_memory = 2). The allocator reserves more addresses than it \
             uses, so it can run out of memory while there is some. 'sysctl vm.overcommit_memory=1' changes it, and \
             'vm.overcommit_memory = 1' in /etc/sysctl.conf for good."
                .to_owned(),
        ),
        Some(_) => Outcome::Fine,
    }
}

fn huge_pages() -> Outcome {
    judge_huge_pages(line(crate::process::huge_pages::SETTING).as_deref())
}

fn judge_huge_pages(setting: Option<&str>) -> Outcome {
    match setting {
        None => Outcome::Skipped,
        Some(setting) if setting.contains("[always]") => Outcome::Warning(
            "The kernel gives transparent huge pages at every page fault, which makes single faults slow and memory that was \
             freed hard to give back. 'echo madvise > /sys/kernel/mm/transparent_hugepage/enabled' changes it until the next \
             boot. With 'disable-thp yes' the server asks the kernel to leave it out."
                .to_owned(),
        ),
        Some(_) => Outcome::Fine,
    }
}

fn line(path: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    text.lines().next().map(|line| line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_the_way() {
        let warns = |outcome: Outcome| matches!(outcome, Outcome::Warning(_));
        assert!(warns(judge_clock_source(Some("xen"))));
        assert!(!warns(judge_clock_source(Some("tsc"))));
        assert!(warns(judge_overcommit(Some("2"))));
        assert!(!warns(judge_overcommit(Some("0"))), "this server does not fork");
        assert!(!warns(judge_overcommit(Some("1"))));
        assert!(warns(judge_huge_pages(Some("[always] madvise never"))));
        assert!(!warns(judge_huge_pages(Some("always [madvise] never"))));
        for judge in [judge_clock_source, judge_overcommit, judge_huge_pages] {
            assert_eq!(judge(None), Outcome::Skipped);
        }
        let ms = Duration::from_millis;
        assert!(is_slow(ms(44), ms(6)) && !is_slow(ms(46), ms(4)));
    }

    #[test]
    fn the_report_has_a_line_for_each_check() {
        let (text, fine) = report();
        for (name, _) in CHECKS {
            assert_eq!(text.matches(&format!("[{name}]...")).count(), 1, "{text}");
        }
        assert_eq!(fine, !text.contains("WARNING:"));
    }
}
