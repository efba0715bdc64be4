//! The page of a run that is going on, served on this machine: drawn where somebody looks, kept up to date by server-sent events.

mod changes;
mod client;
mod curve;
mod progress;
mod request;
mod server;

pub(super) use request::{MAX_HEAD, REFUSAL, end_of_head, is_from_here, parse};
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

    pub(crate) fn number(&self) -> u16 {
        self.port
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Sequential;
    use crate::layers::{Activation, Dense, Flatten};
    use crate::report::History;
    use crate::trainer::Score;
    use serde_json::json;
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Instant;

    fn served() -> (Live, Server, u16) {
        let model = Sequential::new([2, 2, 1]).add(Flatten {}).add(Dense::new(3).activation(Activation::Softmax));
        let page = RunPage {
            name: "run".into(),
            description: json!({ "settings": { "epochs": 2 } }),
            history: History::default(),
            summary: None,
            test: Err("later".into()),
            others: Vec::new(),
        };
        let port = LivePort::take(0).expect("a port");
        let number = port.port;
        let (live, server) = port.serve(page, &model.graph().expect("a graph"));
        (live, server, number)
    }

    fn step(step: usize) -> Event {
        let score = Score { loss: 1.0 / step as f64, accuracy: 0.5 };
        Event::Step { epoch: 1, step, steps: 10, batch: score, so_far: score, learning_rate: 0.1, skipped: false }
    }

    fn turn_until(server: &mut Server, what: impl Fn(&Server) -> bool) {
        let started = Instant::now();
        while !what(server) {
            assert!(started.elapsed() < Duration::from_secs(10), "not in ten seconds");
            server.turn();
        }
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks() {
        let (live, mut server, port) = served();
        for i in 1..=5 {
            live.step(&step(i));
            server.turn();
        }
        assert!(server.drawings() == 0 && !live.wants_weights());
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        write!(client, "GET /events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").expect("sent");
        turn_until(&mut server, |server| server.drawings() == 1);
        turn_until(&mut server, |_| live.wants_weights());
        live.weights(vec![0.5; 99], Duration::ZERO);
        assert!(!live.wants_weights());
        // Not again at once, and no more often than once a second.
        live.step(&step(6));
        server.turn();
        assert_eq!(server.drawings(), 1);
        turn_until(&mut server, |server| server.drawings() == 2);
        drop(client);
        turn_until(&mut server, |server| server.connections() == 0);
        live.step(&step(7));
        let started = Instant::now();
        while started.elapsed() < Duration::from_millis(1200) {
            server.turn();
        }
        assert_eq!(server.drawings(), 2);
    }

    #[test]
    fn the_last_word_is_the_state_that_the_run_ended_in() {
        let (live, mut server, port) = served();
        let mut client = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        write!(client, "GET /events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n").expect("sent");
        turn_until(&mut server, |server| server.drawings() == 1);
        live.step(&step(1));
        live.end("failed", "the <device> is lost", None);
        while server.turn().is_some() {}
        let mut text = String::new();
        client.read_to_string(&mut text).expect("an end");
        assert!(text.contains("failed</strong><span>: the &lt;device&gt; is lost"), "{text}");
        assert!(text.ends_with("event: end\ndata: \"\"\n\n"), "{text}");
    }
}
