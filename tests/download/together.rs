//! Several processes that download into one folder, and some that are stopped: the cache never has a bad file, and what a stopped
//! process left is deleted, not what a running one writes.

use super::server::{Request, good, serve};
use super::{cache, command, holds, holds_the_data_set, names, train};
use gpu_cnn::data::fashion_mnist::FILES;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const PROCESSES: usize = 8;

fn start(home: &Path, url: &str, out: &str) -> Child {
    let mut command = command(home, url, out, &["--data", "fashion-mnist"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until `is_so`.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs eight processes at once, whose first requests are answered when all have arrived; returns what they said.
fn eight(home: &Path, answer: fn(Request)) -> Vec<(Output, String)> {
    let all = Barrier::new(PROCESSES);
    let url = serve(move |request| {
        if request.number < PROCESSES {
            all.wait();
        }
        answer(request);
    });
    let children: Vec<Child> = (0..PROCESSES).map(|i| start(home, &url, &format!("run{i}"))).collect();
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    let outputs = outputs.map(|output| (String::from_utf8_lossy(&output.stderr).into_owned(), output));
    outputs.map(|(stderr, output)| (output, stderr)).collect()
}

#[test]
fn eight_processes_at_once_all_get_the_data_set() {
    if good().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    for (output, stderr) in eight(home.path(), |request| request.whole()) {
        assert!(output.status.success() && !stderr.contains("panicked"), "{stderr}");
        assert!(stderr.contains("data: fashion-mnist, 60000"), "{stderr}");
    }
    holds_the_data_set(&cache(home.path()));
}

#[test]
fn eight_processes_at_once_with_every_second_answer_damaged_leave_no_bad_file() {
    let Some(url) = good() else { return };
    let home = tempfile::tempdir().unwrap();
    let found = eight(home.path(), |request| match request.number % 2 {
        0 => request.whole(),
        _ => request.damaged(),
    });
    for (output, stderr) in &found {
        assert!(!stderr.contains("panicked"), "{stderr}");
        let damaged = output.status.code() == Some(4) && stderr.contains("the file is damaged, or another: ");
        assert!(damaged || output.status.success(), "{stderr}");
    }
    // Four of the first eight answers were damaged.
    assert!(found.iter().filter(|(output, _)| !output.status.success()).count() >= PROCESSES / 2);
    for name in names(&cache(home.path())) {
        holds(&cache(home.path()), FILES.iter().find(|file| file.name == name).expect("a name of Fashion-MNIST"));
    }
    let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    holds_the_data_set(&cache(home.path()));
}

/// A server that stops after half of the file until `goes_on`.
fn holding(goes_on: &Arc<AtomicBool>) -> String {
    let goes_on = Arc::clone(goes_on);
    serve(move |mut request| {
        let content = request.content();
        let (first, second) = content.split_at(content.len() / 2);
        request.part(content.len(), first);
        until("the test does not go on", || goes_on.load(Ordering::SeqCst));
        request.send(second);
    })
}

/// Waits until a temporary file in `folder` has a part of the first file; returns its name.
fn half(folder: &Path) -> String {
    let bytes = |name: &String| folder.join(name).metadata().map_or(0, |file| file.len());
    let mut found = None;
    until("no half file", || {
        found = names(folder).into_iter().find(|name| name.starts_with(".writing-") && bytes(name) > 10_000_000);
        found.is_some()
    });
    found.unwrap()
}

#[test]
fn what_another_process_is_downloading_is_not_swept() {
    let Some(url) = good() else { return };
    let home = tempfile::tempdir().unwrap();
    let folder = cache(home.path());
    let goes_on = Arc::new(AtomicBool::new(false));
    let first = start(home.path(), &holding(&goes_on), "first");
    let temporary = half(&folder);
    // Another downloads all, and sweeps before.
    let output = start(home.path(), &url, "second").wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(names(&folder).contains(&temporary) && names(&folder).len() == 5, "{:?}", names(&folder));
    goes_on.store(true, Ordering::SeqCst);
    let output = first.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    holds_the_data_set(&folder);
}

#[test]
fn a_download_that_is_stopped_leaves_no_bad_file_and_the_next_run_works() {
    let Some(url) = good() else { return };
    for (signal, code) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let home = tempfile::tempdir().unwrap();
        let folder = cache(home.path());
        let goes_on = Arc::new(AtomicBool::new(false));
        let child = start(home.path(), &holding(&goes_on), "run");
        let temporary = half(&folder);
        let kill = ["-s", signal, &child.id().to_string()];
        assert!(std::process::Command::new("kill").args(kill).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), code, "{signal}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!home.path().join("run").exists(), "{signal}");
        assert!(names(&folder).iter().all(|name| *name == temporary), "{signal}: {:?}", names(&folder));
        let output = train(home.path(), &url, &["--data", "fashion-mnist"]);
        assert!(output.status.success(), "{signal}: {}", String::from_utf8_lossy(&output.stderr));
        holds_the_data_set(&folder);
        goes_on.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_folder_that_another_process_removes_is_made_again() {
    if good().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let (folder, requests) = (cache(home.path()), Arc::new(AtomicUsize::new(0)));
    let (gone, arrived) = (folder.clone(), Arc::clone(&requests));
    let url = serve(move |request| {
        arrived.fetch_add(1, Ordering::SeqCst);
        match request.number {
            // The first process, which has made the folder, fails once the second wants its first file.
            0 => {
                until("no second request", || arrived.load(Ordering::SeqCst) > 1);
                return request.status("404 Not Found");
            }
            1 => until("the folder is still there", || !gone.exists()),
            _ => {}
        }
        request.whole();
    });
    let first = start(home.path(), &url, "first");
    until("no request", || requests.load(Ordering::SeqCst) > 0);
    let second = start(home.path(), &url, "second").wait_with_output().unwrap();
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(4));
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    holds_the_data_set(&folder);
}
