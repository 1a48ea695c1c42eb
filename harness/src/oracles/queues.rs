//! Elements of queues are taken once, in the order in which they were pushed, and none is lost but with the reply that brought it.
//!
//! Source: the command reference: a blocking pop is a pop as soon as there is something to pop, each command takes effect once or
//! never, and a client whose connection has ended takes nothing. So an element that was pushed, and that neither came to
//! anybody nor is there in the end, was in a reply that nobody read: one of a request that was given up, asked on a connection that
//! the server had not forgotten before the element was sent. What is moved to a list cannot be lost at all. Whether requests that
//! were given up can account for all that is missing is a matching of elements with requests (Hall, "On representatives of
//! subsets", 1935), found by augmenting paths.

use std::collections::BTreeMap;

use super::Violation;
use crate::record::queues::{Pushed, Queues, Take};
use crate::record::{COMPLAINTS_MAX, Record, seconds};
use crate::workloads::consumer::own_list;

/// Says what came twice, out of order, from nowhere, or not at all.
pub fn judge(record: &Record) -> Vec<Violation> {
    let queues = &record.queues;
    let mut complaints = twice_or_from_nowhere(queues);
    complaints.extend(out_of_order(queues));
    complaints.extend(lost(queues));
    complaints.truncate(COMPLAINTS_MAX);
    complaints.into_iter().map(|what| Violation::new("queues", what)).collect()
}

/// Who has got each element: a request that took it, or the list that it was moved to.
fn owners(queues: &Queues) -> BTreeMap<&str, Vec<String>> {
    let mut owners: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (number, take) in queues.takes.iter().enumerate() {
        for element in take.got.iter().flat_map(|(_, got)| got) {
            let owner =
                if take.moves { own_list(&take.client) } else { format!("request {number} of {}", take.client) };
            owners.entry(element).or_default().push(owner);
        }
    }
    for (element, list) in &queues.recovered {
        let known = owners.entry(element).or_default();
        if !known.contains(list) {
            known.push(list.clone());
        }
    }
    for (list, elements) in queues.left.iter().flatten().filter(|(name, _)| name.starts_with("p.")) {
        for element in elements {
            let known = owners.entry(element).or_default();
            if !known.contains(list) {
                known.push(list.clone());
            }
        }
    }
    owners
}

fn twice_or_from_nowhere(queues: &Queues) -> Vec<String> {
    let pushed: BTreeMap<&str, &Pushed> = queues.pushed.iter().map(|p| (p.element.as_str(), p)).collect();
    let mut complaints = Vec::new();
    for (element, owners) in owners(queues) {
        if owners.len() > 1 {
            complaints.push(format!("{element} was taken by {}", owners.join(", and by ")));
        }
        if !pushed.contains_key(element) {
            complaints.push(format!("{element} was never pushed, and is with {}", owners.join(", and with ")));
        }
    }
    for (number, take) in queues.takes.iter().enumerate() {
        for element in take.got.iter().flat_map(|(_, got)| got) {
            if pushed.get(element.as_str()).is_some_and(|pushed| !take.queues.contains(&pushed.queue)) {
                complaints.push(format!("request {number} of {} got {element} of another queue", take.client));
            }
        }
    }
    complaints
}

/// What one producer pushed to one list comes out in that order: nobody has the second before another asks for the first.
fn out_of_order(queues: &Queues) -> Vec<String> {
    let takes: BTreeMap<&str, (&Take, u64)> = queues
        .takes
        .iter()
        .filter_map(|take| take.got.as_ref().map(|(at, got)| (take, *at, got)))
        .flat_map(|(take, at, got)| got.iter().map(move |element| (element.as_str(), (take, at))))
        .collect();
    let mut sequences: BTreeMap<(&str, u64), Vec<&str>> = BTreeMap::new();
    for pushed in queues.pushed.iter().filter(|pushed| pushed.queue.starts_with('q')) {
        sequences.entry((&pushed.queue, pushed.process)).or_default().push(&pushed.element);
    }
    let mut complaints = Vec::new();
    for elements in sequences.values() {
        // From the last to the first: the earliest that any later element was there.
        let mut soonest: Option<(u64, &str)> = None;
        for element in elements.iter().rev() {
            let Some((take, at)) = takes.get(element) else { continue };
            if let Some((later_at, later)) = soonest
                && later_at < take.sent
            {
                complaints.push(format!(
                    "{later} was taken by {}, and {element}, pushed before it, by a request that was sent after that",
                    seconds(later_at)
                ));
            }
            if soonest.is_none_or(|(soonest, _)| *at < soonest) {
                soonest = Some((*at, element));
            }
        }
    }
    complaints
}

