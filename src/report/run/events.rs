//! The event files of a run for TensorBoard, in the folders that Keras's callback writes to. A run that is resumed goes on in a new
//! file: what reads the old one while it grows must not find other bytes where it has read.

use super::log::{Mark, RunLog};
use super::names::{EVENTS, event_file, event_file_parts};
use crate::error::{Error, Result};
use crate::files;
use crate::graph::Graph;
use crate::report::event_file::{head, histograms, image, scalars, seconds};
use crate::report::run_page::filter_pictures;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Epochs of a run whose weights are shown, at most.
const MAX_WEIGHTS: u64 = 100;
/// Pictures of filters in a row.
const COLUMNS: usize = 8;
/// Numbers of a line of metrics that are shown, and those that validation has.
const FIGURES: [&str; 3] = ["loss", "accuracy", "learning_rate"];
const VALIDATION_FIGURES: [(&str, &str); 2] = [("loss", "validation_loss"), ("accuracy", "validation_accuracy")];

/// What a checkpoint says of the event files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EventMarks {
    /// How far each file had come, in their order.
    train: Vec<Mark>,
    validation: Vec<Mark>,
    /// Whether there are numbers of single steps.
    has_steps: bool,
}

/// Event files that are written.
#[derive(Debug)]
pub(super) struct EventFiles {
    /// Whether anything is written.
    is_on: bool,
    /// Of training and of validation.
    parts: [Part; 2],
    has_steps: bool,
    /// Steps that are done.
    steps: u64,
}

/// The files in one folder.
#[derive(Debug, Default)]
struct Part {
    /// Of the files that were written before the run was resumed.
    earlier: Vec<Mark>,
    /// The file of this process, once there is something in it.
    log: Option<RunLog>,
    pending: Vec<u8>,
    /// The step that this process goes on with.
    start: u64,
}

impl EventFiles {
    /// Those of a new run in `folder`.
    pub(super) fn new(is_on: bool, folder: &Path) -> Result<Self> {
        Self { is_on, parts: Default::default(), has_steps: false, steps: 0 }.begin(folder)
    }

    /// Makes the folder of training, so that what stands in its way is known before the first step.
    fn begin(self, folder: &Path) -> Result<Self> {
        let train = folder.join(EVENTS[0]);
        if self.is_on {
            files::create_folder(&train).map_err(|e| Error::output(&train, e))?;
        }
        Ok(self)
    }

    /// Those of the run in `folder`, which goes on after `epochs` epochs and `steps` steps: what was written later is cut off. With what
    /// the user should know.
    pub(super) fn resume(
        folder: &Path,
        marks: EventMarks,
        is_on: bool,
        [epochs, steps]: [u64; 2],
    ) -> Result<(Self, Vec<String>)> {
        let EventMarks { train, validation, has_steps } = marks;
        let mut notes = Vec::new();
        for (name, marks) in EVENTS.into_iter().zip([&train, &validation]) {
            notes.extend(cut_back(&folder.join(name), marks)?);
        }
        // Epochs count from 0, steps from 1. An epoch's number is never above that of its steps.
        let start = if has_steps { steps + 1 } else { epochs };
        let part = |earlier, start| Part { earlier, start, ..Part::default() };
        let parts = [part(train, start), part(validation, epochs)];
        Ok((Self { is_on, parts, has_steps, steps }.begin(folder)?, notes))
    }

    /// Takes note that a step is over.
    pub(super) fn count_step(&mut self) {
        self.steps += 1;
    }

    /// Appends the numbers of a line of metrics, with the tags and steps of Keras's callback.
    pub(super) fn log(&mut self, line: &Value) {
        if !self.is_on {
            return;
        }
        let epoch = line["epoch"].as_u64().unwrap_or(1).saturating_sub(1);
        let (prefix, step) = match line["event"].as_str() {
            Some("epoch") => ("epoch", epoch),
            // The numbers of a step whose update was skipped tell nothing.
            Some("step") if line["skipped"] != true => {
                self.has_steps = true;
                ("batch", self.steps)
            }
            _ => return,
        };
        let figure = |(tag, name): (&str, &str)| line[name].as_f64().map(|value| (format!("{prefix}_{tag}"), value));
        let train: Vec<_> = FIGURES.into_iter().filter_map(|name| figure((name, name))).collect();
        let validation: Vec<_> = VALIDATION_FIGURES.into_iter().filter_map(figure).collect();
        for (part, values) in self.parts.iter_mut().zip([train, validation]) {
            part.pending.extend(scalars(step, &values));
        }
    }

