//! HyperLogLogs: estimates of how many distinct elements were seen, in strings.
//!
//! What a string means is told by its bytes alone, which a client may have written. Those that begin otherwise are refused at
//! once, those whose registers are damaged when these are read; neither changes anything.

use refrain_data::hyperloglog::{self as hll, Corrupted, Registers, Run};
use refrain_data::{Deadline, Entry, Lookup, NewValue, Value};

use crate::call::{Call, Key, Outcome};
use crate::commands::string::string;
use crate::error::{ErrorReply, printable};
use crate::notify::NotifyClass;

/// Registers that are read or written in about a microsecond.
const REGISTERS_PER_WORK: u64 = 4096;

/// Work of reading one HyperLogLog.
const WORK: u64 = hll::REGISTERS as u64 / REGISTERS_PER_WORK;

/// The bytes of a HyperLogLog.
fn of_entry(entry: Entry<'_>) -> Result<&[u8], ErrorReply> {
    const NO_HYPERLOGLOG: ErrorReply = ErrorReply::new("WRONGTYPE Key is not a valid HyperLogLog string value.");
    match string(entry)? {
        Value::Bytes(bytes) if hll::is_plausible(bytes) => Ok(bytes),
        _ => Err(NO_HYPERLOGLOG),
    }
}

fn corrupted(_: Corrupted) -> ErrorReply {
    ErrorReply::new("INVALIDOBJ Corrupted HLL object detected")
}

/// PFADD key [element ...]
pub fn pfadd(call: &mut Call<'_>) -> Outcome {
    let key = call.key(1);
    let args = call.args;
    let elements = 2..args.len();
    let sparse_bytes_max = call.state.config.encodings.hll_sparse_max_bytes;
    let add_all = |bytes: &mut Vec<u8>| {
        let mut changes = 0;
        for i in elements.clone() {
            changes += u64::from(hll::add(bytes, args.at(i), sparse_bytes_max).map_err(corrupted)?);
        }
        Ok(changes)
    };
    // Each register that changes is a change of its own, and so is the beginning.
    let changes = match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let bytes = of_entry(found.entry())?;
            if hll::is_dense(bytes) {
                // In place, and untouched by the many elements that change nothing.
                let first = elements.clone().find(|i| hll::would_change(bytes, args.at(*i)));
                let mut changes = 0;
                if let Some(first) = first {
                    found.change_bytes(hll::DENSE_BYTES, |bytes| {
                        for i in first..elements.end {
                            changes += u64::from(hll::add_dense(bytes, args.at(i)));
                        }
                        hll::forget_estimate(bytes);
                    });
                }
                changes
            } else {
                let mut bytes = copied(bytes);
                let changes = add_all(&mut bytes)?;
                if changes > 0 {
                    hll::forget_estimate(&mut bytes);
                    found.set_bytes(bytes, Deadline::Keep);
                }
                changes
            }
        }
        Lookup::Vacant(free) => {
            let mut bytes = hll::empty();
            let changes = add_all(&mut bytes)?;
            hll::forget_estimate(&mut bytes);
            free.insert(NewValue::Raw(b""), Deadline::Clear).set_bytes(bytes, Deadline::Clear);
            call.state.notify(NotifyClass::NEW, "new", &key);
            1 + changes
        }
    };
    if changes > 0 {
        call.state.dirty += changes;
        call.state.also_modified(&key);
        call.state.notify(NotifyClass::STRING, "pfadd", &key);
    }
    call.reply().integer(i64::from(changes > 0));
    Ok(())
}

/// A copy of a sparse one, with room for an addition.
fn copied(bytes: &[u8]) -> Vec<u8> {
    const ADDITION_BYTES: usize = 3;
    let mut copy = Vec::with_capacity(bytes.len() + ADDITION_BYTES);
    copy.extend_from_slice(bytes);
    copy
}

/// PFCOUNT key [key ...]: of one key the estimate is kept in its value, which changes it.
pub fn pfcount(call: &mut Call<'_>) -> Outcome {
    let count = if call.args.len() == 2 {
        let key = call.key(1);
        count_one(call, &key)?
    } else {
        let mut registers = Registers::new();
        for i in 1..call.args.len() {
            let key = call.key(i);
            if let Some(entry) = call.state.read(&key) {
                registers.merge(of_entry(entry)?).map_err(corrupted)?;
                call.work(WORK);
            }
        }
        registers.estimate()
    };
    call.reply().integer(count as i64);
    Ok(())
}

fn count_one(call: &mut Call<'_>, key: &Key<'_>) -> Result<u64, ErrorReply> {
    let Some(entry) = call.state.read(key) else { return Ok(0) };
    let bytes = of_entry(entry)?;
    if let Some(estimate) = hll::cached_estimate(bytes) {
        return Ok(estimate);
    }
    let estimate = hll::estimate(bytes).map_err(corrupted)?;
    let header = hll::header_with_estimate(bytes, estimate);
    if let Lookup::Occupied(mut found) = call.state.write(key) {
        found.change_bytes(header.len(), |bytes| bytes[..header.len()].copy_from_slice(&header));
    }
    call.state.modified(key);
    call.work(WORK);
    Ok(estimate)
}

