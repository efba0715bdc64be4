//! What a server may send in place of the file: it is refused with the address, what was wrong and what to do, and nothing of it
//! is kept.

use super::server::{Request, good, serve};
use super::{cache, command, holds, holds_the_data_set, names, train};
use gpu_cnn::data::fashion_mnist::FILES;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Asserts that the download from `url` was refused for the reason `why`, with what can be done; returns the message.
fn refused(output: &Output, home: &Path, url: &str, why: &str) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{why}: {stderr}");
    let folder = cache(home).display().to_string();
    let put = format!("hint: try again later; or put the four files, gzipped or unpacked, into {folder}: train-images");
    for text in [url, why, &put, "--data-dir", "GPU_CNN_DATA_URL", "--data synthetic"] {
        assert!(stderr.contains(text), "{why}: no `{text}` in: {stderr}");
    }
    assert!(!stderr.contains("panicked"), "{why}: {stderr}");
    assert!(!home.join("run").exists(), "{why}");
    stderr
}

/// What is wrong, the message, and the answer of the server to a request for the first file.
type Case = (&'static str, &'static str, fn(Request));

const CASES: [Case; 21] = [
    ("truncated", "the connection ended after 13210940 of 26421880 bytes", |mut request| {
        let content = request.content();
        request.part(content.len(), &content[..content.len() / 2]);
    }),
    ("truncated, of unknown length", "the connection ended after 13210940 of 26421880 bytes", |mut request| {
        let content = request.content();
        request.head("200 OK", &[]);
        request.send(&content[..content.len() / 2]);
    }),
    ("truncated, in chunks", "the connection ended after 4 of 26421880 bytes", |mut request| {
        request.head("200 OK", &["transfer-encoding: chunked"]);
        request.send(b"4\r\n\x1f\x8b\x08\x08\r\n");
    }),
    ("truncated to nothing", "the connection ended after 0 of 26421880 bytes", |mut request| {
        request.part(26_421_880, b"");
    }),
    ("a flipped bit", "the file is damaged, or another: 26421880 bytes with sha256 ", Request::damaged),
    ("declared too long", "a file of 26421881 bytes, Fashion-MNIST's has 26421880", |mut request| {
        let content = request.content();
        request.part(content.len() + 1, &content);
    }),
    ("declared too short", "a file of 26421879 bytes, Fashion-MNIST's has 26421880", |mut request| {
        let content = request.content();
        request.part(content.len() - 1, &content);
    }),
    ("too long", "a file of more than the 26421880 bytes of Fashion-MNIST's", |mut request| {
        request.head("200 OK", &[]);
        request.send(&request.content());
        request.send(b"more");
    }),
    ("too short", "a file of 12 bytes, Fashion-MNIST's has 26421880", |request| request.file(b"not the file")),
    ("empty", "the connection ended after 0 of 26421880 bytes", |request| request.file(b"")),
    (
        "MNIST",
        "a file of 9912422 bytes, Fashion-MNIST's has 26421880: the length of MNIST's file of this name",
        |request| {
            request.file(&vec![0; 9_912_422]);
        },
    ),
    ("403", "the server answered 403 Forbidden", |request| request.status("403 Forbidden")),
    ("404", "the server answered 404 Not Found", |request| request.status("404 Not Found")),
    ("500", "the server answered 500 Internal Server Error", |request| request.status("500 Internal Server Error")),
    ("HTML", "an HTML page in place of the file", |mut request| {
        request.head("200 OK", &["content-type: text/html; charset=utf-8"]);
        request.send(b"Log in, please");
    }),
    ("HTML as a file", "an HTML page in place of the file", |request| request.file(b"\n<!DOCTYPE html><p>Log in")),
    ("redirects in a loop", "too many redirects: the server's addresses lead in a circle", |mut request| {
        let location = format!("location: /data/{}", request.name);
        request.head("302 Found", &[&location, "content-length: 0"]);
    }),
    ("a redirect to nowhere", "a wrong HTTP answer: missing a location header", |request| request.status("302 Found")),
    ("a redirect to a closed port", "cannot connect: ", |mut request| {
        request.head("302 Found", &["location: http://127.0.0.1:9/data", "content-length: 0"]);
    }),
    ("no answer", "the connection ended without an answer", drop),
    ("not HTTP", "a wrong HTTP answer: ", |mut request| {
        request.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n");
    }),
];

#[test]
fn a_bad_answer_is_refused_with_what_is_wrong_and_nothing_is_kept() {
    let home = tempfile::tempdir().unwrap();
    for (name, why, answer) in CASES {
        let url = serve(answer);
        let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
        let message = refused(&output, home.path(), &format!("{url}/train-images-idx3-ubyte.gz: "), why);
        assert_eq!(names(home.path()), [""; 0], "{name}");
        eprintln!("{name}:\n{message}");
    }
    // The next run, from a good server.
    let Some(url) = good() else { return };
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    holds_the_data_set(&cache(home.path()));
}

