//! What a crash report tells of the time before: the last commands, and how the server was doing a moment ago.
//!
//! The loop writes, and whoever reports a crash reads, at any moment and on any thread. All of it is relaxed atomics, which cost
//! the loop what plain stores cost; a reader may find an entry half written and then tells a wrong number, never more.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed};

use refrain_core::table::Command;

/// Commands that are remembered. A power of two.
const COMMANDS: usize = 64;

/// The longest text of how the server is doing; the rest is cut off.
const TEXT_MAX: usize = 48 * 1024;

/// The only one: a signal handler has to find it.
pub static RECORDER: Recorder = Recorder::new();

/// See the module.
pub struct Recorder {
    commands: [Slot; COMMANDS],
    /// How many commands have begun.
    begun: AtomicU64,
    /// How many had begun when the loop last ended a round.
    settled: AtomicU64,
    /// What was told of the server, twice: one is whole while the other is written.
    texts: [Text; 2],
    /// Which of the two.
    current: AtomicUsize,
}

struct Slot {
    command: AtomicPtr<Command>,
    client: AtomicU64,
    /// The number of arguments above 40 bits of bytes.
    size: AtomicU64,
}

struct Text {
    bytes: [AtomicU8; TEXT_MAX],
    len: AtomicUsize,
}

/// One remembered command.
#[derive(Debug, Clone, Copy)]
pub struct Recorded {
    /// Its full name.
    pub name: &'static str,
    /// `CLIENT ID` of whoever sent it.
    pub client: u64,
    /// How many arguments it had, the name among them.
    pub arguments: u64,
    /// Bytes from the first argument's length to the end of the last argument.
    pub bytes: u64,
}

const BYTES_BITS: u32 = 40;

impl Recorder {
    const fn new() -> Recorder {
        Recorder {
            commands: [const {
                Slot { command: AtomicPtr::new(ptr::null_mut()), client: AtomicU64::new(0), size: AtomicU64::new(0) }
            }; COMMANDS],
            begun: AtomicU64::new(0),
            settled: AtomicU64::new(0),
            texts: [const { Text { bytes: [const { AtomicU8::new(0) }; TEXT_MAX], len: AtomicUsize::new(0) } }; 2],
            current: AtomicUsize::new(0),
        }
    }

    /// A command begins. Only the loop's thread says so.
    #[inline(always)]
    pub fn begin(&self, client: u64, command: &'static Command, arguments: usize, bytes: usize) {
        let begun = self.begun.load(Relaxed);
        let slot = &self.commands[begun as usize % COMMANDS];
        slot.command.store(ptr::from_ref(command).cast_mut(), Relaxed);
        slot.client.store(client, Relaxed);
        slot.size.store((arguments as u64) << BYTES_BITS | bytes as u64, Relaxed);
        self.begun.store(begun + 1, Relaxed);
    }

    /// A round has ended: nothing is being executed.
    #[inline]
    pub fn settle(&self) {
        self.settled.store(self.begun.load(Relaxed), Relaxed);
    }

    /// Whether the last command was executing, or another one of its round was about to.
    pub fn is_executing(&self) -> bool {
        self.settled.load(Relaxed) != self.begun.load(Relaxed)
    }

    /// How many commands have begun.
    pub fn begun(&self) -> u64 {
        self.begun.load(Relaxed)
    }

    /// The commands that are remembered, the last one first.
    pub fn recent(&self) -> impl Iterator<Item = Recorded> {
        let begun = self.begun.load(Relaxed);
        let remembered = begun.min(COMMANDS as u64);
        (1..=remembered).filter_map(move |back| {
            let slot = &self.commands[(begun - back) as usize % COMMANDS];
            // SAFETY: the pointer is null or was made of a `&'static Command`, which nobody ever changes (`begin`).
            let command = unsafe { slot.command.load(Relaxed).as_ref() }?;
            let size = slot.size.load(Relaxed);
            Some(Recorded {
                name: command.name,
                client: slot.client.load(Relaxed),
                arguments: size >> BYTES_BITS,
                bytes: size & ((1 << BYTES_BITS) - 1),
            })
        })
    }

    /// Replaces the text about the server. Only the loop's thread does so.
    pub fn tell(&self, text: &str) {
        let next = 1 - self.current.load(Relaxed);
        let room = &self.texts[next];
        let len = text.len().min(TEXT_MAX);
        for (place, byte) in room.bytes.iter().zip(&text.as_bytes()[..len]) {
            place.store(*byte, Relaxed);
        }
        room.len.store(len, Relaxed);
        self.current.store(next, Relaxed);
    }

    /// The text about the server, in pieces that fit `buffer`.
    pub fn told(&self, mut piece: impl FnMut(&[u8])) {
        let text = &self.texts[self.current.load(Relaxed) & 1];
        let len = text.len.load(Relaxed).min(TEXT_MAX);
        let mut buffer = [0; 256];
        for part in text.bytes[..len].chunks(buffer.len()) {
            for (byte, place) in buffer.iter_mut().zip(part) {
                *byte = place.load(Relaxed);
            }
            piece(&buffer[..part.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_commands_are_remembered_last_first() {
        static OWN: Recorder = Recorder::new();
        let table = refrain_core::table::Table::new();
        let (get, set) = (table.find_full(b"get").unwrap().command, table.find_full(b"set").unwrap().command);
        assert_eq!(OWN.recent().count(), 0);
        for i in 0..100 {
            OWN.begin(i, if i % 2 == 0 { get } else { set }, 3, 1 << 31);
        }
        let recent: Vec<Recorded> = OWN.recent().collect();
        assert_eq!(recent.len(), COMMANDS);
        assert_eq!((recent[0].client, recent[0].name), (99, "set"));
        assert_eq!((recent[63].client, recent[63].name), (36, "get"));
        assert_eq!((recent[5].arguments, recent[5].bytes), (3, 1 << 31));
        assert!(OWN.is_executing());
        OWN.settle();
        assert!(!OWN.is_executing());
    }

    #[test]
    fn a_text_is_told_whole_and_a_longer_one_is_cut() {
        static OWN: Recorder = Recorder::new();
        let told = || {
            let mut text = Vec::new();
            OWN.told(|piece| text.extend_from_slice(piece));
            text
        };
        assert_eq!(told(), b"");
        OWN.tell(&"ab".repeat(300));
        assert_eq!(told(), "ab".repeat(300).as_bytes());
        OWN.tell("short");
        assert_eq!(told(), b"short");
        OWN.tell(&"x".repeat(TEXT_MAX + 1));
        assert_eq!(told().len(), TEXT_MAX);
    }
}
