//! Functions of activations: in f64 the standard library's, in f32 polynomials without branches, which compilers turn into SIMD
//! code. Coefficients of exp and tanh: S. Moshier's Cephes library; of erfc: Press et al., Numerical Recipes, section 6.2.

/// Functions that kernels evaluate for every element. NaN gives NaN.
pub trait Functions: Sized {
    /// e to the power of `self`; in f32 to 2 units in the last place.
    fn exp_each(self) -> Self;
    /// The hyperbolic tangent; in f32 to 2 units in the last place.
    fn tanh_each(self) -> Self;
    /// The complementary error function, 1 - erf; in f32 with a relative error of 1.2e-7.
    fn erfc_each(self) -> Self;
    /// ln(1 + `self`) for 0 to 1; in f32 to 2 units in the last place.
    fn ln_1p_unit(self) -> Self;
}

impl Functions for f64 {
    fn exp_each(self) -> Self {
        self.exp()
    }

    fn tanh_each(self) -> Self {
        self.tanh()
    }

    fn erfc_each(self) -> Self {
        libm::erfc(self)
    }

    fn ln_1p_unit(self) -> Self {
        self.ln_1p()
    }
}

/// The polynomial in `$x` whose coefficients are given from the highest power down to that of x^0. Written out, since a loop over an
/// array may stay one.
macro_rules! polynomial {
    ($x:expr, [$first:expr $(, $coefficient:expr)* $(,)?]) => {{
        let x = $x;
        let sum = $first;
        $(let sum = sum * x + $coefficient;)*
        sum
    }};
}

impl Functions for f32 {
    #[inline(always)]
    fn exp_each(self) -> Self {
        /// ln 2 in two parts, the first exact in few bits.
        const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
        /// Adding and subtracting this rounds to a whole number.
        const ROUND: f32 = 12_582_912.0;
        // Beyond these the result is zero or infinite.
        let x = clamped(self, -104.0, 89.0);
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let n = shifted - ROUND;
        let r = x - n * LN_2[0] - n * LN_2[1];
        let p = polynomial!(r, [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5]);
        // 2^n as a product of two powers, each a normal number.
        // The whole number stands in the low bits; a conversion that minds NaN would be scalar code.
        let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
        let (half, rest) = (n >> 1, n - (n >> 1));
        (p * r * r + r + 1.0) * power_of_two(half) * power_of_two(rest)
    }

    #[inline(always)]
    fn tanh_each(self) -> Self {
        let square = self * self;
        let near =
            polynomial!(square, [-5.704_988_7e-3, 2.063_908_8e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1]);
        let near = self + self * square * near;
        let far = 1.0 - 2.0 / ((2.0 * self.abs()).exp_each() + 1.0);
        if self.abs() < 0.625 { near } else { far.copysign(self) }
    }

    #[inline(always)]
    fn erfc_each(self) -> Self {
        let t = 1.0 / (1.0 + 0.5 * self.abs());
        let p = polynomial!(
            t,
            [
                0.170_872_77,
                -0.822_152_23,
                1.488_515_9,
                -1.135_204,
                0.278_868_07,
                -0.186_288_06,
                0.096_784_18,
                0.374_091_96,
                1.000_023_7,
                -1.265_512_2,
            ]
        );
        let tail = t * (p - self * self).exp_each();
        // 2 - tail below zero, without a branch.
        let sign = 1f32.copysign(self);
        (1.0 - sign) + sign * tail
    }

    #[inline(always)]
    fn ln_1p_unit(self) -> Self {
        // 2 artanh(s), whose series converges fast: s is at most a third.
        let s = self / (2.0 + self);
        let square = s * s;
        let p =
            polynomial!(square, [2.0 / 15.0, 2.0 / 13.0, 2.0 / 11.0, 2.0 / 9.0, 2.0 / 7.0, 2.0 / 5.0, 2.0 / 3.0, 2.0]);
        s * p
    }
}

/// `x` between `min` and `max`; NaN stays NaN.
#[inline(always)]
fn clamped(x: f32, min: f32, max: f32) -> f32 {
    let x = if x < min { min } else { x };
    if x > max { max } else { x }
}

#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest error of `found` against `expected` from `from` to `to`, relative to the larger of the value and `floor`.
    fn error(range: [f64; 2], floor: f64, found: fn(f32) -> f32, expected: fn(f64) -> f64) -> f64 {
        let x = |i: u32| (range[0] + (range[1] - range[0]) * f64::from(i) / 1e5) as f32;
        let errors = (0..=100_000).map(|i| {
            let (x, y) = (x(i), expected(f64::from(x(i))));
            (f64::from(found(x)) - y).abs() / y.abs().max(floor)
        });
        errors.fold(0.0, f64::max)
    }

    /// Name, range, floor of the relative error, and the function in both types.
    type Tested = (&'static str, [f64; 2], f64, fn(f32) -> f32, fn(f64) -> f64);

    #[test]
    fn single_precision_agrees_with_double() {
        let functions: [Tested; 4] = [
            ("exp", [-87.0, 88.0], 0.0, f32::exp_each, f64::exp),
            ("tanh", [-12.0, 12.0], 0.0, f32::tanh_each, f64::tanh),
            ("erfc", [-6.0, 6.0], 1e-15, f32::erfc_each, libm::erfc),
            ("ln_1p", [0.0, 1.0], 0.0, f32::ln_1p_unit, f64::ln_1p),
        ];
        for (name, range, floor, found, expected) in functions {
            // Rounding x^2 in the tail of erfc costs up to 36 units in the last place.
            let bound = if name == "erfc" { 5e-6 } else { 3e-7 };
            let error = error(range, floor.max(1e-30), found, expected);
            assert!(error < bound, "{name}: {error:.1e}");
        }
        assert!(f32::NAN.exp_each().is_nan() && f32::NAN.tanh_each().is_nan() && f32::NAN.erfc_each().is_nan());
        assert_eq!([f32::INFINITY.exp_each(), f32::NEG_INFINITY.exp_each()], [f32::INFINITY, 0.0]);
        assert_eq!([f32::INFINITY.tanh_each(), f32::NEG_INFINITY.tanh_each()], [1.0, -1.0]);
    }
}
