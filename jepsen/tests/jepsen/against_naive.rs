//! The checker's verdict is the naive oracle's, for every model, on honest histories and on lies.

use proptest::collection::vec;
use proptest::prelude::*;
use refrain_jepsen::history::Outcome;
use refrain_jepsen::{Call, Expiry, History, ModelKind, Options, Verdict, check};

use crate::generate::{Deadlines, Shape, honest, lie, retell};
use crate::naive::{MS, is_linearizable};

/// A bound on every answer, and on the questions that shrink a failure: one that is slow to judge must not take hours to tell.
const STEPS_MAX: u64 = 10_000_000;
const SHRINK_ITERATIONS_MAX: u32 = 500;

fn verdict(history: &History, whole: bool) -> bool {
    let options = Options { whole, clock_tolerance_ns: 0, steps_max: STEPS_MAX, ..Options::default() };
    match check(history, &options) {
        Verdict::Linearizable => true,
        Verdict::Illegal(_) => false,
        Verdict::Unknown(reason) => panic!("a small history is decided: {reason}"),
    }
}

const MODELS: [ModelKind; 3] = [ModelKind::Register, ModelKind::KeyValue, ModelKind::RedisString];

fn untimed(operations: usize) -> impl Strategy<Value = Shape> {
    let shape = move |model| Shape { model, deadlines: Deadlines::None, keys: 1, operations, collection: 0 };
    proptest::sample::select(MODELS.as_slice()).prop_map(shape)
}

fn collections(collection: u8, operations: usize) -> Shape {
    let model = ModelKind::RedisCollection;
    Shape { model, deadlines: Deadlines::None, keys: 1, operations, collection }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: SHRINK_ITERATIONS_MAX,
        ..ProptestConfig::with_cases(3000)
    })]

    #[test]
    fn an_atomic_object_is_linearizable(shape in untimed(40), bytes in vec(any::<u8>(), 0..400)) {
        let history = honest(shape, &bytes);
        prop_assert!(verdict(&history, false), "{}", history.to_json_lines());
    }

    #[test]
    fn verdicts_are_exact_without_time(shape in untimed(7), bytes in vec(any::<u8>(), 0..80), lies in vec(any::<u8>(), 4)) {
        let history = lie(&honest(shape, &bytes), &lies);
        prop_assert_eq!(verdict(&history, false), is_linearizable(&history), "{}", history.to_json_lines());
    }

    #[test]
    fn verdicts_are_exact_with_absolute_deadlines(bytes in vec(any::<u8>(), 0..70), lies in vec(any::<u8>(), 4)) {
        let shape = Shape { model: ModelKind::RedisString, deadlines: Deadlines::Absolute, keys: 1, operations: 5, collection: 0 };
        let history = lie(&honest(shape, &bytes), &lies);
        let (judged, right) = (verdict(&history, false), is_linearizable(&history));
        prop_assert!(judged || !right, "{}", history.to_json_lines());
        // A deadline that may have passed before it was set leaves the checker more lenient (see the model).
        prop_assert!(right || !judged || sets_past_deadlines(&history), "{}", history.to_json_lines());
    }

    #[test]
    fn no_false_alarm_with_relative_deadlines(bytes in vec(any::<u8>(), 0..70), lies in vec(any::<u8>(), 4)) {
        let shape = Shape { model: ModelKind::RedisString, deadlines: Deadlines::Any, keys: 1, operations: 5, collection: 0 };
        let told = honest(shape, &bytes);
        prop_assert!(verdict(&told, false), "{}", told.to_json_lines());
        let history = lie(&told, &lies);
        prop_assert!(!is_linearizable(&history) || verdict(&history, false), "{}", history.to_json_lines());
    }

    #[test]
    fn atomic_collections_are_linearizable(collection in 0u8..5, bytes in vec(any::<u8>(), 0..400)) {
        let history = honest(collections(collection, 40), &bytes);
        prop_assert!(verdict(&history, false), "{}", history.to_json_lines());
    }

    /// Streams apart, whose ids the oracle chooses more strictly than it must.
    #[test]
    fn verdicts_are_exact_of_collections(collection in 0u8..4, bytes in vec(any::<u8>(), 0..80), lies in vec(any::<u8>(), 4)) {
        let history = lie(&honest(collections(collection, 7), &bytes), &lies);
        prop_assert_eq!(verdict(&history, false), is_linearizable(&history), "{}", history.to_json_lines());
    }

    #[test]
    fn no_false_alarm_of_streams(bytes in vec(any::<u8>(), 0..80), lies in vec(any::<u8>(), 4)) {
        let history = lie(&honest(collections(4, 7), &bytes), &lies);
        prop_assert!(!is_linearizable(&history) || verdict(&history, false), "{}", history.to_json_lines());
    }

    /// What the report claims of the core and of the prefix is true.
    #[test]
    fn explanations_are_true(shape in untimed(7), bytes in vec(any::<u8>(), 0..80), lies in vec(any::<u8>(), 4)) {
        let history = lie(&honest(shape, &bytes), &lies);
        if let Verdict::Illegal(told) = check(&history, &Options::default()) {
            let core = retell(&history, told.end, |index, _, reply| told.core.contains(&index).then(|| reply.clone()));
            prop_assert!(!is_linearizable(&core), "{told:?}\n{}", history.to_json_lines());
            let shorter = retell(&history, told.end - 1, |_, _, reply| Some(reply.clone()));
            prop_assert!(is_linearizable(&shorter), "{told:?}\n{}", history.to_json_lines());
        }
    }

    #[test]
    fn the_whole_is_the_sum_of_its_keys(model in proptest::sample::select(MODELS.as_slice()),
                                        bytes in vec(any::<u8>(), 0..200), lies in vec(any::<u8>(), 4)) {
        let deadlines = if model == ModelKind::RedisString { Deadlines::Any } else { Deadlines::None };
        let history = lie(&honest(Shape { model, deadlines, keys: 3, operations: 16, collection: 0 }, &bytes), &lies);
        prop_assert_eq!(verdict(&history, true), verdict(&history, false), "{}", history.to_json_lines());
    }
}

fn sets_past_deadlines(history: &History) -> bool {
    history.operations().iter().any(|op| {
        let (Call::Set { expiry: Expiry::At { unix_ms }, .. } | Call::Expire { expiry: Expiry::At { unix_ms } }) =
            op.call
        else {
            return false;
        };
        !matches!(&op.outcome, Outcome::Ok(moment, _) if moment.time <= unix_ms.unsigned_abs() * MS)
    })
}

/// The properties above would hold vacuously if lies were never found out, or always.
#[test]
fn lies_are_of_both_kinds() {
    let shapes = MODELS.map(|model| Shape { model, ..collections(0, 7) });
    for shape in shapes.into_iter().chain((0..5).map(|collection| collections(collection, 7))) {
        let mut illegal = 0;
        let mut seed = 1u64;
        let mut bytes = || -> Vec<u8> {
            (0..80)
                .map(|_| {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 33) as u8
                })
                .collect()
        };
        for _ in 0..500 {
            let history = lie(&honest(shape, &bytes()), &bytes());
            illegal += usize::from(!is_linearizable(&history));
        }
        assert!((100..450).contains(&illegal), "{shape:?}: {illegal} of 500 lies are illegal");
    }
}
