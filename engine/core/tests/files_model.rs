//! Commands, changes, time and reports of the node at random, against a naive model of what is under way, what waits, and what
//! is refused.

mod fixture;

use fixture::Bench;
use proptest::prelude::*;
use refrain_core::{AofReport, Ask, Config, Purpose, SessionId};

/// Something that happens.
#[derive(Debug, Clone)]
enum Step {
    Changes(u64),
    Pass(u64),
    Bgsave(bool),
    Rewrite,
    Flush,
    /// The node takes the moment of what is under way.
    Begins,
    Ends(bool),
    SavePoints(bool),
    Grows(u64),
    ResetStat,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u64..6).prop_map(Step::Changes),
        4 => prop::sample::select(vec![100, 900, 1500, 5_100, 61_000, 130_000]).prop_map(Step::Pass),
        2 => any::<bool>().prop_map(Step::Bgsave),
        2 => Just(Step::Rewrite),
        1 => Just(Step::Flush),
        2 => Just(Step::Begins),
        6 => any::<bool>().prop_map(Step::Ends),
        1 => any::<bool>().prop_map(Step::SavePoints),
        2 => (0u64..500).prop_map(Step::Grows),
        1 => Just(Step::ResetStat),
    ]
}

/// The one rule that is configured: after so many seconds, so many changes.
const SECONDS: u64 = 2;
const CHANGES: u64 = 4;

/// The append-only file is rewritten when it is larger than this, and twice as large as its base.
const MIN_SIZE: u64 = 100;
const BASE: u64 = 90;

/// Who wants a save: what nobody but a flush wants is in no client's way.
#[derive(Debug, Clone, Copy, PartialEq)]
enum For {
    Anybody,
    Flush,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    /// Changes that it holds.
    moment: u64,
    whom: For,
    cancelled: bool,
}

#[derive(Debug, Default)]
struct Model {
    now_ms: u64,
    points: bool,
    /// Changes in all, and of these what the last snapshot holds.
    changes: u64,
    saved: u64,
    saving: Option<UnderWay>,
    rewriting: Option<UnderWay>,
    /// A save waits, and whom it is for.
    save_waits: Option<For>,
    rewrite_waits: bool,
    last_save_ms: u64,
    tried_ms: u64,
    save_failed: bool,
    /// Changes that come to count again if the save after a flush fails.
    excused: u64,
    rewrite_failures: u64,
    delay_minutes: u64,
    not_before_ms: Option<u64>,
    size: u64,
    asks: Vec<Ask>,
}

impl Model {
    fn begin(&mut self, purpose: Purpose) {
        let under_way = |whom| UnderWay { moment: self.changes, whom, cancelled: false };
        if purpose == Purpose::Save {
            self.saving = Some(under_way(self.save_waits.take().unwrap_or(For::Anybody)));
            self.tried_ms = self.now_ms;
            self.asks.push(Ask::Snapshot);
        } else {
            self.rewriting = Some(under_way(For::Anybody));
            self.rewrite_waits = false;
            self.asks.push(Ask::Rewrite);
        }
    }

    fn is_idle(&self) -> bool {
        self.saving.is_none() && self.rewriting.is_none()
    }

    /// Whether clients find a save under way.
    fn shows_save(&self) -> bool {
        let of_flush = |saving: UnderWay| saving.whom == For::Flush;
        self.saving
            .is_some_and(|saving| !of_flush(saving) || (saving.cancelled && self.save_waits == Some(For::Anybody)))
    }

    fn cancel_save(&mut self) {
        if let Some(saving) = self.saving.as_mut().filter(|saving| !saving.cancelled) {
            saving.cancelled = true;
            self.asks.push(Ask::Cancel(Purpose::Save));
        }
    }

    /// What the node has at work.
    fn at_work(&mut self) -> Option<(Purpose, &mut UnderWay)> {
        match (&mut self.saving, &mut self.rewriting) {
            (Some(saving), _) => Some((Purpose::Save, saving)),
            (None, Some(rewriting)) => Some((Purpose::Rewrite, rewriting)),
            (None, None) => None,
        }
    }

    fn may_save(&self) -> bool {
        !self.save_failed || self.now_ms - self.tried_ms > 5000
    }

