//! Malformed files, made by script: whatever a file holds, the command ends at once with exit code 2 or 4 and the file's name, and takes no
//! memory out of proportion to it.

#![allow(unsafe_code, reason = "what a process took is said by a call of C")]

mod archives;
mod binary;
mod names;
mod text;

use super::{command, json_file, stderr};
use crate::support::keras_file;
use gpu_cnn::data::{FILES, idx};
use gpu_cnn::internals::rng::{Purpose, Rng};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// Files that there are at least, and what one run may take.
const AT_LEAST: usize = 300;
const SECONDS: f64 = 1.0;
const KIB: u32 = 256 << 10;
/// Runs at once.
const THREADS: usize = 2;

/// A malformed file and the commands that are given it.
struct Case {
    path: PathBuf,
    /// The arguments; the file's name has to be in the message.
    commands: Vec<Vec<String>>,
}

/// Where the files are written, beside good ones for what else a command takes.
struct Made {
    folder: tempfile::TempDir,
    cases: Vec<Case>,
}

impl Made {
    /// The good files: a data set of 12 images of 6x6 pixels in three classes, and a model for it.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        for (name, bytes) in FILES.iter().zip(data()) {
            std::fs::write(folder.path().join("data").join(name), bytes).unwrap();
        }
        std::fs::write(folder.path().join("good.toml"), corpus("model_toml/small.toml")).unwrap();
        Self { folder, cases: Vec::new() }
    }

    fn name(&self, file: &str) -> String {
        self.folder.path().join(file).to_str().unwrap().to_owned()
    }

    /// Adds the file `NUMBER-NAME` with these bytes, for the commands of `kind`.
    fn add(&mut self, kind: Kind, name: &str, bytes: &[u8]) {
        let path = self.folder.path().join(format!("{}-{name}", self.cases.len()));
        std::fs::write(&path, bytes).unwrap();
        self.add_path(kind, path);
    }

    /// Adds a path on which there is something already.
    fn add_path(&mut self, kind: Kind, path: PathBuf) {
        let file = path.to_str().unwrap().to_owned();
        let (data, model) = (self.name("data"), self.name("good.toml"));
        let run = self.name(&format!("run-of-{}", self.cases.len()));
        let train = ["train", "--adapter", "cpu", "--threads", "1"];
        let with = |more: &[&str]| train.iter().chain(more).map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let commands = match kind {
            Kind::Data => {
                let folder = path.parent().unwrap().to_str().unwrap().to_owned();
                vec![with(&["--data", &folder, "--model", &model, "--out", &run])]
            }
            Kind::Weights => {
                let trained = with(&["--data", &data, "--model", &model, "--weights", &file, "--out", &run]);
                let evaluated = ["evaluate", &file, "--adapter", "cpu", "--threads", "1", "--data", &data];
                let exported = ["export", &file, "-o", &self.name("exported.json")];
                vec![trained, owned(&evaluated), owned(&exported)]
            }
            Kind::Model => vec![with(&["--data", &data, "--model", &file, "--out", &run])],
            Kind::Run => {
                let folder = path.parent().unwrap().to_str().unwrap();
                vec![owned(&["evaluate", folder, "--adapter", "cpu", "--threads", "1", "--data", &data])]
            }
            Kind::Config => vec![with(&["--data", &data, "--config", &file, "--out", &run])],
            Kind::Resume => vec![with(&["--data", &data, "--resume", &file])],
        };
        self.cases.push(Case { path, commands });
    }
}

/// By which argument a file is given.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Data,
    Weights,
    Model,
    Config,
    Resume,
    /// As the run.json of a folder that is evaluated.
    Run,
}

/// The four files of the good data set.
fn data() -> [Vec<u8>; 4] {
    let pixels: Vec<u8> = (0..12 * 36).map(|i| (i * 37 % 251) as u8).collect();
    let labels: Vec<u8> = (0..12).map(|i| i % 3).collect();
    let (images, labels) = (idx::encode(&[12, 6, 6], &pixels), idx::encode(&[12], &labels));
    [images.clone(), labels.clone(), images, labels]
}