    /// Appends the histogram of every tensor in `weights` after `epoch`, from 1, and the first layer's filters.
    pub(super) fn log_weights(&mut self, graph: &Graph, weights: &[f32], epoch: u64) {
        let step = epoch.saturating_sub(1);
        let tag = |tensor: &str, kind: &str| {
            let (layer, name) = tensor.rsplit_once('.').unwrap_or(("", tensor));
            format!("{layer}/{name}/{kind}")
        };
        let pending = &mut self.parts[0].pending;
        let values = graph.weights().map(|(tensor, range)| (tag(&tensor.name, "histogram"), &weights[range]));
        pending.extend(histograms(step, values));
        if let Some(filters) = filter_pictures(graph, weights)
            && let Some(sheet) = crate::report::Picture::sheet(&filters.pictures, COLUMNS)
        {
            pending.extend(image(step, tag(filters.tensor, "image"), &sheet));
        }
    }

    /// Whether [`Self::log_weights`] is asked for after `epoch`, from 1, of `epochs`: in a long run not after each, so that the files
    /// stay small.
    pub(super) fn shows_weights(&self, epoch: u64, epochs: u64) -> bool {
        // Evenly: the epochs with which another one is due.
        let due = |epoch: u64| u128::from(epoch) * u128::from(MAX_WEIGHTS) / u128::from(epochs.max(MAX_WEIGHTS));
        self.is_on && (epoch == 1 || due(epoch) > due(epoch.saturating_sub(1)))
    }

    /// Writes what was appended, into files of the run in `folder`.
    pub(super) fn flush(&mut self, folder: &Path) -> Result<()> {
        self.parts.iter_mut().zip(EVENTS).try_for_each(|(part, name)| part.flush(&folder.join(name)))
    }

    /// How far the files have come, once all of it has reached the disk.
    pub(super) fn sync(&mut self, folder: &Path) -> Result<EventMarks> {
        self.flush(folder)?;
        let has_steps = self.has_steps;
        let [train, validation] = &mut self.parts;
        Ok(EventMarks { train: train.sync()?, validation: validation.sync()?, has_steps })
    }
}

impl Part {
    fn flush(&mut self, folder: &Path) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let log = match &mut self.log {
            Some(log) => log,
            None => {
                files::create_folder(folder).map_err(|e| Error::output(folder, e))?;
                // TensorBoard reads them in the order of their names.
                let last = listed(folder).into_iter().map(|file| file.seconds).max();
                let seconds = (seconds() as u64).max(last.map_or(0, |last| last.saturating_add(1)));
                let mut log = RunLog::create(&folder.join(event_file(seconds, self.earlier.len() as u64)))?;
                log.append(&head(self.start));
                self.log.insert(log)
            }
        };
        log.append(&std::mem::take(&mut self.pending));
        log.flush()
    }

    fn sync(&mut self) -> Result<Vec<Mark>> {
        let own = self.log.as_mut().map(RunLog::sync).transpose()?;
        Ok(self.earlier.iter().cloned().chain(own).collect())
    }
}

/// A file in a folder of event files.
struct Listed {
    name: String,
    /// The time in its name.
    seconds: u64,
    /// Which of the run's it is.
    number: u64,
}

fn listed(folder: &Path) -> Vec<Listed> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let parts = |name: String| event_file_parts(&name).map(|[seconds, number]| Listed { name, seconds, number });
    names.filter_map(parts).collect()
}

