//! Scores over a whole split, and predictions: passes without a backward pass.

use super::class_scores::{Evaluation, Predictions};
use super::metrics::{Score, Tally};
use super::state::Trainer;
use crate::data::Split;
use crate::error::{Error, Result, usage};
use crate::plan::Program;
use std::ops::Range;

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
        if let Some(tta) = self.config.views() {
            return self.evaluate_views(data, tta, observer).await;
        }
        let mut predictions = Predictions::new(self.graph.classes());
        let mut total = Tally::default();
        let results = self.results(data, 0..data.len(), &[Program::Evaluate], true, observer).await?;
        results.tallies.into_iter().for_each(|tally| total.add(tally));
        for (row, label) in results.predictions.chunks_exact(self.graph.outputs()).zip(&data.labels) {
            predictions.add(row, usize::from(*label));
        }
        let score = Score { loss: total.loss, accuracy: predictions.correct() as f64 / data.len() as f64 };
        Ok(predictions.evaluation(finite(score, data.len())?))
    }

    /// Loss and accuracy over `data`, without those of each class, for which the predictions would be read.
    ///
    /// # Errors
    /// As [`Self::evaluate_with`].
    pub async fn score(&mut self, data: &Split) -> Result<Score> {
        self.check(data)?;
        self.score_within(data, 0..data.len()).await
    }

    /// Loss and accuracy over the images of `data` that are not trained on, if there are any.
    pub(super) async fn validate(&mut self, data: &Split) -> Result<Option<Score>> {
        let end = self.config.trained_on(data.len())?.end;
        let held_out = end..data.len().min(end.saturating_add(self.config.max_tested()));
        match held_out.is_empty() {
            true => Ok(None),
            false => self.score_within(data, held_out).await.map(Some),
        }
    }

    async fn score_within(&mut self, data: &Split, range: Range<usize>) -> Result<Score> {
        let images = range.len();
        let mut total = Tally::default();
        let results = self.results(data, range, &[Program::Evaluate], false, &mut || Ok(())).await?;
        results.tallies.into_iter().for_each(|tally| total.add(tally));
        finite(total.score(), images)
    }

    /// Class probabilities of images given as bytes, [n, height, width, channels]: rows that sum to 1, or for binary cross-entropy the
    /// probability of class 1 alone; with [`crate::RunConfig::tta`] their averages.
    ///
    /// # Errors
    /// If the bytes are not whole images.
    pub async fn predict(&mut self, pixels: &[u8]) -> Result<Vec<Vec<f32>>> {
        let image = self.graph.input;
        let image_len: usize = image.iter().product();
        if !pixels.len().is_multiple_of(image_len) {
            return Err(usage!("{} bytes are not whole images of {image:?} = {image_len}", pixels.len()));
        }
        match self.config.views() {
            Some(tta) => self.predict_views(pixels, tta, &mut || Ok(())).await,
            None => self.predict_plain(pixels, &mut || Ok(())).await,
        }
    }

    /// The probabilities of the images as they are; their bytes are whole images.
    pub(super) async fn predict_plain(
        &mut self,
        pixels: &[u8],
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Vec<Vec<f32>>> {
        let image = self.graph.input;
        let labels = vec![0; pixels.len() / image.iter().product::<usize>()];
        let split = Split { image, pixels: pixels.to_vec(), labels };
        let results = self.results(&split, 0..split.len(), &[Program::Predict], true, observer).await?;
        Ok(results.predictions.chunks_exact(self.graph.outputs()).map(<[f32]>::to_vec).collect())
    }
}

/// `score`, unless its loss is not a finite number.
pub(super) fn finite(score: Score, images: usize) -> Result<Score> {
    match score.loss.is_finite() {
        true => Ok(score),
        false => Err(Error::not_finite(format!("the loss over {images} images is {}", score.loss))),
    }
}
