//! A sum whose additions have a fixed order: those of a binary tree over the numbers of its leaves.

use std::ops::Range;

/// A node of the tree: the leaves `index << level` and the following ones, `1 << level` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    level: u32,
    index: usize,
}

impl Node {
    fn is_left_of(self, other: Self) -> bool {
        self.level == other.level && self.index.is_multiple_of(2) && self.index + 1 == other.index
    }

    fn parent(self) -> Self {
        Self { level: self.level + 1, index: self.index / 2 }
    }
}

/// Arrays of one length that are added up: leaves that are neighbours in the tree as soon as both are there, the others at the end.
/// Which leaves are added where makes no difference to the bits.
#[derive(Debug, Default)]
pub struct TreeSum {
    /// Sums that wait for their neighbours, from left to right.
    waiting: Vec<(Node, Vec<f32>)>,
}

impl TreeSum {
    /// Adds leaf `index`; leaves are added in the order of their numbers.
    pub fn add(&mut self, index: usize, values: Vec<f32>) {
        self.add_node(Node { level: 0, index }, values);
    }

    /// Adds the sum of a node's leaves.
    pub(super) fn add_node(&mut self, mut node: Node, mut values: Vec<f32>) {
        while let Some((left, mut sum)) = self.waiting.pop_if(|(left, _)| left.is_left_of(node)) {
            add(&mut sum, &values);
            (node, values) = (left.parent(), sum);
        }
        self.waiting.push((node, values));
    }

    /// The sum, to which what waits is added from right to left; empty without leaves.
    pub fn total(mut self) -> Vec<f32> {
        let Some((_, mut total)) = self.waiting.pop() else { return Vec::new() };
        while let Some((_, mut left)) = self.waiting.pop() {
            add(&mut left, &total);
            total = left;
        }
        total
    }

    /// The elements of `range` of each sum that waits, one after the other.
    pub(super) fn slices(&self, range: Range<usize>) -> Vec<f32> {
        self.waiting.iter().flat_map(|(_, values)| &values[range.clone()]).copied().collect()
    }

    /// The nodes that wait once the leaves of `range` are added.
    pub(super) fn nodes(range: Range<usize>) -> Vec<Node> {
        let mut sum = Self::default();
        range.for_each(|index| sum.add(index, Vec::new()));
        sum.waiting.into_iter().map(|(node, _)| node).collect()
    }
}

fn add(to: &mut [f32], other: &[f32]) {
    to.iter_mut().zip(other).for_each(|(to, other)| *to += *other);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_additions_is_that_of_the_tree() {
        // In f32, 2^24 + 1 is 2^24: what is added to what shows.
        let leaves = [16_777_216.0_f32, 1.0, 1.0, 1.0, 3.0, 1.0, 1.0];
        let expected = ((leaves[0] + leaves[1]) + (leaves[2] + leaves[3])) + ((leaves[4] + leaves[5]) + leaves[6]);
        let mut sum = TreeSum::default();
        for (i, leaf) in leaves.into_iter().enumerate() {
            sum.add(i, vec![leaf, 2.0 * leaf]);
        }
        assert_eq!(sum.total(), [expected, 2.0 * expected]);
        assert_ne!(expected, leaves.iter().sum::<f32>());
        assert_eq!(TreeSum::default().total(), [0.0; 0]);
    }

    #[test]
    fn leaves_that_are_added_apart_come_to_the_same() {
        for count in 1..20 {
            let leaf = |i: usize| vec![(i as f32 + 0.3).sin() * 1e3, 1.0 / (i as f32 + 0.7)];
            let mut whole = TreeSum::default();
            (0..count).for_each(|i| whole.add(i, leaf(i)));
            let whole = whole.total();
            for cuts in [[1, 2], [3, 4], [0, 5], [7, 11]] {
                let [a, b] = cuts.map(|cut| cut.min(count));
                let mut total = TreeSum::default();
                for range in [0..a, a..b, b..count] {
                    let mut part = TreeSum::default();
                    range.clone().for_each(|i| part.add(i, leaf(i)));
                    assert_eq!(part.waiting.iter().map(|(node, _)| *node).collect::<Vec<_>>(), TreeSum::nodes(range));
                    part.waiting.into_iter().for_each(|(node, values)| total.add_node(node, values));
                }
                assert_eq!(total.total(), whole, "{count} leaves, cut at {cuts:?}");
            }
        }
    }
}
