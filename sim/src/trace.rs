//! What happened, as a rolling hash and, if wanted, as a log.
//!
//! Every event goes into the hash on every run: its time, node, kind, two numbers and the digest of its bytes. Whether a log
//! is kept never changes the hash. Nothing that differs between two runs of one seed (addresses, thread ids, real time) may
//! enter it. With a log, [`Trace::first_divergence`] names the first event in which two runs differ.

use std::fmt;

use crate::mixer::Mixer;
use crate::world::NodeId;

/// What is kept of a run besides the hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Recording {
    /// Nothing: 10 nanoseconds an event.
    #[default]
    Hash,
    /// Each event in a compact form, up to [`LOG_MAX`] of them.
    Log,
}

/// The most events a log keeps; later ones are only hashed.
pub const LOG_MAX: usize = 4 << 20;

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A node was added; `a` is its number.
    NodeAdded,
    /// A process started; `a` counts the node's lives.
    Boot,
    /// A process ended by itself.
    Exit,
    /// A process was killed.
    Kill,
    /// A host lost power.
    PowerLoss,
    /// A process was stopped (SIGSTOP).
    Pause,
    /// A process goes on (SIGCONT).
    Resume,
    /// A signal was delivered to a process.
    Signal,
    /// The wall clock jumped by `a` nanoseconds (two's complement).
    ClockJump,
    /// A clock's rate changed to `a` parts per million (two's complement).
    ClockRate,
    /// A unit of work now costs `a` nanoseconds.
    CpuSpeed,
    /// The link towards node `a` was cut.
    Cut,
    /// The link towards node `a` was healed.
    Heal,
    /// A process began to listen; `a` is its slot.
    Listen,
    /// A process began to connect to node `a` as connection `b`.
    Connect,
    /// A connect ended well; `a` is the peer, `b` the connection.
    Connected,
    /// A connect was refused; `a` is the peer, `b` the connection.
    Refused,
    /// A connect or an established connection timed out; `a` is the peer, `b` the connection.
    TimedOut,
    /// A process accepted connection `b` from node `a`.
    Accept,
    /// A process had no descriptor left for connection `b` from node `a`.
    Exhausted,
    /// A listener's backlog was full; `a` is the peer, `b` the connection.
    BacklogFull,
    /// Bytes were written: `a` bytes on connection `b`.
    Send,
    /// Bytes arrived: `a` bytes on connection `b`.
    Deliver,
    /// Bytes were read: `a` bytes on connection `b`.
    Read,
    /// The peer's end of stream arrived on connection `b`.
    Fin,
    /// A reset arrived from node `a` on connection `b`.
    Reset,
    /// A process closed its end of connection `b`.
    Close,
    /// A process was charged `a` units of work.
    Work,
    /// A process drew `a` from its entropy.
    Entropy,
    /// A line of the harness or of a node.
    Note,
    /// The run ended.
    End,
    /// A call of the disk began; `a` is which, `b` how many bytes it moves.
    Disk,
    /// A call of the disk ended; `a` is which.
    DiskDone,
    /// One bit of a file on a node's disk was changed.
    Rot,
}

/// One event, compactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds of virtual time.
    pub at: u64,
    /// Where it happened; `None` is outside every node.
    pub node: Option<NodeId>,
    /// What happened.
    pub kind: Kind,
    /// As the kind says.
    pub a: u64,
    /// As the kind says.
    pub b: u64,
    /// The rolling hash with this event in it.
    pub hash: u64,
    /// Which note, for [`Kind::Note`].
    note: u32,
}

/// The record of one run.
#[derive(Debug, Clone)]
pub struct Trace {
    mixer: Mixer,
    count: u64,
    recording: Recording,
    names: Vec<String>,
    log: Vec<Event>,
    notes: Vec<String>,
}

/// Where two runs part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The number of the first event that differs, from 0.
    pub index: usize,
    /// That event in the first run; `None` when that run had ended.
    pub left: Option<String>,
    /// That event in the second run.
    pub right: Option<String>,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |s: &Option<String>| s.clone().unwrap_or_else(|| "(had ended)".to_owned());
        write!(f, "event {} differs:\n  {}\n  {}", self.index, side(&self.left), side(&self.right))
    }
}

impl Trace {
    pub(crate) fn new(seed: u64, recording: Recording) -> Trace {
        Trace { mixer: Mixer::new(seed), count: 0, recording, names: Vec::new(), log: Vec::new(), notes: Vec::new() }
    }

    pub(crate) fn name(&mut self, name: &str) {
        self.names.push(name.to_owned());
    }

