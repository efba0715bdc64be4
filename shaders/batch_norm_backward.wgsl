// dx[row, c] = a[c] (dy[row, c] - m[c] - (x[row, c] - mean[c]) q[c]), then the gate; zero for images beyond the batch
//
// One invocation takes LANES columns of a row (4, or 1 where 4 does not divide COLS). coefficients: mean, a, m, q, [4, COLS]. x, dy and dx
// (bound as `out`): [COUNT] = [rows, COLS].

@group(0) @binding(0) var<storage, read> x: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;
@group(0) @binding(2) var<storage, read> coefficients: array<Four>;

fn coefficient_at(i: u32) -> vec4<f32> { return lanes_of(four(coefficients[i / 4u]), i, BY_4); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    if (i >= step.images * IMAGE) {
        write(i, LANES, vec4(0.0));
        return;
    }
    let c = i % COLS;
    let centered = lanes_of(four(x[i / 4u]), i, BY_4) - coefficient_at(c);
    let gradient = lanes_of(four(dy[i / 4u]), i, BY_4) - coefficient_at(2u * COLS + c);
    let dx = coefficient_at(COLS + c) * (gradient - centered * coefficient_at(3u * COLS + c));
    write(i, LANES, apply_gate(i, LANES, dx));
}
