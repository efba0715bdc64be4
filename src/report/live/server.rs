//! The page's server: one thread, no waiting for anybody, and as many connections as it has room for.

use super::Shared;
use super::changes::Moment;
use super::client::Client;
use crate::graph::Graph;
use crate::report::figures::Figure;
use crate::report::run_page::{RunPage, filters};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Connections at the same time, at most: each is an open file, of which the training needs some.
const MAX_CLIENTS: usize = 48;
/// Connections that are taken at once, at most.
const MAX_NEW: usize = 64;
/// Between two looks for something to do, while there is somebody and else.
const BUSY: Duration = Duration::from_millis(15);
const IDLE: Duration = Duration::from_millis(50);
/// Between two drawings, at least; and in times of what the last took.
const DRAWINGS: Duration = Duration::from_secs(1);
const DRAWINGS_SHARE: u32 = 50;
/// How long the clients have for the last page, once the run is over.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The server of a run's page.
pub(crate) struct Server {
    listener: TcpListener,
    port: u16,
    shared: Arc<Shared>,
    clients: Vec<Client>,
    page: RunPage,
    graph: Graph,
    /// The first layer's, as they were drawn last.
    filters: Option<Figure>,
    drawn: Option<Drawn>,
    /// How often the page was drawn.
    drawings: usize,
    /// When it was over.
    over: Option<Instant>,
}

struct Drawn {
    moment: Moment,
    version: u64,
    at: Instant,
    took: Duration,
}

impl Server {
    /// Serves `page`, whose curves and state the training tells by `shared`.
    pub(super) fn new(listener: TcpListener, port: u16, shared: Arc<Shared>, page: RunPage, graph: Graph) -> Self {
        Self {
            listener,
            port,
            shared,
            clients: Vec::new(),
            page,
            graph,
            filters: None,
            drawn: None,
            drawings: 0,
            over: None,
        }
    }

    /// Does what there is to do, and says how long there will be nothing; none once the run is over and all clients know.
    pub(crate) fn turn(&mut self) -> Option<Duration> {
        let now = Instant::now();
        self.accept(now);
        let port = self.port;
        self.clients.retain_mut(|client| client.read(port, now));
        let is_over = self.shared.progress().is_over();
        let is_watched = self.clients.iter().any(Client::is_watching);
        self.shared.is_watched.store(is_watched, Ordering::Relaxed);
        if is_watched || self.clients.iter().any(Client::wants_page) {
            self.draw(now, is_over);
        }
        if let Some(Drawn { moment, .. }) = &self.drawn {
            for client in &mut self.clients {
                client.give(moment);
                client.update(moment, is_over, now);
            }
        }
        self.clients.retain_mut(|client| client.write(now));
        let pause = if self.clients.is_empty() { IDLE } else { BUSY };
        if !is_over {
            return Some(pause);
        }
        let over = *self.over.get_or_insert(now);
        let is_done = self.clients.iter().all(Client::is_done) || now.duration_since(over) >= LAST_WORD;
        (!is_done).then_some(BUSY)
    }

    fn accept(&mut self, now: Instant) {
        for _ in 0..MAX_NEW {
            // Nobody more, or no file to be had: later, perhaps.
            let Ok((stream, _)) = self.listener.accept() else { return };
            let Ok(mut client) = Client::new(stream, now) else { continue };
            if !client.read(self.port, now) {
                continue;
            }
            if self.clients.len() >= MAX_CLIENTS {
                // Those who came and ask nothing make room.
                let Some(silent) = self.clients.iter().position(Client::is_asking) else { continue };
                self.clients.remove(silent);
            }
            self.clients.push(client);
        }
    }

    /// Draws the page where it has changed and some time has gone by.
    fn draw(&mut self, now: Instant, is_over: bool) {
        let mut progress = self.shared.progress();
        if let Some(Drawn { version, at, took, .. }) = &self.drawn {
            let is_early = now.duration_since(*at) < DRAWINGS.max(*took * DRAWINGS_SHARE);
            if *version == progress.version || (is_early && !is_over) {
                return;
            }
        }
        if let Some(page) = progress.last_page.take() {
            self.page = *page;
        }
        let (version, state, history) = (progress.version, progress.state(), progress.history());
        if is_over && self.page.test.is_err() {
            self.page.description["status"] = state.status.clone().into();
            self.page.test = Err("The run ended before the test images.".to_owned());
        }
        let weights = progress.filters.take();
        // From here on the training does not wait.
        drop(progress);
        self.page.history = history;
        if let Some(weights) = weights {
            self.filters = filters(&self.graph, &weights);
        }
        let moment = Moment::new(self.page.render_live(state, self.filters.clone()));
        self.drawn = Some(Drawn { moment, version, at: now, took: now.elapsed() });
        self.drawings += 1;
    }
}

#[cfg(test)]
impl Server {
    /// How often the page was drawn.
    pub(super) fn drawings(&self) -> usize {
        self.drawings
    }

    pub(super) fn connections(&self) -> usize {
        self.clients.len()
    }
}
