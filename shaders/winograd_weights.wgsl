// u[4 r + c, i, o] = (G w G^T)[r, c], where w is the 3x3 kernel of input channel i and filter o and
// G = [1 0 0; .5 .5 .5; .5 -.5 .5; 0 0 1]
//
// One invocation computes four filters of one input channel. weights: [3, 3, PAIRS], u: [16, PAIRS], where
// PAIRS = C_IN C_OUT.

@group(0) @binding(0) var<storage, read> weights: array<Four>;
@group(0) @binding(1) var<storage, read_write> u: array<Four>;

// G applied to a column of three weights.
fn g(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>) -> mat4x4<f32> {
    let sum = (a + c) * 0.5;
    return mat4x4(a, sum + b * 0.5, sum - b * 0.5, c);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    const PLANE: u32 = PAIRS / 4u;
    let column_0 = g(four(weights[i]), four(weights[i + PLANE * 3u]), four(weights[i + PLANE * 6u]));
    let column_1 = g(four(weights[i + PLANE]), four(weights[i + PLANE * 4u]), four(weights[i + PLANE * 7u]));
    let column_2 = g(four(weights[i + PLANE * 2u]), four(weights[i + PLANE * 5u]), four(weights[i + PLANE * 8u]));
    for (var r = 0u; r < 4u; r++) { // unroll
        let row = g(column_0[r], column_1[r], column_2[r]);
        for (var c = 0u; c < 4u; c++) { // unroll
            u[(r * 4u + c) * PLANE + i] = as_four(row[c]);
        }
    }
}
