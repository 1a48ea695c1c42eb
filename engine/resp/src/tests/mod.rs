//! What all the tests share: a connection that hands its bytes over in pieces.

mod cuts;
mod linear;
mod model;
mod numbers;
mod quoting;
mod replies;
mod wrong_inputs;

use crate::{Limits, Parsed, ProtocolError, RequestParser};

/// What a server saw of a stream: the commands, and the error that ended it if one did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Seen {
    commands: Vec<Vec<Vec<u8>>>,
    error: Option<ProtocolError>,
    /// Where the first command begins that was not complete at the end (or was wrong).
    stopped_at: usize,
}

/// Feeds `stream` in pieces that end at `cuts` and at its end, and checks the parser's contract at every call.
fn feed(stream: &[u8], cuts: &[usize], limits: &Limits) -> Seen {
    let sentinel = crate::Arg { start: 7, len: 7 };
    let mut ends: Vec<usize> = cuts.iter().map(|&cut| cut.min(stream.len())).collect();
    ends.push(stream.len());
    ends.sort_unstable();
    ends.dedup();
    let mut parser = RequestParser::new();
    let mut seen = Seen::default();
    // The length that the last `wanted` said the command has at least.
    let mut promised = 0;
    for end in ends {
        while seen.stopped_at < end {
            // At another address every time: a parser that kept a pointer would be found out.
            let input = stream[seen.stopped_at..end].to_vec();
            let mut args = vec![sentinel];
            let parsed = parser.parse(&input, &mut args, limits);
            assert_eq!(args[0], sentinel, "what was in the vector stays");
            let (consumed, argc, source): (usize, usize, &[u8]) = match &parsed {
                Ok(Parsed::Command { consumed, argc }) => (*consumed, *argc, &input),
                Ok(Parsed::Inline { consumed, argc, bytes }) => (*consumed, *argc, bytes),
                Ok(Parsed::Nothing { consumed }) => (*consumed, 0, &[]),
                Ok(Parsed::Incomplete { wanted }) => {
                    assert!(*wanted >= 1);
                    assert_eq!(args.len(), 1, "nothing is appended before the command is complete");
                    assert!(parser.memory() <= 128 + 4 * input.len(), "{} for {}", parser.memory(), input.len());
                    promised = input.len() + wanted;
                    break;
                }
                Err(error) => {
                    assert_eq!(args.len(), 1, "nothing is appended by an error");
                    seen.error = Some(*error);
                    return seen;
                }
            };
            assert!(!parser.is_partial() && parser.memory() == 0, "between two commands nothing is held");
            assert!((1..=input.len()).contains(&consumed) && consumed >= promised);
            assert_eq!(args.len(), 1 + argc);
            if !matches!(parsed, Ok(Parsed::Nothing { .. })) {
                assert!(argc >= 1);
                seen.commands.push(args[1..].iter().map(|arg| arg.of(source).to_vec()).collect());
            }
            seen.stopped_at += consumed;
            promised = 0;
        }
    }
    seen
}

/// Feeds a stream one byte at a time.
fn feed_bytewise(stream: &[u8], limits: &Limits) -> Seen {
    feed(stream, &(0..stream.len()).collect::<Vec<_>>(), limits)
}
