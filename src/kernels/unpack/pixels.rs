//! Kernels that read the pixels of an upload in place of the floats that [`Unpack`] makes of them: a dispatch less before the first layer,
//! and a quarter of the bytes to read.

use super::{PIXELS_FILE, Unpack};
use crate::kernels::tile::x_file_is_by_4;
use crate::plan::{Cost, Dispatch, DispatchId, Io, Kernel, MergeParts, PixelReads, Plan, STEP_FILE, Shader, View};
use crate::real::Real;
use crate::simd::{SimdLevel, with_scratch};
use std::sync::Arc;

/// `plan` without the dispatch `id`, which is `unpack`, where its profile wants that and every other dispatch that uses its output can read
/// the pixels; else `plan`.
pub(crate) fn read_pixels(mut plan: Plan, id: DispatchId, unpack: Unpack) -> Plan {
    let (pixels, floats) = (plan.dispatch(id).inputs[0], plan.dispatch(id).outputs[0]);
    let uses = |dispatch: &Dispatch| {
        dispatch.inputs.iter().chain(&dispatch.outputs).any(|slice| slice.buffer == floats.buffer)
    };
    let users: Vec<usize> = (0..plan.dispatches.len()).filter(|i| *i != id.0 && uses(&plan.dispatches[*i])).collect();
    let takes = |by_4: bool| match plan.profile.pixel_reads {
        PixelReads::None => false,
        PixelReads::Fours => by_4,
        PixelReads::Any => true,
    };
    let can_read = |i: &usize| {
        let Dispatch { kernel, inputs, outputs, .. } = &plan.dispatches[*i];
        let others = inputs.iter().skip(1).chain(outputs);
        kernel.shader().files.iter().any(|file| x_file_is_by_4(file).is_some_and(takes))
            && inputs.first() == Some(&floats)
            && others.into_iter().all(|slice| slice.buffer != floats.buffer)
    };
    if !users.iter().all(can_read) {
        return plan;
    }
    for i in users {
        let dispatch = &mut plan.dispatches[i];
        dispatch.kernel = Arc::new(OfPixels { kernel: Arc::clone(&dispatch.kernel), unpack });
        dispatch.inputs[0] = pixels;
    }
    plan.dispatches.remove(id.0);
    for program in &mut plan.programs {
        program.retain(|known| *known != id);
        program.iter_mut().filter(|known| known.0 > id.0).for_each(|known| known.0 -= 1);
    }
    plan
}

/// `kernel` over what `unpack` makes of the pixels, which are its first input: [batches per upload, words] u32.
#[derive(Debug)]
struct OfPixels {
    kernel: Arc<dyn Kernel>,
    unpack: Unpack,
}

impl OfPixels {
    /// Calls `run` with the floats of the step's batch as the first input.
    fn with_floats<F: Real>(&self, io: Io<'_, F>, x: &mut [F], run: impl FnOnce(Io<'_, F>)) {
        self.unpack.batch(io.input_u32(0), io.step, x);
        let [_, second, third, fourth] = io.inputs;
        run(Io { inputs: [View::Float(x), second, third, fourth], ..io });
    }
}

impl Kernel for OfPixels {
    fn name(&self) -> String {
        self.kernel.name()
    }

    fn shader(&self) -> Shader {
        let Shader { files, constants, grid, iterations, uses_step } = self.kernel.shader();
        let own = files.into_iter().map(|file| if x_file_is_by_4(file).is_some() { PIXELS_FILE } else { file });
        let step = [STEP_FILE].into_iter().filter(|_| !uses_step);
        Shader {
            files: step.chain(own).collect(),
            constants: constants.and(self.unpack.pixel_constants()),
            grid,
            iterations,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let cost = self.kernel.cost();
        // A byte in place of a float, each of which counts once.
        Cost { bytes: cost.bytes - 3.0 * self.unpack.count as f64, ..cost }
    }

    fn run_f32(&self, io: Io<'_, f32>) {
        self.with_floats(io, &mut vec![0.0; self.unpack.count], |io| self.kernel.run_f32(io));
    }

    fn run_simd(&self, level: SimdLevel, io: Io<'_, f32>) {
        with_scratch([self.unpack.count], |[x]| self.with_floats(io, x, |io| self.kernel.run_simd(level, io)));
    }

    fn run_f64(&self, io: Io<'_, f64>) {
        self.with_floats(io, &mut vec![0.0; self.unpack.count], |io| self.kernel.run_f64(io));
    }

    fn merge_parts(&self) -> Option<&dyn MergeParts> {
        self.kernel.merge_parts()
    }
}
