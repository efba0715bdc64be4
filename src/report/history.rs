//! What a run's logs say of its training: curves.

use super::RecordedRun;
use super::figures::{Chart, Figure, MAX_POINTS, Mark, Series, XAxis, thin};
use crate::trainer::Score;
use serde_json::Value;

/// Losses, accuracies and learning rates of a run; the first number of a point is the epoch.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    /// Of each step, where that is known.
    step_losses: Vec<[f64; 2]>,
    step_accuracies: Vec<[f64; 2]>,
    learning_rates: Vec<[f64; 2]>,
    /// Over each epoch: of training, then of validation.
    losses: [Vec<[f64; 2]>; 2],
    accuracies: [Vec<[f64; 2]>; 2],
    test: Option<Score>,
    /// Epochs that are over.
    epochs: u64,
}

/// Names of the series, and their styles.
const TRAINING: (&str, usize) = ("training", 0);
const VALIDATION: (&str, usize) = ("validation", 1);
const TEST: (&str, usize) = ("test", 2);

impl History {
    /// Reads the logs of `run`; lines that it does not know are left out.
    pub(crate) fn new(run: &RecordedRun) -> Self {
        let lines: Vec<Value> = run.metrics.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let steps = steps_per_epoch(&run.description, &lines);
        let step_losses = run.losses.iter().enumerate().map(|(i, loss)| [(i + 1) as f64 / steps, *loss]).collect();
        let mut history = Self { step_losses, ..Self::default() };
        lines.iter().for_each(|line| history.add(line, steps));
        // The last step of an epoch and the epoch say the same.
        history.learning_rates.dedup();
        history
    }

    /// Adds what a line of metrics.jsonl says; `steps` is the number of an epoch's steps.
    pub(crate) fn add(&mut self, line: &Value, steps: f64) {
        let figure = |name: &str| line[name].as_f64();
        let (Some(loss), Some(accuracy)) = (figure("loss"), figure("accuracy")) else { return };
        let epoch = figure("epoch").unwrap_or(0.0);
        match line["event"].as_str() {
            Some("step") => {
                let at = epoch - 1.0 + figure("step").unwrap_or(0.0) / steps;
                self.step_accuracies.push([at, accuracy]);
                self.learning_rates.extend(figure("learning_rate").map(|rate| [at, rate]));
            }
            Some("epoch") => {
                self.epochs = epoch as u64;
                self.losses[0].push([epoch, loss]);
                self.accuracies[0].push([epoch, accuracy]);
                self.losses[1].extend(figure("validation_loss").map(|loss| [epoch, loss]));
                self.accuracies[1].extend(figure("validation_accuracy").map(|accuracy| [epoch, accuracy]));
                self.learning_rates.extend(figure("learning_rate").map(|rate| [epoch, rate]));
            }
            Some("test") => self.test = Some(Score { loss, accuracy }),
            _ => {}
        }
    }

    /// Takes the curves of steps: losses, accuracies and learning rates; returns those that there were.
    pub(crate) fn replace_steps(&mut self, steps: [Vec<[f64; 2]>; 3]) -> [Vec<[f64; 2]>; 3] {
        let own = [&mut self.step_losses, &mut self.step_accuracies, &mut self.learning_rates];
        let mut steps = steps;
        own.into_iter().zip(&mut steps).for_each(|(own, new)| std::mem::swap(own, new));
        steps
    }

    /// Makes curves over very many epochs shorter, so that a run without an end takes no memory without one.
    pub(crate) fn bound(&mut self) {
        const MAX: usize = 4 * MAX_POINTS;
        let curves = self.losses.iter_mut().chain(&mut self.accuracies).chain([&mut self.learning_rates]);
        curves.filter(|curve| curve.len() > MAX).for_each(|curve| *curve = thin(curve, MAX / 2));
    }

    /// Epochs that are over.
    pub(crate) fn epochs(&self) -> u64 {
        self.epochs
    }

