//! Histograms of weights.

use super::messages::Histogram;

/// Buckets of a histogram: as many as TensorFlow's has.
const BUCKETS: usize = 30;

/// The histogram of the finite numbers among `values`, in buckets of equal width; one bucket without width where all are the same,
/// none where there are no numbers.
pub(super) fn histogram(values: &[f32]) -> Option<Histogram> {
    let numbers = || values.iter().filter(|value| value.is_finite()).map(|value| f64::from(*value));
    let (min, max) = (numbers().reduce(f64::min)?, numbers().reduce(f64::max)?);
    let count = if max > min { BUCKETS } else { 1 };
    let width = (max - min) / count as f64;
    let mut bucket = vec![0.0; count];
    for value in numbers() {
        let i = if width > 0.0 { ((value - min) / width) as usize } else { 0 };
        // The last bucket has its upper end, too.
        bucket[i.min(count - 1)] += 1.0;
    }
    let mut bucket_limit: Vec<f64> = (1..=count).map(|i| min + i as f64 * width).collect();
    bucket_limit[count - 1] = max;
    let (num, sum) = (numbers().count() as f64, numbers().sum());
    let sum_squares = numbers().map(|value| value * value).sum();
    Some(Histogram { min, max, num, sum, sum_squares, bucket_limit, bucket })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_in_thirty_buckets_with_both_ends() {
        let values: Vec<f32> = (0..=60).map(|i| i as f32).collect();
        let found = histogram(&values).expect("numbers");
        assert_eq!((found.min, found.max, found.num, found.sum), (0.0, 60.0, 61.0, 1830.0));
        assert_eq!((found.bucket_limit.len(), found.bucket_limit[0], found.bucket_limit[29]), (30, 2.0, 60.0));
        assert_eq!((found.bucket[0], found.bucket[29]), (2.0, 3.0));
        assert_eq!(found.bucket.iter().sum::<f64>(), 61.0);
        assert_eq!(found.sum_squares, (0..=60).map(|i| f64::from(i * i)).sum::<f64>());
    }

    #[test]
    fn what_is_no_finite_number_is_left_out_and_equal_numbers_have_one_bucket() {
        let found = histogram(&[f32::NAN, 0.5, 0.5, f32::INFINITY, f32::NEG_INFINITY]).expect("numbers");
        assert_eq!(
            (found.min, found.max, &found.bucket_limit[..], &found.bucket[..]),
            (0.5, 0.5, &[0.5][..], &[2.0][..])
        );
        assert_eq!((histogram(&[]), histogram(&[f32::NAN])), (None, None));
        // The widest and the narrowest range that there is.
        let wide = histogram(&[f32::MIN, f32::MAX, 0.0]).expect("numbers");
        assert!(wide.bucket_limit.iter().chain(&wide.bucket).all(|number| number.is_finite()), "{wide:?}");
        let narrow = histogram(&[0.0, f32::from_bits(1)]).expect("numbers");
        assert_eq!((narrow.bucket[0], narrow.bucket[29]), (1.0, 1.0));
        assert!(narrow.bucket_limit.is_sorted() && narrow.bucket_limit[0] > 0.0);
    }
}