    fn may_rewrite(&mut self) -> bool {
        if self.rewrite_failures < 3 {
            (self.delay_minutes, self.not_before_ms) = (0, None);
            return true;
        }
        match self.not_before_ms {
            Some(at) if self.now_ms < at => false,
            Some(_) => {
                self.not_before_ms = None;
                true
            }
            None => {
                self.delay_minutes = (self.delay_minutes * 2).clamp(1, 60);
                self.not_before_ms = Some(self.now_ms + self.delay_minutes * 60_000);
                false
            }
        }
    }

    fn begin_rewrite_that_waits(&mut self) {
        if self.rewrite_waits && self.is_idle() && self.may_rewrite() {
            self.begin(Purpose::Rewrite);
        }
    }

    fn begin_save_that_waits(&mut self) {
        if self.save_waits.is_some() && self.is_idle() && self.may_save() {
            self.begin(Purpose::Save);
        }
    }

    fn tick(&mut self) {
        self.begin_rewrite_that_waits();
        let due = self.changes - self.saved >= CHANGES && self.now_ms - self.last_save_ms > SECONDS * 1000;
        // While writes are refused nothing changes, so that no save point would be reached.
        if self.is_idle() && self.points && (due || self.refuses()) && self.may_save() {
            self.begin(Purpose::Save);
        }
        let grown = self.size > MIN_SIZE && self.size * 100 / BASE - 100 >= 100;
        if self.is_idle() && grown && self.may_rewrite() {
            self.begin(Purpose::Rewrite);
        }
        self.begin_save_that_waits();
    }

    fn flush(&mut self) {
        self.changes += 1;
        self.cancel_save();
        if self.points {
            self.excused += self.changes - self.saved;
            self.saved = self.changes;
            self.save_waits.get_or_insert(For::Flush);
            self.begin_rewrite_that_waits();
            self.begin_save_that_waits();
        }
    }

    fn end(&mut self, good: bool) {
        let Some((purpose, &mut under_way)) = self.at_work() else { return };
        match purpose {
            Purpose::Save => self.saving = None,
            Purpose::Rewrite => self.rewriting = None,
        }
        match (purpose, good) {
            // Stopped as was wished: neither good nor bad.
            (_, false) if under_way.cancelled => {}
            (Purpose::Save, true) => {
                (self.last_save_ms, self.save_failed) = (self.now_ms, false);
                if under_way.moment >= self.saved {
                    (self.saved, self.excused) = (under_way.moment, 0);
                }
            }
            (Purpose::Save, false) => {
                self.save_failed |= under_way.whom != For::Flush;
                self.saved -= std::mem::take(&mut self.excused);
            }
            (Purpose::Rewrite, true) => self.rewrite_failures = 0,
            (Purpose::Rewrite, false) => self.rewrite_failures += 1,
        }
        self.begin_rewrite_that_waits();
        self.begin_save_that_waits();
    }

    /// Whether writes are refused.
    fn refuses(&self) -> bool {
        self.points && self.save_failed
    }
}

struct Pair {
    bench: Bench,
    client: SessionId,
    model: Model,
}

impl Pair {
    fn new() -> Pair {
        let mut bench = Bench::new(Config::default(), None);
        let client = bench.connect();
        let set = format!("save \"{SECONDS} {CHANGES}\" auto-aof-rewrite-min-size {MIN_SIZE} appendonly yes");
        assert_eq!(bench.ask(client, &format!("CONFIG SET {set}")), "+OK\r\n");
        let mut pair = Pair { bench, client, model: Model { points: true, ..Model::default() } };
        pair.bench.engine.aof_reported(AofReport { enabled: true, ..AofReport::default() });
        pair.model.begin(Purpose::Rewrite);
        pair.end(true);
        pair
    }

    fn end(&mut self, good: bool) {
        if let Some((purpose, under_way)) = self.model.at_work() {
            match good {
                false if under_way.cancelled => self.bench.engine.snapshot_cancelled(purpose),
                _ => self.bench.engine.snapshot_ended(purpose, good.then_some(()).ok_or_else(|| "why".to_owned())),
            }
        }
        self.model.end(good);
    }

    /// A command, and how its reply begins.
    fn ask(&mut self, line: &str, reply: &str) -> Result<(), TestCaseError> {
        let got = self.bench.ask(self.client, line);
        prop_assert!(got.starts_with(reply), "{line}: {got}");
        Ok(())
    }

