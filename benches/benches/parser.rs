//! What the request parser costs a command: pipelines that lie complete in the buffer, as they do in a busy round, and a
//! big command that arrives in pieces.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use refrain_resp::{Limits, Parsed, RequestParser};

const DEPTH: u64 = 64;

/// `DEPTH` commands in wire form.
fn pipeline(command: impl Fn(u64) -> Vec<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for number in 0..DEPTH {
        let arguments = command(number);
        bytes.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
        for argument in arguments {
            bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
            bytes.extend_from_slice(&argument);
            bytes.extend_from_slice(b"\r\n");
        }
    }
    bytes
}

fn key(number: u64) -> Vec<u8> {
    format!("key:{number:012}").into_bytes()
}

/// Parses everything in `bytes` and returns how many commands it was.
fn parse_all(bytes: &[u8], limits: &Limits) -> u64 {
    let mut parser = RequestParser::new();
    let mut arguments = Vec::with_capacity(1024);
    let (mut at, mut commands) = (0, 0);
    while at < bytes.len() {
        match parser.parse(&bytes[at..], &mut arguments, limits) {
            Ok(Parsed::Command { consumed, .. }) => {
                at += consumed;
                commands += 1;
            }
            other => panic!("a complete pipeline parses: {other:?}"),
        }
    }
    black_box(&arguments);
    commands
}

fn complete(criterion: &mut Criterion) {
    let value = vec![b'x'; 64];
    let shapes = [
        ("ping", pipeline(|_| vec![b"PING".to_vec()])),
        ("get", pipeline(|number| vec![b"GET".to_vec(), key(number)])),
        ("set", pipeline(|number| vec![b"SET".to_vec(), key(number), value.clone()])),
        (
            "mset-10",
            pipeline(|number| {
                let pairs = (0..10).flat_map(|at| [key(number * 10 + at), value.clone()]);
                std::iter::once(b"MSET".to_vec()).chain(pairs).collect()
            }),
        ),
    ];
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("parser/complete");
    group.throughput(Throughput::Elements(DEPTH));
    for (name, bytes) in &shapes {
        assert_eq!(parse_all(bytes, &limits), DEPTH);
        group.bench_with_input(BenchmarkId::from_parameter(name), bytes, |b, bytes| {
            b.iter(|| parse_all(black_box(bytes), &limits));
        });
    }
    group.finish();
}

/// A value of a megabyte that comes in reads of 16 KiB: must cost its length, not its square.
fn in_pieces(criterion: &mut Criterion) {
    let mut bytes = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n".to_vec();
    bytes.resize(bytes.len() + (1 << 20), b'x');
    bytes.extend_from_slice(b"\r\n");
    let limits = Limits::default();
    let mut group = criterion.benchmark_group("parser/pieces");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("1 MiB in 16 KiB", |b| {
        b.iter(|| {
            let mut parser = RequestParser::new();
            let mut arguments = Vec::new();
            let mut end = 0;
            loop {
                end = (end + (16 << 10)).min(bytes.len());
                match parser.parse(black_box(&bytes[..end]), &mut arguments, &limits) {
                    Ok(Parsed::Command { consumed, .. }) => break consumed,
                    Ok(Parsed::Incomplete { .. }) => {}
                    other => panic!("a valid command: {other:?}"),
                }
            }
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = complete, in_pieces
}
criterion_main!(benches);
