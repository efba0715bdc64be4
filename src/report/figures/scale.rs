//! From numbers to places on an axis, and the numbers that stand beside it.

/// An axis from `low` to `high`, drawn from `start` to `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
    is_logarithmic: bool,
    step: f64,
}

impl Scale {
    /// A linear axis over `low..=high`, which end at numbers of few digits, with some `ticks` steps.
    pub(super) fn linear(low: f64, high: f64, ticks: f64, [start, end]: [f64; 2]) -> Self {
        // One value alone is shown over zero.
        let (low, high) = if high > low { (low, high) } else { (low.min(0.0), high.max(0.0)) };
        let span = if high > low { high - low } else { 1.0 };
        let step = rounded(span / ticks);
        let (low, high) = ((low / step + 1e-9).floor() * step, ((high.max(low) / step - 1e-9).ceil()) * step);
        let high = if high > low { high } else { low + span };
        Self { low, high, start, end, is_logarithmic: false, step }
    }

    /// An axis over the epochs from 0 to `last`, with whole numbers beside it where there are any.
    pub(super) fn epochs(last: f64, [start, end]: [f64; 2]) -> Self {
        let last = if last > 0.0 { last } else { 1.0 };
        let step = rounded(last / 8.0);
        Self {
            low: 0.0,
            high: last,
            start,
            end,
            is_logarithmic: false,
            step: if last < 1.0 { step } else { step.max(1.0) },
        }
    }

    /// A logarithmic axis over `low..=high`, which are above zero, from a power of ten to another.
    pub(super) fn logarithmic(low: f64, high: f64, [start, end]: [f64; 2]) -> Self {
        let (low, high) = (low.log10().floor(), high.log10().ceil());
        let high = if high > low { high } else { low + 1.0 };
        let step = ((high - low) / 6.0).ceil();
        Self { low, high, start, end, is_logarithmic: true, step }
    }

    /// Where `value` is.
    pub(super) fn place(&self, value: f64) -> f64 {
        let value = if self.is_logarithmic { value.log10() } else { value };
        self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)
    }

    /// The numbers beside the axis, each with its text.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let first = (self.low / self.step - 1e-9).ceil();
        let count = ((self.high - first * self.step) / self.step + 1e-9).floor().max(0.0) as usize;
        let decimals = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        let tick = |i: usize| {
            let value = (first + i as f64) * self.step;
            match self.is_logarithmic {
                false if decimals > 4 && i > 0 => (value, format!("{value:.1e}")),
                true => (10f64.powf(value), format!("1e{value}")),
                // Not "-0".
                false => (value, format!("{:.decimals$}", if value.abs() < self.step / 2.0 { 0.0 } else { value })),
            }
        };
        (0..=count).map(tick).collect()
    }
}

/// The next of 1, 2, 5, 10, 20, ... that is not below `step`.
fn rounded(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_numbers_of_few_digits() {
        let texts = |scale: Scale| scale.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>();
        let axis = [0.0, 100.0];
        assert_eq!(texts(Scale::linear(0.0, 2.31, 5.0, axis)), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        assert_eq!(texts(Scale::linear(0.81, 0.93, 4.0, axis)), ["0.80", "0.85", "0.90", "0.95"]);
        assert_eq!(texts(Scale::epochs(5.0, axis)), ["0", "1", "2", "3", "4", "5"]);
        assert_eq!(texts(Scale::epochs(1.5, axis)), ["0", "1"]);
        assert_eq!(texts(Scale::epochs(0.2, axis)).len(), 5);
        assert_eq!(texts(Scale::epochs(1875.0, axis)), ["0", "500", "1000", "1500"]);
        assert_eq!(texts(Scale::linear(-0.2, 0.2, 4.0, axis)), ["-0.2", "-0.1", "0.0", "0.1", "0.2"]);
        assert_eq!(texts(Scale::linear(0.0, 3e-5, 3.0, axis)), ["0.00000", "1.0e-5", "2.0e-5", "3.0e-5"]);
        assert_eq!(texts(Scale::logarithmic(0.3, 2e3, axis)), ["1e-1", "1e0", "1e1", "1e2", "1e3", "1e4"]);
        assert_eq!(texts(Scale::linear(0.5, 0.5, 5.0, axis)), ["0.0", "0.1", "0.2", "0.3", "0.4", "0.5"]);
        assert_eq!(texts(Scale::linear(0.0, 0.0, 5.0, axis)).len(), 6);
    }

    #[test]
    fn values_lie_between_the_ends_of_the_axis() {
        let scale = Scale::linear(0.0, 2.0, 4.0, [100.0, 0.0]);
        assert_eq!([0.0, 1.0, 2.0].map(|value| scale.place(value)), [100.0, 50.0, 0.0]);
        let scale = Scale::logarithmic(1.0, 100.0, [0.0, 10.0]);
        assert_eq!([1.0, 10.0, 100.0].map(|value| scale.place(value)), [0.0, 5.0, 10.0]);
        assert_eq!(Scale::epochs(0.0, [0.0, 10.0]).place(0.0), 0.0);
    }
}
