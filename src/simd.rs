//! SIMD support of the CPU kernels: the instruction set in use (the best available one, or one by name), 64-byte aligned arrays and scratch buffers, and loads and stores of partial vectors.

use aligned_vec::{AVec, ConstAlign};
use pulp::{Simd, WithSimd};
use std::cell::RefCell;

/// A growable array that starts at a 64-byte boundary, so that its vectors do not straddle cache lines.
pub type Aligned<T> = AVec<T, ConstAlign<64>>;

/// A SIMD instruction set that this machine supports; a value exists only after detection. SIMD kernels are compiled
/// once for each set.
#[derive(Debug, Clone, Copy)]
pub enum SimdLevel {
    /// AVX-512 F, BW, CD, DQ and VL: vectors of 16 floats, 32 vector registers.
    #[cfg(target_arch = "x86_64")]
    Avx512(pulp::x86::V4),
    /// AVX2 and FMA: vectors of 8 floats, 16 vector registers.
    #[cfg(target_arch = "x86_64")]
    Avx2(pulp::x86::V3),
    /// NEON: vectors of 4 floats, 32 vector registers.
    #[cfg(target_arch = "aarch64")]
    Neon(pulp::aarch64::Neon),
    /// WebAssembly's simd128: vectors of 4 floats; 16 registers are taken to be there.
    #[cfg(target_family = "wasm")]
    Simd128(pulp::wasm::Simd128),
}

/// The name of no SIMD level: kernels run their scalar reference implementation.
pub const PLAIN: &str = "plain";

impl PartialEq for SimdLevel {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for SimdLevel {}

impl std::hash::Hash for SimdLevel {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl SimdLevel {
    /// All levels that this machine supports, best first.
    pub fn available() -> Vec<Self> {
        #[cfg(target_arch = "x86_64")]
        let found = [pulp::x86::V4::try_new().map(Self::Avx512), pulp::x86::V3::try_new().map(Self::Avx2)];
        #[cfg(target_arch = "aarch64")]
        let found = [pulp::aarch64::Neon::try_new().map(Self::Neon)];
        #[cfg(target_family = "wasm")]
        let found = [pulp::wasm::Simd128::try_new().map(Self::Simd128)];
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_family = "wasm")))]
        let found = [None; 0];
        found.into_iter().flatten().collect()
    }

    /// `f32` lanes in one vector.
    pub(crate) fn vector_width(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 16,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 8,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => 4,
            #[cfg(target_family = "wasm")]
            Self::Simd128(_) => 4,
        }
    }

    /// Number of architectural vector registers.
    pub(crate) fn vector_registers(self) -> usize {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => 32,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => 16,
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => 32,
            #[cfg(target_family = "wasm")]
            Self::Simd128(_) => 16,
        }
    }

    /// The name of the level, as `GPU_CNN_SIMD` and reports spell it.
    pub fn name(self) -> &'static str {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "aarch64")]
            Self::Neon(_) => "neon",
            #[cfg(target_family = "wasm")]
            Self::Simd128(_) => "simd128",
        }
    }

    /// The best level of this machine.
    pub fn best() -> Option<Self> {
        Self::available().first().copied()
    }

    /// The level of this name, none within for [`PLAIN`], the reference implementations; none if this machine has no such
    /// level.
    pub fn named(name: &str) -> Option<Option<Self>> {
        if name.eq_ignore_ascii_case(PLAIN) {
            return Some(None);
        }
        Self::available().into_iter().find(|level| name.eq_ignore_ascii_case(level.name())).map(Some)
    }

    /// The names of the levels of this machine, and [`PLAIN`].
    pub fn names() -> Vec<&'static str> {
        Self::available().into_iter().map(Self::name).chain([PLAIN]).collect()
    }

    /// What the macro of this name expands to; by itself it lacks the attribute on the closure.
    #[inline(always)]
    pub(crate) fn compiled<R>(self, f: impl FnOnce() -> R) -> R {
        self.run(Compiled(f))
    }

    /// Runs `op`, compiled for this instruction set.
    pub(crate) fn run<Op: WithSimd>(self, op: Op) -> Op::Output {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(simd) => Simd::vectorize(simd, op),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(simd) => Simd::vectorize(simd, op),
            #[cfg(target_family = "wasm")]
            Self::Simd128(simd) => Simd::vectorize(simd, op),
        }
    }
}

