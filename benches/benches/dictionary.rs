//! What the dictionary costs a key when a million of them do not fit the cache: looked up one by one, where each miss is
//! waited for, and in groups whose misses overlap; overwritten; and inserted into a table that grows. Drawing a key and
//! hashing it is part of every figure.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use refrain_data::{Deadline, Dict, HashSeed, KeyHash, NewValue};

const KEYS: u64 = 1_000_000;
const SEED: HashSeed = HashSeed([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);
const VALUE: [u8; 64] = [b'x'; 64];

type Key = [u8; 16];

fn key(number: u64) -> Key {
    let mut key = *b"key:000000000000";
    let mut rest = number;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

fn filled(keys: u64) -> Dict {
    let mut dict = Dict::new(SEED);
    for number in 0..keys {
        let key = key(number);
        dict.set(SEED.hash(&key), &key, NewValue::Bytes(&VALUE), Deadline::Clear);
    }
    dict
}

/// Keys of the dictionary without order: a Weyl sequence, scaled to the range.
struct Draw(u64);

impl Draw {
    fn key(&mut self) -> Key {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        key(((u128::from(mixed) * u128::from(KEYS)) >> 64) as u64)
    }

    fn group(&mut self, size: usize, into: &mut Vec<(KeyHash, Key)>) {
        into.clear();
        into.extend((0..size).map(|_| {
            let key = self.key();
            (SEED.hash(&key), key)
        }));
    }
}

fn lookups(criterion: &mut Criterion) {
    let dict = filled(KEYS);
    let mut group = criterion.benchmark_group("dictionary/get");
    for size in [1_usize, 16, 64] {
        group.throughput(Throughput::Elements(size as u64));
        let (mut draw, mut keys) = (Draw(1), Vec::with_capacity(size));
        group.bench_function(BenchmarkId::from_parameter(format!("group of {size}")), |b| {
            b.iter(|| {
                draw.group(size, &mut keys);
                keys.iter().for_each(|&(hash, _)| dict.prefetch_bucket(hash));
                keys.iter().for_each(|&(hash, _)| dict.prefetch_entry(hash));
                let found = keys.iter().filter_map(|(hash, key)| dict.get(*hash, key));
                let bytes: usize = found.map(|entry| entry.value().len()).sum();
                assert_eq!(bytes, size * VALUE.len());
            });
        });
    }
    group.finish();
}

fn overwrites(criterion: &mut Criterion) {
    let mut dict = filled(KEYS);
    let mut group = criterion.benchmark_group("dictionary/set");
    group.throughput(Throughput::Elements(64));
    let (mut draw, mut keys) = (Draw(2), Vec::with_capacity(64));
    group.bench_function("overwrite, group of 64", |b| {
        b.iter(|| {
            draw.group(64, &mut keys);
            keys.iter().for_each(|&(hash, _)| dict.prefetch_bucket(hash));
            keys.iter().for_each(|&(hash, _)| dict.prefetch_entry(hash));
            for (hash, key) in &keys {
                dict.set(*hash, key, NewValue::Bytes(black_box(&VALUE)), Deadline::Clear);
            }
        });
    });
    assert_eq!(dict.len() as u64, KEYS, "the keys drawn were all there");
    group.finish();
}

fn growth(criterion: &mut Criterion) {
    const NEW: u64 = 100_000;
    let mut group = criterion.benchmark_group("dictionary/grow");
    group.throughput(Throughput::Elements(NEW));
    group.sample_size(10);
    group.bench_function("from empty to 100000", |b| {
        b.iter_batched(|| (), |()| filled(NEW), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = lookups, overwrites, growth
}
criterion_main!(benches);
