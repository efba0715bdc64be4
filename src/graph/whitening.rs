//! Filters that whiten: the eigenvectors of the second moments of image patches, each divided by the root of its eigenvalue, so that
//! what they compute over images is uncorrelated and of one scale (as the first layers of the fastest CIFAR-10 trainings start).

/// Images whose patches count: the first of the training images.
const IMAGES: usize = 5000;
/// Most patches that are looked at; of more, every few.
const PATCHES: usize = 1 << 22;
/// Added to the eigenvalues, for pixels of 0 to 1: directions with less are noise, which is not to be made as loud as the rest.
const EPSILON: f64 = 1e-2;
/// Most numbers of a patch: the time to find eigenvectors grows with its cube.
pub(super) const MAX_PATCH: usize = 512;

/// The whitening filters of patches of [height, width] over images of `image`, [h, w, c] bytes each: vectors of kh kw c numbers, those
/// of the largest eigenvalues first, of either sign such that their largest element is positive. `largest_pixel` is what a byte of 255
/// is to the model.
pub(super) fn whitening_filters(
    pixels: &[u8],
    image: [usize; 3],
    [kh, kw]: [usize; 2],
    largest_pixel: f64,
) -> Vec<Vec<f64>> {
    let [h, w, c] = image;
    let n = kh * kw * c;
    let positions = (h + 1).saturating_sub(kh) * (w + 1).saturating_sub(kw);
    let images = (pixels.len() / (h * w * c)).min(IMAGES);
    let stride = (images * positions).div_ceil(PATCHES).max(1);
    // The lower triangle.
    let mut sums = vec![vec![0.0; n]; n];
    let mut patch = vec![0.0; n];
    let mut count = 0usize;
    for index in (0..images * positions).step_by(stride) {
        let (of_image, position) = (index / positions, index % positions);
        let (top, left) = (position / (w + 1 - kw), position % (w + 1 - kw));
        for row in 0..kh {
            let from = (of_image * h + top + row) * w * c + left * c;
            let bytes = &pixels[from..from + kw * c];
            patch[row * kw * c..][..kw * c].iter_mut().zip(bytes).for_each(|(x, byte)| *x = f64::from(*byte));
        }
        for (i, row) in sums.iter_mut().enumerate() {
            row[..=i].iter_mut().zip(&patch).for_each(|(sum, x)| *sum += patch[i] * x);
        }
        count += 1;
    }
    // Sums of products of bytes are exact in f64.
    let scale = 1.0 / (255.0 * 255.0 * count.max(1) as f64);
    let moment = |i: usize, j: usize| sums[i.max(j)][i.min(j)] * scale;
    let moments = (0..n).map(|i| (0..n).map(|j| moment(i, j)).collect()).collect();
    let mut pairs = eigenvectors(moments);
    pairs.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let filter = |(value, vector): (f64, Vec<f64>)| {
        let largest = vector.iter().fold(0.0, |max: f64, x| if x.abs() > max.abs() { *x } else { max });
        let factor = 1f64.copysign(largest) / (value.max(0.0) + EPSILON).sqrt() / largest_pixel;
        vector.into_iter().map(|x| x * factor).collect()
    };
    pairs.into_iter().map(filter).collect()
}

/// Eigenvalues and unit eigenvectors of a symmetric matrix (Jacobi's rotations, each row's elements in turn).
fn eigenvectors(mut a: Vec<Vec<f64>>) -> Vec<(f64, Vec<f64>)> {
    const SWEEPS: usize = 30;
    let n = a.len();
    // Row i is the vector of a[i][i].
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| f64::from(i == j)).collect()).collect();
    let norm: f64 = a.iter().flatten().map(|x| x * x).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| a[i][j] * a[i][j]).sum();
        if off <= norm * f64::EPSILON * f64::EPSILON {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = 1f64.copysign(theta) / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cos = 1.0 / (t * t + 1.0).sqrt();
                let rotation = [cos, t * cos];
                for row in &mut a {
                    (row[p], row[q]) = rotated(row[p], row[q], rotation);
                }
                for matrix in [&mut a, &mut vectors] {
                    let (before, after) = matrix.split_at_mut(q);
                    for (x, y) in before[p].iter_mut().zip(&mut after[0]) {
                        (*x, *y) = rotated(*x, *y, rotation);
                    }
                }
            }
        }
    }
    vectors.into_iter().enumerate().map(|(i, vector)| (a[i][i], vector)).collect()
}

