//! Looking parameters up.

use super::groups::TABLE;
use super::parameter::Parameter;

/// All parameters, group by group.
pub fn parameters() -> impl Iterator<Item = &'static Parameter> {
    TABLE.iter().flat_map(|group| group.iter())
}

/// The parameter of that name or alias, in any case, with that name as the table has it.
pub fn find(name: &[u8]) -> Option<(&'static str, &'static Parameter)> {
    let named = |p: &'static Parameter| [p.name, p.alias].into_iter().map(move |name| (name, p));
    parameters().flat_map(named).find(|(known, _)| !known.is_empty() && known.as_bytes().eq_ignore_ascii_case(name))
}

/// The name nearest to a mistyped one, if one is near at all.
pub fn closest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let far = 1 + name.len() / 4;
    let near = parameters().map(|p| (edit_distance(&name, p.name), p.name)).filter(|(d, _)| *d <= far);
    near.min().map(|(_, name)| name)
}

/// Levenshtein distance over bytes. Names are short; `a` is cut at 64 bytes to bound the work.
fn edit_distance(a: &str, b: &str) -> usize {
    let a = &a.as_bytes()[..a.len().min(64)];
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let substituted = diagonal + usize::from(*x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
