// out[r, TO + j] = x[r, FROM + j] for j < LEN; all other elements of out stay
//
// One invocation takes one element. x: [COUNT / LEN, FROM_LEN], out: [COUNT / LEN, TO_LEN].

@group(0) @binding(0) var<storage, read> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    write(i / LEN * TO_LEN + TO + i % LEN, 1u, vec4(x[i / LEN * FROM_LEN + FROM + i % LEN]));
}
