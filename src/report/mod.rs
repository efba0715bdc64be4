//! Output of the commands: progress on stderr, tables on stdout, and the run folder.

mod bench_report;
mod evaluation_table;
mod output;
mod progress;
mod run;
mod tables;
mod verify_table;

pub(crate) use bench_report::{BenchReport, Probe};
pub(crate) use evaluation_table::evaluation_table;
pub(crate) use output::{note, print, print_json};
pub(crate) use progress::{DownloadBar, EpochProgress};
pub(crate) use run::{Found, RecordedRun, RunFolder};
pub(crate) use tables::summary_table;
pub(crate) use verify_table::KernelTable;
