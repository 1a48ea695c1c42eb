//! LATENCY GRAPH: spikes as columns of text, the oldest at the left, with how long ago each was below it.

use crate::latency::Series;

/// Width of the rule below the heading, and of one line of columns.
const WIDTH: usize = 80;

/// Lines that the tallest column takes.
const LINES: u64 = 4;

/// Heights that one character can show.
const STEPS: u64 = 3;

/// What the top of a column looks like, by its height within the line; what is below the top; and what is above it.
const TOPS: [char; STEPS as usize] = ['_', 'o', '#'];
const BELOW: char = '|';
const ABOVE: char = ' ';

/// The graph of one event, as seen at `unix_s`.
pub fn render(event: &str, series: &Series, unix_s: u64) -> String {
    let summary = series.summary(unix_s);
    let (high, low) = (summary.max_ms, summary.min_ms);
    let mut text =
        format!("{event} - high {high} ms, low {low} ms (all time high {} ms)\n", series.worst_ms) + &"-".repeat(WIDTH);
    text.push('\n');
    let columns: Vec<(u64, String)> =
        series.spikes().map(|spike| (height(spike.ms, low, high), ago(unix_s.saturating_sub(spike.unix_s)))).collect();
    for part in columns.chunks(WIDTH) {
        for line in (0..LINES).rev() {
            let cell = |(height, _): &(u64, String)| match height.checked_sub(line * STEPS) {
                None => ABOVE,
                Some(above) => TOPS.get(above as usize).copied().unwrap_or(BELOW),
            };
            push_line(&mut text, part.iter().map(cell));
        }
        text.push('\n');
        let deepest = part.iter().map(|(_, label)| label.len()).max().unwrap_or(0);
        for depth in 0..deepest {
            push_line(&mut text, part.iter().map(|(_, label)| label.chars().nth(depth).unwrap_or(' ')));
        }
    }
    text
}

/// The height of a column, from 0 for the shortest spike to one below `LINES * STEPS` for the longest.
fn height(ms: u64, low: u64, high: u64) -> u64 {
    let top = LINES * STEPS - 1;
    match high - low {
        0 => top,
        range => (u128::from(ms - low) * u128::from(top) / u128::from(range)) as u64,
    }
}

fn push_line(text: &mut String, cells: impl Iterator<Item = char>) {
    let line: String = cells.collect();
    text.push_str(line.trim_end());
    text.push('\n');
}

/// A time in the largest unit that it is one of.
fn ago(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
