//! A connection to the page's server: a request and its answer.

use super::call::{Answer, Call};
use super::files::file;
use crate::page::Reply;
use crate::report::live::{MAX_HEAD, REFUSAL, end_of_head, is_from_here, parse};
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

/// The longest call: images of a set, as bytes.
const MAX_CALL: usize = 1 << 30;
/// How long a client may send nothing, or take nothing.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a client that has its answer may take to close.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A connection.
pub(super) struct Connection {
    stream: TcpStream,
    port: u16,
    calls: Sender<Call>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, port: u16, calls: Sender<Call>) -> Self {
        Self { stream, port, calls }
    }

    /// Reads the request, answers it, and closes.
    ///
    /// # Errors
    /// Where the client is gone, or stalls.
    pub(super) fn serve(mut self) -> Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(PATIENCE))?;
        self.stream.set_write_timeout(Some(PATIENCE))?;
        let mut read = Vec::new();
        let end = loop {
            match end_of_head(&read) {
                Some(end) => break end,
                None if read.len() >= MAX_HEAD => return self.refuse(431, "the request's head is too long"),
                None => {}
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => read.extend_from_slice(&chunk[..count]),
            }
        };
        let body = read.split_off(end);
        self.answer(&read, body)
    }

    /// Answers the request with this head, of whose body the start has come.
    fn answer(mut self, head: &[u8], body: Vec<u8>) -> Result<()> {
        let Some((method, target, fields)) = parse(head) else {
            return self.refuse(400, "this is no request that can be read");
        };
        let values = |name: &str| -> Vec<&str> {
            fields.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| *value).collect()
        };
        if !is_from_here(values, self.port) {
            return self.refuse(403, REFUSAL);
        }
        let path = target.split('?').next().unwrap_or_default();
        match (method, path) {
            ("POST", "/call") => {
                let length = match values("content-length")[..] {
                    [length] if values("transfer-encoding").is_empty() => length.parse::<usize>().ok(),
                    _ => None,
                };
                match length {
                    None => self.refuse(411, "a call has to say its length"),
                    Some(length) if length > MAX_CALL => {
                        self.refuse(413, &format!("a call of more than {MAX_CALL} bytes"))
                    }
                    Some(length) => {
                        if values("expect").iter().any(|value| value.eq_ignore_ascii_case("100-continue")) {
                            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
                        }
                        self.call(body, length)
                    }
                }
            }
            ("GET" | "HEAD", path) => match file(path) {
                Some((kind, content)) => self.respond(200, kind, content.as_bytes(), method == "HEAD"),
                None => self.refuse(404, "there is nothing here but the page, /"),
            },
            _ => self.refuse(405, "this page takes calls alone"),
        }
    }

    fn call(mut self, mut body: Vec<u8>, length: usize) -> Result<()> {
        let missing = length.saturating_sub(body.len()) as u64;
        (&mut self.stream).take(missing).read_to_end(&mut body)?;
        if body.len() < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        body.truncate(length);
        let (answer, answered) = channel();
        let reply: Answer = match self.calls.send((body, answer)).map(|()| answered.recv()) {
            Ok(Ok(reply)) => reply,
            _ => Err((503, "the page is no longer served".to_owned())),
        };
        match reply {
            Ok(Reply { head, bytes }) => {
                let body = [format!("{head}\n").into_bytes(), bytes].concat();
                self.respond(200, "application/octet-stream", &body, false)
            }
            Err((status, text)) => self.refuse(status, &text),
        }
    }

    fn refuse(self, status: u16, text: &str) -> Result<()> {
        self.respond(status, "text/plain; charset=utf-8", format!("{text}\n").as_bytes(), false)
    }

    /// Sends an answer, and waits a little until the client has closed: closed at once, what it sent and nobody read would cost it the end
    /// of the answer.
    fn respond(mut self, status: u16, kind: &str, body: &[u8], is_head: bool) -> Result<()> {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nCache-Control: no-store\r\n\
             X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n\
             Cross-Origin-Resource-Policy: same-origin\r\nCross-Origin-Opener-Policy: same-origin\r\nConnection: close\r\n\r\n",
            if status == 200 { "OK" } else { "Refused" }
        );
        self.stream.write_all(head.as_bytes())?;
        if !is_head {
            self.stream.write_all(body)?;
        }
        self.stream.shutdown(Shutdown::Write)?;
        self.stream.set_read_timeout(Some(LAST_WORD))?;
        let mut chunk = [0; 4096];
        // A client that goes on sending is not read to its end.
        for _ in 0..64 {
            if self.stream.read(&mut chunk)? == 0 {
                break;
            }
        }
        Ok(())
    }
}