    /// Records an event. `bytes` enter the hash but not the log.
    pub(crate) fn event(&mut self, at: u64, node: Option<NodeId>, kind: Kind, a: u64, b: u64, bytes: &[u8]) {
        let place = node.map_or(u64::from(u32::MAX), |n| n.index() as u64);
        self.mixer.word(at);
        self.mixer.word(place << 8 | kind as u64);
        self.mixer.word(a);
        self.mixer.word(b);
        if !bytes.is_empty() {
            self.mixer.bytes(bytes);
        }
        self.count += 1;
        if self.recording == Recording::Log && self.log.len() < LOG_MAX {
            let mut note = 0;
            if kind == Kind::Note {
                note = self.notes.len() as u32;
                self.notes.push(String::from_utf8_lossy(bytes).into_owned());
            }
            self.log.push(Event { at, node, kind, a, b, hash: self.mixer.value(), note });
        }
    }

    /// The hash of every event so far. One seed at one commit gives one hash, in every build and on every machine.
    pub fn hash(&self) -> u64 {
        self.mixer.value()
    }

    /// How many events there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The events, if a log was kept.
    pub fn log(&self) -> &[Event] {
        &self.log
    }

    /// One event as a line for people: seconds, node, what happened.
    pub fn line(&self, event: &Event) -> String {
        let name = |n: u64| self.names.get(n as usize).map_or("?", String::as_str);
        let place = event.node.map_or("-", |n| name(n.index() as u64));
        let Event { kind, a, b, .. } = *event;
        let what = match kind {
            Kind::NodeAdded => "added".to_owned(),
            Kind::Boot => format!("boots (life {a})"),
            Kind::Exit => "exits".to_owned(),
            Kind::Kill => "is killed".to_owned(),
            Kind::PowerLoss => "loses power".to_owned(),
            Kind::Pause => "is paused".to_owned(),
            Kind::Resume => "resumes".to_owned(),
            Kind::Signal => "gets a signal".to_owned(),
            Kind::ClockJump => format!("wall clock jumps by {} ns", a as i64),
            Kind::ClockRate => format!("clock rate becomes {:+} ppm", a as i64),
            Kind::CpuSpeed => format!("a unit of work costs {a} ns"),
            Kind::Cut => format!("cut from {}", name(a)),
            Kind::Heal => format!("heard by {} again", name(a)),
            Kind::Listen => format!("listens (slot {a})"),
            Kind::Connect => format!("connects to {} (c{b})", name(a)),
            Kind::Connected => format!("connected to {} (c{b})", name(a)),
            Kind::Refused => format!("refused by {} (c{b})", name(a)),
            Kind::TimedOut => format!("times out on {} (c{b})", name(a)),
            Kind::Accept => format!("accepts {} (c{b})", name(a)),
            Kind::Exhausted => format!("has no descriptor for {} (c{b})", name(a)),
            Kind::BacklogFull => format!("backlog is full for {} (c{b})", name(a)),
            Kind::Send => format!("sends {a} bytes (c{b})"),
            Kind::Deliver => format!("gets {a} bytes (c{b})"),
            Kind::Read => format!("reads {a} bytes (c{b})"),
            Kind::Fin => format!("gets end of stream (c{b})"),
            Kind::Reset => format!("reset by {} (c{b})", name(a)),
            Kind::Close => format!("closes c{b}"),
            Kind::Work => format!("works {a} units"),
            Kind::Entropy => format!("draws {a:016x}"),
            Kind::Note => format!("| {}", self.notes.get(event.note as usize).map_or("", String::as_str)),
            Kind::End => "run ends".to_owned(),
            Kind::Disk => format!("disk call {a} begins ({b} bytes)"),
            Kind::DiskDone => format!("disk call {a} ends"),
            Kind::Rot => format!("bit {b} of file {a} is changed"),
        };
        format!("{:>4}.{:09} {place:<10} {what}", event.at / 1_000_000_000, event.at % 1_000_000_000)
    }

    /// The whole log as text, a line an event.
    pub fn text(&self) -> String {
        self.log.iter().map(|e| self.line(e) + "\n").collect()
    }

    /// The first event in which two logged runs differ; `None` when they are the same. Runs without a log can only be told
    /// apart by [`Trace::hash`].
    pub fn first_divergence(left: &Trace, right: &Trace) -> Option<Divergence> {
        let same = left.log.iter().zip(&right.log).take_while(|(l, r)| l.hash == r.hash).count();
        let line = |t: &Trace| t.log.get(same).map(|e| t.line(e));
        let (l, r) = (line(left), line(right));
        if l.is_none() && r.is_none() {
            return None;
        }
        Some(Divergence { index: same, left: l, right: r })
    }
}
