//! What a round of the engine costs a command, without sockets: fifty clients, each with a pipeline, keys from a million.
//!
//! The clock and the tick counter stand still, so what a clock costs in production is not in these figures.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use refrain_core::{Config, Engine, Hooks, Input, Now, Origin, ProcessReport, SessionId};

const CLIENTS: usize = 50;
const KEYS: u64 = 1_000_000;

/// A world in which nothing happens by itself.
struct Still;

impl Hooks for Still {
    fn now(&self) -> Now {
        Now { unix_us: 1_700_000_000_000_000, mono_us: 1_000_000 }
    }

    fn ticks(&self) -> u64 {
        0
    }

    fn ticks_per_second(&self) -> u64 {
        1_000_000_000
    }

    fn work(&self, _units: u64) {}

    fn entropy(&self) -> u64 {
        0x9E37_79B9_7F4A_7C15
    }

    fn process(&self) -> ProcessReport {
        ProcessReport::default()
    }
}

/// What all clients send in one round.
#[derive(Default)]
struct Traffic {
    arena: Vec<u8>,
    inputs: Vec<Input>,
}

struct Bench {
    engine: Engine<Still>,
    clients: Vec<SessionId>,
}

impl Bench {
    /// An engine with fifty clients and `KEYS` keys of 64 bytes.
    fn filled() -> Bench {
        let mut engine = Engine::new(Config::default(), Still);
        let origin = Origin {
            remote: "127.0.0.1:1".to_owned(),
            local: "127.0.0.1:6379".to_owned(),
            is_local: true,
            is_unix: false,
            descriptor: -1,
        };
        let clients: Vec<SessionId> =
            (0..CLIENTS).map(|_| engine.connect(origin.clone()).expect("fifty clients are few")).collect();
        let mut bench = Bench { engine, clients };
        let mut number = 0;
        while number < KEYS {
            let traffic = bench.traffic(16, |arena| {
                set(arena, number);
                number += 1;
            });
            bench.round(&traffic);
        }
        bench
    }

    /// `depth` commands of every client.
    fn traffic(&self, depth: usize, mut command: impl FnMut(&mut Vec<u8>)) -> Traffic {
        let mut traffic = Traffic::default();
        for &session in &self.clients {
            let start = traffic.arena.len();
            for _ in 0..depth {
                command(&mut traffic.arena);
            }
            let end = traffic.arena.len();
            traffic.inputs.push(Input { session, bytes: Some(start..end), len: end - start });
        }
        traffic
    }

    /// Executes all of it and takes the replies away; returns their bytes.
    fn round(&mut self, traffic: &Traffic) -> usize {
        self.engine.round(&traffic.arena, &traffic.inputs);
        let mut bytes = self.drain();
        while self.engine.is_runnable() {
            self.engine.round(&[], &[]);
            bytes += self.drain();
        }
        bytes
    }

    fn drain(&mut self) -> usize {
        let attended = self.engine.take_attended();
        let mut bytes = 0;
        for &session in &attended {
            let unsent = black_box(self.engine.unsent(session)).len();
            self.engine.sent(session, unsent);
            bytes += unsent;
        }
        self.engine.recycle_attended(attended);
        bytes
    }
}

/// A number below `KEYS`, without order.
fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (*state ^ (*state >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    ((u128::from(mixed) * u128::from(KEYS)) >> 64) as u64
}

fn digits(arena: &mut [u8], mut number: u64) {
    for digit in arena.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

fn get(arena: &mut Vec<u8>, number: u64) {
    arena.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000000\r\n");
    let end = arena.len() - 2;
    digits(&mut arena[end - 12..end], number);
}

fn set(arena: &mut Vec<u8>, number: u64) {
    arena.extend_from_slice(b"*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000000\r\n");
    let end = arena.len() - 2;
    digits(&mut arena[end - 12..end], number);
    arena.extend_from_slice(b"$64\r\n");
    arena.extend_from_slice(&[b'x'; 64]);
    arena.extend_from_slice(b"\r\n");
}

/// A name, what writes one command, and how long its reply is.
type Command = (&'static str, fn(&mut Vec<u8>, u64), usize);

const COMMANDS: [Command; 3] = [
    ("ping", |arena, _| arena.extend_from_slice(b"*1\r\n$4\r\nPING\r\n"), b"+PONG\r\n".len()),
    ("get", get, b"$64\r\n".len() + 66),
    ("set", set, b"+OK\r\n".len()),
];

fn rounds(criterion: &mut Criterion) {
    // Cells, because criterion wants to borrow the writing of requests and the measured round at once.
    let bench = RefCell::new(Bench::filled());
    let state = Cell::new(1);
    let mut group = criterion.benchmark_group("engine");
    for (name, command, reply) in COMMANDS {
        for depth in [1, 16, 64] {
            let requests = || {
                bench.borrow().traffic(depth, |arena| {
                    let mut next = state.get();
                    command(arena, draw(&mut next));
                    state.set(next);
                })
            };
            group.throughput(Throughput::Elements((CLIENTS * depth) as u64));
            group.bench_function(BenchmarkId::new(name, format!("50 clients, P={depth}")), |b| {
                b.iter_batched_ref(
                    requests,
                    |traffic| assert_eq!(bench.borrow_mut().round(traffic), CLIENTS * depth * reply),
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = rounds
}
criterion_main!(benches);
