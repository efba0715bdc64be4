//! Probabilities averaged over several views of each image.

use super::class_scores::{Evaluation, Predictions};
use super::evaluation::finite;
use super::metrics::Score;
use super::state::Trainer;
use super::tta::Tta;
use crate::data::Split;
use crate::error::Result;

impl Trainer {
    /// As [`Self::predict`], averaged over the views of `tta`.
    pub(super) async fn predict_views(
        &mut self,
        pixels: &[u8],
        tta: Tta,
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Vec<Vec<f32>>> {
        let mut sum: Vec<Vec<f32>> = Vec::new();
        for view in tta.views() {
            let rows = self.predict_plain(&view.of(pixels, self.graph.input), observer).await?;
            sum.resize_with(rows.len(), || vec![0.0; self.graph.outputs()]);
            for (sum, row) in sum.iter_mut().zip(&rows) {
                sum.iter_mut().zip(row).for_each(|(sum, p)| *sum += view.weight * p);
            }
        }
        Ok(sum)
    }

    /// As [`Self::evaluate_with`], by the averages of [`Self::predict_views`].
    pub(super) async fn evaluate_views(
        &mut self,
        data: &Split,
        tta: Tta,
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Evaluation> {
        let rows = self.predict_views(&data.pixels, tta, observer).await?;
        let mut predictions = Predictions::new(self.graph.classes());
        let mut loss = 0.0;
        for (row, label) in rows.iter().zip(&data.labels) {
            let label = usize::from(*label);
            predictions.add(row, label);
            loss += cross_entropy(row, label, self.config.label_smoothing);
        }
        let images = data.len() as f64;
        let score = Score { loss: loss / images, accuracy: predictions.correct() as f64 / images };
        Ok(predictions.evaluation(finite(score, data.len())?))
    }
}

/// The cross-entropy of probabilities, or of the probability of class 1 alone, in nats.
fn cross_entropy(row: &[f32], label: usize, smoothing: f64) -> f64 {
    // As Keras bounds probabilities.
    let ln = |p: f64| p.clamp(1e-7, 1.0 - 1e-7).ln();
    if let [p] = row {
        let (p, y) = (f64::from(*p), label as f64 * (1.0 - smoothing) + 0.5 * smoothing);
        return -(y * ln(p) + (1.0 - y) * ln(1.0 - p));
    }
    let spread = smoothing / row.len() as f64;
    let others: f64 = row.iter().map(|p| ln(f64::from(*p))).sum();
    -((1.0 - smoothing) * ln(f64::from(row[label])) + spread * others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loss_is_that_of_the_averaged_probabilities() {
        let loss = cross_entropy(&[0.2, 0.5, 0.3], 1, 0.0);
        assert!((loss + 0.5_f64.ln()).abs() < 1e-7);
        let smoothed = cross_entropy(&[0.2, 0.5, 0.3], 1, 0.3);
        let expected = -(0.7 * 0.5_f64.ln() + 0.1 * (0.2_f64.ln() + 0.5_f64.ln() + 0.3_f64.ln()));
        assert!((smoothed - expected).abs() < 1e-7);
        assert!((cross_entropy(&[0.8], 1, 0.0) + 0.8_f64.ln()).abs() < 1e-7);
        assert!((cross_entropy(&[0.8], 0, 0.0) + 0.2_f64.ln()).abs() < 1e-6);
    }
}
