// y[n, u] = act(b[u] + sum over s of partial[s, n, u]), s ascending
//
// One invocation takes one element. partial: [SPLITS, COUNT], weights: the bias lies from BIAS on, y: [COUNT].

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    var sum = 0.0;
    for (var s = 0u; s < SPLITS; s++) { sum += partial[s * COUNT + i]; }
    sum += weights[BIAS + i % UNITS];
    y[i] = select(sum, max(sum, 0.0), RELU);
}
