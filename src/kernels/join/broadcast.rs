//! How a tensor is broadcast to the shape of the result of a join.

use crate::plan::{Constants, constants, wgsl};
use crate::real::Real;

/// A tensor [outer, len] in the place of one of [outer, repeats, len, run]: each row of `len` elements `repeats` times, and each
/// element `run` times. All three are 1 for a tensor that has the result's shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broadcast {
    pub(crate) repeats: usize,
    pub(crate) len: usize,
    pub(crate) run: usize,
}

impl Broadcast {
    /// Of a tensor that has the result's shape.
    pub(crate) const NONE: Self = Self { repeats: 1, len: 1, run: 1 };

    /// Of a batch of `from` to the shape `to`: axes count from the last, and those of 1 are broadcast. None if the axes that are
    /// broadcast alternate with others more than twice.
    pub(crate) fn new(from: &[usize], to: &[usize]) -> Option<Self> {
        // Alternately own axes, the batch among the first ones, and broadcast ones.
        let mut extents = [1; 4];
        let mut at = 0usize;
        for (axis, extent) in to.iter().enumerate().filter(|(_, extent)| **extent > 1) {
            let is_own = (axis + from.len()).checked_sub(to.len()).is_some_and(|axis| from[axis] == *extent);
            if is_own != at.is_multiple_of(2) {
                at += 1;
            }
            *extents.get_mut(at)? *= extent;
        }
        Some(match extents {
            [_, 1, _, run] => Self { repeats: 1, len: 1, run },
            [_, repeats, 1, run] => Self { repeats: 1, len: 1, run: repeats * run },
            [_, repeats, len, run] => Self { repeats, len, run },
        })
    }

    /// Elements of the result for each of the tensor.
    pub(super) fn copies(self) -> usize {
        self.repeats * self.run
    }

    /// Whether four neighbours among `count` elements of the result, from a multiple of four on, take four neighbours of the tensor,
    /// from a multiple of four on, or one element.
    pub(super) fn by_4(self, count: usize) -> bool {
        match self {
            Self::NONE => count.is_multiple_of(4),
            Self { run: 1, len, .. } => len.is_multiple_of(4),
            Self { run, .. } => run.is_multiple_of(4),
        }
    }

    /// The index of what element `i` of the result takes.
    #[inline(always)]
    fn index(self, i: usize) -> usize {
        i / (self.repeats * self.len * self.run) * self.len + i / self.run % self.len
    }

    /// What the elements from `first` on of the result take from `x`: of `x` itself, or gathered in `buffer`, whose length is their
    /// number.
    #[inline(always)]
    pub(super) fn gather<'a, F: Real>(self, x: &'a [F], first: usize, buffer: &'a mut [F]) -> &'a [F] {
        if self == Self::NONE {
            return &x[first..][..buffer.len()];
        }
        let mut done = 0;
        while done < buffer.len() {
            let (i, from) = (first + done, self.index(first + done));
            let rest = &mut buffer[done..];
            done += if self.run > 1 {
                let len = (self.run - i % self.run).min(rest.len());
                rest[..len].fill(x[from]);
                len
            } else {
                let len = (self.len - i % self.len).min(rest.len());
                rest[..len].copy_from_slice(&x[from..][..len]);
                len
            };
        }
        buffer
    }
}

/// How both operands of a join are broadcast.
pub(super) type Broadcasts = [Broadcast; 2];

/// The file with `a_at`, `b_at`.
pub(super) const OPERANDS_FILE: &str = wgsl!("join_operands.wgsl");

/// The constants of [`OPERANDS_FILE`].
pub(super) fn constants_of([a, b]: Broadcasts) -> Constants {
    constants! {
        A_REPEATS: a.repeats,
        A_LEN: a.len,
        A_RUN: a.run,
        B_REPEATS: b.repeats,
        B_LEN: b.len,
        B_RUN: b.run,
    }
}

/// Elements that are gathered at a time.
pub(super) const BLOCK: usize = 256;

/// Where the elements that two operands are gathered to lie.
pub(super) type Buffers<F> = [[F; BLOCK]; 2];

/// Calls `each(offset, a, b)` for blocks of the `count` elements from `first` on of the result, with what they take from the operands.
#[inline(always)]
pub(super) fn for_each_block<F: Real>(
    broadcasts: Broadcasts,
    [a, b]: [&[F]; 2],
    buffers: &mut Buffers<F>,
    [first, count]: [usize; 2],
    mut each: impl FnMut(usize, &[F], &[F]),
) {
    for offset in (0..count).step_by(BLOCK) {
        let len = BLOCK.min(count - offset);
        let [for_a, for_b] = &mut *buffers;
        let a = broadcasts[0].gather(a, first + offset, &mut for_a[..len]);
        let b = broadcasts[1].gather(b, first + offset, &mut for_b[..len]);
        each(offset, a, b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_element_takes_what_the_shapes_say() {
        let to = [3, 4, 5];
        for (from, repeats, len, run) in [
            (&[3, 4, 5][..], 1, 1, 1),
            (&[1, 1, 5], 12, 5, 1),
            (&[5], 12, 5, 1),
            (&[4, 5], 3, 20, 1),
            (&[3, 4, 1], 1, 1, 5),
            (&[3, 1, 5], 4, 5, 1),
            (&[3, 1, 1], 1, 1, 20),
            (&[1, 4, 1], 3, 4, 5),
            (&[1], 1, 1, 60),
        ] {
            let broadcast = Broadcast::new(from, &to).expect("few axes");
            assert_eq!(broadcast, Broadcast { repeats, len, run }, "{from:?}");
            let count: usize = from.iter().product();
            let x: Vec<f64> = (0..2 * count).map(|i| i as f64).collect();
            let padded = [&[1, 1, 1][from.len()..], from].concat();
            let expected = (0..2 * 60).map(|i| {
                let at = [i / 20 % 3, i / 5 % 4, i % 5];
                let at: Vec<usize> = at.iter().zip(&padded).map(|(at, extent)| at % extent).collect();
                (i / 60 * count + (at[0] * padded[1] + at[1]) * padded[2] + at[2]) as f64
            });
            assert!(expected.enumerate().all(|(i, x)| broadcast.index(i) as f64 == x), "{from:?}");
            for first in [0, 1, 7, 19, 61] {
                let mut buffer = vec![0.0; 58];
                let found = broadcast.gather(&x, first, &mut buffer);
                assert!(found.iter().enumerate().all(|(i, x)| *x == broadcast.index(first + i) as f64), "{from:?}");
            }
        }
        assert_eq!(Broadcast::new(&[1, 4, 1, 5], &[3, 4, 2, 5]), None);
    }
}