fn corpus(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(file)).unwrap()
}

/// `bytes` with `new` from `at` on.
fn with(bytes: &[u8], at: usize, new: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[at..at + new.len()].copy_from_slice(new);
    changed
}

/// Names and contents of a file cut short: empty, at these places, and at random ones.
fn cuts(bytes: &[u8], places: &[usize], random: usize) -> Vec<(String, Vec<u8>)> {
    let mut rng = Rng::new(7, Purpose::TrainImage, bytes.len() as u64);
    let random = (0..random).map(|_| 2 + rng.below(bytes.len() - 2));
    let all: std::collections::BTreeSet<usize> =
        [0, 1].into_iter().chain(places.iter().copied()).chain(random).collect();
    all.into_iter().map(|at| (format!("cut-at-{at}"), bytes[..at].to_vec())).collect()
}

/// What a length of eight bytes is replaced by: 0, 1, the largest of 32 and of 64 bits, and -1 of 32 bits and the least of 64.
const LENGTHS: [u64; 6] = [0, 1, u32::MAX as u64, u64::MAX, i32::MIN as u32 as u64, i64::MIN as u64];

/// How a run ended: its exit code, what it wrote to stderr, and the seconds that it computed.
#[expect(clippy::zombie_processes, reason = "wait4 waits for it")]
fn measured(arguments: &[String]) -> (Option<i32>, String, f64) {
    let limited = format!("ulimit -v {KIB}; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    let bare = command(&[]);
    shell.args(["-c", &limited]).arg(bare.get_program()).args(arguments);
    for (name, value) in bare.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut child = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = Vec::new();
    child.stderr.take().unwrap().read_to_end(&mut text).unwrap();
    // SAFETY: all zeros are a value of this struct of numbers.
    let (mut status, mut usage) = (0, unsafe { std::mem::zeroed::<libc::rusage>() });
    let id = child.id() as libc::pid_t;
    // SAFETY: both are written to before they are read; the process is a child that nothing else waits for.
    assert_eq!(unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) }, id);
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    let text = String::from_utf8_lossy(&text).into_owned();
    (code, text, seconds(usage.ru_utime) + seconds(usage.ru_stime))
}

/// What is wrong with how a command took a file.
fn faults(path: &Path, arguments: &[String]) -> Option<String> {
    let (code, text, seconds) = measured(arguments);
    let name = path.file_name().unwrap().to_str().unwrap();
    let wrong = [
        (!matches!(code, Some(2 | 4)), "its exit code"),
        (!text.contains(name), "it does not name the file"),
        (text.contains("panicked"), "a panic"),
        (text.len() > 4000, "a long message"),
        (seconds >= SECONDS, "its time"),
    ];
    let wrong: Vec<&str> = wrong.into_iter().filter(|(is_wrong, _)| *is_wrong).map(|(_, what)| what).collect();
    let shown: String = text.chars().take(600).collect();
    let what = || format!("{name}: {}: {code:?}, {seconds:.2} s: {arguments:?}: {shown}", wrong.join(", "));
    (!wrong.is_empty()).then(what)
}

#[test]
fn malformed_files_are_refused_at_once_by_name() {
    let mut made = Made::new();
    binary::add(&mut made);
    text::add(&mut made);
    archives::add(&mut made);
    let files = made.cases.len();
    let runs: usize = made.cases.iter().map(|case| case.commands.len()).sum();
    eprintln!("{files} malformed files, {runs} runs");
    assert!(files >= AT_LEAST, "only {files} files");
    let all: Vec<(&Path, &Vec<String>)> =
        made.cases.iter().flat_map(|case| case.commands.iter().map(|command| (&*case.path, command))).collect();
    let (left, found) = (Mutex::new(all.into_iter()), Mutex::new(Vec::new()));
    let next = || left.lock().unwrap().next();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((path, arguments)) = next() {
                    found.lock().unwrap().extend(faults(path, arguments));
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{} of {runs} runs:\n{}", found.len(), found.join("\n"));
}
