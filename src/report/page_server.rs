//! The page of `web/`, served on this machine with an engine of this program in place of the browser's.

use super::live::{REFUSAL, is_from_here};
use crate::error::{Result, usage};
use crate::page::Reply;
use serde_json::Value;
use std::io::Read;
use std::net::Ipv4Addr;
use std::time::Duration;
use tiny_http::{Header, Method, Request, Response};

/// The longest call: images of a set, as bytes.
const MAX_CALL: usize = 1 << 30;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// What answers calls: their JSON, and their bytes.
pub(crate) type Engine<'a> = dyn FnMut(&str, Vec<u8>) -> Result<Reply> + 'a;

/// The server of a page.
pub(crate) struct PageServer {
    server: tiny_http::Server,
    port: u16,
    /// How many pages have been opened: only the last may call.
    pages: u64,
}

impl PageServer {
    /// On `port` of 127.0.0.1, or on a free one if that is 0.
    ///
    /// # Errors
    /// [`crate::Error::Usage`] if it is taken, or not to be had.
    pub(crate) fn start(port: u16) -> Result<Self> {
        let server = tiny_http::Server::http((Ipv4Addr::LOCALHOST, port));
        let server = server.map_err(|e| usage!("cannot serve the page on port {port}: {e}"))?;
        let port = server.server_addr().to_ip().map_or(port, |address| address.port());
        Ok(Self { server, port, pages: 0 })
    }

    /// Its address, for people.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Answers the requests that come within `patience`; those for the page's files itself, calls by `engine`.
    pub(crate) fn turn(&mut self, patience: Duration, engine: &mut Engine<'_>) {
        // What cannot be read or answered is the client's loss.
        if let Ok(Some(request)) = self.server.recv_timeout(patience) {
            let _ = self.answer(request, engine);
        }
    }

    fn answer(&mut self, mut request: Request, engine: &mut Engine<'_>) -> std::io::Result<()> {
        let headers = request.headers();
        let values = |name: &str| {
            let named = headers.iter().filter(|header| header.field.as_str().as_str().eq_ignore_ascii_case(name));
            named.map(|header| header.value.as_str()).collect()
        };
        if !is_from_here(values, self.port) {
            return request.respond(refused(403, REFUSAL));
        }
        let path = request.url().split('?').next().unwrap_or_default().to_owned();
        match (request.method(), path.as_str()) {
            (Method::Post, "/call") => {
                let response = match self.call(&mut request, engine) {
                    Ok(Reply { head, bytes }) => {
                        let body = [format!("{head}\n").into_bytes(), bytes].concat();
                        with_type(Response::from_data(body), "application/octet-stream")
                    }
                    Err((status, text)) => refused(status, &text),
                };
                request.respond(response)
            }
            (Method::Get | Method::Head, path) => match file(path) {
                Some((kind, content)) => request.respond(with_type(Response::from_string(content), kind)),
                None => request.respond(refused(404, "there is nothing here but the page, /")),
            },
            _ => request.respond(refused(405, "this page takes calls alone")),
        }
    }

    fn call(&mut self, request: &mut Request, engine: &mut Engine<'_>) -> std::result::Result<Reply, (u16, String)> {
        let mut body = Vec::new();
        let read = request.as_reader().take(MAX_CALL as u64 + 1).read_to_end(&mut body);
        read.map_err(|e| (400, format!("a call that cannot be read: {e}")))?;
        if body.len() > MAX_CALL {
            return Err((413, format!("a call of more than {MAX_CALL} bytes")));
        }
        let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
        let bytes = body.split_off((end + 1).min(body.len()));
        let head = String::from_utf8(body).map_err(|_| (400, "a call that is no text".to_owned()))?;
        let fields: Value = serde_json::from_str(&head).map_err(|e| (400, format!("a call that is not JSON: {e}")))?;
        let opens = fields["call"] == "hello";
        if opens {
            self.pages += 1;
        } else if fields["session"].as_u64() != Some(self.pages) {
            return Err((
                409,
                "the page was opened once more, and this one ends with that; reload to go on here".into(),
            ));
        }
        let mut reply = engine(&head, bytes).map_err(|error| (422, error.to_string()))?;
        if opens {
            reply.head["session"] = self.pages.into();
        }
        Ok(reply)
    }
}

/// Type and content of a file of the page.
fn file(path: &str) -> Option<(&'static str, String)> {
    let name = path.strip_prefix('/')?;
    if name.is_empty() {
        // Where the page looks for its engine.
        let [of_browser, own] =
            ["worker", "server"].map(|engine| format!("<meta name=\"engine\" content=\"{engine}\">"));
        return Some((HTML, INDEX.replace(&of_browser, &own)));
    }
    let (_, content) = FILES.iter().find(|(known, _)| *known == name)?;
    Some((if name.ends_with(".css") { STYLE } else { SCRIPT }, (*content).to_owned()))
}

const INDEX: &str = include_str!("../../assets/page/index.html");

macro_rules! page_files {
    ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../assets/page/", $name)))),*] };
}

/// All other files, but for the worker that has the browser's engine.
const FILES: &[(&str, &str)] = page_files![
    "arithmetic.js",
    "curves.js",
    "dom.js",
    "editor.js",
    "engine.js",
    "explain.js",
    "files.js",
    "filters.js",
    "form.js",
    "layers.js",
    "look.js",
    "mistakes.js",
    "opened.js",
    "own.js",
    "pad.js",
    "page.js",
    "same.js",
    "state.js",
    "style.css",
    "training.js",
    "walk.js",
    "watching.js"
];

type Answer = Response<std::io::Cursor<Vec<u8>>>;

fn refused(status: u16, text: &str) -> Answer {
    with_type(Response::from_string(format!("{text}\n")), "text/plain; charset=utf-8").with_status_code(status)
}

/// With its type, and what keeps other sites' pages from it.
fn with_type(response: Answer, kind: &str) -> Answer {
    let headers = [
        ("Content-Type", kind),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
    ];
    let headers = headers.into_iter().filter_map(|(name, value)| Header::from_bytes(name, value).ok());
    // With its length, however long it is.
    headers.fold(response, Response::with_header).with_chunked_threshold(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/page")).expect("the page");
        let names: BTreeSet<String> =
            folder.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        let served = FILES.iter().map(|(name, _)| *name).chain(["index.html", "worker.js"]).map(String::from);
        assert_eq!(names, served.collect());
        assert!(
            file("/")
                .is_some_and(|(_, page)| page.contains("content=\"server\"") && !page.contains("content=\"worker\""))
        );
    }
}
