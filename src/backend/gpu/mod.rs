//! Replays a plan through wgpu.

mod adapter;
mod compile;
mod engine;
mod profiler;
mod resources;
mod select;

pub use adapter::Adapter;
pub use engine::{Engine, guard_word};
pub use select::{Listing, Listings, find, list, usable};
