//! Random numbers as a pure function of their purpose.
//!
//! No generator state outlives its use: a stream is identified by a seed, a purpose and an index (of the epoch, tensor
//! or image), so a resumed run draws the numbers that an uninterrupted run would have drawn.

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a stream is used for. The discriminant is hashed into the stream's key: changing one changes all its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights; the stream's index is the tensor's index.
    Weights = 1,
    /// Shuffling of the training images; the stream's index is the epoch.
    Shuffle = 2,
    /// A synthetic training image; the stream's index is the image's index.
    TrainImage = 3,
    /// A synthetic test image; the stream's index is the image's index.
    TestImage = 4,
}

/// A SplitMix64 stream.
#[derive(Debug, Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// The stream of (`seed`, `purpose`, `index`).
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let key = mix(seed.wrapping_add(0x9e37_79b9_7f4a_7c15));
        let key = mix(key ^ (purpose as u64).wrapping_mul(0xd1b5_4a32_d192_ed03));
        Self { state: mix(key ^ index.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7)) }
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state)
    }

    /// Uniform in [0, 1), a multiple of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in [`low`, `high`).
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in 0..`n`: the high half of the 128-bit product with `n`, whose bias is below n / 2^64.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next_u64()) * n as u128) >> 64) as usize
    }

    /// A uniform permutation of 0..`n` (Fisher-Yates).
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..n as u32).collect();
        for i in (1..n).rev() {
            order.swap(i, self.below(i + 1));
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutation_holds_every_index_once() {
        let mut order = Rng::new(7, Purpose::Shuffle, 3).permutation(1000);
        assert_ne!(order, (0..1000).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn streams_of_neighbouring_indices_differ() {
        let first = |seed, index| Rng::new(seed, Purpose::Weights, index).next_u64();
        let all = [first(0, 0), first(0, 1), first(1, 0), first(1, 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(!all[..i].contains(a), "{all:x?}");
        }
    }
}
