//! Loss and accuracy over a whole split.

use crate::compile::Model;
use crate::data::{Batches, Split};
use crate::error::{Error, Result};
use crate::plan::Phase;
use crate::train::{Metrics, Score};

/// A split's score, whole and class by class.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Over all images.
    pub score: Score,
    /// For each class: images, and how many of them were recognised.
    pub classes: Vec<ClassScore>,
}

/// How one class fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClassScore {
    /// Images of the class.
    pub images: usize,
    /// Those given the right answer.
    pub correct: usize,
}

impl ClassScore {
    /// Share of right answers; none without images.
    pub fn accuracy(&self) -> Option<f64> {
        (self.images > 0).then(|| self.correct as f64 / self.images as f64)
    }
}

impl Model {
    /// Loss and accuracy over `data`, in one pass; see [`Self::score_with`].
    pub fn score(&mut self, data: &Split) -> Result<Score> {
        self.score_with(data, &mut || Ok(()))
    }

    /// Loss and accuracy over `data`; an error from `observer`, which is asked after every batch, ends the pass.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the loss is not a finite number.
    pub fn score_with(&mut self, data: &Split, observer: &mut dyn FnMut() -> Result<()>) -> Result<Score> {
        self.check(data)?;
        let batches = Batches::in_order(data, self.plan.batch);
        let mut total = Metrics::default();
        self.run_batches(Phase::Evaluate, &batches, batches.len(), &|_| 0.0, &mut |_, metrics| {
            total.add(metrics);
            observer()
        })?;
        let score = total.score();
        match score.loss.is_finite() {
            true => Ok(score),
            false => Err(Error::NotFinite(format!("the loss over {} images is {}", data.len(), score.loss))),
        }
    }

    /// As [`Self::score`], and the accuracy of each class.
    pub fn evaluate(&mut self, data: &Split) -> Result<Evaluation> {
        let score = self.score(data)?;
        let mut classes = vec![ClassScore::default(); self.layout.classes];
        for (label, answer) in data.labels.iter().zip(self.predict_classes(data)?) {
            let class = &mut classes[usize::from(*label)];
            class.images += 1;
            class.correct += usize::from(usize::from(*label) == answer);
        }
        Ok(Evaluation { score, classes })
    }
}
