//! metrics.csv: the epochs of metrics.jsonl, with the columns of Keras's CSVLogger.

use serde_json::Value;

/// The columns, and where a line of metrics has them.
const COLUMNS: [(&str, &str); 6] = [
    ("epoch", "epoch"),
    ("accuracy", "accuracy"),
    ("learning_rate", "learning_rate"),
    ("loss", "loss"),
    ("val_accuracy", "validation_accuracy"),
    ("val_loss", "validation_loss"),
];

/// The first line.
pub(super) fn head() -> String {
    COLUMNS.map(|(column, _)| column).join(",") + "\n"
}

/// The row of a line of metrics, if it is an epoch's; what is not known is left empty.
pub(super) fn row(line: &Value) -> Option<String> {
    let cell = |name: &str| line[name].as_number().map(ToString::to_string).unwrap_or_default();
    (line["event"] == "epoch").then(|| COLUMNS.map(|(_, name)| cell(name)).join(",") + "\n")
}

/// The file for the content of metrics.jsonl: empty as long as no epoch is over.
pub(super) fn table(metrics: &str) -> String {
    let lines = metrics.lines().filter_map(|line| serde_json::from_str(line).ok());
    let rows: String = lines.filter_map(|line| row(&line)).collect();
    if rows.is_empty() { rows } else { head() + &rows }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_rows_with_what_is_known_of_them() {
        let step = r#"{"event":"step","epoch":1,"step":1,"loss":2.5,"accuracy":0.1,"learning_rate":0.001}"#;
        let first = r#"{"event":"epoch","epoch":1,"steps":1,"loss":2.5e-8,"accuracy":0.1,"learning_rate":0.001}"#;
        let second = r#"{"event":"epoch","epoch":2,"steps":1,"loss":null,"accuracy":1.0,"learning_rate":0.001,"validation_loss":0.75,"validation_accuracy":0.5}"#;
        let test = r#"{"event":"test","loss":1.0,"accuracy":1.0}"#;
        assert_eq!(table(&format!("{step}\n")), "");
        assert_eq!(
            table(&[step, first, "damaged", second, test].join("\n")),
            "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss\n1,0.1,0.001,2.5e-8,,\n2,1.0,0.001,,0.5,0.75\n"
        );
    }
}
