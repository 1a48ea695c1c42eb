//! The command line. Its help teaches by example; what is typed wrong is refused here, before anything is started.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};

use crate::server::{Candidate, Surroundings};
use crate::template::DEEPEST_PIPELINE;
use crate::workloads::{self, Sizes, Test};

const EXAMPLES: &str = "\
Examples:
  Is the server alive and roughly as quick as it was? (ten seconds)
    refrain-bench compare --smoke

  CPU per request beside a peer, pinned, with a page to look at:
    refrain-bench compare --pin --html report.html \\
      --peer 'valkey=valkey-server --port {port} --save \"\" --appendonly no'

  Only one test, deep pipelines, skewed keys:
    refrain-bench compare --tests get --pipeline 64,256 --zipf 0.99 --peer '…'

  Bytes per key:
    refrain-bench compare --memory --rounds 1 --tests ping --peer '…'

  Load for a profiler on a server that already runs:
    refrain-bench load 127.0.0.1:6379 --test get --pipeline 64 --fill --seconds 30

  User instructions per request, exactly repeatable:
    refrain-bench instructions --peer '…'

  The longest stall while five million keys arrive:
    refrain-bench growth --peer '…'

  What a snapshot of five million keys costs, and loading it:
    refrain-bench persistence --peer 'valkey=valkey-server --port {port} --save \"\"'

Every figure is explained in docs/benchmarks.md.";

/// Measures what a request costs a server, beside its peers on the same machine.
#[derive(Debug, Parser)]
#[command(name = "refrain-bench", version, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Runs several servers in turns: CPU per request, throughput, latency, memory.
    #[command(after_help = EXAMPLES)]
    Compare(Compare),
    /// Drives one server that already runs, for profiling.
    Load(LoadPlan),
    /// Counts user instructions per request under valgrind, as the difference of two run lengths.
    Instructions(Instructions),
    /// Fills millions of keys and reports the longest stall.
    Growth(Growth),
    /// Saves and loads millions of keys: CPU, memory, waits of clients.
    Persistence(Persistence),
}

/// Which servers.
#[derive(Debug, Args)]
pub struct Servers {
    /// How to start our server; {port} is replaced.
    #[arg(long, value_name = "COMMAND", default_value = "target/release/refrain-server --port {port}")]
    pub ours: String,
    /// What our server is called in the report.
    #[arg(long, value_name = "NAME", default_value = "refrain")]
    pub ours_name: String,
    /// A server to compare with; may be given several times.
    #[arg(long = "peer", value_name = "NAME=COMMAND", value_parser = Candidate::parse)]
    pub peers: Vec<Candidate>,
}

impl Servers {
    /// All of them, ours first.
    ///
    /// # Errors
    /// When our command is not one, or two servers have one name.
    pub fn candidates(&self) -> Result<Vec<Candidate>, String> {
        let mut all = vec![Candidate::new(&self.ours_name, &self.ours)?];
        for peer in &self.peers {
            if all.iter().any(|other| other.name == peer.name) {
                return Err(format!("two servers are called {}", peer.name));
            }
            all.push(peer.clone());
        }
        Ok(all)
    }
}

/// What traffic.
#[derive(Clone, Debug, Args)]
pub struct Shape {
    /// Connections, each with one batch in flight.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Keys in the keyspace of each test.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub keys: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub value_size: u32,
    /// Draw keys by Zipf's law with this exponent (0 to 1; 0.99 is customary) instead of uniformly.
    #[arg(long, value_name = "THETA")]
    pub zipf: Option<f64>,
    /// Decides the keys and the order of servers; from the clock if not given, and printed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Servers on CPU 0, the generator on CPU 1.
    #[arg(long)]
    pub pin: bool,
}

impl Shape {
    /// The sizes that tests share.
    pub fn sizes(&self) -> Sizes {
        Sizes { keys: self.keys, value: self.value_size as usize, zipf: self.zipf }
    }

    /// The seed given, or the one that [`Shape::settle`] drew.
    pub fn seed(&self) -> u64 {
        self.seed.expect("a shape is settled before it is used")
    }

    /// How servers are started.
    pub fn surroundings(&self) -> Surroundings {
        Surroundings { cpu: self.pin.then_some(0), under: Vec::new() }
    }

    fn settle(&mut self) {
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| u64::from(time.subsec_nanos()));
        self.seed.get_or_insert_with(clock);
    }
}

/// Where reports go, besides the screen.
#[derive(Clone, Debug, Args)]
pub struct Output {
    /// Write the report as one self-contained page.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the report for programs.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
}

fn depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(depth @ 1..=DEEPEST_PIPELINE) => Ok(depth),
        _ => Err(format!("a pipeline is 1 to {DEEPEST_PIPELINE} deep")),
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=86_400.0).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds, 0.01 to 86400".to_owned()),
    }
}

/// The arguments of `compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// Which servers.
    #[command(flatten)]
    pub servers: Servers,
    /// What traffic.
    #[command(flatten)]
    pub shape: Shape,
    /// Where to write.
    #[command(flatten)]
    pub output: Output,
    /// Tests to run, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "get,set,incr,mset", value_parser = workloads::find, help = tests_help())]
    pub tests: Vec<&'static Test>,
    /// Requests in flight on each connection.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64", value_parser = depth)]
    pub pipeline: Vec<usize>,
    /// Rounds; each measures every server once in every test.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Seconds of one measurement.
    #[arg(long, default_value = "1", value_parser = seconds)]
    pub seconds: f64,
    /// Also measure bytes per key on fresh servers, with values of 16 and of 64 bytes.
    #[arg(long)]
    pub memory: bool,
    /// Keys for --memory.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1000..=1_000_000_000))]
    pub memory_keys: u64,
    /// A short check that servers answer as they must; sets tests, pipeline, keys, rounds and seconds.
    #[arg(long)]
    pub smoke: bool,
}

