//! `train --live`: the page of `view` on a training that goes on. Its calls are answered between steps.

use crate::blocking::{Trainer, wait};
use crate::data::Dataset;
use crate::error::{Result, usage};
use crate::page::{Looks, Reply, class_names, describe_text, description, samples};
use crate::report::{PageServer, note, say};
use crate::trainer::{Event, Score};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The page's server, and what pages are told.
pub(super) struct LiveView {
    server: Mutex<PageServer>,
    published: Mutex<Published>,
}

/// What a page is told of the training.
#[derive(Default)]
struct Published {
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
        match PageServer::start(port).or_else(|_| PageServer::start(0)) {
            Ok(server) => {
                say(&format!("view: {}", server.address()));
                let (scores, tests) = (history.0.concat(), history.1);
                let published = Published { name: name.to_owned(), scores, tests, ..Published::default() };
                Some(Self { server: Mutex::new(server), published: Mutex::new(published) })
            }
            Err(error) => {
                note(&format!("warning: the network cannot be looked into: {error}"));
                None
            }
        }
    }

    /// Tells of an event.
    pub(super) fn show(&self, event: &Event) {
        let mut published = locked(&self.published);
        match *event {
            Event::Step { epoch, step, steps, batch, .. } => {
                published.scores.extend([Some(batch.loss), Some(batch.accuracy)]);
                published.status = format!("epoch {epoch}, step {step} of {steps}");
            }
            Event::Epoch { validation: Some(score), .. } => published.add_test(score),
            Event::Epoch { .. } => {}
        }
    }

    /// Answers the calls that have come.
    pub(super) fn answer(&self, trainer: &mut Trainer, data: &Dataset) {
        let (mut server, mut published) = (locked(&self.server), locked(&self.published));
        while server.turn(Duration::ZERO, &mut |head, bytes| published.answer(trainer, data, head, &bytes)) {}
    }

    /// Ends the server; calls that still wait are told that the run is over.
    pub(super) fn finish(self) {
        let mut server = locked(&self.server);
        while server.turn(Duration::ZERO, &mut |_, _| Err(usage!("the run is over; gpu-cnn view opens it"))) {}
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Published {
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
