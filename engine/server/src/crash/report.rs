//! The text of a crash report, section by section. Written with what a signal handler may use; only the report of a panic,
//! which is no signal, allocates, for a backtrace with names.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;

use super::ASSERTION;
use super::direct_log::{DirectLog, Part};
use super::recorder::RECORDER;
use super::signals::{FRAMES, walk_stack, write_stack};
use crate::conf_file::REDIS_VERSION;
use crate::version;

const START: &str = "\n\n=== REDIS BUG REPORT START: Cut & paste starting from here ===\n";

const END: &str = "\n=== REDIS BUG REPORT END. Make sure to include from START to END. ===\n\n\
    No key, value or password is in this report. To have lines of the source for the addresses of the stack trace:\n\
    addr2line -Cfie <the binary> <offset in parentheses>...\n\
    Memory that forgets looks like this too: refrain-server --test-memory <megabytes>\n\n";

/// What a signal says of a fault.
pub(super) struct Fault {
    pub signal: libc::c_int,
    pub code: libc::c_int,
    pub address: usize,
    /// Process and user, when the signal was sent and not raised by the system.
    pub sender: Option<(libc::pid_t, libc::uid_t)>,
    pub instruction: usize,
}

/// Reports a signal, from within its handler.
pub(super) fn of_fault(fault: &Fault) {
    let log = DirectLog::open();
    log.text(START);
    let (signal, code) = (Part::Number(fault.signal.into()), Part::Number(fault.code.into()));
    log.line(&[
        Part::Text("Refrain "),
        Part::Text(env!("CARGO_PKG_VERSION")),
        Part::Text(" (Redis "),
        Part::Text(REDIS_VERSION),
        Part::Text(") crashed by signal: "),
        signal,
        Part::Text(", si_code: "),
        code,
    ]);
    match fault.sender {
        Some((pid, uid)) => log.line(&[
            Part::Text("Killed by PID: "),
            Part::Number(pid.into()),
            Part::Text(", UID: "),
            Part::Number(uid.into()),
        ]),
        None if matches!(fault.signal, libc::SIGSEGV | libc::SIGBUS) => {
            log.line(&[Part::Text("Accessing address: "), Part::Address(fault.address)]);
        }
        None => {}
    }
    if fault.instruction != 0 {
        log.line(&[Part::Text("Crashed running the instruction at: "), Part::Address(fault.instruction)]);
    }
    log.text("\n------ STACK TRACE ------\n");
    let mut frames = [std::ptr::null_mut(); FRAMES];
    write_stack(walk_stack(&mut frames), log.descriptor());
    about_the_server(&log);
    log.text(END);
}

/// Reports where the loop is that has not come round for long, from within the handler of a timer.
pub(super) fn of_stall(log: &DirectLog) {
    log.line(&[Part::Text("--- WATCHDOG TIMER EXPIRED ---")]);
    if RECORDER.is_executing()
        && let Some(command) = RECORDER.recent().next()
    {
        // Redis's stack traces name the function of a command so, and that is what is looked for.
        let name = command.name.split('|').next().unwrap_or_default();
        log.parts(&[Part::Text("Executing "), Part::Text(name), Part::Text("Command: ")]);
        log_command(log, &command);
    }
    log.text("------ STACK TRACE ------\n");
    let mut frames = [std::ptr::null_mut(); FRAMES];
    write_stack(walk_stack(&mut frames), log.descriptor());
    log.line(&[Part::Text("--------")]);
}

/// Reports a panic, on the thread that panicked.
pub(super) fn of_panic(panic: &PanicHookInfo<'_>) {
    let log = DirectLog::open();
    let message = panic.payload_as_str().unwrap_or("a panic without a message");
    let (file, line) = panic.location().map_or(("unknown", 0), |place| (place.file(), place.line()));
    let place = [Part::Text(file), Part::Text(":"), Part::Number(line.into())];
    log.text(START);
    if message.starts_with(ASSERTION) {
        log.line(&[Part::Text("=== ASSERTION FAILED ===")]);
        let [file, colon, line] = place;
        log.line(&[
            Part::Text("==> "),
            file,
            colon,
            line,
            Part::Text(" '"),
            Part::Text(message),
            Part::Text("' is not true"),
        ]);
    } else {
        let [file, colon, line] = place;
        log.line(&[Part::Text("Guru Meditation: "), Part::Text(message), Part::Text(" #"), file, colon, line]);
    }
    let thread = std::thread::current();
    log.parts(&[
        Part::Text("\n------ STACK TRACE ------\nThread: "),
        Part::Text(thread.name().unwrap_or("unnamed")),
        Part::Text("\n"),
    ]);
    log.text(&Backtrace::force_capture().to_string());
    about_the_server(&log);
    log.text(END);
}

/// Everything that does not depend on how it failed.
fn about_the_server(log: &DirectLog) {
    log.text("\n------ BUILD ------\n");
    log.parts(&[
        Part::Text("refrain_version:"),
        Part::Text(env!("CARGO_PKG_VERSION")),
        Part::Text("\nredis_version:"),
        Part::Text(REDIS_VERSION),
        Part::Text("\ncommit:"),
        Part::Text(version::COMMIT),
        Part::Text("\nmodified:"),
        Part::Text(version::MODIFIED),
        Part::Text("\nbuild_id:"),
        Part::Text(version::BUILD_ID),
        Part::Text("\n"),
    ]);
    let mut recent = RECORDER.recent();
    log.text(match RECORDER.is_executing() {
        true => "\n------ EXECUTING CLIENT INFO ------\n",
        false => "\n------ LAST CLIENT INFO ------\n",
    });
    match recent.next() {
        Some(command) => log_command(log, &command),
        None => log.text("none\n"),
    }
    log.parts(&[
        Part::Text("\n------ RECENT COMMANDS ------\nbegun:"),
        Part::Number(RECORDER.begun() as i64),
        Part::Text("\n"),
    ]);
    for command in recent {
        log_command(log, &command);
    }
    RECORDER.told(|piece| log.raw(piece));
}

fn log_command(log: &DirectLog, command: &super::recorder::Recorded) {
    log.parts(&[
        Part::Text("cmd="),
        Part::Text(command.name),
        Part::Text(" id="),
        Part::Number(command.client as i64),
        Part::Text(" argc="),
        Part::Number(command.arguments as i64),
        Part::Text(" bytes="),
        Part::Number(command.bytes as i64),
        Part::Text("\n"),
    ]);
}
