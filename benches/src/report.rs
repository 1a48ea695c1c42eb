//! What a comparison found, as values: tables of figures, one column a server, with the ratio to the best peer. How it is
//! shown is the business of the modules below.

pub mod html;
pub mod json;
pub mod text;

use crate::figures::{Better, Figure, Ratio, ratio};

/// A whole report.
#[derive(Clone, Debug)]
pub struct Report {
    /// How the figures came about, as pairs of a name and a text.
    pub conditions: Vec<(String, String)>,
    /// Names of the servers, ours first.
    pub servers: Vec<String>,
    /// One table a measure.
    pub tables: Vec<Table>,
    /// What a reader must know before believing the figures.
    pub notes: Vec<String>,
}

/// All rows of one measure.
#[derive(Clone, Debug)]
pub struct Table {
    /// What is measured.
    pub measure: Measure,
    /// One a test and depth.
    pub rows: Vec<Row>,
}

/// A quantity with its unit.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// As the heading says it.
    pub title: &'static str,
    /// In reports and in JSON.
    pub unit: &'static str,
    /// Which way is better; nothing where the figure is no merit of a server.
    pub better: Option<Better>,
}

/// The figures of all servers for one test.
#[derive(Clone, Debug)]
pub struct Row {
    /// For example `get P=64`.
    pub label: String,
    /// One a server, ours first; nothing where it was not measured.
    pub figures: Vec<Option<Figure>>,
    /// Ours against the best peer.
    pub ratio: Option<Ratio>,
}

impl Row {
    /// Summarises `samples`: for each server, ours first, one value a round.
    pub fn of(label: String, better: Option<Better>, samples: &[Vec<f64>]) -> Row {
        let figures = samples.iter().map(|values| Figure::of(values)).collect();
        let ratio = better.zip(samples.split_first()).and_then(|(better, (ours, peers))| {
            ratio(better, ours, &peers.iter().map(Vec::as_slice).collect::<Vec<_>>())
        });
        Row { label, figures, ratio }
    }
}

/// A number with about three significant digits.
fn short(value: f64) -> String {
    match value.abs() {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Median and range.
fn spread(figure: &Figure) -> String {
    if figure.min == figure.max {
        short(figure.median)
    } else {
        format!("{} ({}–{})", short(figure.median), short(figure.min), short(figure.max))
    }
}

#[cfg(test)]
pub(crate) fn sample() -> Report {
    let cost = Measure { title: "Server CPU per request", unit: "ns", better: Some(Better::Lower) };
    let rate = Measure { title: "Throughput", unit: "1000 requests/s", better: Some(Better::Higher) };
    let table = |measure: Measure, rows: &[(&str, [&[f64]; 3])]| Table {
        measure,
        rows: rows
            .iter()
            .map(|(label, samples)| {
                let samples: Vec<Vec<f64>> = samples.iter().map(|values| values.to_vec()).collect();
                Row::of((*label).to_owned(), measure.better, &samples)
            })
            .collect(),
    };
    Report {
        conditions: vec![("keys".to_owned(), "1000000 <of> 64 bytes".to_owned())],
        servers: ["refrain", "valkey", "redis8"].map(str::to_owned).to_vec(),
        tables: vec![
            table(
                cost,
                &[
                    ("get P=1", [&[4000.0, 4100.0, 3900.0], &[5000.0, 5200.0, 5100.0], &[5500.0, 5400.0, 5450.0]]),
                    ("get P=64", [&[300.0, 310.0, 305.0], &[900.0, 880.0, 910.0], &[890.0, 885.0, 870.0]]),
                ],
            ),
            table(rate, &[("get P=64", [&[2000.5], &[1000.25], &[]])]),
        ],
        notes: vec!["get P=64: the generator was busy 97 % of the time".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        assert_eq!([1.234, 12.34, 123.4, 1234.5].map(short), ["1.23", "12.3", "123", "1234"]);
    }

    #[test]
    fn a_measure_without_merit_has_no_ratio() {
        let row = Row::of("x".to_owned(), None, &[vec![1.0], vec![2.0]]);
        assert_eq!(row.ratio, None);
    }
}
