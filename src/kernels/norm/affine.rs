//! gamma and beta, either of which a normalisation may lack.

use crate::plan::{Constants, constants, wgsl};
use crate::real::Real;

/// Which parameters a normalisation has: `gamma`, then `beta`, each of `len` floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Affine {
    /// Whether there is a beta, which is added.
    pub(crate) center: bool,
    /// Whether there is a gamma, which is multiplied by.
    pub(crate) scale: bool,
    pub(crate) len: usize,
}

impl Affine {
    /// Number of parameter tensors.
    pub(crate) fn tensors(&self) -> usize {
        usize::from(self.center) + usize::from(self.scale)
    }

    /// The parameters' slice, if there are any, as bindings.
    pub(super) fn bindings(&self) -> usize {
        self.tensors().min(1)
    }

    /// The file with `gamma_at` and `beta_at`.
    pub(super) fn file(&self) -> &'static str {
        match self.tensors() {
            0 => wgsl!("affine_none.wgsl"),
            _ => wgsl!("affine.wgsl"),
        }
    }

    /// The file with `write_gradients`.
    pub(super) fn gradients_file(&self) -> &'static str {
        match self.tensors() {
            0 => wgsl!("affine_gradients_none.wgsl"),
            _ => wgsl!("affine_gradients.wgsl"),
        }
    }

    /// The constants of [`Self::file`], with the parameters at `binding`.
    pub(super) fn constants(&self, binding: usize) -> Constants {
        constants! { PARAMETERS: binding, NORMALIZED: self.len, SCALE: self.scale, CENTER: self.center }
    }

    /// gamma and beta in `parameters`; ones and zeros for those that are absent.
    pub(super) fn values<F: Real>(&self, parameters: &[F]) -> [Vec<F>; 2] {
        let (gamma, beta) = parameters.split_at(if self.scale { self.len } else { 0 });
        [
            if self.scale { gamma.to_vec() } else { vec![F::ONE; self.len] },
            if self.center { beta.to_vec() } else { vec![F::ZERO; self.len] },
        ]
    }
}
