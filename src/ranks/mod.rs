//! Processes that train together, each with a copy of the model: what they exchange, and sums over all of them whose bits do not depend on
//! their number.

mod agreement;
mod tree;

use crate::error::{Result, usage};
pub use agreement::check_agreement;
use std::fmt::Debug;
use std::ops::Range;
pub use tree::TreeSum;

/// A process among those that train together.
pub trait Ranks: Debug + Send {
    /// Its number, from 0.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// Sends `parts[r]` to each rank `r`, and returns what each has sent, `lens[r]` words of rank `r`. All ranks call it at once.
    ///
    /// # Errors
    /// If a rank does not answer any more.
    fn exchange(&mut self, parts: &[&[u32]], lens: &[usize]) -> Result<Vec<Vec<u32>>>;

    /// What it has exchanged so far, where that is counted.
    fn traffic(&self) -> Traffic {
        Traffic::default()
    }
}

/// What a rank has exchanged with others.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Traffic {
    /// Bytes that it has sent to other ranks.
    pub sent: u64,
    /// Seconds in exchanges, in which it also waited for slower ranks.
    pub seconds: f64,
}

impl Traffic {
    /// What came after `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self { sent: self.sent - before.sent, seconds: self.seconds - before.seconds }
    }
}

/// A process that trains alone.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Ranks for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn exchange(&mut self, parts: &[&[u32]], _: &[usize]) -> Result<Vec<Vec<u32>>> {
        Ok(parts.iter().map(|part| part.to_vec()).collect())
    }
}

/// Which of `count` things are those of `rank` among `size`: neighbours, as many for each rank as can be.
pub fn share(count: usize, rank: usize, size: usize) -> Range<usize> {
    count * rank / size..count * (rank + 1) / size
}

/// How the parts of a batch, or other leaves of a sum, are shared.
#[derive(Debug, Clone, Copy)]
pub struct Leaves {
    /// By which number they are shared.
    pub all: usize,
    /// How many of these there are; those after them are missing, as at the end of an epoch.
    pub count: usize,
}

impl Leaves {
    /// Those of `rank` among `size`.
    pub fn of(self, rank: usize, size: usize) -> Range<usize> {
        let share = share(self.all, rank, size);
        share.start.min(self.count)..share.end.min(self.count)
    }
}

/// What every rank has, in the order of the ranks; `lens[r]` words of rank `r`.
///
/// # Errors
/// As [`Ranks::exchange`].
pub fn gather(ranks: &mut dyn Ranks, own: &[u32], lens: &[usize]) -> Result<Vec<Vec<u32>>> {
    let parts = vec![own; ranks.size()];
    ranks.exchange(&parts, lens)
}

/// As [`gather`], of bytes, as many as each rank has.
///
/// # Errors
/// As [`Ranks::exchange`]; [`crate::Error::Usage`] for 4 GiB and more of a rank.
pub fn gather_bytes(ranks: &mut dyn Ranks, own: &[u8]) -> Result<Vec<Vec<u8>>> {
    let len = u32::try_from(own.len()).map_err(|_| usage!("{} bytes are too many to exchange", own.len()))?;
    let one_each = vec![1; ranks.size()];
    let lens = gather(ranks, &[len], &one_each)?.concat();
    let mut padded = own.to_vec();
    padded.resize(own.len().next_multiple_of(4), 0);
    let words: Vec<u32> = bytemuck::pod_collect_to_vec(&padded);
    let word_lens: Vec<usize> = lens.iter().map(|len| (*len as usize).div_ceil(4)).collect();
    let all = gather(ranks, &words, &word_lens)?.into_iter().zip(&lens);
    Ok(all.map(|(words, len)| bytemuck::cast_slice(&words)[..*len as usize].to_vec()).collect())
}

/// Whether one of the ranks says so.
///
/// # Errors
/// As [`Ranks::exchange`].
pub fn any(ranks: &mut dyn Ranks, own: bool) -> Result<bool> {
    let lens = vec![1; ranks.size()];
    Ok(gather(ranks, &[u32::from(own)], &lens)?.concat().contains(&1))
}

/// The sum of leaves of `len` floats each, of which each rank has added its own ([`Leaves::of`]) to `own`.
/// Each rank adds up a slice of the floats, so that all have the same bits; and as the order of the additions is that of the tree, they are the same for any
/// number of ranks.
///
/// # Errors
/// As [`Ranks::exchange`].
pub fn sum(ranks: &mut dyn Ranks, own: TreeSum, leaves: Leaves, len: usize) -> Result<Vec<f32>> {
    let size = ranks.size();
    if size == 1 {
        return Ok(own.total());
    }
    let slice = |rank: usize| share(len, rank, size);
    let parts: Vec<Vec<f32>> = (0..size).map(|rank| own.slices(slice(rank))).collect();
    let parts: Vec<&[u32]> = parts.iter().map(|part| bytemuck::cast_slice(part)).collect();
    let own_len = slice(ranks.rank()).len();
    let nodes: Vec<_> = (0..size).map(|rank| TreeSum::nodes(leaves.of(rank, size))).collect();
    let lens: Vec<usize> = nodes.iter().map(|nodes| nodes.len() * own_len).collect();
    let received = ranks.exchange(&parts, &lens)?;
    let mut total = TreeSum::default();
    for (nodes, values) in nodes.iter().zip(&received) {
        for (i, node) in nodes.iter().enumerate() {
            let values: &[f32] = bytemuck::cast_slice(&values[i * own_len..][..own_len]);
            total.add_node(*node, values.to_vec());
        }
    }
    let total = total.total();
    let lens: Vec<usize> = (0..size).map(|rank| slice(rank).len()).collect();
    let slices = gather(ranks, bytemuck::cast_slice(&total), &lens)?;
    Ok(slices.concat().into_iter().map(f32::from_bits).collect())
}
