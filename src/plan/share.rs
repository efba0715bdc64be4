//! Buffers whose contents are never needed at the same time share memory: training takes less of it, and more of what it writes is
//! still in a cache when it is read.

use super::buffers::{BufferDesc, BufferId, BufferSlice, Lifetime};
use super::recorded::{HostBuffers, Plan, SkipBuffers};

/// Positions in each program of the first and the last launch that uses something; none in programs without one.
type Uses = [Option<(usize, usize)>; 5];

impl Plan {
    /// This plan with fewer buffers. One whose content each program writes in full before it reads it takes the place of those that
    /// are used no more by then. The labels that are left are those of the largest.
    pub fn share_buffers(mut self) -> Self {
        let uses = self.uses();
        let is_local = self.local_buffers();
        let mut order: Vec<usize> = (0..self.buffers.len()).collect();
        // The others, which have memory of their own, first and in their order.
        order.sort_by_key(|i| is_local[*i].then(|| uses[*i].map(|of| of.map_or(usize::MAX, |(first, _)| first))));
        let mut shared: Vec<(BufferDesc, Option<Uses>)> = Vec::new();
        let mut new_ids = vec![BufferId(0); self.buffers.len()];
        for buffer in order {
            let (wanted, uses) = (&self.buffers[buffer], uses[buffer]);
            if is_local[buffer] && uses == Uses::default() {
                // Nothing uses it, and nothing refers to its new index.
                continue;
            }
            let free = shared.iter().enumerate().filter(|(_, (target, earlier))| {
                is_local[buffer]
                    && target.element == wanted.element
                    && earlier.is_some_and(|earlier| precedes(&earlier, &uses))
            });
            // The least growth, then the least waste; of several, the one that was used last.
            let best = free.min_by_key(|(_, (target, earlier))| {
                let last = earlier.and_then(|of| of[0]).map_or(0, |(_, last)| last);
                (wanted.len.saturating_sub(target.len), target.len, usize::MAX - last)
            });
            let best = best.map(|(i, _)| i);
            new_ids[buffer] = BufferId(best.unwrap_or(shared.len()));
            match best.map(|i| &mut shared[i]) {
                Some((target, earlier)) => {
                    if target.len < wanted.len {
                        *target = wanted.clone();
                    }
                    *earlier = earlier.map(|earlier| latest(&earlier, &uses));
                }
                None => shared.push((wanted.clone(), is_local[buffer].then_some(uses))),
            }
        }
        self.buffers = shared.into_iter().map(|(target, _)| target).collect();
        self.host.replace(&new_ids);
        for slice in
            self.dispatches.iter_mut().flat_map(|dispatch| dispatch.inputs.iter_mut().chain(&mut dispatch.outputs))
        {
            slice.buffer = new_ids[slice.buffer.0];
        }
        self
    }

    /// Where each buffer is used.
    fn uses(&self) -> Vec<Uses> {
        let mut uses = vec![Uses::default(); self.buffers.len()];
        for (p, program) in self.programs.iter().enumerate() {
            // What is launched as one is used at the same time.
            let launches = self.launches(program).into_iter().enumerate();
            for (at, dispatch) in launches.flat_map(|(at, ids)| ids.iter().map(move |id| (at, self.dispatch(*id)))) {
                for slice in dispatch.inputs.iter().chain(&dispatch.outputs) {
                    let of = &mut uses[slice.buffer.0][p];
                    *of = Some((of.map_or(at, |(first, _)| first), at));
                }
            }
        }
        uses
    }

