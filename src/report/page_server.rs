//! The page of `web/`, served on this machine with an engine of this program in place of the browser's. A connection has a thread of its
//! own and one request, so that a client that stalls holds up nobody.

mod call;
mod connection;
mod files;

use crate::error::{Result, usage};
use crate::page::Reply;
use crate::threads::background;
use call::{Answer, Call};
use connection::Connection;
use serde_json::Value;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Connections at the same time, at most.
const MAX_CONNECTIONS: usize = 48;
/// Between two looks for a new connection.
const ACCEPT: Duration = Duration::from_millis(10);

/// What answers calls: their JSON, and their bytes.
pub(crate) type Engine<'a> = dyn FnMut(&str, Vec<u8>) -> Result<Reply> + 'a;

/// The server of a page; it ends when it is dropped.
pub(crate) struct PageServer {
    port: u16,
    calls: Receiver<Call>,
    is_over: Arc<AtomicBool>,
    /// How many pages have been opened: only the last may call.
    pages: u64,
}

impl PageServer {
    /// On `port` of 127.0.0.1, or on a free one if that is 0.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if it is taken, or not to be had; [`crate::Error::Device`] if no thread can be started.
    pub(crate) fn start(port: u16) -> Result<Self> {
        let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            let port = listener.local_addr()?.port();
            Ok((listener, port))
        });
        let (listener, port) = bound.map_err(|e| usage!("cannot serve the page on port {port}: {e}"))?;
        let (to_engine, calls) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let (ends, connections) = (Arc::clone(&is_over), Arc::new(AtomicUsize::new(0)));
        background("page", move || {
            while let Ok((stream, _)) = listener.accept() {
                if connections.fetch_add(1, Ordering::Relaxed) >= MAX_CONNECTIONS {
                    connections.fetch_sub(1, Ordering::Relaxed);
                    continue;
                }
                let (mut connection, open) =
                    (Some(Connection::new(stream, port, to_engine.clone())), connections.clone());
                let started = background("page connection", move || {
                    // What cannot be read or answered is the client's loss.
                    let _ = connection.take().map(Connection::serve);
                    open.fetch_sub(1, Ordering::Relaxed);
                    None
                });
                if started.is_err() {
                    connections.fetch_sub(1, Ordering::Relaxed);
                }
            }
            (!ends.load(Ordering::Relaxed)).then_some(ACCEPT)
        })?;
        Ok(Self { port, calls, is_over, pages: 0 })
    }

    /// Its address, for people.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Has `engine` answer a call, if one comes within `patience`, and says whether one came.
    pub(crate) fn turn(&mut self, patience: Duration, engine: &mut Engine<'_>) -> bool {
        let Ok((body, answer)) = self.calls.recv_timeout(patience) else { return false };
        // A client that is gone wants no answer.
        let _ = answer.send(self.call(body, engine));
        true
    }

    fn call(&mut self, mut body: Vec<u8>, engine: &mut Engine<'_>) -> Answer {
        let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
        let bytes = body.split_off((end + 1).min(body.len()));
        let head = String::from_utf8(body).map_err(|_| (400, "a call that is no text".to_owned()))?;
        let fields: Value = serde_json::from_str(&head).map_err(|e| (400, format!("a call that is not JSON: {e}")))?;
        let opens = fields["call"] == "hello";
        if opens {
            self.pages += 1;
        } else if fields["session"].as_u64() != Some(self.pages) {
            let text = "the page was opened once more, and this one ends with that; reload to go on here";
            return Err((409, text.to_owned()));
        }
        let mut reply = engine(&head, bytes).map_err(|error| (422, error.to_string()))?;
        if opens {
            reply.head["session"] = self.pages.into();
        }
        Ok(reply)
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
