//! Dispatches that do not depend on each other are launched in pairs, side by side. So are two of one workgroup each, one after the other,
//! where all that the second needs of the first is one of its outputs, of the same type: a card waits between launches, at small batches for
//! longer than many a kernel runs.

use super::buffers::BufferSlice;
use super::recorded::{Dispatch, DispatchId, Plan};
use super::wgsl::Shader;
use super::wgsl_pair::ShaderSource;
use std::collections::HashSet;

/// Most workgroups of a pair: what a card has at work at a time, so that neither kernel waits for the other's.
const MAX_WORKGROUPS: u32 = 2048;

/// Iterations of the loops of two that follow each other, at most: software adapters stop after twice as many.
const MAX_ITERATIONS: usize = 1 << 15;

impl Plan {
    /// This plan with pairs of dispatches, where its profile has them: each dispatch follows what it depends on within a launch, or joins
    /// the first launch that is alone so far and does not come before what it depends on. Before [`Self::share_buffers`], which keeps
    /// what a pair uses apart.
    pub fn pair_dispatches(mut self) -> Self {
        if !self.profile.pairs {
            return self;
        }
        let sizes: Vec<Size> = self.dispatches.iter().map(Size::of).collect();
        let mut pairs = Vec::new();
        for program in 0..self.programs.len() {
            let mut launches: Vec<Vec<DispatchId>> = Vec::new();
            for &id in &self.programs[program] {
                let depends = |other: &DispatchId| conflict(self.dispatch(id), self.dispatch(*other));
                let ready = launches.iter().rposition(|launch| launch.iter().any(depends)).map_or(0, |last| last + 1);
                let before = launches[..ready].last_mut().filter(|launch| self.can_follow(launch, id, &sizes));
                if let Some(before) = before {
                    before.push(id);
                    continue;
                }
                let can_join = |launch: &&mut Vec<DispatchId>| matches!(launch[..], [only] if sizes[id.0].pairs_with(sizes[only.0]));
                match launches[ready..].iter_mut().find(can_join) {
                    Some(launch) => launch.push(id),
                    None => launches.push(vec![id]),
                }
            }
            pairs.extend(launches.iter().filter_map(|launch| <[DispatchId; 2]>::try_from(&launch[..]).ok()));
            self.programs[program] = launches.concat();
        }
        pairs.sort_by_key(|pair| pair.map(|id| id.0));
        pairs.dedup();
        self.pairs = pairs;
        self
    }

    /// Whether dispatch `id` can run in the launch of the one that it depends on, after it.
    fn can_follow(&self, launch: &[DispatchId], id: DispatchId, sizes: &[Size]) -> bool {
        let [only] = *launch else { return false };
        sizes[id.0].follows(sizes[only.0]) && Sequence::of(self.dispatch(only), self.dispatch(id)).is_some()
    }

    /// Where the second dispatch of a launch reads what the first writes: the binding of that input among the launch's. Nothing is
    /// bound there.
    pub fn unbound(&self, launch: &[DispatchId]) -> Option<usize> {
        let [first, second] = *launch else { return None };
        let (first, second) = (self.dispatch(first), self.dispatch(second));
        Some(first.inputs.len() + first.outputs.len() + Sequence::of(first, second)?.read)
    }

