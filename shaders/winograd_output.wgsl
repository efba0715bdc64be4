// y[window, o] = act(b[o] + max of A^T m A), where m is the 4x4 matrix of the 16 products at (window, o) and
// A^T = [1 1 1 0; 0 1 -1 -1]; argmax[window, o] = which of the four elements of A^T m A is the maximum
//
// One invocation computes four filters of one pool window. m: [16, WINDOWS, C_OUT], weights: [3, 3, C_IN, C_OUT]
// followed by the bias [C_OUT], out and argmax: [WINDOWS, C_OUT]. C_OUT divides by four.

@group(0) @binding(0) var<storage, read> m: array<Four>;
@group(0) @binding(1) var<storage, read> weights: array<Four>;

// The two elements of A^T applied to a column of four.
struct Pair { first: vec4<f32>, second: vec4<f32> }

fn a_t(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> Pair {
    return Pair(a + b + c, b - c - d);
}

fn column(at: u32, c: u32) -> Pair {
    const PLANE: u32 = WINDOWS * C_OUT / 4u;
    let first = at + c * PLANE;
    return a_t(four(m[first]), four(m[first + PLANE * 4u]), four(m[first + PLANE * 8u]), four(m[first + PLANE * 12u]));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    let a = column(i, 0u);
    let b = column(i, 1u);
    let c = column(i, 2u);
    let d = column(i, 3u);
    let upper = a_t(a.first, b.first, c.first, d.first);
    let lower = a_t(a.second, b.second, c.second, d.second);
    consider(0u, upper.first);
    consider(1u, upper.second);
    consider(2u, lower.first);
    consider(3u, lower.second);
    let bias = four(weights[9u * C_IN * C_OUT / 4u + i % (C_OUT / 4u)]);
    write_pooled(i * 4u, 4u, bias);
}