    fn play(&mut self, step: &Step) -> Result<(), TestCaseError> {
        let refused = self.model.refuses();
        match *step {
            Step::Changes(changes) => {
                for _ in 0..changes {
                    self.ask("INCR n", if refused { "-MISCONF" } else { ":" })?;
                    self.model.changes += u64::from(!refused);
                }
            }
            Step::Pass(ms) => {
                self.bench.advance_ms(ms);
                self.model.now_ms += ms;
                self.bench.tick();
                self.model.tick();
            }
            Step::Bgsave(schedule) => {
                let line = if schedule { "BGSAVE SCHEDULE" } else { "BGSAVE" };
                let model = &mut self.model;
                let reply = if model.shows_save() {
                    "-ERR Background save already in progress"
                } else if model.rewriting.is_some() && !schedule {
                    "-ERR Another child process"
                } else if model.rewriting.is_some() {
                    model.save_waits = Some(For::Anybody);
                    "+Background saving scheduled"
                } else if model.saving.is_some() {
                    model.save_waits = Some(For::Anybody);
                    model.cancel_save();
                    "+Background saving started"
                } else {
                    model.save_waits = None;
                    model.begin(Purpose::Save);
                    "+Background saving started"
                };
                self.ask(line, reply)?;
            }
            Step::Rewrite => {
                let model = &mut self.model;
                let reply = if model.rewriting.is_some() {
                    "-ERR Background append only file rewriting already"
                } else if model.shows_save() {
                    (model.rewrite_waits, model.rewrite_failures) = (true, 0);
                    "+Background append only file rewriting scheduled"
                } else {
                    model.begin(Purpose::Rewrite);
                    "+Background append only file rewriting started"
                };
                self.ask("BGREWRITEAOF", reply)?;
            }
            Step::Flush => {
                self.ask("FLUSHALL", if refused { "-MISCONF" } else { "+OK" })?;
                if !refused {
                    self.model.flush();
                }
            }
            Step::Begins => {
                let changes = self.model.changes;
                if let Some((purpose, under_way)) = self.model.at_work() {
                    under_way.moment = changes;
                    self.bench.engine.snapshot_began(purpose, 1);
                }
            }
            Step::Ends(good) => self.end(good),
            Step::SavePoints(points) => {
                let rule = if points { format!("{SECONDS} {CHANGES}") } else { String::new() };
                self.ask(&format!("CONFIG SET save \"{rule}\""), "+OK")?;
                self.model.points = points;
            }
            Step::Grows(size) => {
                let report = AofReport { enabled: true, current_size: size, base_size: BASE, ..AofReport::default() };
                self.bench.engine.aof_reported(report);
                self.model.size = size;
            }
            Step::ResetStat => {
                self.ask("CONFIG RESETSTAT", "+OK")?;
                self.model.rewrite_failures = 0;
            }
        }
        Ok(())
    }

    fn compare(&mut self) -> Result<(), TestCaseError> {
        let text = self.bench.engine.ask(&[b"INFO", b"persistence"]).expect("it only reads");
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.expect("the field is there").to_owned()
        };
        let model = &self.model;
        let flag = |is: bool| u8::from(is).to_string();
        prop_assert_eq!(field("rdb_changes_since_last_save"), (model.changes - model.saved).to_string());
        prop_assert_eq!(field("rdb_bgsave_in_progress"), flag(model.saving.is_some()));
        prop_assert_eq!(field("aof_rewrite_in_progress"), flag(model.rewriting.is_some()));
        prop_assert_eq!(field("aof_rewrite_scheduled"), flag(model.rewrite_waits));
        prop_assert_eq!(field("rdb_last_bgsave_status"), if model.save_failed { "err" } else { "ok" });
        prop_assert_eq!(field("aof_rewrites_consecutive_failures"), model.rewrite_failures.to_string());
        prop_assert_eq!(field("rdb_last_save_time"), (1_700_000_000 + model.last_save_ms / 1000).to_string());
        prop_assert_eq!(&self.bench.engine.effects().asks, &model.asks);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_under_way_waits_or_is_refused_is_what_the_model_says(steps in prop::collection::vec(step(), 1..60)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.play(step)?;
            pair.compare()?;
        }
    }
}