    /// The dispatches `ids` as they are launched: alone, or two at a time.
    pub fn launches<'a>(&self, ids: &'a [DispatchId]) -> Vec<&'a [DispatchId]> {
        let mut launches = Vec::with_capacity(ids.len());
        let mut rest = ids;
        while !rest.is_empty() {
            let is_pair = self.pairs.iter().any(|pair| rest.starts_with(pair));
            let (launch, others) = rest.split_at(1 + usize::from(is_pair));
            launches.push(launch);
            rest = others;
        }
        launches
    }

    /// What a launch is called: the labels of its dispatches.
    pub fn launch_label(&self, launch: &[DispatchId]) -> String {
        launch.iter().map(|id| &self.dispatch(*id).label[..]).collect::<Vec<_>>().join(" + ")
    }

    /// All launches: every pair, and every dispatch but those that the programs launch in pairs alone.
    pub fn all_launches(&self) -> Vec<Vec<DispatchId>> {
        let alone: HashSet<DispatchId> = (self.programs.iter())
            .flat_map(|program| self.launches(program))
            .filter_map(|launch| match launch {
                [only] => Some(*only),
                _ => None,
            })
            .collect();
        let is_paired = |id: &DispatchId| self.pairs.iter().any(|pair| pair.contains(id));
        let singles = (0..self.dispatches.len()).map(DispatchId).filter(|id| !is_paired(id) || alone.contains(id));
        singles.map(|id| vec![id]).chain(self.pairs.iter().map(|pair| pair.to_vec())).collect()
    }

    /// The shader of a launch.
    pub fn shader_of(&self, launch: &[DispatchId]) -> ShaderSource {
        match *launch {
            [first, second] => self.shader_of_pair([first, second]),
            _ => {
                let shader = self.dispatch(launch[0]).kernel.shader();
                let text = shader.text(self.profile);
                let Shader { grid, iterations, uses_step, .. } = shader;
                ShaderSource { text, grid, iterations, uses_step }
            }
        }
    }

    /// The shader of a pair of dispatches.
    pub fn shader_of_pair(&self, pair: [DispatchId; 2]) -> ShaderSource {
        let [first, second] = pair.map(|id| self.dispatch(id));
        let bindings = first.inputs.len() + first.outputs.len();
        let sequence = Sequence::of(first, second).map(|Sequence { written, read }| [written, read]);
        let shaders = [first, second].map(|dispatch| dispatch.kernel.shader());
        ShaderSource::of_pair(&shaders, bindings, sequence, self.profile)
    }
}

/// What decides whether two dispatches can be one launch.
#[derive(Clone, Copy)]
struct Size {
    invocations: u32,
    workgroups: u32,
    iterations: usize,
}

impl Size {
    fn of(dispatch: &Dispatch) -> Self {
        let shader = dispatch.kernel.shader();
        let workgroups = shader.grid.into_iter().fold(1, u32::saturating_mul);
        Self { invocations: shader.workgroup_size(), workgroups, iterations: shader.iterations }
    }

    /// Whether one workgroup can run both, this one after `first`.
    fn follows(self, first: Self) -> bool {
        [first, self].iter().all(|size| size.workgroups == 1)
            && self.invocations == first.invocations
            && first.iterations + self.iterations <= MAX_ITERATIONS
    }

    fn pairs_with(self, other: Self) -> bool {
        self.invocations == other.invocations && self.workgroups.saturating_add(other.workgroups) <= MAX_WORKGROUPS
    }
}

/// Of two dispatches, the only thing that the second needs of the first, by its bindings.
struct Sequence {
    /// Where the first writes it.
    written: usize,
    /// Where the second reads it.
    read: usize,
}

impl Sequence {
    /// None if the second needs nothing or something else of the first, or reads it as another type than it is written.
    fn of(first: &Dispatch, second: &Dispatch) -> Option<Self> {
        let at = |output: &BufferSlice| second.inputs.iter().position(|input| input == output);
        let (output, read) = first.outputs.iter().enumerate().find_map(|(i, output)| Some((i, at(output)?)))?;
        let written = first.inputs.len() + output;
        let mut rest = second.clone();
        rest.inputs.remove(read);
        let of_type = |dispatch: &Dispatch, binding| Some(dispatch.kernel.shader().declared(binding)?.1);
        let is_alike = of_type(first, written)? == of_type(second, read)?;
        (is_alike && !conflict(first, &rest)).then_some(Self { written, read })
    }
}

