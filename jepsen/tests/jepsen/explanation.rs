//! What a person is told about an illegal history.

use refrain_jepsen::{Detail, Options, Verdict, check, details, read};

fn told(text: &str) -> String {
    let history = read(text).unwrap();
    let verdict = check(&history, &Options::default());
    format!("{verdict}\n{}", details(&history, &verdict, Detail::Short))
}

#[test]
fn a_stale_read() {
    insta::assert_snapshot!(told(include_str!("../histories/register-stale-read.log")));
}

#[test]
fn a_lost_update_among_many_operations() {
    insta::assert_snapshot!(told(include_str!("../histories/redis-lost-update.jsonl")));
}

#[test]
fn what_the_core_says_is_true() {
    // Forgetting all other replies leaves the history illegal: that is what the report claims.
    let history = read(include_str!("../histories/redis-lost-update.jsonl")).unwrap();
    let Verdict::Illegal(explanation) = check(&history, &Options::default()) else { panic!("it is illegal") };
    let forgotten: Vec<String> = history
        .to_json_lines()
        .lines()
        .filter(|line| {
            let id: Option<usize> = line
                .split("\"id\":")
                .nth(1)
                .map(|rest| rest.split(|char: char| !char.is_ascii_digit()).next().unwrap().parse().unwrap());
            line.contains("invoke") || id.is_none_or(|id| explanation.core.contains(&id))
        })
        .map(String::from)
        .collect();
    let forgotten = read(&forgotten.join("\n")).unwrap();
    assert!(matches!(check(&forgotten, &Options::default()), Verdict::Illegal(_)));
}
