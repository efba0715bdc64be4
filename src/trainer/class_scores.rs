//! What an evaluation says of each class: precision, recall, F1, the confusion matrix, top-k accuracy.

use super::metrics::Score;
use crate::real::argmax;

/// A split's score, whole and class by class.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Score over all images.
    pub score: Score,
    /// Score of each class, in the order of the classes.
    pub classes: Vec<ClassScore>,
    /// Images by label (rows) and predicted class (columns).
    pub confusion: Vec<Vec<usize>>,
    /// Images by the number of classes that are more probable than the label's.
    pub ranks: Vec<usize>,
    /// Images of which a wrong class is the most probable, the most confident first.
    pub mistakes: Vec<Mistake>,
}

/// An image of which a wrong class is the most probable.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mistake {
    /// Its index in the split.
    pub image: usize,
    /// Its class.
    pub label: usize,
    /// The class that is the most probable.
    pub predicted: usize,
    /// The probability of that class.
    pub probability: f32,
}

/// How one class fared. A ratio without a denominator is 0, as in scikit-learn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct ClassScore {
    /// Images of the class: its support.
    pub images: usize,
    /// Those whose most probable class is this one.
    pub correct: usize,
    /// Images of any class whose most probable class is this one.
    pub predicted: usize,
}

/// Precision, recall and F1.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Ratios {
    /// Share of the images predicted to be of the class that are.
    pub precision: f64,
    /// Share of the class's images that are predicted to be.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
}

fn ratio(count: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { count as f64 / of as f64 }
}

impl ClassScore {
    /// Share of the class's images that are predicted to be; none without images.
    pub fn accuracy(&self) -> Option<f64> {
        (self.images > 0).then(|| self.correct as f64 / self.images as f64)
    }

    /// Precision, recall and F1 = 2 correct / (images + predicted).
    pub fn ratios(&self) -> Ratios {
        Ratios {
            precision: ratio(self.correct, self.predicted),
            recall: ratio(self.correct, self.images),
            f1: ratio(2 * self.correct, self.images + self.predicted),
        }
    }
}

impl Evaluation {
    /// Share of the images of which fewer than `k` classes are more probable than the label's: Keras's top-k accuracy.
    pub fn top_k(&self, k: usize) -> f64 {
        ratio(self.ranks.iter().take(k).sum(), self.classes.iter().map(|class| class.images).sum())
    }

    /// Unweighted means over the classes that occur, as labels or as predictions.
    pub fn macro_average(&self) -> Ratios {
        let occurring = self.classes.iter().filter(|class| class.images + class.predicted > 0);
        let ratios: Vec<Ratios> = occurring.map(ClassScore::ratios).collect();
        let mean = |of: fn(&Ratios) -> f64| ratios.iter().map(of).sum::<f64>() / ratios.len().max(1) as f64;
        Ratios { precision: mean(|r| r.precision), recall: mean(|r| r.recall), f1: mean(|r| r.f1) }
    }
}

/// The predictions for a split, as they come in.
#[derive(Debug)]
pub(super) struct Predictions {
    images: usize,
    confusion: Vec<Vec<usize>>,
    ranks: Vec<usize>,
    mistakes: Vec<Mistake>,
}

impl Predictions {
    pub(super) fn new(classes: usize) -> Self {
        let confusion = vec![vec![0; classes]; classes];
        Self { images: 0, confusion, ranks: vec![0; classes], mistakes: Vec::new() }
    }

    /// Takes the outputs for an image of class `label`.
    pub(super) fn add(&mut self, row: &[f32], label: usize) {
        let class = predicted_class(row);
        self.confusion[label][class] += 1;
        let rank = match row {
            [_] => usize::from(class != label),
            _ => row.iter().filter(|probability| **probability > row[label]).count(),
        };
        self.ranks[rank] += 1;
        if class != label {
            let probability = match row {
                [probability] if class == 0 => 1.0 - probability,
                [probability] => *probability,
                _ => row[class],
            };
            self.mistakes.push(Mistake { image: self.images, label, predicted: class, probability });
        }
        self.images += 1;
    }

    pub(super) fn correct(&self) -> usize {
        (0..self.confusion.len()).map(|class| self.confusion[class][class]).sum()
    }

    pub(super) fn evaluation(mut self, score: Score) -> Evaluation {
        // Equally confident ones stay in the order of the images.
        self.mistakes.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        let class = |class: usize| ClassScore {
            images: self.confusion[class].iter().sum(),
            correct: self.confusion[class][class],
            predicted: self.confusion.iter().map(|row| row[class]).sum(),
        };
        let classes = (0..self.confusion.len()).map(class).collect();
        let Self { confusion, ranks, mistakes, .. } = self;
        Evaluation { score, classes, confusion, ranks, mistakes }
    }
}