    /// Over the last epoch that is over: of training, and of validation where there is any.
    pub(crate) fn last_epoch(&self) -> [Option<(&'static str, Score)>; 2] {
        let of = |images: usize, name: &'static str| {
            let (loss, accuracy) = (self.losses[images].last()?[1], self.accuracies[images].last()?[1]);
            Some((name, Score { loss, accuracy }))
        };
        [of(0, "Training"), of(1, "Validation")]
    }

    /// Loss and accuracy over the test images, once the run has come to its end.
    pub(crate) fn test(&self) -> Option<Score> {
        self.test
    }

    /// The curves of this run: loss, accuracy, learning rate.
    pub(crate) fn figures(&self) -> Vec<Figure> {
        let at_end = |value: fn(&Score) -> f64| {
            let last = self.losses[0].last().map_or(0.0, |point| point[0]);
            self.test.iter().map(|score| [last, value(score)]).collect::<Vec<_>>()
        };
        let curves = |steps: &[[f64; 2]], epochs: &[Vec<[f64; 2]>; 2], test: Vec<[f64; 2]>| {
            vec![
                series("each step", TRAINING.1, Mark::Thin, steps.to_vec()),
                series(TRAINING.0, TRAINING.1, Mark::Line, epochs[0].clone()),
                series(VALIDATION.0, VALIDATION.1, Mark::Line, epochs[1].clone()),
                series(TEST.0, TEST.1, Mark::Points, test),
            ]
        };
        let rates = vec![series("learning rate", TRAINING.1, Mark::Line, self.learning_rates.clone())];
        let charts = [
            chart("loss", "Loss", "loss", curves(&self.step_losses, &self.losses, at_end(|score| score.loss))),
            chart(
                "accuracy",
                "Accuracy",
                "accuracy",
                curves(&self.step_accuracies, &self.accuracies, at_end(|score| score.accuracy)),
            ),
            chart("learning-rate", "Learning rate", "learning rate", rates),
        ];
        charts.into_iter().filter_map(Chart::figure).collect()
    }
}

/// The curves of several runs, each with its name, over each other: of validation where a run has one, else of training.
pub(crate) fn compared(runs: &[(String, History)]) -> Vec<Figure> {
    let over = |of: &dyn Fn(&History) -> Vec<[f64; 2]>| {
        let of_run = |(style, (name, run)): (usize, &(String, History))| series(name, style, Mark::Line, of(run));
        runs.iter().enumerate().map(of_run).collect::<Vec<_>>()
    };
    let charts = [
        chart("training-loss", "Training loss", "loss", over(&|run| run.losses[0].clone())),
        chart("training-accuracy", "Training accuracy", "accuracy", over(&|run| run.accuracies[0].clone())),
        chart("validation-loss", "Validation loss", "loss", over(&|run| run.losses[1].clone())),
        chart("validation-accuracy", "Validation accuracy", "accuracy", over(&|run| run.accuracies[1].clone())),
        chart("learning-rate", "Learning rate", "learning rate", over(&|run| run.learning_rates.clone())),
    ];
    charts.into_iter().filter_map(Chart::figure).collect()
}

fn chart(name: &'static str, title: &str, quantity: &'static str, series: Vec<Series>) -> Chart {
    Chart { name, title: title.to_owned(), quantity, x: XAxis::Epochs, series }
}

fn series(label: &str, style: usize, mark: Mark, points: Vec<[f64; 2]>) -> Series {
    Series { label: label.to_owned(), style, mark, points }
}

/// Steps of an epoch: of the first that is over, else as the settings have it.
fn steps_per_epoch(description: &Value, lines: &[Value]) -> f64 {
    let logged = lines.iter().find_map(|line| line["steps"].as_f64().filter(|_| line["event"] == "epoch"));
    let settings = &description["settings"];
    let whole = || {
        let data = &description["data"];
        let images = data["train_images"].as_f64()? - data["validation_images"].as_f64().unwrap_or(0.0);
        Some((images / settings["batch_size"].as_f64()?).ceil())
    };
    let limits = || ["steps_per_epoch", "limit_batches"].into_iter().filter_map(|name| settings[name].as_f64());
    let steps = logged.or_else(|| whole().into_iter().chain(limits()).reduce(f64::min));
    steps.filter(|steps| *steps >= 1.0).unwrap_or(1.0)
}
