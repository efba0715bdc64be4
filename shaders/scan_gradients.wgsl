// partial[n] = 1 if one of the elements that invocation n takes is infinite or NaN, else 0
//
// Each of the INVOCATIONS takes four elements at a time. g: [COUNT], partial: [INVOCATIONS].

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> partial: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let n = (group.y * GRID_X + group.x) * 64u + lane;
    if (n >= INVOCATIONS) { return; }
    var found = vec4(false);
    for (var first = n; first < COUNT / 4u; first += LOADS_AT_ONCE * INVOCATIONS) {
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            let i = first + j * INVOCATIONS;
            let is_bad = !is_finite(four(g[min(i, COUNT / 4u - 1u)]));
            found = found | (is_bad & vec4(i < COUNT / 4u));
        }
    }
    partial[n] = select(0.0, 1.0, any(found));
}
