//! From one list to another: LMOVE, RPOPLPUSH, and LMOVEM, which moves several elements.

use refrain_data::{List, ListEnd as End};

use super::pop::plain_pop;
use super::{end_of, limits, must_be_list, popped, positive, pushed, shortened};
use crate::call::{Call, Key, Outcome};
use crate::error::{ErrorReply, SYNTAX};
use crate::notify::NotifyClass;

/// Elements on their way, in the order in which they were taken.
#[derive(Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, i: usize) -> &[u8] {
        let start = if i == 0 { 0 } else { self.ends[i - 1] };
        &self.bytes[start..self.ends[i]]
    }

    fn iter(&self, reversed: bool) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        (0..self.len()).map(move |i| self.get(if reversed { self.len() - 1 - i } else { i }))
    }
}

/// Elements that have been moved.
pub(super) struct Moved {
    batch: Batch,
    /// They are all elements of the one list on which they were moved.
    whole_list: bool,
}

/// What is moved, and where.
pub(super) struct Transfer {
    pub(super) from: End,
    pub(super) to: End,
    pub(super) count: usize,
    /// Fewer than `count` are not moved.
    pub(super) exactly: bool,
    /// The elements keep their order among themselves; otherwise they are moved one by one.
    pub(super) in_bulk: bool,
}

impl Transfer {
    /// The ends that arguments 3 and 4 name.
    pub(super) fn one(call: &Call<'_>) -> Result<Transfer, ErrorReply> {
        let (from, to) = (end_of(call.args.at(3))?, end_of(call.args.at(4))?);
        Ok(Transfer { from, to, count: 1, exactly: false, in_bulk: true })
    }

    /// Reads how many are to be moved, and how, from argument `at` on.
    pub(super) fn several(self, call: &Call<'_>, at: usize) -> Result<Transfer, ErrorReply> {
        let args = call.args;
        if args.len() == at {
            return Ok(self);
        }
        if args.len() != at + 3 {
            return Err(SYNTAX);
        }
        let exactly = args.is(at, "EXACTLY");
        if !exactly && !args.is(at, "COUNT") {
            return Err(SYNTAX);
        }
        let count = positive(args.at(at + 1), "ERR count should be greater than 0")?;
        let in_bulk = args.is(at + 2, "BULK");
        if !in_bulk && !args.is(at + 2, "OBO") {
            return Err(SYNTAX);
        }
        Ok(Transfer { count, exactly, in_bulk, ..self })
    }

    /// Whether the elements arrive in an order that is the reverse of that in which they were taken.
    pub(super) fn reverses(&self) -> bool {
        if self.in_bulk { self.from == End::Right } else { self.to == End::Left }
    }

    /// Whether the element that was taken last is the first to be pushed: at the left end what comes first is pushed last.
    fn pushes_reversed(&self) -> bool {
        self.reverses() != (self.to == End::Left)
    }

    /// Moves elements, and says what became of the lists. `None` if there are none, or too few.
    pub(super) fn run(
        &self,
        call: &mut Call<'_>,
        source: &Key<'_>,
        destination: &Key<'_>,
    ) -> Result<Option<Moved>, ErrorReply> {
        if !must_be_list(call.state.peek(source))? {
            return Ok(None);
        }
        must_be_list(call.state.peek(destination))?;
        let limits = limits(call.state);
        let mut moved = Batch::default();
        let take = |list: &mut List, moved: &mut Batch| {
            if self.exactly && list.len() < self.count {
                return;
            }
            list.pop(self.from, self.count, limits, |element| {
                element.write_to(&mut moved.bytes);
                moved.ends.push(moved.bytes.len());
            });
        };
        let put = |list: &mut List, moved: &Batch| {
            list.push(self.to, moved.iter(self.pushes_reversed()), limits);
        };
        let mut whole_list = false;
        let emptied = if source.name == destination.name {
            call.state.edit(source, |list: &mut List| {
                take(list, &mut moved);
                whole_list = list.is_empty();
                put(list, &moved);
            })?;
            false
        } else {
            let emptied =
                call.state.edit(source, |list: &mut List| take(list, &mut moved))?.is_some_and(|edited| edited.emptied);
            if moved.len() > 0 {
                call.state.edit_or_create(destination, |list: &mut List| put(list, &moved))?;
            }
            emptied
        };
        if moved.len() == 0 {
            return Ok(None);
        }
        // Redis counts one change for both.
        call.state.also_modified(destination);
        call.state.notify(NotifyClass::LIST, pushed(self.to), destination);
        shortened(call.state, source, popped(self.from), emptied);
        Ok(Some(Moved { batch: moved, whole_list }))
    }

