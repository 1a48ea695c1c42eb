//! Cache lines of a parsed group, asked for before it is executed: nothing here changes anything, and nothing that is found here is
//! used later, for what executes first may change it.

use refrain_data::{Approach, Entry, KeyHash, Large};

use super::{GROUP, Scratch};
use crate::ahead::NO_ELEMENT;
use crate::call::Args;
use crate::double;
use crate::engine::Engine;
use crate::hooks::Hooks;

/// Small collections in a group after which nobody looks whether others in it are large.
const SMALL_COLLECTIONS_MAX: usize = 3;

/// Whether a key's collection is known to be a large one.
#[derive(Clone, Copy)]
enum Looked<'a> {
    NotYet,
    Found(Option<&'a Large>),
}

impl<H: Hooks> Engine<H> {
    /// Asks for the cache lines of the entries, now that those of their buckets have had time to come.
    pub(super) fn prefetch_entries(&self, scratch: &Scratch) {
        let mut of = u32::MAX;
        let mut database = self.state.keyspace.db(0);
        for ahead in &scratch.group {
            if ahead.cursor != of {
                let session = self.state.sessions.get(scratch.cursors[ahead.cursor as usize].session);
                database = self.state.keyspace.db(session.map_or(0, |s| s.db));
                of = ahead.cursor;
            }
            for hash in &scratch.hashes[ahead.hashes_from as usize..][..usize::from(ahead.hashes)] {
                database.prefetch_entry(*hash);
            }
        }
    }

    /// Asks for what commands on collections will read beyond the beginnings of entries: the rest of small ones, and of large ones
    /// the elements that are named.
    #[inline(never)]
    pub(super) fn prefetch_elements(&self, arena: &[u8], scratch: &Scratch) {
        let mut approaches: [Option<Approach<'_>>; GROUP] = [None; GROUP];
        let mut found = approaches.iter_mut();
        let (mut of, mut db, mut small) = (u32::MAX, 0, 0);
        let mut last: Option<((usize, KeyHash), Looked<'_>)> = None;
        for ahead in scratch.group.iter().filter(|ahead| ahead.element != 0 && ahead.hashes != 0) {
            let cursor = &scratch.cursors[ahead.cursor as usize];
            if ahead.cursor != of {
                (of, db) = (ahead.cursor, self.state.sessions.get(cursor.session).map_or(0, |session| session.db));
            }
            let key = (db, scratch.hashes[ahead.hashes_from as usize]);
            if last.is_none_or(|(last, _)| last != key) {
                self.state.keyspace.db(db).prefetch_collection(key.1);
                last = Some((key, Looked::NotYet));
            }
            if ahead.element == NO_ELEMENT {
                continue;
            }
            let offsets = &scratch.args[ahead.args_from as usize..][..ahead.args as usize];
            let bytes = if cursor.in_arena { arena } else { &cursor.own };
            let args = Args::new(&bytes[ahead.start..][..ahead.len as usize], offsets);
            let large = match last {
                Some((_, Looked::Found(large))) => large,
                // Where the first ones are small the others will be: to look each of them up costs more than it may gain.
                _ if small >= SMALL_COLLECTIONS_MAX => None,
                _ => {
                    let found = self.state.keyspace.db(db).get(key.1, args.at(usize::from(ahead.first_key)));
                    let large = found.and_then(Entry::large);
                    small += usize::from(large.is_none());
                    last = Some((key, Looked::Found(large)));
                    large
                }
            };
            if let Some(large) = large
                && let Some(place) = found.next()
            {
                let score = if ahead.score == 0 { None } else { double::parse(args.at(usize::from(ahead.score))) };
                *place = Approach::begin(large, args.at(usize::from(ahead.element)), score);
            }
        }
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for approach in approaches.iter_mut().map_while(Option::as_mut) {
                goes_on |= approach.advance();
            }
        }
    }
}
