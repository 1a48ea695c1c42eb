//! How many nodes Redis's radix tree would have over the ids of blocks: a figure that XINFO shows.

/// Nodes of the compressed radix tree over these keys, which are sorted and of one length: a run of bytes that all keys below
/// share is one node, a place where they part is one, and so is each end.
pub(super) fn nodes(keys: &[[u8; 16]]) -> usize {
    let mut count = 0;
    let mut open = vec![(keys, 0)];
    while let Some((keys, depth)) = open.pop() {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
            count += 1;
            continue;
        };
        // Of sorted keys the first and the last share what all share.
        let shared = first[depth..].iter().zip(&last[depth..]).take_while(|(a, b)| a == b).count();
        count += usize::from(shared > 0) + 1;
        let at = depth + shared;
        if at < first.len() {
            open.extend(keys.chunk_by(|a, b| a[at] == b[at]).map(|part| (part, at + 1)));
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::nodes;

    #[test]
    fn small_trees_have_the_nodes_that_redis_counts() {
        let key = |ms: u64, seq: u64| crate::stream::StreamId::new(ms, seq).to_be_bytes();
        assert_eq!(nodes(&[]), 1);
        assert_eq!(nodes(&[key(1, 1)]), 2);
        // One run, one parting, and a run with its end each.
        assert_eq!(nodes(&[key(1, 1), key(2, 1)]), 6);
        assert_eq!(nodes(&[key(1, 1), key(1, 2)]), 4);
    }
}