/// The class that an image's outputs predict: the first most probable one; of a single output 1 where it is above one half.
fn predicted_class(row: &[f32]) -> usize {
    match row {
        [probability] => usize::from(*probability > 0.5),
        _ => argmax(row.iter().copied()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(classes: usize, rows: &[(&[f32], usize)]) -> Evaluation {
        let mut predictions = Predictions::new(classes);
        rows.iter().for_each(|(row, label)| predictions.add(row, *label));
        predictions.evaluation(Score::default())
    }

    /// Labels 0 0 1 1 1 2, predictions 0 1 1 1 0 1, and a class 3 that never occurs; figures by hand, and those of scikit-learn's
    /// precision_recall_fscore_support with zero_division = 0.
    #[test]
    fn figures_of_classes_are_those_by_hand() {
        let outputs = |predicted: usize| [0, 1, 2, 3].map(|class| if class == predicted { 0.7 } else { 0.1 });
        let rows =
            [(0, 0), (1, 0), (1, 1), (1, 1), (0, 1), (1, 2)].map(|(predicted, label)| (outputs(predicted), label));
        let rows: Vec<(&[f32], usize)> = rows.iter().map(|(row, label)| (&row[..], *label)).collect();
        let found = evaluation(4, &rows);
        assert_eq!(found.confusion, [[1, 1, 0, 0], [1, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]);
        let ratios: Vec<Ratios> = found.classes.iter().map(ClassScore::ratios).collect();
        let expected = [[0.5, 0.5, 0.5], [0.5, 2.0 / 3.0, 4.0 / 7.0], [0.0; 3], [0.0; 3]];
        for (Ratios { precision, recall, f1 }, expected) in ratios.into_iter().zip(expected) {
            assert_eq!([precision, recall, f1], expected);
        }
        let Ratios { precision, recall, f1 } = found.macro_average();
        let means = [1.0 / 3.0, (0.5 + 2.0 / 3.0) / 3.0, (0.5 + 4.0 / 7.0) / 3.0];
        assert!([precision, recall, f1].iter().zip(means).all(|(found, mean)| (found - mean).abs() < 1e-12));
        assert_eq!(found.classes.iter().map(|class| class.images).collect::<Vec<_>>(), [2, 3, 1, 0]);
        assert_eq!((found.classes[2].accuracy(), found.classes[3].accuracy()), (Some(0.0), None));
    }

    /// Of classes that are equally probable at the border all count, as in Keras's in_top_k.
    #[test]
    fn top_k_counts_classes_that_are_more_probable() {
        let rows: [(&[f32], usize); 4] = [
            (&[0.1, 0.2, 0.3, 0.4], 3),
            (&[0.1, 0.2, 0.3, 0.4], 1),
            (&[0.4, 0.3, 0.3, 0.0], 2),
            (&[0.4, 0.3, 0.2, 0.1], 3),
        ];
        let found = evaluation(4, &rows);
        assert_eq!([1, 2, 3, 4].map(|k| found.top_k(k)), [0.25, 0.5, 0.75, 1.0]);
    }

    #[test]
    fn one_output_predicts_by_one_half() {
        let found = evaluation(2, &[(&[0.5], 0), (&[0.51], 1), (&[0.9], 0), (&[0.2], 1)]);
        assert_eq!((found.confusion, found.ranks), (vec![vec![1, 1], vec![1, 1]], vec![2, 2]));
        let mistakes = found.mistakes.iter().map(|m| (m.image, m.label, m.predicted, m.probability));
        assert_eq!(mistakes.collect::<Vec<_>>(), [(2, 0, 1, 0.9), (3, 1, 0, 0.8)]);
    }

    #[test]
    fn mistakes_are_in_the_order_of_their_confidence() {
        let rows: [(&[f32], usize); 4] =
            [(&[0.6, 0.4, 0.0], 1), (&[0.2, 0.3, 0.5], 2), (&[0.1, 0.9, 0.0], 2), (&[0.6, 0.1, 0.3], 2)];
        let found = evaluation(3, &rows).mistakes;
        let expected = [(2, 2, 1, 0.9), (0, 1, 0, 0.6), (3, 2, 0, 0.6)];
        assert!(found.iter().map(|m| (m.image, m.label, m.predicted, m.probability)).eq(expected), "{found:?}");
    }
}
