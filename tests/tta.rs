//! Probabilities averaged over views of each image.

use crate::support::{devices, small_cnn};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::{RunConfig, Tta};

fn mirrored(split: &Split) -> Split {
    let [_, width, channels] = split.image;
    let rows = split.pixels.chunks_exact(width * channels);
    let pixels = rows.flat_map(|row| row.chunks_exact(channels).rev().flatten()).copied().collect();
    Split { pixels, ..split.clone() }
}

/// The image moved down and to the right by `by`, reflected at the edges.
fn moved(split: &Split, by: i32) -> Split {
    let [height, width, channels] = split.image;
    let at = |at: usize, n: usize| (at as i32 - by).clamp(0, n as i32 - 1) as usize;
    let pixels = split.pixels.chunks_exact(height * width * channels).flat_map(|image| {
        let places = (0..height).flat_map(move |y| (0..width).map(move |x| (y, x)));
        places.flat_map(move |(y, x)| image[(at(y, height) * width + at(x, width)) * channels..][..channels].to_vec())
    });
    Split { pixels: pixels.collect(), ..split.clone() }
}

#[test]
fn probabilities_are_the_means_over_the_views_and_so_are_the_scores() {
    let data = synthetic::generate(4, [200, 70]);
    for device in devices() {
        let name = device.info().adapter;
        let trainer = |tta: Option<Tta>| {
            let config = RunConfig { epochs: 2, tta, ..RunConfig::default() };
            let mut trainer = Trainer::new(small_cnn(), &device, config).unwrap();
            trainer.fit(&data.train).unwrap();
            trainer
        };
        let mut plain = trainer(None);
        let views = |plain: &mut Trainer, by: i32| {
            let seen = moved(&data.test, by);
            [&seen, &mirrored(&seen)].map(|view| plain.predict(&view.pixels).unwrap())
        };
        let all = [0, -1, 1].map(|by| views(&mut plain, by));
        for (tta, weights) in [(Tta::Flip, [0.5, 0.0, 0.0]), (Tta::FlipShift, [0.25, 0.125, 0.125])] {
            let mut averaging = trainer(Some(tta));
            let found = averaging.predict(&data.test.pixels).unwrap();
            let evaluation = averaging.evaluate(&data.test).unwrap();
            let (mut loss, mut correct) = (0.0, 0);
            for (i, row) in found.iter().enumerate() {
                let mean = |class: usize| -> f32 {
                    let pairs = all.iter().zip(weights);
                    pairs.map(|([a, b], weight)| weight * (a[i][class] + b[i][class])).sum()
                };
                assert!(row.iter().enumerate().all(|(class, p)| (p - mean(class)).abs() < 1e-6), "{name}: image {i}");
                let label = usize::from(data.test.labels[i]);
                loss -= f64::from(row[label]).ln() / 70.0;
                correct += usize::from(row.iter().all(|p| *p <= row[label]));
            }
            assert!((evaluation.score.loss - loss).abs() < 1e-5, "{name}: {} and {loss}", evaluation.score.loss);
            assert_eq!(evaluation.score.accuracy, correct as f64 / 70.0, "{name}");
            assert_ne!(found, plain.predict(&data.test.pixels).unwrap(), "{name}: the views differ");
        }
    }
}
