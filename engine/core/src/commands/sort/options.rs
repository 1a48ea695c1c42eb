//! What SORT is asked for.

use std::ops::Range;

use super::Pattern;
use crate::call::Call;
use crate::error::{ErrorReply, SYNTAX};
use crate::table::{Arguments, KeyFlags};

/// A call's options, the last of each kind.
#[derive(Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) descending: bool,
    /// By bytes, not by numbers.
    pub(super) alphabetic: bool,
    offset: i64,
    count: Option<i64>,
    /// What to sort by instead of the elements.
    pub(super) by: Option<Pattern<'a>>,
    /// Not to sort: some BY names no key.
    pub(super) unsorted: bool,
    /// What to return instead of the elements.
    pub(super) get: Vec<Pattern<'a>>,
    /// The argument that names where to store the result.
    pub(super) store: Option<usize>,
}

impl<'a> Options<'a> {
    /// Reads them. BY and GET name keys that nobody could check ahead, so they take the right to read every key.
    pub(super) fn parse(call: &mut Call<'a>, may_store: bool) -> Result<Options<'a>, ErrorReply> {
        const BY_DENIED: &str = "ERR BY option of SORT denied due to insufficient ACL permissions.";
        const GET_DENIED: &str = "ERR GET option of SORT denied due to insufficient ACL permissions.";
        let mut options = Options::default();
        let args = call.args;
        let mut i = 2;
        while i < args.len() {
            let left = args.len() - i - 1;
            if args.is(i, "ASC") {
                options.descending = false;
            } else if args.is(i, "DESC") {
                options.descending = true;
            } else if args.is(i, "ALPHA") {
                options.alphabetic = true;
            } else if args.is(i, "LIMIT") && left >= 2 {
                options.offset = call.integer(i + 1)?;
                options.count = Some(call.integer(i + 2)?);
                i += 2;
            } else if args.is(i, "STORE") && left >= 1 && may_store {
                options.store = Some(i + 1);
                i += 1;
            } else if args.is(i, "BY") && left >= 1 {
                let pattern = Pattern::parse(args.at(i + 1));
                if pattern.names_keys() && !may_read_every_key(call) {
                    return Err(ErrorReply::new(BY_DENIED));
                }
                options.unsorted |= !pattern.names_keys();
                options.by = Some(pattern);
                i += 1;
            } else if args.is(i, "GET") && left >= 1 {
                if !may_read_every_key(call) {
                    return Err(ErrorReply::new(GET_DENIED));
                }
                options.get.push(Pattern::parse(args.at(i + 1)));
                i += 1;
            } else {
                return Err(SYNTAX);
            }
            i += 1;
        }
        Ok(options)
    }

    /// Which of `len` sorted elements are asked for.
    pub(super) fn window(&self, len: usize) -> Range<usize> {
        let position = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX).min(len);
        let start = position(self.offset);
        match self.count {
            Some(count) if count >= 0 => start..(start + position(count)).min(len),
            _ => start..len,
        }
    }
}

fn may_read_every_key(call: &mut Call<'_>) -> bool {
    if call.session.unrestricted {
        return true;
    }
    let name = call.command.name.as_bytes();
    let Some(found) = call.state.table.by_own_name(name) else { return false };
    let args = call.args;
    let argument = |i| args.at(i);
    let flags = KeyFlags::of(&[KeyFlags::ACCESS]);
    let user = call.state.acl.user(call.session.user);
    user.may_use_any_key(found, Arguments::new(args.len(), &argument), flags, &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::Options;

    #[test]
    fn windows_are_within_what_there_is() {
        for (offset, count, expected) in [
            (0, None, 0..5),
            (0, Some(-1), 0..5),
            (0, Some(0), 0..0),
            (1, Some(2), 1..3),
            (-7, Some(2), 0..2),
            (4, Some(9), 4..5),
            (5, Some(1), 5..5),
            (9, Some(i64::MAX), 5..5),
            (i64::MAX, Some(-9), 5..5),
        ] {
            let options = Options { offset, count, ..Options::default() };
            assert_eq!(options.window(5), expected, "{offset} {count:?}");
        }
    }
}
