//! `gpu-cnn view`, and what `train --live` serves of it: the page in which one looks into a network.

use super::live_run::port_of;
use super::pages::{MODEL, trained};
use crate::cli::{Workspace, command, fails};
use serde_json::{Value, json};
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A command that serves the page.
struct Served {
    child: Child,
    port: u16,
}

impl Served {
    /// Waits until the page is served; the rest of what is printed is for nobody.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let port = port_of("view", &mut stderr, &mut String::new());
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        Self { child, port }
    }

    /// Status, and the rest of the answer to a request with these lines and this body.
    fn ask(&self, lines: &[&str], body: &[u8]) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let own = format!("127.0.0.1:{}", self.port);
        let head = lines.join("\r\n").replace("OWN", &own);
        write!(stream, "{head}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("an end of the head");
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        (head, answer[end + 4..].to_vec())
    }

    fn call(&self, head: &Value, bytes: &[u8]) -> Result<(Value, Vec<u8>), String> {
        let body = [format!("{head}\n").as_bytes(), bytes].concat();
        let (status, mut answer) = self.ask(&["POST /call HTTP/1.1", "Host: OWN"], &body);
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(format!("{} {}", &status[9..12], String::from_utf8(answer).unwrap()));
        }
        let end = answer.iter().position(|byte| *byte == b'\n').unwrap();
        let rest = answer.split_off(end + 1);
        Ok((serde_json::from_slice(&answer).unwrap(), rest))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_run_is_looked_into_and_trained_on() {
    let workspace = Workspace::new();
    trained(&workspace);
    let served = Served::start(command(&["view", &workspace.name("conv"), "--adapter", "cpu"]));
    let (head, page) = served.ask(&["GET / HTTP/1.1", "Host: OWN"], b"");
    let page = String::from_utf8(page).unwrap();
    assert!(head.contains("text/html") && page.contains("name=\"engine\" content=\"server\""), "{head}\n{page}");
    // Every file that the page names is there.
    let names: Vec<&str> = page.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(!names.is_empty());
    for name in names.into_iter().chain(["style.css"]) {
        let (head, content) = served.ask(&[&format!("GET /{name} HTTP/1.1"), "Host: OWN"], b"");
        assert!(head.starts_with("HTTP/1.1 200 ") && content.len() > 100, "{name}: {head}");
    }
    let hello = served.call(&json!({ "call": "hello" }), b"").unwrap().0;
    let session = hello["session"].clone();
    let run = &hello["run"];
    assert!(run["name"] == "conv" && run["is_live"] == false, "{run}");
    assert!(run["scores"].as_array().is_some_and(|scores| scores[0].is_f64()), "{run}");
    assert!(run["tests"].as_array().is_some_and(|tests| tests[0]["accuracy"].is_f64()), "{run}");
    let call = |mut head: Value, bytes: &[u8]| {
        head["session"] = session.clone();
        served.call(&head, bytes)
    };
    let started = call(json!({ "call": "start", "run": true }), b"").unwrap().0;
    assert!(started["device"] == "cpu" && started["summary"]["layers"][0]["type"] == "Conv2D", "{started}");
    // It is the run's model.
    let (confusion, _) = call(json!({ "call": "evaluate" }), b"").unwrap();
    let metrics = crate::cli::json_lines(&workspace.path("conv/metrics.jsonl"));
    assert_eq!(confusion["accuracy"], metrics.last().unwrap()["accuracy"]);
    let (_, file) = call(json!({ "call": "download" }), b"").unwrap();
    assert!(file == std::fs::read(workspace.path("conv/model.safetensors")).unwrap(), "another file");
    let trained = call(json!({ "call": "train" }), b"").unwrap().0;
    assert!(trained["scores"].as_array().is_some_and(|scores| !scores.is_empty()), "{trained}");
    let (look, bytes) = call(json!({ "call": "look" }), &[9; 784]).unwrap();
    assert!(look["layers"].as_array().is_some_and(|layers| layers.len() == 3) && bytes.len() > 4 * 26 * 26 * 8);
    assert!(call(json!({ "call": "layer", "name": "x" }), b"").unwrap_err().starts_with("422 the model has no layer"));
    // Another model on the run's images.
    let other =
        json!({ "call": "start", "settings": { "adapter": "cpu", "model": "dnn" }, "data": "run", "images": 32 });
    let started = call(other, b"").unwrap().0;
    assert!(started["train"] == 32 && started["test"] == 50, "{started}");
    assert!(started["data"].as_str().is_some_and(|data| data.ends_with("data")), "{started}");
    // A page that is opened later takes over.
    served.call(&json!({ "call": "hello" }), b"").unwrap();
    assert!(call(json!({ "call": "train" }), b"").unwrap_err().starts_with("409 the page was opened once more"));
}

