// dx[row, c] = a[c] (dy[row, c] - m[c] - (x[row, c] - mean[c]) q[c]), then the gate; zero for images beyond the batch. With
// RELU, dy counts where (x[row, c] - mean[c]) a[c] + beta[c], which a ReLU follows, is positive or NaN
//
// One invocation takes LANES columns (4, or 1 where 4 does not divide COLS) of EACH neighbouring rows. coefficients: mean, a, m, q,
// beta, [5, COLS]. x, dy and dx (bound as `out`): [ROWS, COLS].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read> coefficients: array<Four>;

fn coefficient_at(i: u32) -> vec4<f32> { return lanes_of(four(coefficients[i / 4u]), i, BY_4); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let linear_id = (group.y * GRID_X + group.x) * 64u + lane;
    let first = linear_id / UNITS * EACH;
    if (first >= ROWS) { return; }
    let c = linear_id % UNITS * LANES;
    let mean = coefficient_at(c);
    let scale = coefficient_at(COLS + c);
    let mean_dy = coefficient_at(2u * COLS + c);
    let slope = coefficient_at(3u * COLS + c);
    let beta = coefficient_at(4u * COLS + c);
    let valid = step.images * ROWS_PER_IMAGE;
    for (var row = first; row < min(first + EACH, ROWS); row++) {
        let i = row * COLS + c;
        let centered = lanes_of(four(x[i / 4u]), i, BY_4) - mean;
        var gradient = lanes_of(four(dy[i / 4u]), i, BY_4);
        if (RELU) { gradient = through_relu(gradient, centered * scale + beta); }
        let dx = apply_gate(i, LANES, scale * ((gradient - mean_dy) - centered * slope));
        write(i, LANES, select(vec4(0.0), dx, row < valid));
    }
}
