//! The GPU backend: replays a plan through wgpu.

mod adapter;
mod engine;
mod profiler;
mod resources;

pub use adapter::{Adapter, Listing, Listings, all, find, forced_profile, list};
pub use engine::{Engine, GUARD_WORD};
