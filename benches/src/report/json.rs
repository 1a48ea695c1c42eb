//! The report for programs. Figures are in the unit that their table names.

use serde_json::{Value, json};

use super::{Report, Row};
use crate::figures::Figure;

/// The whole report.
pub fn render(report: &Report) -> Value {
    let tables = report.tables.iter().map(|table| {
        json!({
            "measure": table.measure.title,
            "unit": table.measure.unit,
            "rows": table.rows.iter().map(|row| row_value(report, row)).collect::<Vec<_>>(),
        })
    });
    json!({
        "conditions": report.conditions.iter().map(|(name, text)| (name.clone(), json!(text))).collect::<serde_json::Map<_, _>>(),
        "servers": report.servers,
        "tables": tables.collect::<Vec<_>>(),
        "notes": report.notes,
    })
}

fn row_value(report: &Report, row: &Row) -> Value {
    json!({
        "row": row.label,
        "figures": row.figures.iter().map(|figure| figure.as_ref().map(figure_value)).collect::<Vec<_>>(),
        "ratio": row.ratio.map(|ratio| {
            json!({ "best_peer": report.servers[ratio.peer + 1], "times": figure_value(&ratio.figure) })
        }),
    })
}

fn figure_value(figure: &Figure) -> Value {
    json!({ "median": figure.median, "min": figure.min, "max": figure.max })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn figures_keep_their_range() {
        let value = render(&sample());
        let row = &value["tables"][0]["rows"][1];
        assert_eq!(row["row"], "get P=64");
        assert_eq!(row["figures"][0], json!({ "median": 305.0, "min": 300.0, "max": 310.0 }));
        assert_eq!(row["ratio"]["best_peer"], "redis8");
        assert_eq!(value["tables"][1]["rows"][0]["figures"][2], Value::Null);
    }
}