fn rotated(x: f64, y: f64, [cos, sin]: [f64; 2]) -> (f64, f64) {
    (cos * x - sin * y, sin * x + cos * y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, Rng};

    #[test]
    fn eigenvectors_are_orthogonal_and_diagonalise() {
        let n = 12;
        let mut rng = Rng::new(5, Purpose::Weights, 0);
        let half: Vec<Vec<f64>> = (0..n).map(|_| (0..n).map(|_| f64::from(rng.range(-1.0, 1.0))).collect()).collect();
        let a: Vec<Vec<f64>> = (0..n).map(|i| (0..n).map(|j| half[i][j] + half[j][i]).collect::<Vec<_>>()).collect();
        let pairs = eigenvectors(a.clone());
        for (i, (value, vector)) in pairs.iter().enumerate() {
            let dot = |other: &[f64]| -> f64 { vector.iter().zip(other).map(|(x, y)| x * y).sum() };
            for (row, x) in a.iter().zip(vector) {
                assert!((dot(row) - value * x).abs() < 1e-12, "vector {i}");
            }
            for (j, (_, other)) in pairs.iter().enumerate() {
                assert!((dot(other) - f64::from(i == j)).abs() < 1e-12, "vectors {i} and {j}");
            }
        }
    }

    #[test]
    fn what_the_filters_compute_is_uncorrelated_and_of_one_scale() {
        let (image, images) = ([9, 7, 2], 40);
        let mut rng = Rng::new(6, Purpose::Weights, 0);
        // Neighbours alike, as in images.
        let mut last = 128.0;
        let pixels: Vec<u8> = (0..9 * 7 * 2 * images)
            .map(|_| {
                last = (0.6 * last + 0.4 * rng.range(0.0, 255.0)).clamp(0.0, 255.0);
                last as u8
            })
            .collect();
        for largest in [1.0, 255.0] {
            let filters = whitening_filters(&pixels, image, [3, 2], largest);
            assert_eq!((filters.len(), filters[0].len()), (12, 12));
            let mut moments = vec![vec![0.0; 12]; 12];
            let mut count = 0.0;
            for of_image in pixels.chunks(9 * 7 * 2) {
                for (top, left) in (0..7).flat_map(|top| (0..6).map(move |left| (top, left))) {
                    let value = |at: usize| {
                        let (row, rest) = (at / 4, at % 4);
                        f64::from(of_image[(top + row) * 14 + left * 2 + rest]) * largest / 255.0
                    };
                    let responses: Vec<f64> = filters
                        .iter()
                        .map(|filter| filter.iter().enumerate().map(|(at, x)| x * value(at)).sum())
                        .collect();
                    count += 1.0;
                    for (row, x) in moments.iter_mut().zip(&responses) {
                        row.iter_mut().zip(&responses).for_each(|(sum, y)| *sum += x * y);
                    }
                }
            }
            for (i, row) in moments.iter().enumerate() {
                for (j, sum) in row.iter().enumerate() {
                    let found = sum / count;
                    // A little below 1 on the diagonal: EPSILON stands beside the eigenvalue.
                    let holds = if i == j { (0.2..=1.0).contains(&found) } else { found.abs() < 1e-9 };
                    assert!(holds, "{i}, {j}: {found} with pixels up to {largest}");
                }
            }
        }
    }
}
