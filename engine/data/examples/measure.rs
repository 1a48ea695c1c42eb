//! Measures the dictionary alone: `cargo run --release -p refrain-data --example measure [keys]`.
//!
//! Prints what an operation costs over many keys, in nanoseconds of CPU time (wall time where the kernel doesn't tell):
//! lookups one by one and in groups, inserts, a scan, a snapshot walk, removals; bytes a key by the logical accounts; and
//! the longest single operations in wall time, which on a busy machine includes its neighbours.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "a tool that measures time reads the clock")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use refrain_data::{Deadline, Dict, HashSeed, KeyHash, Lookup, NewValue};

const SEED: HashSeed = HashSeed([0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210]);
const LOOKUPS: usize = 4_000_000;

fn main() {
    let keys = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5_000_000);
    for value_bytes in [16, 64] {
        println!("{keys} keys of 16 bytes, values of {value_bytes}");
        let mut dict = insert(keys, value_bytes);
        keys_and_hashes(keys);
        for group in [1, 8, 32, 64] {
            lookups(&dict, keys, group);
        }
        misses(&dict, keys);
        overwrites(&mut dict, keys, value_bytes);
        scan(&dict);
        walk(&mut dict);
        remove(&mut dict, keys);
    }
}

fn insert(keys: usize, value_bytes: usize) -> Dict {
    let mut dict = Dict::new(SEED);
    let value = vec![b'v'; value_bytes];
    let mut slowest = Slowest::default();
    let begun = CpuTime::now();
    for number in 0..keys {
        let key = key(number);
        slowest.time(|| dict.set(SEED.hash(&key), &key, NewValue::parse(&value), Deadline::Keep));
    }
    print(&slowest.titled("insert"), begun.elapsed(), keys);
    println!("  {:<44} {:>8.1} bytes a key", "memory, logical", dict.memory() as f64 / keys as f64);
    println!("  {:<44} {:>8.1} bytes a key", "memory, resident", resident_bytes() / keys as f64);
    dict
}

fn lookups(dict: &Dict, keys: usize, group: usize) {
    let mut random = Random(42);
    let mut wanted: Vec<([u8; 16], KeyHash)> = Vec::with_capacity(group);
    let begun = CpuTime::now();
    for _ in 0..LOOKUPS / group {
        wanted.clear();
        for _ in 0..group {
            let key = key(random.below(keys));
            wanted.push((key, SEED.hash(&key)));
        }
        // Each pass is a short loop of its own: the fewer instructions between two prefetches, the more of them overlap.
        if group > 1 {
            for (_, hash) in &wanted {
                dict.prefetch_bucket(*hash);
            }
            for (_, hash) in &wanted {
                dict.prefetch_entry(*hash);
            }
        }
        for (key, hash) in &wanted {
            let entry = dict.get(*hash, key).expect("the key was inserted");
            black_box(entry.value().len());
        }
    }
    print(&format!("lookup, groups of {group}"), begun.elapsed(), LOOKUPS);
}

/// What the other measures contain beside the dictionary's own work.
fn keys_and_hashes(keys: usize) {
    let mut random = Random(42);
    let begun = CpuTime::now();
    for _ in 0..LOOKUPS {
        let key = key(random.below(keys));
        black_box(SEED.hash(&key));
    }
    print("making a key and hashing it, in all below", begun.elapsed(), LOOKUPS);
}

fn misses(dict: &Dict, keys: usize) {
    let begun = CpuTime::now();
    for number in 0..LOOKUPS {
        let key = key(keys + number);
        assert!(dict.get(SEED.hash(&key), &key).is_none());
    }
    print("lookup of an absent key, one by one", begun.elapsed(), LOOKUPS);
}

fn overwrites(dict: &mut Dict, keys: usize, value_bytes: usize) {
    let mut random = Random(43);
    let value = vec![b'w'; value_bytes];
    let begun = CpuTime::now();
    for _ in 0..LOOKUPS {
        let key = key(random.below(keys));
        match dict.lookup(SEED.hash(&key), &key) {
            Lookup::Occupied(mut entry) => entry.set_value(NewValue::parse(&value), Deadline::Keep),
            Lookup::Vacant(_) => unreachable!("the key was inserted"),
        }
    }
    print("overwrite, one by one", begun.elapsed(), LOOKUPS);
}

fn scan(dict: &Dict) {
    let (mut cursor, mut seen) = (0, 0);
    let begun = CpuTime::now();
    loop {
        cursor = dict.scan(cursor, 100, &mut |entry| seen += usize::from(!black_box(entry.key()).is_empty()));
        if cursor == 0 {
            break;
        }
    }
    print("scan, 100 a call", begun.elapsed(), seen);
}

fn walk(dict: &mut Dict) {
    let walk = dict.begin_walk().expect("no other walk is active");
    let mut seen = 0;
    let mut slowest = Slowest::default();
    let begun = CpuTime::now();
    while !slowest
        .time(|| dict.walk_slice(walk, 1000, &mut |entry| seen += usize::from(!black_box(entry.key()).is_empty())).done)
    {
    }
    dict.end_walk(walk);
    print(&slowest.titled("walk, slices of 1,000 units"), begun.elapsed(), seen);
}

fn remove(dict: &mut Dict, keys: usize) {
    let mut slowest = Slowest::default();
    let begun = CpuTime::now();
    for number in 0..keys {
        let key = key(number);
        slowest.time(|| dict.remove(SEED.hash(&key), &key));
    }
    print(&slowest.titled("remove"), begun.elapsed(), keys);
}

fn key(number: usize) -> [u8; 16] {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key.iter_mut().rev() {
        if rest == 0 {
            break;
        }
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

fn print(what: &str, took: Duration, operations: usize) {
    println!("  {what:<44} {:>8.1} ns", took.as_nanos() as f64 / operations as f64);
}

/// A point in the CPU time of this thread.
struct CpuTime {
    cpu: Option<u64>,
    wall: Instant,
}

impl CpuTime {
    fn now() -> Self {
        let cpu = std::fs::read_to_string("/proc/thread-self/schedstat")
            .ok()
            .and_then(|text| text.split_whitespace().next()?.parse().ok());
        CpuTime { cpu, wall: Instant::now() }
    }

    fn elapsed(&self) -> Duration {
        match (self.cpu, CpuTime::now().cpu) {
            (Some(begun), Some(now)) => Duration::from_nanos(now - begun),
            _ => self.wall.elapsed(),
        }
    }
}

/// The longest of many short times; above it, how many were longer than 100 µs.
#[derive(Default)]
struct Slowest {
    longest: Duration,
    above_100_us: usize,
}

impl Slowest {
    fn time<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = work();
        let took = begun.elapsed();
        self.longest = self.longest.max(took);
        self.above_100_us += usize::from(took > Duration::from_micros(100));
        result
    }

    fn titled(&self, what: &str) -> String {
        format!("{what} (max {} µs, {} > 100 µs)", self.longest.as_micros(), self.above_100_us)
    }
}

/// The process's resident memory, as the kernel tells it; 0 elsewhere than on Linux.
fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) * 1024.0
}

/// A linear congruential sequence.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * bound as u128) >> 64) as usize
    }
}
