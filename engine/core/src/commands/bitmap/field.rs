//! BITFIELD and BITFIELD_RO.

use refrain_data::bits::{Field, FieldKind, Overflow};
use refrain_data::{Deadline, IntBuffer, Lookup, NewValue};
use refrain_resp::parse_i64;

use super::bit_offset_times;
use crate::call::{Call, Outcome};
use crate::commands::string::string;
use crate::error::{ErrorReply, STRING_TOO_LONG, SYNTAX};
use crate::notify::NotifyClass;

/// One of the operations of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Operation {
    field: Field,
    action: Action,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

impl Operation {
    /// Carries it out. What is replied, and whether the field holds something else than before.
    fn run(&self, bytes: &mut [u8]) -> (Option<i64>, bool) {
        let old = self.field.get(bytes);
        let (new, replied) = match self.action {
            Action::Get => return (Some(old), false),
            Action::Set(operand, overflow) => (self.field.fitted(operand, overflow), Some(old)),
            Action::Increment(by, overflow) => {
                let new = self.field.incremented(old, by, overflow);
                (new, new)
            }
        };
        let Some(new) = new else { return (None, false) };
        self.field.set(bytes, new);
        (replied, new != old)
    }
}

/// All operations of a call, in their order.
fn parse(call: &Call<'_>) -> Result<Vec<Operation>, ErrorReply> {
    let bytes_max = call.state.config.limits.proto_max_bulk_len;
    let mut operations = Vec::new();
    let mut overflow = Overflow::Wrap;
    let mut i = 2;
    while i < call.args.len() {
        let rest = call.args.len() - i - 1;
        if call.args.is(i, "OVERFLOW") && rest >= 1 {
            overflow = parse_overflow(call.args.at(i + 1))?;
            i += 2;
            continue;
        }
        let is_get = call.args.is(i, "GET") && rest >= 2;
        let is_set = call.args.is(i, "SET") && rest >= 3;
        let is_increment = call.args.is(i, "INCRBY") && rest >= 3;
        if !(is_get || is_set || is_increment) {
            return Err(SYNTAX);
        }
        let field = parse_field(call.args.at(i + 1), call.args.at(i + 2), bytes_max)?;
        let action = if is_get {
            Action::Get
        } else {
            let operand = call.integer(i + 3)?;
            if is_set { Action::Set(operand, overflow) } else { Action::Increment(operand, overflow) }
        };
        operations.push(Operation { field, action });
        i += if is_get { 3 } else { 4 };
    }
    Ok(operations)
}

fn parse_overflow(word: &[u8]) -> Result<Overflow, ErrorReply> {
    let named = [("WRAP", Overflow::Wrap), ("SAT", Overflow::Saturate), ("FAIL", Overflow::Fail)];
    let found = named.into_iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    found.map(|(_, overflow)| overflow).ok_or(ErrorReply::new("ERR Invalid OVERFLOW type specified"))
}

/// A field as `i8` or `u63` and its first bit, or `#` and how many such fields are before it.
fn parse_field(encoding: &[u8], offset: &[u8], bytes_max: u64) -> Result<Field, ErrorReply> {
    const NO_TYPE: &str =
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
    let no_type = || ErrorReply::new(NO_TYPE);
    let (kind, bits) = match encoding {
        [b'i', bits @ ..] => (FieldKind::Signed, bits),
        [b'u', bits @ ..] => (FieldKind::Unsigned, bits),
        _ => return Err(no_type()),
    };
    let bits = parse_i64(bits).and_then(|bits| u32::try_from(bits).ok()).ok_or_else(no_type)?;
    Field::new(kind, bits, 0).ok_or_else(no_type)?;
    let offset = match offset {
        [b'#', number @ ..] => bit_offset_times(number, bits, bytes_max)?,
        _ => bit_offset_times(offset, 1, bytes_max)?,
    };
    Field::new(kind, bits, offset).ok_or_else(no_type)
}

/// BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value | INCRBY type offset increment ...]
pub fn bitfield(call: &mut Call<'_>) -> Outcome {
    let operations = parse(call)?;
    let writes = operations.iter().filter(|operation| operation.action != Action::Get);
    match writes.map(|operation| operation.field.end_byte()).max() {
        None => read(call, &operations),
        Some(len) => write(call, &operations, usize::try_from(len).map_err(|_| STRING_TOO_LONG)?),
    }
}

/// BITFIELD_RO key [GET type offset ...]
pub fn bitfield_ro(call: &mut Call<'_>) -> Outcome {
    let operations = parse(call)?;
    if operations.iter().any(|operation| operation.action != Action::Get) {
        return Err(ErrorReply::new("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(call, &operations)
}

fn read(call: &mut Call<'_>, operations: &[Operation]) -> Outcome {
    let key = call.key(1);
    let value = call.state.read(&key).map(string).transpose()?;
    let mut digits = IntBuffer::new();
    let bytes = value.as_ref().map_or(&[][..], |value| value.bytes(&mut digits));
    let mut reply = call.session.reply();
    reply.array(operations.len());
    for operation in operations {
        reply.integer(operation.field.get(bytes));
    }
    Ok(())
}

/// Carries out operations of which some write, on a string of at least `len` bytes.
fn write(call: &mut Call<'_>, operations: &[Operation], len: usize) -> Outcome {
    let key = call.key(1);
    let mut replies = Vec::with_capacity(operations.len());
    let mut changes = 0;
    let mut run = |bytes: &mut [u8]| {
        for operation in operations {
            let (reply, changed) = operation.run(bytes);
            replies.push(reply);
            changes += u32::from(changed);
        }
    };
    let grown = match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let grows = string(found.entry())?.len() < len;
            found.change_bytes(len, run);
            grows
        }
        Lookup::Vacant(free) => {
            free.insert(NewValue::Raw(b""), Deadline::Clear).change_bytes(len, &mut run);
            call.state.notify(NotifyClass::NEW, "new", &key);
            true
        }
    };
    if grown || changes > 0 {
        call.state.modified(&key);
        call.state.notify(NotifyClass::STRING, "setbit", &key);
    }
    let mut reply = call.session.reply();
    reply.array(replies.len());
    for number in replies {
        match number {
            Some(number) => reply.integer(number),
            None => reply.null(),
        }
    }
    Ok(())
}