/// PFMERGE destkey [sourcekey ...]
pub fn pfmerge(call: &mut Call<'_>) -> Outcome {
    let mut registers = Registers::new();
    let mut dense = false;
    for i in 1..call.args.len() {
        let key = call.key(i);
        if let Some(entry) = call.state.read(&key) {
            let bytes = of_entry(entry)?;
            dense |= hll::is_dense(bytes);
            registers.merge(bytes).map_err(corrupted)?;
            call.work(WORK);
        }
    }
    let key = call.key(1);
    let sparse_bytes_max = call.state.config.encodings.hll_sparse_max_bytes;
    let merged = |mut bytes: Vec<u8>| {
        hll::raise_all(&mut bytes, &registers, dense, sparse_bytes_max).map_err(corrupted)?;
        Ok(bytes)
    };
    match call.state.write(&key) {
        Lookup::Occupied(mut found) => {
            let bytes = of_entry(found.entry())?;
            if hll::is_dense(bytes) {
                found.change_bytes(hll::DENSE_BYTES, |bytes| hll::set_dense(bytes, &registers));
            } else {
                let bytes = merged(bytes.to_vec())?;
                found.set_bytes(bytes, Deadline::Keep);
            }
        }
        Lookup::Vacant(free) => {
            let bytes = merged(hll::empty())?;
            free.insert(NewValue::Raw(b""), Deadline::Clear).set_bytes(bytes, Deadline::Clear);
            call.state.notify(NotifyClass::NEW, "new", &key);
        }
    }
    call.state.modified(&key);
    call.state.notify(NotifyClass::STRING, "pfadd", &key);
    call.work(WORK);
    call.reply().ok();
    Ok(())
}

/// PFDEBUG GETREG | DECODE | ENCODING | TODENSE key
pub fn pfdebug(call: &mut Call<'_>) -> Outcome {
    let key = call.key(2);
    let Lookup::Occupied(found) = call.state.write(&key) else {
        return Err(ErrorReply::new("ERR The specified key does not exist"));
    };
    let bytes = of_entry(found.entry())?;
    if call.args.is(1, "GETREG") {
        let mut registers = Registers::new();
        registers.merge(bytes).map_err(corrupted)?;
        make_dense(call, &key)?;
        let mut reply = call.session.reply();
        reply.array(hll::REGISTERS);
        registers.bytes().iter().for_each(|register| reply.integer(i64::from(*register)));
    } else if call.args.is(1, "DECODE") {
        if hll::is_dense(bytes) {
            return Err(ErrorReply::new("ERR HLL encoding is not sparse"));
        }
        let words: Vec<String> = hll::runs(bytes)
            .map(|run| match run {
                Run::Zeros(count) | Run::ManyZeros(count) => format!("Z:{count}"),
                Run::Values(value, count) => format!("v:{value},{count}"),
            })
            .collect();
        call.reply().bulk(words.join(" ").as_bytes());
    } else if call.args.is(1, "ENCODING") {
        let encoding = if hll::is_dense(bytes) { "dense" } else { "sparse" };
        call.reply().simple(encoding);
    } else if call.args.is(1, "TODENSE") {
        let changed = make_dense(call, &key)?;
        call.reply().integer(i64::from(changed));
    } else {
        let name = printable(call.args.at(1));
        return Err(ErrorReply::quoting("ERR Unknown PFDEBUG subcommand '", name, "'"));
    }
    Ok(())
}

/// Makes a HyperLogLog dense; false if it is.
fn make_dense(call: &mut Call<'_>, key: &Key<'_>) -> Result<bool, ErrorReply> {
    let Lookup::Occupied(mut found) = call.state.write(key) else { return Ok(false) };
    let bytes = of_entry(found.entry())?;
    if hll::is_dense(bytes) {
        return Ok(false);
    }
    let mut bytes = bytes.to_vec();
    hll::make_dense(&mut bytes).map_err(corrupted)?;
    found.set_bytes(bytes, Deadline::Keep);
    call.state.modified(key);
    Ok(true)
}

/// PFSELFTEST: adds elements to a sparse and to a dense one, which must agree with each other and with the truth.
pub fn pfselftest(call: &mut Call<'_>) -> Outcome {
    const ELEMENTS: u64 = 20_000;
    /// Four times the standard error of 1.04 / sqrt(16384).
    const ERROR_MAX: f64 = 0.0325;
    let sparse_bytes_max = call.state.config.encodings.hll_sparse_max_bytes;
    let (mut sparse, mut dense) = (hll::empty(), hll::empty());
    hll::make_dense(&mut dense).map_err(corrupted)?;
    for i in 1..=ELEMENTS {
        let element = i.to_le_bytes();
        let changed = hll::add(&mut sparse, &element, sparse_bytes_max).map_err(corrupted)?;
        if hll::add_dense(&mut dense, &element) != changed {
            return Err(ErrorReply::owned(format!(
                "ERR TESTFAILED element {i} changes one encoding and not the other"
            )));
        }
        if i.is_power_of_two() || i == ELEMENTS {
            let (one, other) = (hll::estimate(&sparse).map_err(corrupted)?, hll::estimate(&dense).map_err(corrupted)?);
            if one != other {
                return Err(ErrorReply::owned(format!(
                    "ERR TESTFAILED sparse and dense tell {one} and {other} of {i}"
                )));
            }
            if (one as f64 - i as f64).abs() > (ERROR_MAX * i as f64).max(1.0) {
                return Err(ErrorReply::owned(format!("ERR TESTFAILED {one} is too far from {i}")));
            }
        }
    }
    call.work(ELEMENTS / 10);
    call.reply().ok();
    Ok(())
}
