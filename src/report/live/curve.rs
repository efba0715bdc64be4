//! A curve that grows for as long as a run takes, and never in memory.

use crate::report::figures::MAX_POINTS;

/// The lowest and the highest point of each stretch of equally many points. Once there are too many stretches, two become one.
#[derive(Debug, Clone, Default)]
pub(super) struct Curve {
    stretches: Vec<[[f64; 2]; 2]>,
    /// The first and the last point, which may be neither lowest nor highest.
    ends: Option<[[f64; 2]; 2]>,
    /// The exponent to 2 of the points of a stretch.
    doubled: u32,
    /// Points of the last stretch.
    in_last: u64,
}

impl Curve {
    /// Adds a point, whose x is not below that of any before. One that is not finite is left out.
    pub(super) fn push(&mut self, point: [f64; 2]) {
        if !point.iter().all(|value| value.is_finite()) {
            return;
        }
        self.ends = Some([self.ends.map_or(point, |[first, _]| first), point]);
        match self.stretches.last_mut().filter(|_| self.in_last < 1 << self.doubled) {
            Some(last) => {
                *last = joined(last, &[point; 2]);
                self.in_last += 1;
            }
            None => {
                self.stretches.push([point; 2]);
                self.in_last = 1;
            }
        }
        if self.stretches.len() == 2 * MAX_POINTS && self.in_last == 1 << self.doubled {
            let pairs = self.stretches.chunks(2).map(|pair| joined(&pair[0], &pair[pair.len() - 1]));
            self.stretches = pairs.collect();
            self.doubled += 1;
            self.in_last = 1 << self.doubled;
        }
    }

    /// The points that are left, in the order of x.
    pub(super) fn points(&self) -> Vec<[f64; 2]> {
        let Some([first_of_all, last_of_all]) = self.ends else { return Vec::new() };
        let mut points: Vec<[f64; 2]> = Vec::with_capacity(2 * self.stretches.len() + 2);
        points.push(first_of_all);
        for [low, high] in &self.stretches {
            let [first, second] = if low[0] <= high[0] { [low, high] } else { [high, low] };
            points.extend([*first, *second]);
        }
        points.push(last_of_all);
        points.dedup();
        points
    }
}

impl Extend<[f64; 2]> for Curve {
    fn extend<I: IntoIterator<Item = [f64; 2]>>(&mut self, points: I) {
        points.into_iter().for_each(|point| self.push(point));
    }
}

/// The lowest and the highest point of two stretches, of equal ones the earlier.
fn joined(a: &[[f64; 2]; 2], b: &[[f64; 2]; 2]) -> [[f64; 2]; 2] {
    [if b[0][1] < a[0][1] { b[0] } else { a[0] }, if b[1][1] > a[1][1] { b[1] } else { a[1] }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_without_an_end_keeps_its_extremes_in_bounded_memory() {
        let mut curve = Curve::default();
        let value = |i: u32| match i {
            77_777 => 9.0,
            600_001 => -9.0,
            i => (f64::from(i) / 5000.0).sin(),
        };
        for i in 0..1_000_000 {
            curve.push([f64::from(i), value(i)]);
        }
        curve.push([1e6, f64::NAN]);
        let points = curve.points();
        assert!(points.len() <= 4 * MAX_POINTS + 2 && points.len() > MAX_POINTS, "{}", points.len());
        assert!(points.is_sorted_by(|a, b| a[0] <= b[0]));
        assert!(points.contains(&[77_777.0, 9.0]) && points.contains(&[600_001.0, -9.0]));
        assert_eq!((points[0], points[points.len() - 1]), ([0.0, 0.0], [999_999.0, value(999_999)]));
        // Evenly: no part of the run has many more points than another.
        for quarter in 0..4 {
            let from = f64::from(quarter) * 250_000.0;
            let within = points.iter().filter(|point| (from..from + 250_000.0).contains(&point[0])).count();
            assert!(within * 5 > points.len() && within * 3 < points.len(), "{within} of {}", points.len());
        }
    }

    #[test]
    fn a_short_curve_is_as_it_was() {
        let points: Vec<[f64; 2]> = (0..999).map(|i| [f64::from(i), f64::from(i % 7)]).collect();
        let mut curve = Curve::default();
        curve.extend(points.iter().copied());
        assert_eq!(curve.points(), points);
        assert!(Curve::default().points().is_empty());
    }
}