    /// Of each buffer, whether each program that uses it writes it in full first, and nothing else reads it. A kernel overwrites a
    /// transient buffer that is its output: what was there is never part of the result.
    fn local_buffers(&self) -> Vec<bool> {
        let mut local: Vec<bool> = self.buffers.iter().map(|buffer| buffer.lifetime == Lifetime::Transient).collect();
        self.host.clone().all().into_iter().for_each(|buffer| local[buffer.0] = false);
        for program in &self.programs {
            let mut written = vec![false; self.buffers.len()];
            for dispatch in program.iter().map(|id| self.dispatch(*id)) {
                let is_whole = |slice: &BufferSlice| slice.len == self.buffer(slice.buffer).len;
                dispatch
                    .outputs
                    .iter()
                    .filter(|slice| is_whole(slice))
                    .for_each(|slice| written[slice.buffer.0] = true);
                let used = dispatch.inputs.iter().chain(&dispatch.outputs);
                used.for_each(|slice| local[slice.buffer.0] &= written[slice.buffer.0]);
            }
        }
        local
    }
}

/// Whether what is used at `earlier` is used no more when `later` begins, in every program.
fn precedes(earlier: &Uses, later: &Uses) -> bool {
    earlier.iter().zip(later).all(|uses| match uses {
        (Some((_, last)), Some((first, _))) => last < first,
        _ => true,
    })
}

/// The uses from the first to the last of either.
fn latest(earlier: &Uses, later: &Uses) -> Uses {
    let mut both = *earlier;
    for (both, later) in both.iter_mut().zip(later) {
        *both = match (*both, *later) {
            (Some((first, _)), Some((_, last))) => Some((first, last)),
            (one, other) => one.or(other),
        };
    }
    both
}

impl HostBuffers {
    /// Each of these buffers.
    fn all(mut self) -> Vec<BufferId> {
        self.each_mut().map(|buffer| *buffer).collect()
    }

    /// Puts `new_ids[i]` in the place of buffer `i`.
    fn replace(&mut self, new_ids: &[BufferId]) {
        self.each_mut().for_each(|buffer| *buffer = new_ids[buffer.0]);
    }

    fn each_mut(&mut self) -> impl Iterator<Item = &mut BufferId> {
        let Self {
            input,
            targets,
            keys,
            metrics,
            predictions,
            parameters,
            gradients,
            optimizer_state,
            average,
            layer_state,
            skips,
        } = self;
        let single = [input, targets, metrics, predictions, parameters, gradients];
        let skips = skips.iter_mut().flat_map(|SkipBuffers { flag, steps }| [&mut flag.buffer, steps]);
        single.into_iter().chain(keys).chain(optimizer_state).chain(average).chain(layer_state).chain(skips)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Recorder;
    use super::super::profile::Profile;
    use crate::kernels::peak::Copy;

    #[test]
    fn only_what_is_written_first_shares_and_only_with_what_is_used_no_more() {
        let mut r = Recorder::new(Profile::REFERENCE);
        let labels = ["host", "a", "b", "c", "read first", "in parts", "d"];
        let lens = [64, 64, 64, 128, 64, 128, 64];
        let [_, a, b, c, first, parts, d] = std::array::from_fn(|i| r.floats(labels[i], lens[i]));
        let half = |of: super::BufferSlice, n: usize| super::BufferSlice { offset: n * 64, len: 64, ..of };
        let mut copy = |from: super::BufferSlice, to: super::BufferSlice| {
            r.dispatch("copy", Copy { count: to.len }, &[from], &[to]);
        };
        copy(first, a);
        copy(a, b);
        copy(half(b, 0), c); // takes the place of `a`, which becomes larger
        copy(half(c, 1), half(parts, 0));
        copy(half(c, 0), half(parts, 1));
        copy(half(parts, 1), d); // `b` and `c` are free by now: the one that fits
        let plan = r.into_plan().share_buffers();
        let found: Vec<_> = plan.buffers.iter().map(|buffer| (buffer.label.as_str(), buffer.len)).collect();
        assert_eq!(found, [("host", 64), ("read first", 64), ("in parts", 128), ("c", 128), ("b", 64)]);
        let new_ids = |id: usize| plan.dispatches[id].outputs[0].buffer.0;
        assert_eq!([0, 1, 2, 3, 4, 5].map(new_ids), [3, 4, 3, 2, 2, 4]);
    }
}