/// What was pushed and is nowhere, if requests that were given up don't account for it.
fn lost(queues: &Queues) -> Vec<String> {
    let Some(left) = &queues.left else { return vec!["nobody could look what is left in the queues".to_owned()] };
    let owners = owners(queues);
    let is_there =
        |element: &str| owners.contains_key(element) || left.values().flatten().any(|known| known == element);
    let missing: Vec<&Pushed> =
        queues.pushed.iter().filter(|pushed| pushed.acked.is_some() && !is_there(&pushed.element)).collect();
    // A request that can bring several elements stands here as often.
    let suspects: Vec<&Take> = queues
        .takes
        .iter()
        .filter(|take| take.given_up && take.got.is_none() && !take.moves)
        .flat_map(|take| std::iter::repeat_n(take, take.most))
        .collect();
    let may_have = |take: &Take, pushed: &Pushed| {
        take.queues.contains(&pushed.queue) && take.gone_by.is_none_or(|gone_by| pushed.sent <= gone_by)
    };
    let mut taken_by: Vec<Option<usize>> = vec![None; suspects.len()];
    let mut complaints = Vec::new();
    for (number, pushed) in missing.iter().enumerate() {
        let mut tried = vec![false; suspects.len()];
        if !assign(number, &missing, &suspects, &may_have, &mut taken_by, &mut tried) {
            complaints.push(format!(
                "{} was pushed to {} at {} and is lost: {} elements are missing, and no request that was given up can have got it",
                pushed.element,
                pushed.queue,
                seconds(pushed.sent),
                missing.len()
            ));
        }
    }
    complaints
}

/// Finds a request that may have got an element, moving others to other requests where that helps.
fn assign(
    number: usize,
    missing: &[&Pushed],
    suspects: &[&Take],
    may_have: &impl Fn(&Take, &Pushed) -> bool,
    taken_by: &mut [Option<usize>],
    tried: &mut [bool],
) -> bool {
    for i in 0..suspects.len() {
        if tried[i] || !may_have(suspects[i], missing[number]) {
            continue;
        }
        tried[i] = true;
        let free = match taken_by[i] {
            None => true,
            Some(other) => assign(other, missing, suspects, may_have, taken_by, tried),
        };
        if free {
            taken_by[i] = Some(number);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(number: u64, sent: u64) -> Pushed {
        Pushed { element: format!("1:{number}"), queue: "q0".into(), process: 1, sent, acked: Some(sent + 1) }
    }

    fn take(sent: u64, got: Option<(u64, &[&str])>) -> Take {
        Take {
            client: "c".into(),
            connection: 7,
            queues: vec!["q0".into()],
            most: 1,
            moves: false,
            sent,
            got: got.map(|(at, got)| (at, got.iter().map(|element| (*element).to_owned()).collect())),
            given_up: got.is_none(),
            gone_by: None,
        }
    }

    fn complaints(pushed: Vec<Pushed>, takes: Vec<Take>, left: &[&str]) -> usize {
        let mut record = Record::new(false);
        let left = left.iter().map(|element| (*element).to_owned()).collect();
        let left = Some(BTreeMap::from([("q0".to_owned(), left)]));
        record.queues = Queues { pushed, takes, recovered: Vec::new(), left };
        judge(&record).len()
    }

    #[test]
    fn an_element_is_taken_once_in_order_and_never_lost() {
        let both = || vec![pushed(0, 10), pushed(1, 20)];
        let first = || take(30, Some((40, &["1:0"])));
        assert_eq!(complaints(both(), vec![first()], &["1:1"]), 0);
        assert_eq!(complaints(both(), vec![first(), take(50, Some((60, &["1:0"])))], &["1:1"]), 1, "twice");
        assert_eq!(complaints(both(), vec![first()], &[]), 1, "lost");
        assert_eq!(complaints(both(), vec![take(30, Some((40, &["1:1"]))), take(50, Some((60, &["1:0"])))], &[]), 1);
        assert_eq!(complaints(both(), vec![take(30, Some((40, &["9:9"])))], &["1:0", "1:1"]), 1, "from nowhere");
    }

    #[test]
    fn a_request_that_was_given_up_accounts_for_one_element_that_was_sent_while_it_lived() {
        let both = || vec![pushed(0, 10), pushed(1, 20)];
        assert_eq!(complaints(both(), vec![take(5, None)], &["1:1"]), 0);
        assert_eq!(complaints(both(), vec![take(5, None)], &[]), 1);
        let gone = |at| Take { gone_by: Some(at), ..take(5, None) };
        assert_eq!(complaints(both(), vec![gone(15), gone(30)], &[]), 0);
        assert_eq!(complaints(both(), vec![gone(15), gone(15)], &[]), 1);
        assert_eq!(complaints(both(), vec![Take { moves: true, ..take(5, None) }], &["1:1"]), 1);
    }
}
