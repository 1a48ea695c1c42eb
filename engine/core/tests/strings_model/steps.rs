//! Random commands, clocks that move, ticks.

use proptest::prelude::*;

use crate::model::DATABASES;

/// One step of a story.
#[derive(Debug, Clone)]
pub enum Step {
    Command(Vec<String>),
    Advance(u64),
    Tick,
    /// Ticks until all that has expired is gone; then counts are exact.
    Settle,
    Keys,
    Random,
}

pub fn step() -> impl Strategy<Value = Step> {
    let key = (0..24u32).prop_map(|n| format!("key:{n}"));
    let number = prop::sample::select(vec![
        "0",
        "1",
        "-1",
        "41",
        "9223372036854775807",
        "-9223372036854775808",
        "x",
        "01",
        " 1",
    ]);
    let value = prop_oneof![
        4 => number.clone().prop_map(str::to_owned),
        2 => "[a-z]{0,3}",
        1 => prop::sample::select(vec![15_usize, 16, 40, 63, 64, 255, 256, 1000, 70_000]).prop_map(|n| "v".repeat(n)),
    ];
    let time = prop_oneof![8 => (1..60i64).prop_map(|n| n.to_string()), 1 => number.prop_map(str::to_owned)];
    let unit = prop::sample::select(vec!["PX", "PX", "PX", "EX", "PXAT", "EXAT"]);
    let option = (0..12usize, unit, time.clone(), value.clone()).prop_map(|(which, unit, time, value)| match which {
        0 => "NX".into(),
        1 => "XX".into(),
        2 => "NX GET".into(),
        3 => "XX GET".into(),
        4 => "GET".into(),
        5 => "KEEPTTL".into(),
        6 => format!("IFEQ {value}"),
        7 => format!("GET IFNE {value} {unit} {time}"),
        _ => format!("{unit} {time}"),
    });
    let condition = prop::sample::select(vec!["", "", "", " NX", " XX", " GT", " LT", " XX GT", " LT XX"]);
    let all = (key.clone(), key, value, time, option, condition, 0..DATABASES, 0..DATABASES, 0..88usize);
    all.prop_map(|(k, l, v, t, option, condition, a, b, which)| {
        let line = match which {
            0..=5 => return words(&["SET", &k, &v]),
            6..=14 => {
                let mut command = vec!["SET".to_owned(), k, v];
                command.extend(option.split(' ').map(str::to_owned));
                // An operand of one space would be split: such a value is for plain commands.
                return if option.contains("  ") { words(&["PTTL", &command[1]]) } else { Step::Command(command) };
            }
            15 => return words(&["APPEND", &k, &v]),
            16 => return words(&["MSET", &k, &v, &l, "1", &k, "last"]),
            17 => return words(&["INCRBY", &k, &v]),
            18 => return words(&["DECRBY", &k, &v]),
            19..=22 => format!("GET {k}"),
            23 => format!("MGET {k} {l} {k}"),
            24 => format!("STRLEN {k}"),
            25 => format!("INCR {k}"),
            26 => format!("DECR {k}"),
            27 => format!("GETDEL {k}"),
            28 => format!("GETEX {k}"),
            29 => format!("GETEX {k} PERSIST"),
            30 => format!("GETEX {k} PX 7"),
            31 => format!("DEL {k} {l} {k}"),
            32 => format!("UNLINK {k}"),
            33 => format!("EXISTS {k} {l} {k}"),
            34 => format!("TOUCH {k} {l}"),
            35 => format!("TYPE {k}"),
            36..=38 => {
                return words(
                    &[&["PEXPIRE", &k, &t], condition.split_ascii_whitespace().collect::<Vec<_>>().as_slice()].concat(),
                );
            }
            39 => {
                return words(
                    &[&["EXPIRE", &k, &t], condition.split_ascii_whitespace().collect::<Vec<_>>().as_slice()].concat(),
                );
            }
            40 => return words(&["PEXPIREAT", &k, &t]),
            41 => format!("EXPIREAT {k} 1700000001"),
            42 => format!("PEXPIREAT {k} 1700000000050"),
            43 => format!("TTL {k}"),
            44 => format!("PTTL {k}"),
            45 => format!("EXPIRETIME {k}"),
            46 => format!("PEXPIRETIME {k}"),
            47 => format!("PERSIST {k}"),
            48..=50 => format!("SELECT {}", a % 4),
            51 => format!("SELECT {a}"),
            52 => format!("SWAPDB {a} {b}"),
            53 => format!("SWAPDB {} {}", a % 4, b % 4),
            54 if a == 0 => "FLUSHALL".into(),
            54 => "FLUSHDB ASYNC".into(),
            55 => return Step::Settle,
            56..=58 => return Step::Advance(1 + (a * b) as u64),
            59 => return Step::Advance(1000),
            60 => return Step::Tick,
            61 => return Step::Random,
            62 | 63 => return Step::Keys,
            64 => return words(&["SETNX", &k, &v]),
            65 => return words(&["SETEX", &k, &t, &v]),
            66 => return words(&["PSETEX", &k, &t, &v]),
            67 => return words(&["GETSET", &k, &v]),
            68 => return words(&["MSETNX", &k, &v, &l, "1", &k, "last"]),
            69 => format!("GETRANGE {k} {} {}", a as i64 - 8, b as i64 - 8),
            70 => format!("SUBSTR {k} {} {}", a as i64 * 100, b as i64 - 20),
            71 | 72 => return words(&["SETRANGE", &k, &(a * b * b).to_string(), &v]),
            73 | 74 => format!("RENAME {k} {l}"),
            75 => format!("RENAMENX {k} {l}"),
            76 => format!("COPY {k} {l}"),
            77 => format!("COPY {k} {l} REPLACE"),
            78 => format!("COPY {k} {l} DB {} REPLACE", a % 4),
            79 | 80 => format!("MOVE {k} {}", a % 4),
            81 => return words(&["DELEX", &k, "IFEQ", &v]),
            82 => return words(&["DELEX", &k, "IFNE", &v]),
            83 => {
                let options = [&[][..], &["NX"], &["XX"], &["KEEPTTL"], &["NX", "PX", &t], &["PX", &t]];
                return words(&[&["MSETEX", "2", &k, &v, &l, "1"], options[a % 6]].concat());
            }
            84 => format!("DELEX {k}"),
            _ => {
                let bounds = [("-5", "5"), ("41", "41"), ("9223372036854775807", "9223372036854775807"), ("7", "-7")];
                let (lower, upper) = bounds[a % 4];
                let by = ["1", "-1", "40", "9223372036854775807", "-9223372036854775808"][b % 5];
                let options: [&[&str]; 6] =
                    [&[], &["SATURATE"], &["SATURATE", "PX", &t], &["PX", &t, "ENX"], &["PERSIST"], &["PX", &t]];
                let call = ["INCREX", &k, "BYINT", by, "LBOUND", lower, "UBOUND", upper];
                return words(&[&call[..], options[(a / 4 + b) % 6]].concat());
            }
        };
        Step::Command(line.split(' ').map(str::to_owned).collect())
    })
}

fn words(words: &[&str]) -> Step {
    Step::Command(words.iter().map(|w| (*w).to_owned()).collect())
}
