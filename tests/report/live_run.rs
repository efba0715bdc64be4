//! A run whose page is served, and who looks at it.

use super::pages::MODEL;
use crate::cli::{Workspace, command};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a line that a run prints is left unread. Once the pipe is full, the run waits for its lines, of which it prints two an epoch: so a
/// fast machine has no more than the pipe's 64 KiB, of some 700 epochs, and then 50 epochs a second behind it.
const A_LINE: Duration = Duration::from_millis(10);
/// Epochs that take ten seconds and more.
pub(super) const MANY_EPOCHS: &str = "1200";

/// A run that is going on, with its page; it cannot end before it is waited for, where its epochs are [`MANY_EPOCHS`].
pub(super) struct LiveRun {
    child: Child,
    /// Reads what is printed besides the page's address.
    reader: Option<JoinHandle<String>>,
    is_awaited: Arc<AtomicBool>,
    pub(super) port: u16,
}

/// The port that a command says it serves `page` on, and before it what else it prints.
pub(super) fn port_of(page: &str, stderr: &mut impl BufRead, before: &mut String) -> u16 {
    let start = format!("{page}: http://127.0.0.1:");
    loop {
        let mut line = String::new();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "no address: {before}");
        match line.trim_end().strip_prefix(&start).and_then(|rest| rest.strip_suffix('/')) {
            Some(port) => return port.parse().unwrap(),
            None => *before += &line,
        }
    }
}

impl LiveRun {
    /// Trains a convolution in `workspace`, with `more` options, and waits until the page is served.
    pub(super) fn start(workspace: &Workspace, more: &[&str]) -> Self {
        std::fs::write(workspace.path("model.toml"), MODEL).unwrap();
        let (data, out, model) = (workspace.name("data"), workspace.name("run"), workspace.name("model.toml"));
        let train = ["train", "--data", &data, "--out", &out, "--model", &model, "--adapter", "cpu"];
        Self::of(command(&[&train[..], more].concat()))
    }

    pub(super) fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut stderr, mut before) = (BufReader::new(child.stderr.take().unwrap()), String::new());
        let port = port_of("live", &mut stderr, &mut before);
        let is_awaited = Arc::new(AtomicBool::new(false));
        let awaited = Arc::clone(&is_awaited);
        let reader = std::thread::spawn(move || {
            let mut text = before;
            while stderr.read_line(&mut text).unwrap() > 0 {
                if !awaited.load(Ordering::Relaxed) {
                    std::thread::sleep(A_LINE);
                }
            }
            text
        });
        Self { child, reader: Some(reader), is_awaited, port }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    }

    /// The whole answer to a request of these lines.
    pub(super) fn ask(&self, lines: &[&str]) -> String {
        let mut stream = self.connect();
        stream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(super) fn get(&self, path: &str) -> String {
        self.ask(&[&format!("GET {path} HTTP/1.1"), &self.host()])
    }

    fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    /// The events from now on.
    pub(super) fn watch(&self) -> Events {
        let mut stream = self.connect();
        stream.write_all(format!("GET /events HTTP/1.1\r\n{}\r\n\r\n", self.host()).as_bytes()).unwrap();
        Events(BufReader::new(stream))
    }

    /// How it ended, with what else was printed.
    pub(super) fn wait(mut self) -> (ExitStatus, String) {
        self.is_awaited.store(true, Ordering::Relaxed);
        let text = self.reader.take().unwrap().join().unwrap();
        (self.child.wait().unwrap(), text)
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    #[cfg(unix)]
    pub(super) fn interrupt(&self) {
        assert!(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(super) struct Events(BufReader<TcpStream>);

impl Events {
    /// Name and data of the next event; none at the end.
    pub(super) fn next(&mut self) -> Option<(String, Value)> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Some(found) = line.strip_prefix("event: ") {
                name = found.trim_end().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((name, serde_json::from_str(data).unwrap()));
            }
        }
    }

    /// The next event that `is` what is wanted.
    pub(super) fn find(&mut self, is: impl Fn(&str, &Value) -> bool) -> (String, Value) {
        std::iter::from_fn(|| self.next()).find(|(name, data)| is(name, data)).expect("an event")
    }
}