fn tests_help() -> String {
    format!("Tests to run, separated by commas:\n{}", workloads::listing())
}

impl Compare {
    /// With everything decided that was left open.
    #[must_use]
    pub fn settled(mut self) -> Compare {
        self.shape.settle();
        if self.smoke {
            self.tests.clone_from(
                &["ping", "get", "set", "incr"].map(|name| workloads::find(name).expect("in the table")).to_vec(),
            );
            self.pipeline = vec![1, 64];
            self.shape.keys = 10_000;
            self.rounds = 2;
            self.seconds = 0.15;
        }
        self
    }
}

/// The arguments of `load`.
#[derive(Debug, Args)]
pub struct LoadPlan {
    /// The server, as HOST:PORT.
    #[arg(value_parser = address)]
    pub server: SocketAddr,
    /// What traffic.
    #[command(flatten)]
    pub shape: Shape,
    /// The test.
    #[arg(long, default_value = "get", value_parser = workloads::find, help = tests_help())]
    pub test: &'static Test,
    /// Requests in flight on each connection.
    #[arg(long, default_value = "64", value_parser = depth)]
    pub pipeline: usize,
    /// How long.
    #[arg(long, default_value = "10", value_parser = seconds)]
    pub seconds: f64,
    /// Fill the keyspace first. This overwrites keys of that server.
    #[arg(long)]
    pub fill: bool,
    /// The process to charge, for CPU per request.
    #[arg(long)]
    pub pid: Option<u32>,
}

impl LoadPlan {
    /// With everything decided that was left open.
    #[must_use]
    pub fn settled(mut self) -> LoadPlan {
        self.shape.settle();
        self
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|error| format!("expected HOST:PORT: {error}"))?;
    found.next().ok_or_else(|| format!("{text} has no address"))
}

/// The arguments of `instructions`.
#[derive(Debug, Args)]
pub struct Instructions {
    /// Which servers.
    #[command(flatten)]
    pub servers: Servers,
    /// Where to write.
    #[command(flatten)]
    pub output: Output,
    /// Tests to count, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "get,set", value_parser = workloads::find, help = tests_help())]
    pub tests: Vec<&'static Test>,
    /// Requests in flight on each connection.
    #[arg(long, default_value = "64", value_parser = depth)]
    pub pipeline: usize,
    /// The shorter run; the longer one is twice as long.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1000..=100_000_000))]
    pub requests: u64,
    /// Connections.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Keys.
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    pub keys: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub value_size: u32,
    /// Keep the longer run's profile of each server and test in this directory, for callgrind_annotate.
    #[arg(long, value_name = "DIRECTORY")]
    pub profiles: Option<PathBuf>,
}

/// The arguments of `growth`.
#[derive(Debug, Args)]
pub struct Growth {
    /// Which servers.
    #[command(flatten)]
    pub servers: Servers,
    /// Where to write.
    #[command(flatten)]
    pub output: Output,
    /// Keys to fill.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub keys: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub value_size: u32,
    /// Requests in flight on each connection.
    #[arg(long, default_value = "64", value_parser = depth)]
    pub pipeline: usize,
    /// Connections.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub connections: u32,
    /// Fresh starts of each server.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Servers on CPU 0, the generator on CPU 1.
    #[arg(long)]
    pub pin: bool,
}

/// The arguments of `persistence`.
#[derive(Debug, Args)]
pub struct Persistence {
    /// Which servers. They should save nothing by themselves.
    #[command(flatten)]
    pub servers: Servers,
    /// Where to write.
    #[command(flatten)]
    pub output: Output,
    /// Keys to fill.
    #[arg(long, default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub keys: u64,
    /// Bytes of a value.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_048_576))]
    pub value_size: u32,
    /// Requests in flight on each connection while a snapshot is taken.
    #[arg(long, default_value = "16", value_parser = depth)]
    pub pipeline: usize,
    /// Fresh starts of each server.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// The generator on CPU 1.
    #[arg(long)]
    pub pin: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds() {
        Cli::command().debug_assert();
    }

    fn compare(arguments: &[&str]) -> Result<Compare, String> {
        let line = ["refrain-bench", "compare"].iter().chain(arguments);
        match Cli::try_parse_from(line).map_err(|error| error.to_string())?.task {
            Task::Compare(plan) => Ok(plan),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn lists_are_split_and_checked() {
        let plan = compare(&["--tests", "get,ping", "--pipeline", "1,7", "--peer", "a=x {port}"]).unwrap();
        assert_eq!(plan.tests.iter().map(|test| test.name).collect::<Vec<_>>(), ["get", "ping"]);
        assert_eq!(plan.pipeline, [1, 7]);
        assert_eq!(plan.servers.candidates().unwrap().len(), 2);
        for bad in [["--tests", "got"], ["--pipeline", "0"], ["--seconds", "nan"], ["--peer", "x"], ["--rounds", "0"]] {
            assert!(compare(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_must_differ() {
        let plan = compare(&["--peer", "refrain=x {port}"]).unwrap();
        assert!(plan.servers.candidates().is_err());
    }

    #[test]
    fn a_smoke_run_is_short_and_every_run_has_a_seed() {
        let plan = compare(&["--smoke", "--keys", "5000000"]).unwrap().settled();
        assert_eq!((plan.rounds, plan.shape.keys), (2, 10_000));
        assert!(plan.shape.seed.is_some());
        assert_eq!(compare(&["--seed", "7"]).unwrap().settled().shape.seed(), 7);
    }
}