#[test]
fn files_that_are_whole_stay_and_only_those_that_lack_are_downloaded_again() {
    if good().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let last = FILES[3].name;
    let url = serve(move |request| match request.name == last {
        true => request.damaged(),
        false => request.whole(),
    });
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    refused(
        &output,
        home.path(),
        &format!("{url}/{last}: "),
        "the file is damaged, or another: 5148 bytes with sha256 ",
    );
    assert_eq!(names(&cache(home.path())).len(), 3, "{:?}", names(&cache(home.path())));
    FILES[..3].iter().for_each(|file| holds(&cache(home.path()), file));
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    let url = serve(move |request| {
        counter.fetch_add(1, Ordering::SeqCst);
        request.whole();
    });
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    holds_the_data_set(&cache(home.path()));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

/// How long a server that stalls would go on.
const STALL: Duration = Duration::from_secs(60);

#[test]
fn a_server_that_stalls_is_given_up_in_time() {
    let home = tempfile::tempdir().unwrap();
    let cases: [Case; 3] = [
        ("in the file", "no data for 1 second, after 13210940 of 26421880 bytes", |mut request| {
            let content = request.content();
            request.part(content.len(), &content[..content.len() / 2]);
            std::thread::sleep(STALL);
        }),
        ("in the header", "no answer for 1 second", |mut request| {
            request.send(b"HTTP/1.1 200 OK\r\ncontent-");
            std::thread::sleep(STALL);
        }),
        ("before it answers", "no answer for 1 second", |request| {
            std::thread::sleep(STALL);
            request.status("200 OK");
        }),
    ];
    for (name, why, answer) in cases {
        let url = serve(answer);
        let started = Instant::now();
        let mut command = command(home.path(), &url, "run", &["--data", "fashion-mnist"]);
        let output = command.env("GPU_CNN_DATA_TIMEOUT", "1").output().unwrap();
        assert!(started.elapsed() < STALL / 3, "{name}: {:?}", started.elapsed());
        refused(&output, home.path(), &format!("{url}/train-images-idx3-ubyte.gz: "), why);
        assert_eq!(names(home.path()), [""; 0], "{name}");
    }
}

#[test]
fn a_slow_server_that_goes_on_sending_is_waited_for() {
    if good().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    // Each file takes longer than the time without data that is allowed, in pieces that take less.
    let url = serve(|mut request| {
        let content = request.content();
        request.part(content.len(), b"");
        for piece in content.chunks(content.len().div_ceil(5)) {
            std::thread::sleep(Duration::from_millis(if request.name == FILES[3].name { 800 } else { 0 }));
            request.send(piece);
        }
    });
    let started = Instant::now();
    let mut command = command(home.path(), &url, "run", &["--data", "fashion-mnist"]);
    let output = command.env("GPU_CNN_DATA_TIMEOUT", "3").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(started.elapsed() > Duration::from_secs(4), "{:?}", started.elapsed());
    holds_the_data_set(&cache(home.path()));
}

/// The disk fails at a write, a sync or a rename of the file, once.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_is_named_and_nothing_of_it_is_kept() {
    let Some(url) = good() else { return };
    let (home, tools) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let Some(library) = crate::cli::shim(tools.path(), "disk") else { return };
    for (fault, reason) in [("write:9:28", "No space left on device"), ("sync:1:5", "error"), ("rename:1:5", "error")] {
        let mut command = command(home.path(), &url, "run", &["--data", "fashion-mnist"]);
        let output = command.env("LD_PRELOAD", &library).env("FAULT", fault).output().unwrap();
        let path = cache(home.path()).join("train-images-idx3-ubyte.gz");
        let message = refused(&output, home.path(), &url, &format!("cannot write {}: ", path.display()));
        assert!(message.contains(reason), "{fault}: {message}");
        assert_eq!(names(home.path()), [""; 0], "{fault}");
    }
}

#[test]
fn a_timeout_that_is_no_number_of_seconds_is_refused() {
    let home = tempfile::tempdir().unwrap();
    for value in ["0", "-1", "soon", "1e99"] {
        let mut command = command(home.path(), "http://127.0.0.1:9", "run", &["--data", "fashion-mnist"]);
        let output = command.env("GPU_CNN_DATA_TIMEOUT", value).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{value}: {stderr}");
        assert!(stderr.contains(&format!("GPU_CNN_DATA_TIMEOUT is `{value}`")), "{stderr}");
    }
}
