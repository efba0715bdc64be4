//! Uniform draws that are a function of seed, stream, update and element. Twin of `shaders/random.wgsl`.

use crate::plan::{Step, wgsl};

/// The shader's file; the file of the step stands before it.
pub(super) const RANDOM_FILE: &str = wgsl!("random.wgsl");

/// The stream of the layer `name`: FNV-1a of the name, which no other layer of the model has.
pub(crate) fn stream_of(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// What all elements of a step have in common.
pub(super) fn random_key(stream: u32, step: &Step) -> u32 {
    mixed(mixed(step.seed ^ stream).wrapping_add(step.update))
}

/// A uniform draw of 32 bits for each element.
#[inline(always)]
pub(super) fn draw(key: u32, element: u32) -> u32 {
    mixed(element.wrapping_mul(0x9e37_79b9).wrapping_add(key))
}

/// C. Wellons's hash `lowbias32`: every bit of the result depends on every bit of `x`.
#[inline(always)]
pub(super) fn mixed(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}
