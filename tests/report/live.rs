//! `train --live`: who is answered, what is sent, and that nobody who looks can hold up the run.

use super::live_run::{Events, LiveRun, MANY_EPOCHS};
use super::pages::trained;
use crate::cli::{Workspace, command, fails, json_file, run as run_command, stderr};
use serde_json::Value;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

fn part(id: &str) -> impl Fn(&str, &Value) -> bool {
    move |name, data| name == "part" && data[0] == id
}

fn is_past_first_epoch(_: &str, data: &Value) -> bool {
    let text = data.to_string();
    text.contains("<strong role=\\\"status\\\">epoch ") && !text.contains(">epoch 1/")
}

#[test]
fn only_this_machine_and_the_page_itself_are_answered() {
    let workspace = Workspace::new();
    let run = LiveRun::start(&workspace, &["--epochs", "100000", "--live"]);
    let page = run.get("/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    for wanted in
        ["script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "<script src=\"/live.js\" defer>"]
    {
        assert!(page.contains(wanted), "no {wanted}");
    }
    assert!(!page.contains("unsafe-eval") && !page.contains("script-src 'unsafe-inline'"));
    assert!(run.get("/live.js").contains("EventSource"));
    let answers = [
        (["GET / HTTP/1.1", "Host: evil.example"], "403"),
        (["GET / HTTP/1.1", "Host: 127.0.0.1"], "403"),
        (["GET / HTTP/1.1", "X: none"], "403"),
        (["GET /events HTTP/1.1", "Host: OWN\r\nSec-Fetch-Site: cross-site"], "403"),
        (["GET /events HTTP/1.1", "Host: OWN\r\nOrigin: http://evil.example"], "403"),
        (["POST / HTTP/1.1", "Host: OWN"], "405"),
        (["OPTIONS / HTTP/1.1", "Host: OWN\r\nOrigin: http://OWN"], "405"),
        (["GET /run.json HTTP/1.1", "Host: OWN"], "404"),
        (["no request", ""], "400"),
        (["HEAD / HTTP/1.1", "Host: OWN"], "200"),
        (["HEAD /events HTTP/1.1", "Host: OWN"], "200"),
        (["GET / HTTP/1.0", "Host: OWN"], "200"),
    ];
    let own = format!("127.0.0.1:{}", run.port);
    for (lines, status) in answers {
        let lines = lines.map(|line| line.replace("OWN", &own));
        let answer = run.ask(&[&lines[0], &lines[1]]);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{lines:?}: {answer}");
        assert!(!answer.to_lowercase().contains("access-control"), "{lines:?}: {answer}");
        let is_head = lines[0].starts_with("HEAD");
        assert_eq!(answer.split_once("\r\n\r\n").unwrap().1.is_empty(), is_head, "{lines:?}: {answer}");
    }
    assert!(run.ask(&["GET / HTTP/1.1", &format!("X: {}", "x".repeat(20_000))]).starts_with("HTTP/1.1 431 "));
    // Killed, it leaves nothing that has the port.
    let port = run.port;
    drop(run);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn the_page_follows_the_run_to_its_end_and_leaves_no_trace_in_its_results() {
    let workspace = Workspace::new();
    let run = LiveRun::start(&workspace, &["--epochs", MANY_EPOCHS, "--live", "--log-steps"]);
    let mut watching = [run.watch(), run.watch()];
    for events in &mut watching {
        let (name, page) = events.next().unwrap();
        assert!(name == "page" && page.as_str().unwrap().contains("id=\"state\""), "{name}");
        let (_, loss) = events
            .find(|name, data| part("loss")(name, data) || (name == "page" && data.to_string().contains("each step")));
        assert!(loss.to_string().contains("each step"), "{loss}");
        events.find(part("state"));
        let filters =
            |name: &str, data: &Value| data.to_string().contains("<figure id=\\\"filters\\\"") && name != "end";
        events.find(filters);
    }
    let port = run.port;
    let end = std::thread::spawn(|| run.wait());
    for events in &mut watching {
        let (_, last) = events.find(|name, data| name == "page" && data.to_string().contains("confusion-matrix"));
        assert!(last.as_str().unwrap().contains("finished</strong><span>: the report is in "), "{last}");
        let (name, title) = events.next().unwrap();
        assert!(part("document-title")(&name, &title) && title.to_string().contains("finished"), "{title}");
        assert_eq!(events.next().unwrap().0, "end");
        assert!(events.next().is_none());
    }
    let (status, text) = end.join().unwrap();
    assert!(status.success(), "{text}");
    TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let names = ["data", "other", "model.toml"].map(|name| workspace.name(name));
    let other = ["train", "--data", &names[0], "--out", &names[1], "--model", &names[2], "--adapter", "cpu"];
    assert!(run_command(&[&other[..], &["--epochs", MANY_EPOCHS, "--log-steps"]].concat()).status.success());
    for file in ["model.safetensors", "metrics.jsonl", "losses.f64"] {
        let read = |run: &str| std::fs::read(workspace.path(run).join(file)).unwrap();
        assert!(read("run") == read("other"), "{file} differs");
    }
    assert!(!std::fs::read_to_string(workspace.path("run/run.json")).unwrap().contains("live"));
    assert!(!std::fs::read_to_string(workspace.path("run/report.html")).unwrap().contains("<script"));
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_never_read_and_a_thousand_connections_hold_up_nothing() {
    let workspace = Workspace::new();
    let run = LiveRun::start(&workspace, &["--epochs", MANY_EPOCHS, "--live"]);
    let stalled: Vec<Events> = (0..5).map(|_| run.watch()).collect();
    let mut silent = Vec::new();
    for _ in 0..1000 {
        let stream = TcpStream::connect(("127.0.0.1", run.port)).unwrap();
        stream.set_nonblocking(true).unwrap();
        silent.push(stream);
    }
    let started = Instant::now();
    assert!(run.get("/").contains("id=\"state\""));
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let files = std::fs::read_dir(format!("/proc/{}/fd", run.id())).unwrap().count();
    assert!(files < 100, "{files} open files");
    // Nobody waits for those who ask nothing: they are gone but for a few.
    let is_gone =
        |stream: &mut TcpStream| !matches!(stream.read(&mut [0]), Err(e) if e.kind() == ErrorKind::WouldBlock);
    let gone = silent.iter_mut().map(is_gone).filter(|gone| *gone).count();
    assert!(gone >= 900, "{gone}");
    let (status, text) = run.wait();
    assert!(status.success(), "{text}");
    drop((stalled, silent));
}

#[test]
fn a_port_that_is_taken_is_refused_before_anything_is_done() {
    let workspace = Workspace::new();
    let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (data, out) = (workspace.name("data"), workspace.name("run"));
    let live = format!("--live={port}");
    for option in [&["--live", &port][..], &[&live]] {
        let train = [&["train", "--data", &data, "--out", &out, "--adapter", "cpu"], option].concat();
        fails(&train, 2, &format!("cannot serve the live page on port {port}: "));
    }
    assert!(!workspace.path("run").exists());
    fails(&["train", "--live", "70000"], 2, "70000 is not in 0..=65535");
    fails(&["train", "--live=now"], 2, "invalid value 'now'");
    fails(&["reproduce", &out, "--live"], 2, "unexpected argument '--live'");
    drop(taken);
    let run = LiveRun::start(&workspace, &["--epochs", "1", "--live", &port, "-q"]);
    assert_eq!(run.port.to_string(), port);
    let (status, text) = run.wait();
    assert!(status.success());
    let is_address = text.starts_with("view: http://127.0.0.1:") && text.lines().count() == 1;
    assert!(is_address, "quiet prints the addresses alone: {text}");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_says_so_ends_at_once_and_goes_on_with_its_curves() {
    let workspace = Workspace::new();
    let run = LiveRun::start(&workspace, &["--epochs", "100000", "--live"]);
    let mut events = run.watch();
    events.find(is_past_first_epoch);
    let stalled = run.watch();
    let started = Instant::now();
    run.interrupt();
    events.find(|_, data| data.to_string().contains("interrupted</strong><span>: gpu-cnn train --resume "));
    events.find(|name, _| name == "end");
    let (status, text) = run.wait();
    assert_eq!(status.code(), Some(130), "{text}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    drop(stalled);
    let run_json = json_file(&workspace.path("run/run.json"));
    let done = run_json["final"]["last_epoch"]["loss"].as_f64();
    assert!(workspace.path("run/checkpoint.safetensors").exists() && done.is_some());
    let resumed = LiveRun::of(command(&["train", "--resume", &workspace.name("run"), "--live"]));
    // Before the first step the curves are those from before.
    let (_, page) = resumed.watch().next().unwrap();
    let page = page.as_str().unwrap();
    assert!(page.contains("<figure id=\"loss\"") && page.contains("<th scope=\"row\">1</th>"), "{page}");
    let (status, text) = {
        resumed.interrupt();
        resumed.wait()
    };
    assert_eq!(status.code(), Some(130), "{text}");
}

#[cfg(unix)]
#[test]
fn a_run_that_fails_says_why() {
    let workspace = Workspace::new();
    let run = LiveRun::start(&workspace, &["--epochs", "100000", "--live"]);
    let mut events = run.watch();
    events.find(is_past_first_epoch);
    std::fs::rename(workspace.path("run"), workspace.path("gone")).unwrap();
    let (_, page) = events.find(|_, data| data.to_string().contains("failed</strong>"));
    assert!(page.to_string().contains("failed</strong><span>: cannot write "), "{page}");
    assert_eq!(run.wait().0.code(), Some(7));
}

#[test]
fn options_of_the_page_are_no_settings() {
    let workspace = Workspace::new();
    std::fs::write(workspace.path("run.toml"), "live = true\n").unwrap();
    fails(&["train", "--config", &workspace.name("run.toml")], 2, "live");
    trained(&workspace);
    let output = run_command(&["reproduce", &workspace.name("conv"), "--adapter", "cpu"]);
    assert!(output.status.success(), "{}", stderr(&output));
}
