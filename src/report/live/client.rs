//! A connection: a request, its answer, and for the page that is watched its changes, never waited for.

use super::changes::{Moment, event};
use super::request::{Answer, MAX_HEAD, TOO_LONG, answer, end_of_head};
use crate::report::run_page::Parts;
use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

const SCRIPT: &str = include_str!("live.js");

/// How long a client may take for its request, and to close when it has its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a client that is sent something may read none of it.
const STALLED: Duration = Duration::from_secs(20);
/// After this time without a change, something is sent to see whether anybody is there.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// A connection.
pub(super) struct Client {
    stream: TcpStream,
    stage: Stage,
    /// What is still to be sent, the first from `sent` on.
    outgoing: VecDeque<Arc<[u8]>>,
    sent: usize,
    /// When it came, asked, or last took something.
    active: Instant,
}

enum Stage {
    /// The request as far as it is there.
    Asking(Vec<u8>),
    /// It has asked for the page or for its changes.
    Asked {
        is_page: bool,
        is_head: bool,
    },
    Answering,
    /// It is sent changes: the parts of the page that it has, and whether it knows that there will be no more.
    Watching {
        seen: Arc<Parts>,
        is_last: bool,
    },
    /// It has all; it has to close.
    Closing,
}

impl Client {
    pub(super) fn new(stream: TcpStream, now: Instant) -> std::io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Changes are small.
        stream.set_nodelay(true)?;
        Ok(Self { stream, stage: Stage::Asking(Vec::new()), outgoing: VecDeque::new(), sent: 0, active: now })
    }

    pub(super) fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Asking(_))
    }

    pub(super) fn is_watching(&self) -> bool {
        matches!(self.stage, Stage::Watching { .. })
    }

    /// Whether it waits for the page as it is now.
    pub(super) fn wants_page(&self) -> bool {
        matches!(self.stage, Stage::Asked { .. })
    }

    /// Whether it has nothing to wait for once the run is over.
    pub(super) fn is_done(&self) -> bool {
        match self.stage {
            Stage::Watching { is_last, .. } => is_last && self.outgoing.is_empty(),
            Stage::Asking(_) | Stage::Closing => true,
            Stage::Asked { .. } | Stage::Answering => false,
        }
    }

    /// Reads what has come; false once the connection is of no more use.
    pub(super) fn read(&mut self, port: u16, now: Instant) -> bool {
        let mut chunk = [0; 4096];
        // A client that sends without an end is not read to it.
        for _ in 0..4 {
            match self.stream.read(&mut chunk) {
                // It will ask nothing more, but may wait for its answer.
                Ok(0) => return matches!(self.stage, Stage::Answering | Stage::Asked { .. }),
                Ok(count) => self.take(&chunk[..count], port, now),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Takes a part of the request; what comes after it is for nobody.
    fn take(&mut self, bytes: &[u8], port: u16, now: Instant) {
        let Stage::Asking(head) = &mut self.stage else { return };
        head.extend_from_slice(bytes);
        let found = match end_of_head(head) {
            Some(end) if end <= MAX_HEAD => answer(&head[..end], port),
            None if head.len() < MAX_HEAD => return,
            _ => (TOO_LONG, false),
        };
        self.active = now;
        self.stage = match found {
            (Answer::Page, is_head) => Stage::Asked { is_page: true, is_head },
            (Answer::Events, is_head) => Stage::Asked { is_page: false, is_head },
            (Answer::Script, is_head) => {
                self.respond("200 OK", "text/javascript; charset=utf-8", Some(SCRIPT.as_bytes().into()), is_head);
                Stage::Answering
            }
            (Answer::Refused(status, reason), is_head) => {
                self.respond(
                    status,
                    "text/plain; charset=utf-8",
                    Some(format!("{reason}\n").into_bytes().into()),
                    is_head,
                );
                Stage::Answering
            }
        };
    }

    /// Gives a client that has asked the page, or its first event.
    pub(super) fn give(&mut self, moment: &Moment) {
        let Stage::Asked { is_page, is_head } = self.stage else { return };
        self.stage = match (is_page, is_head) {
            (true, _) => {
                self.respond("200 OK", "text/html; charset=utf-8", Some(moment.html()), is_head);
                Stage::Answering
            }
            (false, true) => {
                self.respond("200 OK", "text/event-stream", None, true);
                Stage::Answering
            }
            (false, false) => {
                self.respond("200 OK", "text/event-stream", None, false);
                // Browsers ask again after as many milliseconds.
                self.outgoing.push_back(b"retry: 1000\n\n".as_slice().into());
                self.outgoing.push_back(moment.whole());
                Stage::Watching { seen: Arc::clone(&moment.parts), is_last: false }
            }
        };
    }

    /// Sends one that watches what has changed, once it has all from before; after the last change, that there will be no more.
    pub(super) fn update(&mut self, moment: &Moment, is_over: bool, now: Instant) {
        let Stage::Watching { seen, is_last } = &mut self.stage else { return };
        if !self.outgoing.is_empty() || *is_last {
            return;
        }
        let changes = if Arc::ptr_eq(seen, &moment.parts) { None } else { moment.since(seen) };
        *seen = Arc::clone(&moment.parts);
        *is_last = is_over;
        self.outgoing.extend(changes);
        if is_over {
            self.outgoing.push_back(event("end", &"").into_bytes().into());
        }
        if self.outgoing.is_empty() && now.duration_since(self.active) >= KEEP_ALIVE {
            self.outgoing.push_back(b":\n\n".as_slice().into());
        }
        // Its time to read begins.
        if !self.outgoing.is_empty() {
            self.active = now;
        }
    }

    /// Sends what the client takes now; false once the connection is of no more use.
    pub(super) fn write(&mut self, now: Instant) -> bool {
        while let Some(first) = self.outgoing.front() {
            match self.stream.write(&first[self.sent..]) {
                Ok(0) => return false,
                Ok(count) => {
                    self.sent += count;
                    self.active = now;
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
            if self.outgoing.front().is_some_and(|first| self.sent == first.len()) {
                self.outgoing.pop_front();
                self.sent = 0;
            }
        }
        let is_answered = matches!(self.stage, Stage::Answering | Stage::Watching { is_last: true, .. });
        if is_answered && self.outgoing.is_empty() {
            // Closed at once, what it sent and nobody read would cost it the end of the answer.
            self.stage = Stage::Closing;
            return self.stream.shutdown(Shutdown::Write).is_ok();
        }
        let idle = now.duration_since(self.active);
        match self.stage {
            Stage::Asking(_) | Stage::Closing => idle < PATIENCE,
            Stage::Asked { .. } | Stage::Answering | Stage::Watching { .. } => {
                idle < STALLED || self.outgoing.is_empty()
            }
        }
    }

    fn respond(&mut self, status: &str, kind: &str, body: Option<Arc<[u8]>>, is_head: bool) {
        let length = body.as_ref().map_or_else(String::new, |body| format!("Content-Length: {}\r\n", body.len()));
        let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{length}{allow}{POLICY}Cache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\nConnection: close\r\n\r\n"
        );
        self.outgoing.push_back(head.into_bytes().into());
        self.outgoing.extend(body.filter(|_| !is_head));
    }
}

/// The page has its own policy, too; no other page may show it in a frame.
const POLICY: &str = "Content-Security-Policy: default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n";
