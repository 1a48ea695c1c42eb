//! Measures sets alone: `cargo run --release -p refrain-data --example measure_sets [members]`.
//!
//! Prints what an operation costs in nanoseconds of CPU time a member: adding, looking up, removing, drawing, combining;
//! and bytes a member by the logical accounts.
#![expect(clippy::disallowed_methods, reason = "a tool that measures time reads what the kernel says of it")]

use std::hint::black_box;

use refrain_data::{
    Collection, HashSeed, Set, SetLimits, SetRef, difference, intersection, set_of_union, uniform_index, union,
};

const LIMITS: SetLimits =
    SetLimits { int_entries: 512, entries: 128, value_bytes: 64, seed: HashSeed([0x0123_4567, 0xFEDC_BA98]) };

/// How sets are combined.
type Combine = dyn Fn(&[SetRef<'_>], &mut dyn FnMut(refrain_data::Value<'_>) -> bool);

fn main() {
    let members = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    println!("{members} members like element:000000123456");
    let mut set = Set::empty();
    report("insert, in order of their names", members, || {
        (0..members).for_each(|number| {
            set.insert(&member(number), &LIMITS);
        });
    });
    let (Set::Large(large), len) = (&set, set.len()) else { panic!("large") };
    println!("  {:<44} {:>8.1} bytes a member", "memory, logical", large.memory() as f64 / len as f64);
    let mut random = Random(7);
    report("insert of what is there, at random", members, || {
        (0..members).for_each(|_| {
            set.insert(&member(random.below(members)), &LIMITS);
        });
    });
    report("contains, half are there, at random", members, || {
        (0..members).for_each(|_| {
            black_box(set.view().contains(&member(random.below(2 * members))));
        });
    });
    report("draw one", members, || {
        (0..members).for_each(|_| {
            black_box(set.view().at(uniform_index(random.next(), members)));
        });
    });
    report("walk", members, || {
        black_box(set.view().iter().map(|member| member.len()).sum::<usize>());
    });
    for divisor in [1000, 100, 10, 1] {
        let mut other = Set::empty();
        (0..members / divisor).for_each(|number| {
            other.insert(&member(number * divisor + divisor / 2), &LIMITS);
        });
        let views = [set.view(), other.view()];
        let count = other.len();
        let visits = |combine: &Combine| {
            let mut visits = 0usize;
            combine(&views, &mut |_| {
                visits += 1;
                true
            });
            black_box(visits);
        };
        report(&format!("intersection with {count}"), count, || visits(&|sets, visit| intersection(sets, visit)));
        report("difference, a member of the first", members, || visits(&|sets, visit| difference(sets, visit)));
        report("union, a member of the second", count, || visits(&|sets, visit| union(sets, visit)));
        report("union as a set, a member of the second", count, || {
            black_box(set_of_union(&views, &LIMITS).len());
        });
    }
    let snapshot = set.view().to_set();
    report("remove at random, under a snapshot", members / 10, || {
        (0..members / 10).for_each(|_| {
            set.remove(&member(random.below(members)));
        });
    });
    drop(snapshot);
    report("remove the rest by drawing", set.len(), || {
        while !set.is_empty() {
            let index = uniform_index(random.next(), set.len());
            set.remove_at(index, |_| ());
        }
    });
    for count in [4, 32, 128] {
        let mut small = Set::empty();
        (0..count).for_each(|number| {
            small.insert(&member(number), &LIMITS);
        });
        report(&format!("contains in a packed set of {count}"), 1_000_000, || {
            (0..1_000_000).for_each(|_| {
                black_box(small.view().contains(&member(random.below(2 * count))));
            });
        });
    }
}

fn member(number: usize) -> Vec<u8> {
    format!("element:{number:012}").into_bytes()
}

fn report(what: &str, count: usize, run: impl FnOnce()) {
    let begun = cpu_ns();
    run();
    println!("  {what:<44} {:>8.1} ns", (cpu_ns() - begun) as f64 / count.max(1) as f64);
}

/// What the kernel says that this thread has run.
fn cpu_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        uniform_index(self.next(), bound)
    }
}
