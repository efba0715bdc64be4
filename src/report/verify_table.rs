//! The table of `gpu-cnn verify`.

use super::columns::table;
use crate::verify::Check;
use std::collections::{BTreeMap, BTreeSet};

/// What the checks of one kernel came to.
#[derive(Debug, Default, serde::Serialize)]
pub(crate) struct KernelRow {
    /// The cases that it was checked in.
    #[serde(serialize_with = "count")]
    cases: BTreeSet<String>,
    /// Outputs that were compared.
    outputs: usize,
    /// The largest error, and its share of the bound.
    worst_error: f64,
    worst_share: f64,
    seconds: f64,
    failures: usize,
}

fn count<S: serde::Serializer>(cases: &BTreeSet<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(cases.len() as u64)
}

/// Kernels by their names.
#[derive(Debug, Default, serde::Serialize)]
#[serde(transparent)]
pub(crate) struct KernelTable(BTreeMap<String, KernelRow>);

impl KernelTable {
    /// Adds a check of `case`.
    pub(crate) fn add(&mut self, case: &str, check: &Check) {
        let row = self.0.entry(check.kernel.clone()).or_default();
        row.cases.insert(case.to_owned());
        row.outputs += 1;
        let share = check.error / check.bound;
        // A NaN is the worst.
        if share.is_nan() || share > row.worst_share {
            (row.worst_error, row.worst_share) = (check.error, if share.is_nan() { f64::INFINITY } else { share });
        }
        row.seconds += check.seconds;
        row.failures += usize::from(!check.holds());
    }

    /// Kernels and outputs.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.0.len(), self.0.values().map(|row| row.outputs).sum())
    }

    /// As text for a terminal of so many columns, a row a kernel.
    pub(crate) fn text(&self, columns: Option<usize>) -> String {
        let row = |(name, row): (&String, &KernelRow)| {
            let KernelRow { cases, outputs, worst_error, worst_share, seconds, failures } = row;
            vec![
                name.clone(),
                cases.len().to_string(),
                outputs.to_string(),
                format!("{worst_error:.1e}"),
                format!("{worst_share:.3}"),
                format!("{seconds:.3}"),
                if *failures > 0 { format!("{failures} WRONG") } else { String::new() },
            ]
        };
        let head = ["kernel", "cases", "outputs", "worst error", "of bound", "time s", ""];
        table(&head, &self.0.iter().map(row).collect::<Vec<_>>(), columns)
    }
}