/// The value of an expression, compiled for an instruction set: what is inlined into it uses the set's vectors. So code that is written
/// once, for the reference implementation, is fast without a hand-written form. A macro, since a closure may be too large to be inlined,
/// and then is compiled for no set: this one says that it must be.
macro_rules! compiled {
    ($level:expr, $value:expr) => {
        $level.compiled(
            #[inline(always)]
            || $value,
        )
    };
}
pub(crate) use compiled;

/// A closure as an operation for a SIMD level.
struct Compiled<F>(F);

impl<R, F: FnOnce() -> R> WithSimd for Compiled<F> {
    type Output = R;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> R {
        (self.0)()
    }
}

/// `f32` values in a cache line of 64 bytes.
const LINE: usize = 16;

thread_local! {
    /// Scratch buffers of this thread that no call of [`with_scratch`] is using.
    static SCRATCH: RefCell<Vec<Aligned<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Calls `f` with scratch buffers of the given lengths in floats. Their contents are unspecified and each is 64-byte
/// aligned. The memory is kept per thread for later calls, so that a training step allocates nothing once warmed up.
pub(crate) fn with_scratch<const N: usize, R>(lens: [usize; N], f: impl FnOnce([&mut [f32]; N]) -> R) -> R {
    let padded = lens.map(|len| len.next_multiple_of(LINE));
    let total = padded.iter().sum();
    // The list is not borrowed while `f` runs: if `f` waits for Rayon, this thread may run another task that calls
    // `with_scratch` as well.
    let kept = SCRATCH.with_borrow_mut(|scratch| {
        let fitting = scratch.iter().position(|buffer| buffer.len() >= total);
        fitting.map(|i| scratch.swap_remove(i)).or_else(|| scratch.pop())
    });
    let mut buffer = kept.unwrap_or_else(|| AVec::new(0));
    if buffer.len() < total {
        buffer.resize(total, 0.0);
    }
    let mut rest = buffer.as_mut_slice();
    let mut i = 0;
    let scratch = lens.map(|len| {
        let (head, tail) = std::mem::take(&mut rest).split_at_mut(padded[i]);
        (rest, i) = (tail, i + 1);
        &mut head[..len]
    });
    let result = f(scratch);
    SCRATCH.with_borrow_mut(|scratch| scratch.push(buffer));
    result
}

/// Loads one vector from the start of `from`; lanes past the end of `from` are zero.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, from: &[f32]) -> S::f32s {
    match S::as_simd_f32s(from).0 {
        [whole] => *whole,
        _ => simd.partial_load_f32s(from),
    }
}

/// Stores `V` consecutive vectors into `to`; lanes past the end of `to` are discarded.
#[inline(always)]
pub(crate) fn store<S: Simd, const V: usize>(simd: S, to: &mut [f32], values: [S::f32s; V]) {
    if let Ok(whole) = <&mut [S::f32s; V]>::try_from(S::as_mut_simd_f32s(to).0) {
        *whole = values;
    } else {
        for (to, value) in to.chunks_mut(S::F32_LANES).zip(values) {
            simd.partial_store_f32s(to, value);
        }
    }
}

/// As [`store`], for `u32` elements.
#[inline(always)]
pub(crate) fn store_u32s<S: Simd, const V: usize>(simd: S, to: &mut [u32], values: [S::u32s; V]) {
    if let Ok(whole) = <&mut [S::u32s; V]>::try_from(S::as_mut_simd_u32s(to).0) {
        *whole = values;
    } else {
        for (to, value) in to.chunks_mut(S::F32_LANES).zip(values) {
            simd.partial_store_u32s(to, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_buffers_are_disjoint_and_aligned_even_in_nested_calls() {
        with_scratch([3, 40], |[a, b]| {
            a.fill(1.0);
            b.fill(2.0);
            with_scratch([100], |[c]| c.fill(3.0));
            assert!(a.iter().all(|v| *v == 1.0) && b.iter().all(|v| *v == 2.0) && [a.len(), b.len()] == [3, 40]);
            assert!([a, b].iter().all(|buffer| (buffer.as_ptr() as usize).is_multiple_of(64)));
        });
    }
}
