//! The report as one self-contained page: a bar chart of ratios for each measure, and below it the figures.

use std::fmt::Write;

use super::{Report, Row, Table, short, spread};
use crate::figures::{Better, Ratio};

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; background: #fff }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2.2rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums } th, td { padding: .2rem .8rem; text-align: right; border-bottom: 1px solid #dde3ea }
th:first-child, td:first-child { text-align: left } .better { color: #11703a } .worse { color: #b3261e }
svg text { font: 12px system-ui, sans-serif; fill: currentColor } dt { float: left; clear: left; width: 11rem; color: #5b6675 } dd { margin-left: 11.5rem }
@media (prefers-color-scheme: dark) { body { color: #e3e8ef; background: #14181f } th, td { border-color: #303947 } .better { color: #5fd08d } .worse { color: #ff8a80 } }
";

/// The whole page.
pub fn render(report: &Report) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">");
    page.push_str("<meta name=\"viewport\" content=\"width=device-width\"><title>refrain-bench</title>");
    add(&mut page, format_args!("<style>{STYLE}</style></head><body>\n<h1>{}</h1>\n", title(report)));
    page.push_str(
        "<p>Medians over the rounds, with the least and the greatest. × is ours against the best peer of that row, taken \
         round by round: above 1, ours is better. These figures hold for this machine and these versions.</p>\n<dl>",
    );
    for (name, text) in &report.conditions {
        add(&mut page, format_args!("<dt>{}</dt><dd>{}</dd>\n", escaped(name), escaped(text)));
    }
    page.push_str("</dl>\n");
    for table in &report.tables {
        append_measure(&mut page, report, table);
    }
    if !report.notes.is_empty() {
        page.push_str("<h2>Notes</h2>\n<ul>");
        for note in &report.notes {
            add(&mut page, format_args!("<li>{}</li>\n", escaped(note)));
        }
        page.push_str("</ul>\n");
    }
    page.push_str("</body></html>\n");
    page
}

fn title(report: &Report) -> String {
    match report.servers.split_first() {
        Some((ours, peers)) if !peers.is_empty() => escaped(&format!("{ours} beside {}", peers.join(", "))),
        _ => escaped(&report.servers.join(", ")),
    }
}

fn append_measure(page: &mut String, report: &Report, table: &Table) {
    let direction = match table.measure.better {
        Some(Better::Lower) => " (lower is better)",
        Some(Better::Higher) => " (higher is better)",
        None => "",
    };
    add(page, format_args!("<h2>{}, {}{direction}</h2>\n", escaped(table.measure.title), escaped(table.measure.unit)));
    let bars: Vec<(&Row, Ratio)> = table.rows.iter().filter_map(|row| Some((row, row.ratio?))).collect();
    if !bars.is_empty() {
        append_chart(page, report, &bars);
    }
    append_table(page, report, table);
}

/// Where the bars begin, in pixels.
const LEFT: f64 = 130.0;
/// How wide the widest is.
const WIDE: f64 = 480.0;
/// How tall the line of a bar is.
const LINE: f64 = 26.0;

fn append_chart(page: &mut String, report: &Report, bars: &[(&Row, Ratio)]) {
    let widest = bars.iter().map(|(_, ratio)| ratio.figure.max).fold(1.5, f64::max);
    let at = |value: f64| LEFT + WIDE * value / widest;
    let height = LINE * bars.len() as f64 + 22.0;
    add(
        page,
        format_args!("<svg width=\"800\" height=\"{height}\" role=\"img\" aria-label=\"ratio to the best peer\">\n"),
    );
    for (index, (row, ratio)) in bars.iter().enumerate() {
        let top = LINE * index as f64;
        let fill = if ratio.figure.median >= 1.0 { "#2e9e62" } else { "#d0574e" };
        let (figure, middle) = (ratio.figure, top + LINE / 2.0);
        add(
            page,
            format_args!(
                "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                middle + 4.0,
                escaped(&row.label)
            ),
        );
        add(
            page,
            format_args!(
                "<rect x=\"{LEFT}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.0}\" fill=\"{fill}\"/>",
                top + 4.0,
                at(figure.median) - LEFT,
                LINE - 8.0
            ),
        );
        add(
            page,
            format_args!(
                "<path d=\"M{:.1} {middle}H{:.1}\" stroke=\"currentColor\" stroke-width=\"2\"/>",
                at(figure.min),
                at(figure.max)
            ),
        );
        add(
            page,
            format_args!(
                "<text x=\"{:.0}\" y=\"{:.0}\">×{} {}</text>\n",
                at(figure.max) + 8.0,
                middle + 4.0,
                short(figure.median),
                escaped(&report.servers[ratio.peer + 1])
            ),
        );
    }
    let bottom = height - 20.0;
    add(
        page,
        format_args!("<path d=\"M{0:.1} 0V{bottom:.0}\" stroke=\"currentColor\" stroke-dasharray=\"4 3\"/>", at(1.0)),
    );
    add(
        page,
        format_args!("<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">×1</text></svg>\n", at(1.0), height - 6.0),
    );
}

fn append_table(page: &mut String, report: &Report, table: &Table) {
    page.push_str("<table><tr><th></th>");
    for server in &report.servers {
        add(page, format_args!("<th>{}</th>", escaped(server)));
    }
    let compared = table.rows.iter().any(|row| row.ratio.is_some());
    page.push_str(if compared { "<th>× best peer</th></tr>\n" } else { "</tr>\n" });
    for row in &table.rows {
        add(page, format_args!("<tr><td>{}</td>", escaped(&row.label)));
        for figure in &row.figures {
            add(page, format_args!("<td>{}</td>", figure.as_ref().map_or_else(|| "–".to_owned(), spread)));
        }
        if let Some(ratio) = row.ratio {
            let class = match ratio.figure {
                figure if figure.min > 1.0 => " class=\"better\"",
                figure if figure.max < 1.0 => " class=\"worse\"",
                _ => "",
            };
            let peer = escaped(&report.servers[ratio.peer + 1]);
            add(page, format_args!("<td{class}>{} {peer}</td>", spread(&ratio.figure)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
}

fn add(page: &mut String, piece: std::fmt::Arguments<'_>) {
    page.write_fmt(piece).expect("a string takes what is written");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn the_page_holds_every_figure_and_fetches_nothing() {
        let page = render(&sample());
        insta::assert_snapshot!(page.split_once("</style>").expect("it has a style").1);
        assert!(!page.contains("http") && !page.contains("src="));
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let mut report = sample();
        report.servers[1] = "<script>\"&".to_owned();
        let page = render(&report);
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;&quot;&amp;"));
    }
}
