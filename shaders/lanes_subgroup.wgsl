// The eight lanes of a tile are one subgroup: a value travels by shuffle, and nothing has to wait.

struct Lane { @builtin(subgroup_invocation_id) index: u32 }

fn publish(lane: u32, block: mat4x4<f32>) {}

// Row `row` of the block that lane `source` of this tile published; `own` is this lane's.
fn from_lane(lane: u32, source: u32, row: u32, own: vec4<f32>) -> vec4<f32> {
    return subgroupShuffle(own, source);
}