/// Whether the order of two dispatches matters, or a launch of both would bind a buffer to read it and to write it.
fn conflict(a: &Dispatch, b: &Dispatch) -> bool {
    let same = |x: &BufferSlice, y: &BufferSlice| x.buffer == y.buffer;
    let overlap =
        |x: &BufferSlice, y: &BufferSlice| same(x, y) && x.offset < y.offset + y.len && y.offset < x.offset + x.len;
    let any = |of: &[BufferSlice], with: &[BufferSlice], meet: &dyn Fn(&BufferSlice, &BufferSlice) -> bool| {
        of.iter().any(|x| with.iter().any(|y| meet(x, y)))
    };
    any(&a.outputs, &b.inputs, &same) || any(&b.outputs, &a.inputs, &same) || any(&a.outputs, &b.outputs, &overlap)
}

#[cfg(test)]
mod tests {
    use super::super::Recorder;
    use super::super::profile::Profile;
    use super::*;
    use crate::kernels::peak::Copy;

    /// A plan of copies, each from one slice to another: `a` is a whole buffer of `len`, `a0` and `a1` are its halves.
    fn plan(len: usize, copies: &[[&str; 2]]) -> Plan {
        let mut r = Recorder::new(Profile::DISCRETE);
        for copy in copies {
            let [from, to] = copy.map(|name| {
                let (letter, half) = name.split_at(1);
                let whole = r.floats(letter, len);
                let of_half = |half: usize| BufferSlice { offset: half * len / 2, len: len / 2, ..whole };
                half.parse().map_or(whole, of_half)
            });
            r.dispatch("copy", Copy { count: to.len }, &[from], &[to]);
        }
        r.into_plan().pair_dispatches()
    }

    /// How many launches take two copies of two workgroups each.
    fn launches(copies: [[&str; 2]; 2]) -> usize {
        let plan = plan(1024, &copies);
        plan.launches(&plan.programs[0]).len()
    }

    #[test]
    fn what_one_workgroup_makes_of_another_s_output_follows_it_in_its_launch() {
        let found = |len: usize, copies: &[[&str; 2]]| {
            let plan = plan(len, copies);
            let launches = plan.launches(&plan.programs[0]);
            launches.iter().map(|launch| (launch.len(), plan.unbound(launch))).collect::<Vec<_>>()
        };
        // The input of the second is the third of the four bindings.
        assert_eq!(found(128, &[["a", "b"], ["b", "c"]]), [(2, Some(2))]);
        assert_eq!(found(128, &[["a", "b"], ["b", "c"], ["c", "d"]]), [(2, Some(2)), (1, None)], "not three");
        assert_eq!(
            found(128, &[["a", "b"], ["b", "a"]]),
            [(1, None), (1, None)],
            "the second writes what the first reads"
        );
        assert_eq!(found(128, &[["a", "b"], ["b0", "c0"]]), [(1, None), (1, None)], "another slice");
        assert_eq!(found(1024, &[["a", "b"], ["b", "c"]]), [(1, None), (1, None)], "two workgroups");
        assert_eq!(found(128, &[["a", "b"], ["c", "d"]]), [(2, None)], "side by side");
    }

    #[test]
    fn only_what_does_not_depend_on_each_other_is_a_pair() {
        for (first, second, expected, what) in [
            (["a", "b"], ["c", "d"], 1, "nothing in common"),
            (["a", "b"], ["a", "c"], 1, "both read a buffer"),
            (["a", "b"], ["b", "c"], 2, "the second reads what the first writes"),
            (["a", "b"], ["c", "a"], 2, "the second writes what the first reads"),
            (["a", "b"], ["c", "b"], 2, "both write a buffer"),
            (["a0", "b0"], ["a1", "b1"], 1, "each writes its half"),
            (["a0", "b0"], ["a1", "b0"], 2, "both write a half"),
            (["a0", "b0"], ["b1", "c0"], 2, "one would read a buffer that the other writes"),
        ] {
            assert_eq!(launches([first, second]), expected, "{what}");
        }
    }
}
