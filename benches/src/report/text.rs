//! The report for a terminal or a log: aligned columns, ratios in colour only where a person watches.

use std::fmt::Write;

use super::{Report, Row, Table, spread};
use crate::figures::Ratio;

const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// The whole report. With `colours`, ratios whose whole range is on one side of 1 are green or red.
pub fn render(report: &Report, colours: bool) -> String {
    let mut text = String::new();
    let width = report.conditions.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in &report.conditions {
        line(&mut text, &format!("{name:width$}  {value}"));
    }
    for table in &report.tables {
        append_table(&mut text, report, table, colours);
    }
    if !report.notes.is_empty() {
        text.push('\n');
    }
    for note in &report.notes {
        line(&mut text, &format!("Note: {note}."));
    }
    text
}

fn append_table(text: &mut String, report: &Report, table: &Table, colours: bool) {
    let title = format!("{}, {}", table.measure.title, table.measure.unit);
    let title = if colours { format!("{BOLD}{title}{PLAIN}") } else { title };
    line(text, &format!("\n{title}"));
    let mut cells = vec![heading(report, table)];
    cells.extend(table.rows.iter().map(|row| row_cells(report, row)));
    let columns = cells[0].len();
    let widths: Vec<usize> =
        (0..columns).map(|at| cells.iter().map(|row| row[at].chars().count()).max().unwrap_or(0)).collect();
    for (index, row) in cells.iter().enumerate() {
        let mut shown = String::from(" ");
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width - cell.chars().count());
            match at {
                0 => write!(shown, " {cell}{gap}"),
                _ => write!(shown, "   {gap}{cell}"),
            }
            .expect("a string takes what is written");
        }
        let ratio = index.checked_sub(1).and_then(|index| table.rows[index].ratio);
        line(text, &colour(&shown, row.last(), ratio.filter(|_| colours)));
    }
}

fn heading(report: &Report, table: &Table) -> Vec<String> {
    let mut cells = vec![String::new()];
    cells.extend(report.servers.iter().cloned());
    if table.measure.better.is_some() && report.servers.len() > 1 {
        cells.push("× best peer".to_owned());
    }
    cells
}

fn row_cells(report: &Report, row: &Row) -> Vec<String> {
    let mut cells = vec![row.label.clone()];
    cells.extend(row.figures.iter().map(|figure| figure.as_ref().map_or_else(|| "–".to_owned(), spread)));
    if let Some(ratio) = &row.ratio {
        cells.push(format!("{} {}", spread(&ratio.figure), report.servers[ratio.peer + 1]));
    }
    cells
}

fn colour(line: &str, cell: Option<&String>, ratio: Option<Ratio>) -> String {
    let (Some(cell), Some(ratio)) = (cell, ratio) else { return line.to_owned() };
    let colour = match ratio.figure {
        figure if figure.min > 1.0 => GREEN,
        figure if figure.max < 1.0 => RED,
        _ => return line.to_owned(),
    };
    let before = line.strip_suffix(cell.as_str()).expect("the last cell ends the line");
    format!("{before}{colour}{cell}{PLAIN}")
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end_matches(' '));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn columns_line_up() {
        insta::assert_snapshot!(render(&sample(), false));
    }

    #[test]
    fn colour_marks_only_what_every_round_agrees_on() {
        let mut report = sample();
        let coloured = render(&report, true);
        assert_eq!(coloured.matches(GREEN).count(), 3);
        let plain = coloured.replace(GREEN, "").replace(BOLD, "").replace(PLAIN, "");
        assert_eq!(plain, render(&report, false));
        report.tables[0].rows[0].ratio.as_mut().unwrap().figure.min = 0.9;
        assert_eq!(render(&report, true).matches(GREEN).count(), 2);
    }
}
