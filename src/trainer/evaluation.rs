//! Loss and accuracy over a whole split, and predictions: passes without a backward pass.

use super::metrics::{Score, Tally};
use super::pass::Pass;
use super::state::Trainer;
use crate::data::{Batches, Split};
use crate::error::{Error, Result, usage};
use crate::plan::{Program, Step};
use crate::real::argmax;

/// A split's score, whole and class by class.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Score over all images.
    pub score: Score,
    /// Score of each class, in the order of the classes.
    pub classes: Vec<ClassScore>,
}

/// How one class fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClassScore {
    /// Images of the class.
    pub images: usize,
    /// Those whose most probable class is this one.
    pub correct: usize,
}

impl ClassScore {
    /// Share of correct answers; none without images.
    pub fn accuracy(&self) -> Option<f64> {
        (self.images > 0).then(|| self.correct as f64 / self.images as f64)
    }
}

impl Trainer {
    /// Loss and accuracy over `data`, whole and class by class, in one pass; see [`Self::evaluate_with`].
    pub async fn evaluate(&mut self, data: &Split) -> Result<Evaluation> {
        self.evaluate_with(data, &mut || Ok(())).await
    }

    /// Loss and accuracy over `data`; an error from `observer`, which is called after every few batches, ends the pass.
    ///
    /// # Errors
    /// [`Error::NotFinite`] if the loss is not a finite number; [`Error::Usage`] or [`Error::Data`] if the model cannot take
    /// `data`.
    pub async fn evaluate_with(
        &mut self,
        data: &Split,
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Evaluation> {
        self.check(data)?;
        let classes = self.graph.classes();
        let outputs = self.graph.outputs();
        let mut scores = vec![ClassScore::default(); classes];
        let mut total = Tally::default();
        let mut labels = data.labels.iter();
        let batches = Batches::in_order(data, self.session.plan.batch);
        let mut pass = Pass::new(batches, &[Program::Evaluate], usize::MAX).with_predictions();
        while let Some(report) = pass.next(&mut self.session, |_| Step::default()).await? {
            report.tallies.into_iter().for_each(|tally| total.add(tally));
            for (row, label) in report.predictions.chunks_exact(outputs).zip(&mut labels) {
                let class = &mut scores[usize::from(*label)];
                class.images += 1;
                class.correct += usize::from(answer(row) == usize::from(*label));
            }
            observer()?;
        }
        let correct: usize = scores.iter().map(|class| class.correct).sum();
        let score = Score { loss: total.loss, accuracy: correct as f64 / data.len() as f64 };
        Ok(Evaluation { score: finite(score, data)?, classes: scores })
    }

    /// Loss and accuracy over `data`, without those of each class, for which the predictions would be read.
    ///
    /// # Errors
    /// As [`Self::evaluate_with`].
    pub async fn score(&mut self, data: &Split) -> Result<Score> {
        self.check(data)?;
        let batches = Batches::in_order(data, self.session.plan.batch);
        let mut pass = Pass::new(batches, &[Program::Evaluate], usize::MAX);
        let mut total = Tally::default();
        while let Some(report) = pass.next(&mut self.session, |_| Step::default()).await? {
            report.tallies.into_iter().for_each(|tally| total.add(tally));
        }
        finite(total.score(), data)
    }

    /// Class probabilities of images given as bytes, [n, height, width, channels]: rows that sum to 1, or for binary cross-entropy the
    /// probability of class 1 alone.
    ///
    /// # Errors
    /// If the bytes are not whole images.
    pub async fn predict(&mut self, pixels: &[u8]) -> Result<Vec<Vec<f32>>> {
        let image = self.graph.input;
        let image_len: usize = image.iter().product();
        if !pixels.len().is_multiple_of(image_len) {
            return Err(usage!("{} bytes are not whole images of {image:?} = {image_len}", pixels.len()));
        }
        let split = Split { image, pixels: pixels.to_vec(), labels: vec![0; pixels.len() / image_len] };
        let outputs = self.graph.outputs();
        let batches = Batches::in_order(&split, self.session.plan.batch);
        let mut pass = Pass::new(batches, &[Program::Predict], usize::MAX).with_predictions();
        let mut rows = Vec::with_capacity(split.len());
        while let Some(report) = pass.next(&mut self.session, |_| Step::default()).await? {
            rows.extend(report.predictions.chunks_exact(outputs).map(<[f32]>::to_vec));
        }
        Ok(rows)
    }
}

/// The class that an image's outputs say: the first most probable one; of a single output 1 where it is above one half.
fn answer(row: &[f32]) -> usize {
    match row {
        [probability] => usize::from(*probability > 0.5),
        _ => argmax(row.iter().copied()),
    }
}

/// `score`, unless its loss is not a finite number.
fn finite(score: Score, data: &Split) -> Result<Score> {
    match score.loss.is_finite() {
        true => Ok(score),
        false => Err(Error::not_finite(format!("the loss over {} images is {}", data.len(), score.loss))),
    }
}
