//! Histories and their checkers: was what the clients saw possible?
//!
//! A harness records what each client asked and was answered; this crate says whether some order of the operations, one
//! that respects who finished before whom, explains every answer ([linearizability][HW90]). It depends on nothing of the
//! engine, so the engine's mistakes cannot become its own. A verdict is a function of the history and the options only.
//!
//! ```
//! use refrain_jepsen::{Call, Clock, Condition, Expiry, History, ModelKind, Options, Reply, Verdict, check};
//!
//! let mut history = History::new(ModelKind::RedisString, Clock::default());
//! let set = Call::Set { value: b"1".to_vec(), when: Condition::Always, get: false, expiry: Expiry::None };
//! let id = history.invoke(0, 1_000, "k", set);
//! history.ok(id, 2_000, Reply::Done);
//! let id = history.invoke(1, 3_000, "k", Call::Get);
//! history.ok(id, 4_000, Reply::Nil);
//! assert!(matches!(check(&history, &Options::default()), Verdict::Illegal(_)));
//! ```
//!
//! # Outcomes
//!
//! An operation that was answered took effect between its call and its answer. One that certainly did not happen
//! ([`History::fail`]) is as if it had never been asked. One whose outcome is unknown ([`History::info`], or no end at all)
//! may have taken effect at any time after its call, also long after it was given up, or never; a read of unknown outcome
//! says nothing and is dropped.
//!
//! # Formats
//!
//! [`read()`] recognises three formats by their first line: logs of `jepsen.util` of one register; EDN events of a map with
//! get, put and append; and JSON lines, the format that [`History::to_json_lines`] writes, one event a line:
//!
//! ```text
//! {"refrain_history":1,"model":"redis-string","unix_origin_ns":1700000000000000000}
//! {"time":1000,"process":0,"type":"invoke","id":0,"f":"set","key":"k","value":"1","nx":true,"px":500}
//! {"time":2000,"process":0,"type":"ok","id":0,"f":"set","key":"k","value":true}
//! ```
//!
//! The header may be left out; then the model follows from the operations. In an event
//!
//! * `time` is in nanoseconds and never runs backwards; `unix_origin_ns` of the header is the Unix time of its zero;
//! * `process` is the client; `id` names the operation, and without it a client has one under way at a time;
//! * `type` is `invoke`, `ok`, `fail` (did not happen) or `info` (may have happened);
//! * `f`, `key` and the arguments belong to the invocation: `read`, `write value`, `cas [from, to]`; `get`, `put value`,
//!   `append value`; `set value` with `nx`, `xx` or `ifeq`, `get`, and `px`, `pxat` or `keepttl`; `incrby value`, `getdel`,
//!   `del`, `exists`, `pexpire` with `px` or `pxat`, `persist`, `pexpiretime`; for collections `lpush`, `rpush`, `sadd`, `srem`,
//!   `sismember`, `zscore`, `hget`, `hdel` and `xadd` with a `value`, `hset`, `zadd` and `hincrby` with two as a list of strings,
//!   `lpop`, `rpop`, `zpopmin`, `length`, `range` (of a list or stream, all of it). A completion may repeat `f` and `key`;
//! * `value` of an `ok` is the reply: none or null for nil, true for done (`OK`), false for a compare-and-set that found
//!   another value, a number, a string, or a list of strings (a stream's range: ids and values in turn). A byte string that is not UTF-8 is written `{"hex":"ff00"}`.
//!
//! # How it decides
//!
//! Each key is searched alone, by the algorithm of Wing and Gong with Lowe's linked list and memo, in turns of growing
//! length, so that one key with an explosion of orders cannot hide another that is illegal. Beyond the budgets the verdict
//! is `unknown`.
//!
//! ## The reductions lose nothing
//!
//! Call an order that completes a configuration a *completion*. The search prunes in four ways.
//!
//! *Free operations.* Let `r` be a candidate that only reads and is legal now, and take any completion. Moved to its front,
//! `r` is still legal, breaks no real-time order (it is a candidate), and the others meet the same states as before, since
//! `r` changed none where it stood. So it is enough to look for completions that begin with `r`. A write of the value that
//! is there already is not such an operation: where it stood, it may have been needed.
//!
//! *Twins.* Let `a` and `b` do the same, `a` called first, and returned first or neither ever. In a completion where `b` comes
//! before `a`, or without it, exchange or replace them: the states are the same and no interval is violated. So it is enough
//! to look for completions with `a` first.
//!
//! *Idle guesses.* Let `w` be of unknown outcome, placed last, and let the next operation `x` on its component lead to the
//! same state as it would have without `w`. Any completion behind `w, x` is one behind `x`, with `w` left over, which is allowed.
//! So `x` need not be tried there, provided that it is tried where `w` was not placed. It is, unless it is pruned there for
//! the same reason; that ends, because each time fewer operations are placed.
//!
//! *Outlook.* Let `r` have returned, and let it be illegal in the present state of its component and in all that grow out of
//! it, while every operation that was called before `r` returned only lets it grow. Nothing else can be placed before `r`, so
//! the configuration has no completion. A range of a stream forbids what is no beginning of it long before its turn comes.
//!
//! Together: of all visited configurations that have a completion take one, and a completion with the fewest operations of
//! unknown outcome, then the shortest, then with the fewest placed before it. Each rule turns it into one at least as small
//! in this order whose first step the search takes, to a visited configuration with a shorter completion: a contradiction,
//! unless the search has succeeded.
//!
//! ## Hash compaction
//!
//! The memo keeps 128-bit fingerprints instead of configurations: the XOR of fixed pseudo-random words, one for each
//! operation that is placed and one for each component's state. Two different configurations may share a fingerprint; then the
//! second is not explored. That can hide a legal order, never invent one: a history is called linearizable only when an order
//! was found. For `n` configurations the chance is about `n²/2¹²⁹`: 10⁹ of them, 16 GB of memo and far beyond the default
//! budget, give 1.5·10⁻²¹. The words do not depend on the history's content, so a history cannot steer towards collisions
//! except on purpose.
//!
//! [HW90]: https://doi.org/10.1145/78969.78972

mod check;
mod hashing;
pub mod history;
mod memo;
pub mod models;
mod report;
mod search;
pub mod transactions;
mod window;

pub use check::{Examination, Options, Reason, Verdict, check, examine};
pub use history::{Call, Clock, Condition, Expiry, History, OperationId, ReadError, Reply, read};
pub use models::ModelKind;
pub use report::{Detail, details};
pub use window::Explanation;