    /// Moves one element and replies with it. False, without a reply, if there is none.
    pub(super) fn move_one(&self, call: &mut Call<'_>) -> Result<bool, ErrorReply> {
        let (source, destination) = (call.key(1), call.key(2));
        let Some(moved) = self.run(call, &source, &destination)? else { return Ok(false) };
        call.reply().bulk(moved.batch.get(0));
        Ok(true)
    }

    /// Moves elements and replies with them, in the order in which they are now. False, without a reply, if there are none or
    /// too few.
    pub(super) fn move_several(&self, call: &mut Call<'_>) -> Result<bool, ErrorReply> {
        let (source, destination) = (call.key(1), call.key(2));
        let Some(moved) = self.run(call, &source, &destination)? else { return Ok(false) };
        if call.state.effects.stream.is_enabled() {
            self.propagate(call, &moved);
        }
        call.reply().array(moved.batch.len());
        for element in moved.batch.iter(self.reverses()) {
            call.reply().bulk(element);
            if !call.reply_may_grow() {
                break;
            }
        }
        Ok(true)
    }

    /// What was moved, in commands that every server knows: taken from one list and pushed to the other. A list on which all elements are
    /// moved must not be empty in between, for it would lose its time to live: of these one stays where it is.
    fn propagate(&self, call: &mut Call<'_>, moved: &Moved) {
        /// Elements of one command.
        const PUSHED_AT_ONCE: usize = 1024;
        let (args, batch) = (call.args, &moved.batch);
        let (source, destination) = (args.at(1), args.at(2));
        if batch.len() == 1 {
            return call.propagate(&[b"LMOVE", source, destination, args.at(3), args.at(4)]);
        }
        let mut pushed: Vec<&[u8]> = batch.iter(self.pushes_reversed()).collect();
        let mut end = self.to;
        if moved.whole_list {
            // It is the one that was taken last, so it was pushed first or last. In the latter case the others are on its other side.
            if self.pushes_reversed() {
                pushed.remove(0);
            } else {
                pushed.pop();
                pushed.reverse();
                end = if end == End::Left { End::Right } else { End::Left };
            }
        }
        let mut digits = itoa::Buffer::new();
        call.propagate(&[plain_pop(self.from), source, digits.format(pushed.len()).as_bytes()]);
        let push: &[u8] = if end == End::Left { b"LPUSH" } else { b"RPUSH" };
        for part in pushed.chunks(PUSHED_AT_ONCE) {
            call.propagate(&[&[push, destination], part].concat());
        }
    }
}

/// What RPOPLPUSH is short for.
pub(super) const RIGHT_TO_LEFT: Transfer =
    Transfer { from: End::Right, to: End::Left, count: 1, exactly: false, in_bulk: true };

/// LMOVE source destination LEFT | RIGHT LEFT | RIGHT
pub fn lmove(call: &mut Call<'_>) -> Outcome {
    if !Transfer::one(call)?.move_one(call)? {
        call.reply().null();
    }
    Ok(())
}

/// RPOPLPUSH source destination
pub fn rpoplpush(call: &mut Call<'_>) -> Outcome {
    if !RIGHT_TO_LEFT.move_one(call)? {
        call.reply().null();
    }
    Ok(())
}

/// LMOVEM source destination LEFT | RIGHT LEFT | RIGHT [COUNT count | EXACTLY exactly OBO | BULK]
pub fn lmovem(call: &mut Call<'_>) -> Outcome {
    if !Transfer::one(call)?.several(call, 5)?.move_several(call)? {
        call.reply().null_array();
    }
    Ok(())
}
