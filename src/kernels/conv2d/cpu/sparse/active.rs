//! Which gradients are nonzero, as bits.

use crate::kernels::conv2d::dims::Dims;
use crate::real::Real;

/// Bits of a word.
pub(super) const WORD: usize = u64::BITS as usize;
/// Size of a word in floats.
pub(super) const WORD_FLOATS: usize = size_of::<u64>() / size_of::<f32>();
/// Window offsets in a float.
pub(super) const OFFSETS_PER_FLOAT: usize = size_of::<f32>();
/// In place of a window offset: the gradient is zero.
const NO_GRADIENT: u8 = u8::MAX;

/// Takes a tagged gradient [windows, c_out] apart, into its values and the window offsets (at most 32 different ones) of those that are not
/// zero, of the same shape.
#[inline(always)]
pub(super) fn split_tagged(d: &Dims, tagged: &[f32], values: &mut [f32], offsets: &mut [u8]) {
    let mask = d.offset_mask();
    for ((tagged, to), offset) in tagged.iter().zip(values).zip(offsets) {
        let (value, window_offset) = tagged.split_low_bits(mask);
        *to = value;
        *offset = if value == 0.0 { NO_GRADIENT } else { window_offset as u8 };
    }
}

/// Bit i tells whether element i is equal to `offset`; for up to [`WORD`] elements, eight at a time.
#[inline(always)]
pub(super) fn bits_where(offsets: &[u8], offset: u8) -> u64 {
    const LOW: u64 = u64::from_ne_bytes([0x7f; 8]);
    let (eights, rest) = offsets.as_chunks::<8>();
    let mut bits = 0;
    for (i, eight) in eights.iter().enumerate() {
        // Bytes that are equal become zero. The highest bit of a zero byte, and of no other, stays clear in the sum; a product moves
        // those of all bytes to the last byte.
        let unequal = u64::from_le_bytes(*eight) ^ u64::from_ne_bytes([offset; 8]);
        let equal = !(((unequal & LOW) + LOW) | unequal | LOW);
        bits |= ((equal >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * i);
    }
    for (i, other) in rest.iter().enumerate() {
        bits |= u64::from(*other == offset) << (8 * eights.len() + i);
    }
    bits
}

/// The bits that are set, in ascending order.
pub(super) struct Bits(pub(super) u64);

impl Iterator for Bits {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        let bit = (self.0 != 0).then(|| self.0.trailing_zeros() as usize);
        self.0 &= self.0.wrapping_sub(1);
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_tell_which_bytes_are_equal() {
        let mut offsets: Vec<u8> = (0..WORD as u8).map(|i| i.wrapping_mul(37) % 5).collect();
        offsets[9] = NO_GRADIENT;
        offsets[63] = 0x80;
        for len in [0, 1, 7, 8, 13, 63, 64] {
            for offset in [0, 1, 4, 0x7f, 0x80, NO_GRADIENT] {
                let found: Vec<usize> = Bits(bits_where(&offsets[..len], offset)).collect();
                let wanted: Vec<usize> = (0..len).filter(|i| offsets[*i] == offset).collect();
                assert_eq!(found, wanted, "{len} bytes, {offset}");
            }
        }
    }
}
