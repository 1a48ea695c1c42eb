//! LCS: the longest common subsequence of two strings, by the table that every textbook has.
//!
//! Time and memory grow with the product of the lengths, so the table is bounded by `proto-max-bulk-len`, and what it costs is
//! reported as work.

use refrain_data::Entry;

use super::string;
use crate::call::{Call, Outcome};
use crate::error::{ErrorReply, SYNTAX};

/// Cells of the table that cost about as much as an ordinary command.
const CELLS_PER_WORK: u64 = 512;

#[derive(Default)]
struct Options {
    length: bool,
    ranges: bool,
    with_match_length: bool,
    match_length_min: i64,
}

impl Options {
    fn parse(call: &Call<'_>) -> Result<Options, ErrorReply> {
        let mut options = Options::default();
        let mut i = 3;
        while i < call.args.len() {
            if call.args.is(i, "IDX") {
                options.ranges = true;
            } else if call.args.is(i, "LEN") {
                options.length = true;
            } else if call.args.is(i, "WITHMATCHLEN") {
                options.with_match_length = true;
            } else if call.args.is(i, "MINMATCHLEN") && i + 1 < call.args.len() {
                i += 1;
                options.match_length_min = call.integer(i)?.max(0);
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        if options.length && options.ranges {
            const BOTH: &str = "ERR If you want both the length and indexes, please just use IDX.";
            return Err(ErrorReply::new(BOTH));
        }
        Ok(options)
    }
}

/// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]
pub fn lcs(call: &mut Call<'_>) -> Outcome {
    const NO_STRING: ErrorReply = ErrorReply::new("ERR The specified keys must contain string values");
    let (first, second) = (call.key(1), call.key(2));
    let copied = |entry: Option<Entry<'_>>| match entry {
        Some(entry) => string(entry).map(|value| value.to_vec()),
        None => Ok(Vec::new()),
    };
    let first = copied(call.state.read(&first));
    let second = copied(call.state.read(&second));
    let (Ok(first), Ok(second)) = (first, second) else { return Err(NO_STRING) };
    let options = Options::parse(call)?;
    let table = Table::new(&first, &second, call.state.config.limits.proto_max_bulk_len)?;
    call.work(table.cells.len() as u64 / CELLS_PER_WORK);
    let len = i64::from(table.at(first.len(), second.len()));
    if options.ranges {
        reply_ranges(call, &table, &options, len);
    } else if options.length {
        call.reply().integer(len);
    } else {
        let common = table.common();
        call.reply().bulk(&common);
    }
    Ok(())
}

fn reply_ranges(call: &mut Call<'_>, table: &Table<'_>, options: &Options, len: i64) {
    let long_enough = |range: &Match| range.len >= options.match_length_min.unsigned_abs();
    let ranges: Vec<Match> = table.matches().into_iter().filter(long_enough).collect();
    let mut reply = call.reply();
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(ranges.len());
    for Match { first, second, len } in ranges {
        reply.array(2 + usize::from(options.with_match_length));
        for start in [first, second] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer((start as u64 + len - 1) as i64);
        }
        if options.with_match_length {
            reply.integer(len as i64);
        }
    }
    reply.bulk(b"len");
    reply.integer(len);
}

/// Lengths of the longest common subsequences of all pairs of prefixes.
struct Table<'a> {
    first: &'a [u8],
    second: &'a [u8],
    cells: Vec<u32>,
}

/// Bytes in a row that are the same in both strings, and where they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Match {
    first: usize,
    second: usize,
    len: u64,
}

