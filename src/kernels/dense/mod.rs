//! Dense layers.

mod products;
mod row_blocks;

pub(crate) use products::DenseDims;
