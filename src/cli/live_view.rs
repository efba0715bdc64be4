//! `train --live`: the page of `view` on a training that goes on. Its calls are answered between steps.

use crate::blocking::{Trainer, wait};
use crate::data::Dataset;
use crate::error::{Error, Result, usage};
use crate::page::{Looks, Reply, class_names, describe_text, description, samples};
use crate::report::{PageServer, note, say};
use crate::threads::{Background, background};
use crate::trainer::{Event, Score};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long the server waits for a request before it looks whether the run is over.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a call may wait for the training to come to it: a test over many images, for instance.
const ANSWER: Duration = Duration::from_secs(60);

/// A call, and where its answer goes.
type Call = (String, Vec<u8>, Sender<Result<Reply>>);

/// The page's server, and what it is told.
pub(super) struct LiveView {
    calls: Mutex<Receiver<Call>>,
    told: Mutex<Told>,
    server: Background,
    is_over: Arc<AtomicBool>,
}

/// What a page is told of the training.
#[derive(Default)]
struct Told {
    name: String,
    looks: Looks,
    /// Loss and accuracy of each step, where they are known, and how many of these numbers the page has.
    scores: Vec<Option<f64>>,
    sent: usize,
    tests: Vec<Value>,
    new_tests: VecDeque<Value>,
    status: String,
}

impl LiveView {
    /// Serves the page, on `port` or on a free one, and prints its address; none, with a warning, where that is not possible. `history`
    /// is what a resumed run has behind it: scores of steps, and tests.
    pub(super) fn start(port: u16, name: &str, history: (Vec<[Option<f64>; 2]>, Vec<Value>)) -> Option<Self> {
        let served = PageServer::start(port).or_else(|_| PageServer::start(0)).and_then(|mut server| {
            let ((to_training, calls), address) = (channel::<Call>(), server.address());
            let is_over = Arc::new(AtomicBool::new(false));
            let ends = Arc::clone(&is_over);
            let server = background("view", move || {
                server.turn(PATIENCE, &mut |head, bytes| {
                    let (answer, answered) = channel();
                    to_training.send((head.to_owned(), bytes, answer)).map_err(|_| over())?;
                    answered.recv_timeout(ANSWER).map_err(|_| over())?
                });
                (!ends.load(Ordering::Relaxed)).then_some(Duration::ZERO)
            })?;
            let (scores, tests) = (history.0.concat(), history.1);
            let told = Mutex::new(Told { name: name.to_owned(), scores, tests, ..Told::default() });
            Ok((Self { calls: Mutex::new(calls), told, server, is_over }, address))
        });
        match served {
            Ok((view, address)) => {
                say(&format!("view: {address}"));
                Some(view)
            }
            Err(error) => {
                note(&format!("warning: the network cannot be looked into: {error}"));
                None
            }
        }
    }

    /// Tells of an event.
    pub(super) fn show(&self, event: &Event) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match *event {
            Event::Step { epoch, step, steps, batch, .. } => {
                told.scores.extend([Some(batch.loss), Some(batch.accuracy)]);
                told.status = format!("epoch {epoch}, step {step} of {steps}");
            }
            Event::Epoch { validation: Some(score), .. } => told.add_test(score),
            Event::Epoch { .. } => {}
        }
    }

    /// Answers the calls that have come.
    pub(super) fn answer(&self, trainer: &mut Trainer, data: &Dataset) {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (head, bytes, answer) in calls.try_iter() {
            // A page that is gone wants no answer.
            let _ = answer.send(told.answer(trainer, data, &head, &bytes));
        }
    }

    /// Ends the server; calls that still wait are told that the run is over.
    pub(super) fn finish(self) {
        drop(self.calls);
        self.is_over.store(true, Ordering::Relaxed);
        self.server.finish();
    }
}

impl Told {
    fn add_test(&mut self, score: Score) {
        let steps = self.scores.len() / 2;
        let test = json!({ "steps": steps, "loss": score.loss, "accuracy": score.accuracy, "kind": "validation" });
        self.tests.push(test.clone());
        self.new_tests.push_back(test);
    }

    fn answer(&mut self, trainer: &mut Trainer, data: &Dataset, head: &str, bytes: &[u8]) -> Result<Reply> {
        let head: Value = serde_json::from_str(head).map_err(|e| usage!("a call that is not JSON: {e}"))?;
        let names = class_names(data);
        match head["call"].as_str().unwrap_or_default() {
            "hello" => {
                self.sent = self.scores.len();
                self.new_tests.clear();
                let Self { name, scores, tests, .. } = self;
                let run = json!({ "name": name, "is_live": true, "scores": scores, "tests": tests });
                Ok(Reply::of(json!({ "run": run })))
            }
            "start" => {
                let mut started = description(trainer, &data.name, &data.train, data.test.len(), &names)?;
                started["is_live"] = true.into();
                started["text"] = trainer.model().to_toml().into();
                Ok(Reply::of(started))
            }
            "train" => {
                let scores = self.scores[self.sent..].to_vec();
                self.sent = self.scores.len();
                Ok(Reply::of(json!({
                    "scores": scores,
                    "steps": self.scores.len() / 2,
                    "epoch": trainer.progress().epoch,
                    "test": self.new_tests.pop_front(),
                    "is_over": false,
                    "status": self.status,
                })))
            }
            "samples" => Ok(samples(&data.test, &names)),
            "describe" => describe_text(&head, data.train.image, names.len()),
            "look" | "layer" | "first_filters" | "download" | "shaders" => {
                wait(self.looks.call(trainer, &data.train, &head, bytes))
            }
            call => Err(usage!("`{call}` is not possible while a run is going on; gpu-cnn view opens it afterwards")),
        }
    }
}

fn over() -> Error {
    usage!("the run is over; gpu-cnn view opens it")
}
