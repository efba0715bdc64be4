//! An HTTP server of the tests, on a free port of this machine.

use gpu_cnn::data::fashion_mnist::{FILES, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use crate::support::shared;

/// A request for a file, to be answered; the connection ends when it is dropped.
pub(super) struct Request {
    /// Name of the file.
    pub(super) name: String,
    /// Which request to this server it is, from 0 on.
    pub(super) number: usize,
    stream: TcpStream,
}

impl Request {
    /// Reads a request; none where the client has gone.
    fn read(stream: TcpStream, number: usize) -> Option<Self> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let (mut line, mut header) = (String::new(), String::new());
        reader.read_line(&mut line).ok()?;
        while reader.read_line(&mut header).ok()? > 2 {
            header.clear();
        }
        let path = line.split_whitespace().nth(1)?;
        Some(Self { name: path.strip_prefix("/data/")?.to_owned(), number, stream })
    }

    /// Sends bytes; false where the client has gone.
    pub(super) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends the status and the lines of the header.
    pub(super) fn head(&mut self, status: &str, lines: &[&str]) -> bool {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{lines}\r\n").as_bytes())
    }

    /// Sends the header of a file with `declared` bytes, and the start of one.
    pub(super) fn part(&mut self, declared: usize, start: &[u8]) -> bool {
        self.head("200 OK", &[&format!("content-length: {declared}")]) && self.send(start)
    }

    /// Answers with a file.
    pub(super) fn file(mut self, body: &[u8]) {
        self.part(body.len(), body);
    }

    /// Answers with a status and no file.
    pub(super) fn status(mut self, status: &str) {
        self.head(status, &["content-length: 0"]);
    }

    /// The published file of this name.
    pub(super) fn published(&self) -> File {
        FILES.into_iter().find(|file| file.name == self.name).unwrap()
    }

    /// The content of the published file, or zeros where it is not at hand.
    pub(super) fn content(&self) -> Vec<u8> {
        let path = shared("data/fashion-mnist").map(|folder| folder.join(&self.name));
        path.map_or_else(|| vec![0; self.published().bytes as usize], |path| std::fs::read(path).unwrap())
    }

    /// Answers with the content.
    pub(super) fn whole(self) {
        let content = self.content();
        self.file(&content);
    }

    /// Answers with the content, of which one bit is another.
    pub(super) fn damaged(self) {
        let mut content = self.content();
        let middle = content.len() / 2;
        content[middle] ^= 8;
        self.file(&content);
    }
}

/// Starts a server that answers each request by `respond`, in a thread of its own; returns its address. It runs until the test
/// process ends.
pub(super) fn serve(respond: impl Fn(Request) + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/data", listener.local_addr().unwrap());
    let respond = Arc::new(respond);
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let (respond, stream) = (Arc::clone(&respond), stream.unwrap());
            std::thread::spawn(move || Request::read(stream, number).into_iter().for_each(|request| respond(request)));
        }
    });
    address
}

/// A server of the published files, where they are at hand.
pub(super) fn good() -> Option<String> {
    shared("data/fashion-mnist").map(|_| serve(|request| request.whole()))
}
