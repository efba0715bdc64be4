//! `train --live`: the run's page, served on this machine while it trains.

use super::live_view::LiveView;
use super::report::run_page;
use super::view::history as scores_of;
use crate::blocking::Trainer;
use crate::data::Dataset;
use crate::error::{Error, Result, usage};
use crate::report::{History, Live, LivePort, RecordedRun, RunFolder, RunPage, note, say};
use crate::threads::{Background, background};
use crate::trainer::Event;
use serde_json::Value;
use std::path::Path;
use std::time::Instant;

/// The option of `train`.
#[derive(Debug, clap::Args)]
pub(super) struct LiveArgs {
    /// Serve the run's page on this machine while it trains: on port PORT of 127.0.0.1, else on a free one; its address is printed
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "0")]
    live: Option<u16>,
}

impl LiveArgs {
    /// Takes the port, before anything else is done.
    ///
    /// # Errors
    /// [`Error::Usage`] if it is taken, or not to be had.
    pub(super) fn take_port(&self) -> Result<Option<LivePort>> {
        let take = |port| {
            LivePort::take(port).map_err(|e| {
                usage!("cannot serve the live page on port {port}: {e}; --live without a number takes a free port")
            })
        };
        self.live.map(take).transpose()
    }
}

/// The page of the run that is trained, with its server.
pub(super) struct LiveRun {
    live: Live,
    server: Background,
    /// The page in which one looks into the network.
    view: Option<LiveView>,
}

impl LiveRun {
    /// Serves the page on `port`, the one in which one looks into the network on the next, and prints their addresses; none, with a
    /// warning, where that is not possible. `earlier` is what a resumed run has behind it.
    pub(super) fn start(
        port: LivePort,
        folder: &RunFolder,
        trainer: &Trainer,
        earlier: Option<&RecordedRun>,
    ) -> Option<Self> {
        let (address, next) = (port.address(), port.number().wrapping_add(1));
        let history = earlier.map_or_else(History::default, History::new);
        let untested = "The test images follow when the last epoch is over.".to_owned();
        let page = RunPage { history, ..run_page(folder.path(), folder.description(), Err(untested)) };
        let (live, mut server) = port.serve(page, trainer.graph());
        match background("live page", move || server.turn()) {
            Ok(server) => {
                // The user has asked for it.
                say(&format!("live: {address}"));
                let name = folder.path().file_name().unwrap_or_default().to_string_lossy();
                let view = LiveView::start(next, &name, earlier.map(scores_of).unwrap_or_default());
                Some(Self { live, server, view })
            }
            Err(error) => {
                note(&format!("warning: there is no live page: {error}"));
                None
            }
        }
    }

    /// Tells of an event; `line` is what metrics.jsonl says of an epoch.
    pub(super) fn show(&self, event: &Event, line: impl FnOnce() -> Value) {
        self.view.iter().for_each(|view| view.show(event));
        match event {
            Event::Step { .. } => self.live.step(event),
            Event::Epoch { .. } => self.live.line(&line()),
        }
    }

    /// Reads the weights for the page, now and then and where somebody looks, and answers what is asked of the network.
    ///
    /// # Errors
    /// If the device is lost.
    pub(super) fn read_weights(&self, trainer: &mut Trainer, data: &Dataset) -> Result<()> {
        self.view.iter().for_each(|view| view.answer(trainer, data));
        if self.live.wants_weights() {
            let started = Instant::now();
            let weights = trainer.inference_weights()?;
            self.live.weights(weights, started.elapsed());
        }
        Ok(())
    }

    /// Tells that the training is over and the test images are tried.
    pub(super) fn start_test(&self) {
        self.live.status("testing");
    }

    /// Tells of the test, by its line of metrics.jsonl.
    pub(super) fn test(&self, line: &Value) {
        self.live.line(line);
    }

    /// Shows the last page of a run that has come to its end, and ends the server.
    pub(super) fn finish(self, page: RunPage, report: &Path) {
        self.live.end("finished", &format!("the report is in {}", report.display()), Some(page));
        self.view.into_iter().for_each(LiveView::finish);
        self.server.finish();
    }

    /// Shows why the run has ended before its end, and ends the server.
    pub(super) fn fail(self, error: &Error, folder: &Path) {
        let (status, detail) = match error {
            Error::Interrupted(_) => {
                ("interrupted", format!("gpu-cnn train --resume {} goes on from there", folder.display()))
            }
            error => ("failed", error.to_string()),
        };
        self.live.end(status, &detail, None);
        self.view.into_iter().for_each(LiveView::finish);
        self.server.finish();
    }
}