#[test]
fn only_this_machine_is_answered_and_the_page_ends_by_a_signal() {
    let mut served = Served::start(command(&["view", "--adapter", "cpu"]));
    for (lines, status) in [
        (["GET / HTTP/1.1", "Host: OWN"], "200"),
        (["GET / HTTP/1.1", "Host: evil.example"], "403"),
        (["POST /call HTTP/1.1", "Host: OWN\r\nOrigin: http://evil.example"], "403"),
        (["POST /call HTTP/1.1", "Host: OWN\r\nSec-Fetch-Site: cross-site"], "403"),
        (["POST /call HTTP/1.1", "Host: OWN"], "400"),
        (["GET /call HTTP/1.1", "Host: OWN"], "404"),
        (["GET /../Cargo.toml HTTP/1.1", "Host: OWN"], "404"),
        (["DELETE / HTTP/1.1", "Host: OWN"], "405"),
    ] {
        let (head, _) = served.ask(&lines, b"no JSON");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{lines:?}: {head}");
        assert!(!head.to_lowercase().contains("access-control"), "{head}");
    }
    // Clients that stall hold up nobody.
    let stalled: Vec<TcpStream> = (0..12)
        .map(|i| {
            let mut stream = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
            let host = if i % 2 == 0 { format!("127.0.0.1:{}", served.port) } else { "evil.example".to_owned() };
            let rest = if i % 3 == 0 { "" } else { "Content-Length: 5000\r\n\r\n{" };
            write!(stream, "POST /call HTTP/1.1\r\nHost: {host}\r\n{rest}").unwrap();
            stream
        })
        .collect();
    let begun = Instant::now();
    for _ in 0..20 {
        assert!(served.ask(&["GET /page.js HTTP/1.1", "Host: OWN"], b"").0.starts_with("HTTP/1.1 200 "));
    }
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let session = served.call(&json!({ "call": "hello" }), b"").unwrap().0["session"].clone();
    drop(stalled);
    let start =
        json!({ "call": "start", "settings": { "adapter": "auto", "model": "dnn" }, "images": 64, "session": session });
    assert_eq!(served.call(&start, b"").unwrap().0["device"], "cpu");
    let taken = served.port.to_string();
    fails(&["view", "--port", &taken], 2, &format!("cannot serve the page on port {taken}"));
    fails(&["view", "no-such-run"], 2, "no such weights file");
    #[cfg(unix)]
    {
        assert!(Command::new("kill").args(["-INT", &served.child.id().to_string()]).status().unwrap().success());
        assert_eq!(served.child.wait().unwrap().code(), Some(130));
    }
}

#[test]
fn a_run_that_goes_on_is_looked_into() {
    let workspace = Workspace::new();
    std::fs::write(workspace.path("model.toml"), MODEL).unwrap();
    let (data, out, model) = (workspace.name("data"), workspace.name("run"), workspace.name("model.toml"));
    let train = ["train", "--data", &data, "--out", &out, "--model", &model, "--adapter", "cpu", "--live"];
    let served = Served::start(command(&[&train[..], &["--epochs", "1000000"]].concat()));
    let hello = served.call(&json!({ "call": "hello" }), b"").unwrap().0;
    assert!(hello["run"]["is_live"] == true && hello["run"]["name"] == "run", "{hello}");
    let call = |mut head: Value, bytes: &[u8]| {
        head["session"] = hello["session"].clone();
        served.call(&head, bytes).unwrap()
    };
    let started = call(json!({ "call": "start", "run": true }), b"").0;
    assert!(started["is_live"] == true && started["classes"].as_array().is_some_and(|c| c.len() == 10), "{started}");
    let begun = Instant::now();
    let mut scores = Vec::new();
    while scores.len() < 20 {
        assert!(begun.elapsed() < Duration::from_secs(60), "{scores:?}");
        let trained = call(json!({ "call": "train" }), b"").0;
        scores.extend(trained["scores"].as_array().unwrap().iter().filter_map(Value::as_f64));
        assert!(trained["status"].as_str().is_some_and(|status| status.starts_with("epoch ")), "{trained}");
    }
    let filters = || call(json!({ "call": "first_filters" }), b"").1;
    let first = filters();
    let mut later = filters();
    while later == first {
        assert!(begun.elapsed() < Duration::from_secs(60), "the filters do not change");
        later = filters();
    }
    assert_eq!(call(json!({ "call": "look" }), &[9; 784]).0["probabilities"].as_array().map(Vec::len), Some(10));
    let evaluate = served.call(&json!({ "call": "evaluate", "session": hello["session"] }), b"").unwrap_err();
    assert!(evaluate.contains("gpu-cnn view opens it afterwards"), "{evaluate}");
}
