//! `refrain-jepsen`: judges recorded histories. One line a file; what it means is in `--help`.
//!
//! The exit code is the verdict of all files together. Everything printed except the times follows from the files and the
//! options.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use refrain_jepsen::{Detail, Examination, History, ModelKind, Options, Verdict, details, examine, read};

#[derive(Parser)]
#[command(name = "refrain-jepsen", version, about = "Judges recorded histories: was what the clients saw possible?")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say of each history whether it is linearizable
    #[command(after_help = EXAMPLES)]
    Check(Check),
}

const EXAMPLES: &str = "\
Formats (recognised by content):
  logs of jepsen.util of one register, EDN events of a map with get, put and append, and JSON lines as Refrain's harness
  writes them.

Exit code:
  0  all linearizable
  1  at least one illegal
  2  none illegal, but at least one unknown or unreadable

Examples:
  refrain-jepsen check history.jsonl
  refrain-jepsen check -v logs/*.log
  refrain-jepsen check --whole --max-steps 1000000000 --memory-mb 4096 map.txt
  refrain-jepsen check --model redis-string --clock-tolerance-ms 20 history.jsonl";

#[derive(clap::Args)]
struct Check {
    /// Histories to judge
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Search all keys as one object instead of each alone (same verdict, far more work)
    #[arg(long)]
    whole: bool,
    /// The model, if it is not the one that the file names or implies
    #[arg(long)]
    model: Option<ModelKind>,
    /// Steps that the search of one file may take; ten million take about a second
    #[arg(long, value_name = "N", default_value_t = Options::default().steps_max)]
    max_steps: u64,
    /// Megabytes that the search of one file may remember
    #[arg(long, value_name = "N", default_value_t = 1024)]
    memory_mb: usize,
    /// How far the servers' clock may be from the history's, for keys that expire
    #[arg(long, value_name = "MS", default_value_t = 1)]
    clock_tolerance_ms: u64,
    /// Show the effort, and long orders in full
    #[arg(short, long)]
    verbose: bool,
}

fn main() -> ExitCode {
    let Arguments { command: Command::Check(arguments) } = Arguments::parse();
    let options = Options {
        model: arguments.model,
        whole: arguments.whole,
        steps_max: arguments.max_steps,
        memory_max: arguments.memory_mb.saturating_mul(1 << 20),
        clock_tolerance_ns: arguments.clock_tolerance_ms.saturating_mul(1_000_000),
    };
    let detail = if arguments.verbose { Detail::Full } else { Detail::Short };
    let progress = progress(arguments.files.len());
    let (mut illegal, mut unknown) = (false, false);
    for file in &arguments.files {
        let judged = judge(file, &options);
        illegal |= matches!(&judged, Ok(Judged { examination: Examination { verdict: Verdict::Illegal(_), .. }, .. }));
        unknown |= !matches!(
            &judged,
            Ok(Judged { examination: Examination { verdict: Verdict::Linearizable | Verdict::Illegal(_), .. }, .. })
        );
        let text = match judged {
            Ok(judged) => describe(file, &judged, detail),
            Err(message) => format!("{}: {}\n  {message}\n", file.display(), paint(YELLOW, "unreadable")),
        };
        let written = progress.suspend(|| std::io::stdout().lock().write_all(text.as_bytes()));
        if written.is_err() {
            // Whoever read our output has gone; the exit code still tells.
            break;
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    match (illegal, unknown) {
        (true, _) => ExitCode::from(1),
        (false, true) => ExitCode::from(2),
        (false, false) => ExitCode::SUCCESS,
    }
}

struct Judged {
    history: History,
    examination: Examination,
    took: Duration,
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a tool outside the seam, and times are only shown"
)]
fn judge(file: &Path, options: &Options) -> Result<Judged, String> {
    let started = std::time::Instant::now();
    let text = std::fs::read(file).map_err(|error| error.to_string())?;
    let text =
        String::from_utf8(text).map_err(|error| format!("not UTF-8 from byte {}", error.utf8_error().valid_up_to()))?;
    let history = read(&text).map_err(|error| error.to_string())?;
    let examination = examine(&history, options);
    Ok(Judged { history, examination, took: started.elapsed() })
}

fn describe(file: &Path, judged: &Judged, detail: Detail) -> String {
    let Judged { history, examination: Examination { verdict, keys, steps }, took } = judged;
    let colour = match verdict {
        Verdict::Linearizable => GREEN,
        Verdict::Illegal(_) => RED,
        Verdict::Unknown(_) => YELLOW,
    };
    let verdict_text = paint(colour, &verdict.to_string());
    let operations = history.operations().len();
    let effort = if detail == Detail::Full { format!(", {keys} keys, {steps} steps") } else { String::new() };
    let ms = took.as_secs_f64() * 1e3;
    let head = format!("{}: {verdict_text} ({operations} operations{effort}, {ms:.1} ms)\n", file.display());
    head + &details(history, verdict, detail)
}

const RED: u8 = 31;
const GREEN: u8 = 32;
const YELLOW: u8 = 33;

/// Colours are for terminals only.
fn paint(colour: u8, text: &str) -> String {
    if std::io::stdout().is_terminal() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.into() }
}

/// A bar on the terminal when there is something to wait for; hidden otherwise.
fn progress(files: usize) -> ProgressBar {
    const WORTH_A_BAR: usize = 8;
    if files < WORTH_A_BAR || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} files").unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(files as u64).with_style(style)
}
