//! The packed forms that came before the packed list: read, never written.

use refrain_data::Value;

use crate::Malformed;

/// Total bytes, offset of the last element, count.
const ZIPLIST_HEADER: usize = 10;
const END: u8 = 0xFF;
/// A length of four bytes follows.
const LONG: u8 = 0xFE;

fn little_endian(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn signed(bytes: &[u8]) -> i64 {
    let shift = 64 - 8 * bytes.len() as u32;
    (little_endian(bytes) << shift) as i64 >> shift
}

/// Takes the next `count` bytes.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], Malformed> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or(Malformed)?;
    *bytes = rest;
    Ok(taken)
}

/// Gives every element of a ziplist to `visit`. All that a ziplist says twice must agree.
pub(super) fn ziplist(bytes: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Result<(), Malformed> {
    const COUNT_UNKNOWN: u64 = 0xFFFF;
    let mut rest = bytes;
    let header = take(&mut rest, ZIPLIST_HEADER)?;
    if little_endian(&header[..4]) != bytes.len() as u64 {
        return Err(Malformed);
    }
    let (mut count, mut last, mut len_before) = (0, ZIPLIST_HEADER, 0);
    loop {
        let [first, ..] = rest else { return Err(Malformed) };
        if *first == END {
            break;
        }
        let at = bytes.len() - rest.len();
        let said_before = match take(&mut rest, 1)? {
            [LONG] => little_endian(take(&mut rest, 4)?) as usize,
            len => little_endian(len) as usize,
        };
        if said_before != len_before {
            return Err(Malformed);
        }
        let encoding = take(&mut rest, 1)?[0];
        let element = match encoding {
            0x00..=0x3F => Value::Bytes(take(&mut rest, usize::from(encoding))?),
            0x40..=0x7F => {
                let low = take(&mut rest, 1)?[0];
                Value::Bytes(take(&mut rest, usize::from(encoding & 0x3F) << 8 | usize::from(low))?)
            }
            0x80 => {
                let len: [u8; 4] = take(&mut rest, 4)?.try_into().map_err(|_| Malformed)?;
                Value::Bytes(take(&mut rest, u32::from_be_bytes(len) as usize)?)
            }
            0xC0 => Value::Int(signed(take(&mut rest, 2)?)),
            0xD0 => Value::Int(signed(take(&mut rest, 4)?)),
            0xE0 => Value::Int(signed(take(&mut rest, 8)?)),
            0xF0 => Value::Int(signed(take(&mut rest, 3)?)),
            0xFE => Value::Int(signed(take(&mut rest, 1)?)),
            0xF1..=0xFD => Value::Int(i64::from(encoding & 0x0F) - 1),
            _ => return Err(Malformed),
        };
        (last, len_before) = (at, bytes.len() - rest.len() - at);
        count += 1;
        visit(element);
    }
    let said = little_endian(&header[8..]);
    let said_last = little_endian(&header[4..8]);
    if rest.len() != 1 || said != COUNT_UNKNOWN && said != count || said_last != last as u64 {
        return Err(Malformed);
    }
    Ok(())
}

/// Gives every field and every value of a zipmap to `visit`, in turn. It has some.
pub(super) fn zipmap(bytes: &[u8], visit: &mut dyn FnMut(Value<'_>)) -> Result<(), Malformed> {
    let mut rest = bytes;
    take(&mut rest, 1)?;
    let length = |rest: &mut &[u8]| -> Result<Option<usize>, Malformed> {
        match take(rest, 1)?[0] {
            END => Ok(None),
            LONG => Ok(Some(little_endian(take(rest, 4)?) as usize)),
            len => Ok(Some(usize::from(len))),
        }
    };
    let mut is_empty = true;
    while let Some(len) = length(&mut rest)? {
        is_empty = false;
        let field = take(&mut rest, len)?;
        let len = length(&mut rest)?.ok_or(Malformed)?;
        let free = usize::from(take(&mut rest, 1)?[0]);
        let value = take(&mut rest, len)?;
        take(&mut rest, free)?;
        visit(Value::Bytes(field));
        visit(Value::Bytes(value));
    }
    if rest.is_empty() && !is_empty { Ok(()) } else { Err(Malformed) }
}
