//! Replays a plan through wgpu.

mod adapter;
mod engine;

pub use adapter::{Adapter, Listing, Listings, find, list};
pub use engine::{Engine, GUARD_WORD};