/// Makes the files in `folder` end where `marks` say: later ones are deleted, those that are others are renamed, so that TensorBoard
/// does not read them. With what the user should know.
fn cut_back(folder: &Path, marks: &[Mark]) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    let files = listed(folder);
    for (number, mark) in marks.iter().enumerate() {
        let mut is_there = false;
        for file in files.iter().filter(|file| file.number == number as u64) {
            let path = folder.join(&file.name);
            if RunLog::resume(&path, mark)?.is_some() {
                is_there = true;
                continue;
            }
            let kept = folder.join(format!("old-{}", file.name.replace("tfevents", "events")));
            std::fs::rename(&path, &kept).map_err(|e| Error::output(&kept, e))?;
            notes.push(format!("note: an event file of other content is kept as {}", kept.display()));
        }
        if !is_there {
            let folder = folder.display();
            notes.push(format!(
                "warning: event file {number} is not what the checkpoint was written with; its steps are missing: {folder}"
            ));
        }
    }
    for file in files.iter().filter(|file| file.number >= marks.len() as u64) {
        let path = folder.join(&file.name);
        std::fs::remove_file(&path).map_err(|e| Error::output(&path, e))?;
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(epoch: u64) -> Value {
        json!({ "event": "epoch", "epoch": epoch, "loss": 0.5, "accuracy": 0.5, "validation_loss": 0.25 })
    }

    fn sizes(folder: &Path) -> Vec<(u64, u64)> {
        let size = |file: &Listed| folder.join(&file.name).metadata().expect("there").len();
        let mut sizes: Vec<_> = listed(folder).iter().map(|file| (file.number, size(file))).collect();
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn a_resumed_run_has_the_events_up_to_its_checkpoint_and_goes_on_in_a_new_file() {
        let parent = tempfile::tempdir().expect("a folder");
        let folder = parent.path();
        let [train, validation] = EVENTS.map(|name| folder.join(name));
        let mut files = EventFiles::new(true, folder).expect("made");
        assert_eq!(files.sync(folder).expect("synced"), EventMarks::default());
        files.log(&line(1));
        let marks = files.sync(folder).expect("synced");
        let first = sizes(&train);
        files.log(&line(2));
        files.flush(folder).expect("written");
        assert!(sizes(&train)[0].1 > first[0].1 && sizes(&validation).len() == 1);
        // Killed and resumed twice from the same checkpoint: the second file is written anew.
        for _ in 0..2 {
            let (mut files, notes) = EventFiles::resume(folder, marks.clone(), true, [1, 10]).expect("resumed");
            assert!(notes.is_empty() && sizes(&train) == first, "{notes:?}");
            files.log(&line(2));
            let later = files.sync(folder).expect("synced");
            assert_eq!((later.train.len(), &later.train[0], sizes(&train).len()), (2, &marks.train[0], 2));
        }
        let mut names: Vec<_> = listed(&train).into_iter().map(|file| (file.name, file.number)).collect();
        names.sort();
        assert!(names[0].1 == 0 && names[1].1 == 1, "in the order of their names: {names:?}");
        // A file of other content is put aside, under a name that TensorBoard passes over.
        std::fs::write(train.join(&names[0].0), "mine").expect("written");
        let (_, notes) = EventFiles::resume(folder, marks, true, [1, 10]).expect("resumed");
        assert!(notes.len() == 2 && notes[1].starts_with("warning: event file 0 is not"), "{notes:?}");
        let left: Vec<_> = std::fs::read_dir(&train).expect("a folder").map(|e| e.expect("one").file_name()).collect();
        assert!(left.len() == 1 && !left[0].to_string_lossy().contains("tfevents"), "{left:?}");
    }

    #[test]
    fn weights_are_shown_after_a_hundred_epochs_at_most_and_nothing_where_nothing_is_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let on = EventFiles::new(true, folder.path()).expect("made");
        let shown = |epochs| (1..=epochs).filter(|epoch| on.shows_weights(*epoch, epochs)).count();
        assert_eq!([1, 99, 100, 101, 199, 100_000].map(shown), [1, 99, 100, 101, 101, 101]);
        assert!(on.shows_weights(1, 150) && on.shows_weights(150, 150) && on.shows_weights(u64::MAX, u64::MAX));
        let folder = tempfile::tempdir().expect("a folder");
        let mut off = EventFiles::new(false, folder.path()).expect("made");
        off.log(&line(1));
        off.flush(folder.path()).expect("nothing to do");
        assert!(!off.shows_weights(1, 1) && std::fs::read_dir(folder.path()).expect("a folder").next().is_none());
    }
}
