//! Output of the commands: progress on stderr, tables on stdout, and the run folder.

mod bench_report;
mod columns;
mod count_progress;
mod evaluation_table;
mod event_file;
mod figures;
mod history;
mod live;
mod output;
mod page_server;
mod predictions;
mod progress;
mod report_files;
mod run;
mod run_page;
mod tables;
mod verify_table;

pub(crate) use bench_report::{BenchReport, Probe};
pub(crate) use columns::{printable, table, wrapped};
pub(crate) use count_progress::CountProgress;
pub(crate) use evaluation_table::{class_names, evaluation_table};
pub(crate) use figures::{Chart, Figure, Mark, Picture, Series, XAxis, contact_sheet, png};
pub(crate) use history::History;
pub(crate) use live::{Live, LivePort};
pub(crate) use output::{Verbosity, detail, is_quiet, note, print, print_json, say, set_output, standard_input};
pub(crate) use page_server::PageServer;
pub(crate) use predictions::{Guess, Predicted, PredictionFormat, PredictionHead, PredictionWriter};
pub(crate) use progress::{DownloadBar, EpochProgress};
pub(crate) use report_files::{write_page, write_report};
pub(crate) use run::{
    Found, REPORT, RUN, RecordedRun, RunFolder, TIMING, WEIGHTS, beside, file_of_run, lock, versions,
};
pub(crate) use run_page::{RunPage, Test, feature_maps, filters, mistakes};
pub(crate) use tables::summary_table;
pub(crate) use verify_table::KernelTable;
