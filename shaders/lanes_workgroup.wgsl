// The eight lanes of a tile share workgroup memory: correct on every adapter, whatever its subgroups.

struct Lane { @builtin(local_invocation_index) index: u32 }

var<workgroup> published: array<vec4<f32>, WORKGROUP * 4u>;

fn publish(lane: u32, block: mat4x4<f32>) {
    workgroupBarrier();
    published[lane * 4u] = block[0];
    published[lane * 4u + 1u] = block[1];
    published[lane * 4u + 2u] = block[2];
    published[lane * 4u + 3u] = block[3];
    workgroupBarrier();
}

// Row `row` of the block that lane `source` of this tile published; `own` is this lane's.
fn from_lane(lane: u32, source: u32, row: u32, own: vec4<f32>) -> vec4<f32> {
    return published[(lane / LANES * LANES + source) * 4u + row];
}
