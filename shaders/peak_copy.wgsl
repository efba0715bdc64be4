// y = x, the memory bandwidth benchmark. One invocation copies four elements. x and y: [COUNT].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read_write> y: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i < COUNT / 4u) { y[i] = as_four(four(x[i])); }
}
