//! Curves with fewer points that look the same.

/// Points of a curve that is drawn, at most.
pub(crate) const MAX_POINTS: usize = 500;

/// At most `max` of `points`, which are in the order of x: the first and the last, and of each of equally long stretches between the
/// lowest and the highest. Points that are not finite are left out.
pub(crate) fn thin(points: &[[f64; 2]], max: usize) -> Vec<[f64; 2]> {
    let points: Vec<[f64; 2]> = points.iter().copied().filter(|point| point.iter().all(|v| v.is_finite())).collect();
    let [first, inner @ .., last] = &points[..] else { return points };
    if points.len() <= max {
        return points;
    }
    let stretches = (max.saturating_sub(2) / 2).max(1);
    let mut thinned = vec![*first];
    for stretch in inner.chunks(inner.len().div_ceil(stretches)) {
        let by_height = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let low = stretch.iter().min_by(by_height).into_iter();
        let mut pair: Vec<[f64; 2]> = low.chain(stretch.iter().max_by(by_height)).copied().collect();
        pair.sort_by(|a, b| a[0].total_cmp(&b[0]));
        pair.dedup();
        thinned.extend(pair);
    }
    thinned.push(*last);
    thinned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_ends_and_its_extremes() {
        let mut points: Vec<[f64; 2]> = (0..100_000).map(|i| [f64::from(i), (f64::from(i) / 900.0).sin()]).collect();
        points[40_321][1] = 7.0;
        points[70_007][1] = -9.0;
        points[50][1] = f64::NAN;
        let thinned = thin(&points, MAX_POINTS);
        assert!(thinned.len() <= MAX_POINTS && thinned.len() > MAX_POINTS * 9 / 10, "{}", thinned.len());
        assert!(thinned.is_sorted_by(|a, b| a[0] < b[0]));
        for point in [points[0], points[99_999], points[40_321], points[70_007]] {
            assert!(thinned.contains(&point), "{point:?}");
        }
    }

    #[test]
    fn a_short_curve_stays_as_it_is() {
        let points = [[0.0, 1.0], [1.0, 0.5], [2.0, 0.7]];
        assert_eq!(thin(&points, 3), points);
        assert_eq!(thin(&[[0.0, 1.0]], MAX_POINTS), [[0.0, 1.0]]);
        assert!(thin(&[[0.0, f64::INFINITY]], MAX_POINTS).is_empty());
    }
}