impl<'a> Table<'a> {
    fn new(first: &'a [u8], second: &'a [u8], bytes_max: u64) -> Result<Table<'a>, ErrorReply> {
        const TOO_LARGE: &str = "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        const NO_MEMORY: &str = "ERR Insufficient memory, failed allocating transient memory for LCS";
        let too_long = |bytes: &[u8]| bytes.len() as u64 >= u64::from(u32::MAX) - 1;
        if too_long(first) || too_long(second) {
            return Err(ErrorReply::new("ERR String too long for LCS"));
        }
        let count = (first.len() as u128 + 1) * (second.len() as u128 + 1);
        if count * size_of::<u32>() as u128 > u128::from(bytes_max) {
            return Err(ErrorReply::new(TOO_LARGE));
        }
        let count = usize::try_from(count).expect("it is below the bound");
        let mut cells = Vec::new();
        cells.try_reserve_exact(count).map_err(|_| ErrorReply::new(NO_MEMORY))?;
        cells.resize(count, 0);
        let mut table = Table { first, second, cells };
        table.fill();
        Ok(table)
    }

    fn fill(&mut self) {
        let width = self.second.len() + 1;
        for (i, byte) in self.first.iter().enumerate() {
            let (above, row) = self.cells[i * width..(i + 2) * width].split_at_mut(width);
            for (j, other) in self.second.iter().enumerate() {
                row[j + 1] = if byte == other { above[j] + 1 } else { above[j + 1].max(row[j]) };
            }
        }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * (self.second.len() + 1) + j]
    }

    /// Walks from the ends of both strings to the beginning of one, and visits the pairs of bytes that are in the subsequence.
    /// Of several subsequences of that length it is the one that Redis finds.
    fn walk(&self, mut visit: impl FnMut(usize, usize)) {
        let (mut i, mut j) = (self.first.len(), self.second.len());
        while i > 0 && j > 0 {
            if self.first[i - 1] == self.second[j - 1] {
                (i, j) = (i - 1, j - 1);
                visit(i, j);
            } else if self.at(i - 1, j) > self.at(i, j - 1) {
                i -= 1;
            } else {
                j -= 1;
            }
        }
    }

    fn common(&self) -> Vec<u8> {
        let mut common = Vec::with_capacity(self.at(self.first.len(), self.second.len()) as usize);
        self.walk(|i, _| common.push(self.first[i]));
        common.reverse();
        common
    }

    /// The subsequence as ranges, the last one first.
    fn matches(&self) -> Vec<Match> {
        let mut matches: Vec<Match> = Vec::new();
        self.walk(|i, j| match matches.last_mut() {
            Some(last) if last.first == i + 1 && last.second == j + 1 => {
                *last = Match { first: i, second: j, len: last.len + 1 };
            }
            _ => matches.push(Match { first: i, second: j, len: 1 }),
        });
        matches
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The length by its definition, without a table.
    fn naive(first: &[u8], second: &[u8]) -> u32 {
        match (first.split_last(), second.split_last()) {
            (Some((a, first)), Some((b, second))) if a == b => 1 + naive(first, second),
            (Some((_, shorter)), Some((_, other))) => naive(shorter, second).max(naive(first, other)),
            _ => 0,
        }
    }

    proptest! {
        #[test]
        fn it_is_common_and_longest(first in "[abc]{0,9}", second in "[abc]{0,9}") {
            let (first, second) = (first.as_bytes(), second.as_bytes());
            let table = Table::new(first, second, 1 << 20).unwrap_or_else(|_| panic!("small"));
            let common = table.common();
            prop_assert_eq!(common.len() as u32, naive(first, second));
            for whole in [first, second] {
                let mut rest = whole.iter();
                prop_assert!(common.iter().all(|byte| rest.any(|other| other == byte)), "a subsequence of both");
            }
            let matches = table.matches();
            prop_assert_eq!(matches.iter().map(|m| m.len).sum::<u64>(), common.len() as u64);
            for Match { first: i, second: j, len } in matches {
                let len = len as usize;
                prop_assert_eq!(&first[i..i + len], &second[j..j + len]);
            }
        }
    }

    #[test]
    fn the_table_is_bounded() {
        assert!(Table::new(&[0; 9], &[0; 9], 400).is_ok());
        assert!(Table::new(&[0; 9], &[0; 9], 399).is_err());
    }
}
