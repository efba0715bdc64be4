//! The page of a run that is going on, served on this machine: drawn where somebody looks, kept up to date by server-sent events.

mod changes;
mod client;
mod curve;
mod progress;
mod request;
mod server;

pub(crate) use server::Server;

use super::run_page::{RunPage, weights_of_filters};
use crate::graph::Graph;
use crate::trainer::Event;
use progress::Progress;
use serde_json::Value;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A port of this machine that is taken for a page.
#[derive(Debug)]
pub(crate) struct LivePort {
    listener: TcpListener,
    port: u16,
}

/// What the training and the page's server share.
pub(super) struct Shared {
    progress: Mutex<Progress>,
    /// Whether anybody looks.
    is_watched: AtomicBool,
}

/// Where the training tells how far it has come: numbers, with no waiting for a drawing or a client.
pub(crate) struct Live {
    shared: Arc<Shared>,
    /// How many of the weights the page needs.
    weights: usize,
}

impl LivePort {
    /// Takes `port`, or a free one if that is 0. Nobody but this machine's users can reach it.
    ///
    /// # Errors
    /// If it is taken, or not to be had.
    pub(crate) fn take(port: u16) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Self { listener, port })
    }

    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// The server of `page`, the run's before it goes on, and where to tell it of the training.
    pub(crate) fn serve(self, page: RunPage, graph: &Graph) -> (Live, Server) {
        let epochs = page.description["settings"]["epochs"].as_u64().unwrap_or(0);
        let progress = Mutex::new(Progress::new(page.history.clone(), epochs));
        let shared = Arc::new(Shared { progress, is_watched: AtomicBool::new(false) });
        let server = Server::new(self.listener, self.port, Arc::clone(&shared), page, graph.clone());
        (Live { shared, weights: weights_of_filters(graph) }, server)
    }
}

impl Shared {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    /// Tells of a step.
    pub(crate) fn step(&self, event: &Event) {
        self.shared.progress().step(event);
    }

    /// Tells of an epoch, or of the test, by its line of metrics.jsonl.
    pub(crate) fn line(&self, line: &Value) {
        self.shared.progress().line(line);
    }

    /// Tells what the run does now, other than training.
    pub(crate) fn status(&self, status: &str) {
        self.shared.progress().set_status(status, "", false);
    }

    /// Whether the weights are to be read for the page: somebody looks, and the last were read some time ago.
    pub(crate) fn wants_weights(&self) -> bool {
        self.shared.is_watched.load(Ordering::Relaxed) && self.shared.progress().are_filters_due()
    }

    /// Takes the weights, which took `cost` to read.
    pub(crate) fn weights(&self, mut weights: Vec<f32>, cost: Duration) {
        weights.truncate(self.weights);
        self.shared.progress().set_filters(weights, cost);
    }

    /// Tells that the run is over, how it ended, and its last page.
    pub(crate) fn end(&self, status: &str, detail: &str, page: Option<RunPage>) {
        let mut progress = self.shared.progress();
        progress.last_page = page.map(Box::new);
        progress.set_status(status, detail, true);
    }
}
