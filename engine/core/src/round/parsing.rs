//! Commands parsed ahead of their execution: over as many connections as it takes to fill a group.
//!
//! What is found out here is offsets, hashes and what the table says, never slots or pointers. Nothing that a connection sends is parsed
//! behind a barrier, or behind what breaks the protocol, before that has been executed.

use refrain_data::{Database, KeyHash, Keyspace};
use refrain_resp::{Limits, Parsed};

use super::{GROUP, Scratch};
use crate::ahead::{Ahead, Known, Rare, What};
use crate::call::Args;
use crate::cursor::Parsing;
use crate::engine::Engine;
use crate::hooks::Hooks;

/// Why the parsing of one session's bytes ended.
#[derive(PartialEq, Eq)]
enum Turn {
    /// The next session's turn.
    Over,
    /// Execution's turn; this client may have sent more.
    GroupIsFull,
}

/// Hashes several keys of a command, and asks for their buckets.
#[inline(never)]
fn hash_keys<'k>(
    keyspace: &Keyspace,
    database: &Database,
    keys: impl Iterator<Item = &'k [u8]>,
    hashes: &mut Vec<KeyHash>,
) {
    for key in keys {
        let hash = keyspace.hash(key);
        database.prefetch_bucket(hash);
        hashes.push(hash);
    }
}

impl<H: Hooks> Engine<H> {
    pub(super) fn parse_group(&mut self, arena: &[u8], scratch: &mut Scratch, next: &mut usize) {
        while *next < scratch.cursors.len() && scratch.group.len() < GROUP {
            if self.parse_cursor(arena, scratch, *next) == Turn::Over {
                *next += 1;
            } else {
                return;
            }
        }
    }

    /// Parses commands of one session until the group is full, a barrier stands, or there is no further command.
    fn parse_cursor(&mut self, arena: &[u8], scratch: &mut Scratch, index: usize) -> Turn {
        let Scratch { cursors, group, args, hashes, rare, recent, elements } = scratch;
        let cursor = &mut cursors[index];
        if cursor.state != Parsing::Ready {
            return Turn::Over;
        }
        let Some(session) = self.state.sessions.get_mut(cursor.session) else {
            cursor.state = Parsing::Stopped;
            return Turn::Over;
        };
        let limits = Limits {
            max_bulk: self.state.config.limits.proto_max_bulk_len,
            authenticated: !session.must_log_in,
            ..Limits::default()
        };
        let keyspace = &self.state.keyspace;
        let database = keyspace.db(session.db);
        let bytes = if cursor.in_arena { &arena[..cursor.end] } else { &cursor.own[..cursor.end] };
        let stop = cursor.end.min(cursor.share_end);
        if let Some(long) = session.long.as_ref().filter(|long| long.is_complete()) {
            // It comes before all else that the session has sent, and alone.
            let first_arg = args.len();
            args.extend_from_slice(long.offsets());
            let call = long.args(&args[first_arg..]);
            let resolution = self.state.table.resolve(call.len(), |i| call.at(i));
            let ahead = Ahead::at(cursor.pos, index, first_arg, hashes.len(), rare.len());
            group.push(Ahead { args: call.len() as u32, ..ahead });
            rare.push(Rare::Long(resolution));
            return Turn::GroupIsFull;
        }
        while cursor.pos < stop {
            if group.len() >= GROUP {
                return Turn::GroupIsFull;
            }
            let start = cursor.pos;
            let input = &bytes[start..];
            let first_arg = args.len();
            let mut ahead = Ahead::at(start, index, first_arg, hashes.len(), rare.len());
            match session.parser.parse(input, args, &limits) {
                Ok(Parsed::Command { consumed, .. }) => {
                    cursor.pos += consumed;
                    ahead.len = consumed as u32;
                }
                Ok(Parsed::Inline { consumed, bytes, .. }) => {
                    cursor.pos += consumed;
                    let call = Args::new(&bytes, &args[first_arg..]);
                    ahead.args = call.len() as u32;
                    let resolution = self.state.table.resolve(call.len(), |i| call.at(i));
                    rare.push(Rare::Unquoted(resolution, bytes));
                    group.push(ahead);
                    if resolution.is_ok_and(|found| found.command.barrier) {
                        return Turn::GroupIsFull;
                    }
                    continue;
                }
                Ok(Parsed::Nothing { consumed }) => {
                    cursor.pos += consumed;
                    continue;
                }
                Ok(Parsed::Incomplete { wanted }) => {
                    (cursor.state, cursor.wanted) = (Parsing::WantsMore, wanted);
                    return Turn::Over;
                }
                Err(error) => {
                    // Whatever else was sent has lost its frame. The replies of what came before go first.
                    rare.push(Rare::Broken(error));
                    group.push(ahead);
                    return Turn::GroupIsFull;
                }
            };
            let call = Args::new(input, &args[first_arg..]);
            let argc = call.len();
            ahead.args = argc as u32;
            let name = call.at(0);
            let known = match recent.find(name, argc) {
                Some(known) => known,
                None => match self.state.table.resolve(argc, |i| call.at(i)) {
                    Ok(found) => {
                        let known = Known::of(found, argc);
                        recent.remember(name, argc, known);
                        known
                    }
                    Err(why) => {
                        rare.push(Rare::Unresolved(why));
                        group.push(ahead);
                        continue;
                    }
                },
            };
            (ahead.first_key, ahead.key_step, ahead.hashes) = (known.first_key, known.key_step, known.keys);
            (ahead.element, ahead.score) = (known.element, known.score);
            *elements |= known.element != 0;
            let first = usize::from(known.first_key);
            if known.keys == 1 {
                let hash = keyspace.hash(call.at(first));
                database.prefetch_bucket(hash);
                hashes.push(hash);
            } else if known.keys > 1 {
                let keys = (first..).step_by(usize::from(known.key_step)).take(usize::from(known.keys));
                hash_keys(keyspace, database, keys.map(|i| call.at(i)), hashes);
            }
            ahead.what = What::Plain(known.found);
            group.push(ahead);
            if known.barrier {
                return Turn::GroupIsFull;
            }
        }
        Turn::Over
    }
}
