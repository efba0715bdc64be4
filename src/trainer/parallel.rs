//! Training on several ranks: each has the whole model and a share of each batch.

use super::config::RunConfig;
use super::metrics::Tally;
use super::pass::Pass;
use super::state::Trainer;
use crate::data::{Batches, Split};
use crate::error::{Result, usage};
use crate::plan::{Program, Step};
use crate::ranks::{self, Ranks};
use std::ops::Range;

/// Parts of a batch where the settings of a run on several ranks do not say how many, if they divide it.
const PARTS: u32 = 8;

impl RunConfig {
    /// Parts of a batch, if gradients are those of parts.
    pub(super) fn parts(&self) -> Option<usize> {
        self.micro_batch.map(|micro_batch| (self.batch_size / micro_batch) as usize)
    }

    /// Images that are on the device at a time.
    pub(super) fn plan_batch(&self) -> usize {
        self.micro_batch.unwrap_or(self.batch_size) as usize
    }

    /// Batches are cut into parts, as `ranks` ranks need them: eight, or as many below that as divide a batch. With
    /// [`Self::fast_reduce`] as many as there are ranks, or the next number that divides a batch, unless that is more than twice as many.
    pub fn cut_batches(&mut self, ranks: usize) {
        let divides = |parts: &u32| self.batch_size.is_multiple_of(*parts);
        let usual = || (1..=PARTS).rev().find(divides).unwrap_or(1);
        let ranks = ranks.min(self.batch_size as usize) as u32;
        let next = (ranks..=PARTS.max(2 * ranks).min(self.batch_size)).find(divides).filter(|_| self.fast_reduce);
        self.micro_batch.get_or_insert(self.batch_size / next.unwrap_or_else(usual));
    }
}

/// Results over the images of a split, in their order.
#[derive(Default)]
pub(super) struct Results {
    pub(super) tallies: Vec<Tally>,
    /// Outputs for each image; empty unless they were asked for.
    pub(super) predictions: Vec<f32>,
}

impl Trainer {
    /// Works with others from now on: all of them have to be asked for the same, at once. Training on several needs batches that are cut
    /// ([`RunConfig::micro_batch`]).
    pub fn set_ranks(&mut self, ranks: Box<dyn Ranks>) {
        self.session.ranks = ranks;
    }

    /// Whether the ranks can train together.
    pub(super) fn check_parts(&self) -> Result<()> {
        match (self.session.ranks.size(), self.config.micro_batch) {
            (size, None) if size > 1 => Err(usage!(
                "{size} ranks train together; micro_batch says how many images each takes at a time, and is not set"
            )),
            _ => Ok(()),
        }
    }

    /// Those that it trains with.
    pub fn ranks(&mut self) -> &mut dyn Ranks {
        self.session.ranks.as_mut()
    }

    /// The results of `program` over the images `range`, of which each rank takes a share.
    pub(super) async fn results(
        &mut self,
        data: &Split,
        range: Range<usize>,
        program: &'static [Program],
        with_predictions: bool,
        observer: &mut (dyn FnMut() -> Result<()> + Send),
    ) -> Result<Results> {
        let batch = self.session.plan.batch;
        let batches = range.len().div_ceil(batch);
        let (rank, size) = (self.session.ranks.rank(), self.session.ranks.size());
        let images = |rank: usize| {
            let share = ranks::share(batches, rank, size);
            range.start + share.start * batch..range.end.min(range.start + share.end * batch)
        };
        let own = Batches::within(data, images(rank), batch);
        let pass = Pass::new(own, program, usize::MAX);
        let mut pass = if with_predictions { pass.with_predictions() } else { pass };
        let mut results = Results::default();
        while let Some(report) = pass.next(&mut self.session, |_| Step::default()).await? {
            results.tallies.extend(report.tallies);
            results.predictions.extend(report.predictions);
            observer()?;
        }
        if size == 1 {
            return Ok(results);
        }
        let outputs = if with_predictions { self.graph.outputs() } else { 0 };
        let words: Vec<u32> = results.tallies.iter().flat_map(words_of).collect();
        let lens: Vec<usize> = (0..size).map(|rank| TALLY_WORDS * ranks::share(batches, rank, size).len()).collect();
        let tallies = ranks::gather(self.ranks(), &words, &lens)?.concat();
        let lens: Vec<usize> = (0..size).map(|rank| outputs * images(rank).len()).collect();
        let predictions = ranks::gather(self.ranks(), bytemuck::cast_slice(&results.predictions), &lens)?.concat();
        Ok(Results {
            tallies: tallies.chunks_exact(TALLY_WORDS).map(tally_of).collect(),
            predictions: predictions.into_iter().map(f32::from_bits).collect(),
        })
    }
}

/// Words of a tally: three numbers in f64.
const TALLY_WORDS: usize = 6;

fn words_of(tally: &Tally) -> [u32; TALLY_WORDS] {
    bytemuck::cast([tally.loss, tally.correct, tally.images])
}

fn tally_of(words: &[u32]) -> Tally {
    let pair = |i: usize| f64::from_bits(u64::from(words[2 * i]) | u64::from(words[2 * i + 1]) << 32);
    Tally { loss: pair(0), correct: pair(1), images: pair(2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_cut_into_eight_or_what_divides_them() {
        for (batch_size, micro_batch) in [(32, 4), (256, 32), (30, 5), (7, 1), (11, 11), (1, 1), (8, 1)] {
            let mut config = RunConfig { batch_size, ..RunConfig::default() };
            config.cut_batches(3);
            assert_eq!(config.micro_batch, Some(micro_batch), "{batch_size}");
            assert!(config.check().is_ok());
        }
        for (batch_size, ranks, parts) in
            [(32, 1, 1), (32, 2, 2), (32, 3, 4), (30, 4, 5), (7, 2, 7), (4, 100, 4), (31, 2, 1), (62, 4, 2)]
        {
            let mut config = RunConfig { batch_size, fast_reduce: true, ..RunConfig::default() };
            config.cut_batches(ranks);
            assert_eq!(config.parts(), Some(parts), "{batch_size} on {ranks}");
        }
        let mut config = RunConfig { micro_batch: Some(16), ..RunConfig::default() };
        config.cut_batches(2);
        assert_eq!((config.micro_batch, config.parts()), (Some(16), Some(2)));
    }

    #[test]
    fn tallies_are_sent_without_loss() {
        let tally = Tally { loss: 0.1, correct: 7.0, images: f64::MAX };
        assert_eq!(tally_of(&words_of(&tally)), tally);
    }
}
