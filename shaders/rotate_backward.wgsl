// dx[n, r, s, c] = sum over p, q of dy[n, p, q, c] times the weight that x[n, r, s, c] has in y[n, p, q, c]; then the gate
//
// One invocation takes a channel of an image, whose gradient it adds up pixel by pixel: each of COUNT, BATCH times CHANNELS. dy and dx (bound
// as `out`) as x and y of rotate.wgsl.

@group(0) @binding(0) var<storage, read> dy: array<Four>;

fn add(first: u32, row: i32, column: i32, weight: f32, gradient: f32) {
    if (weight == 0.0 || bitcast<u32>(row) >= HEIGHT || bitcast<u32>(column) >= WIDTH) { return; }
    out[first + (bitcast<u32>(row) * WIDTH + bitcast<u32>(column)) * CHANNELS] += gradient * weight;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    let image = i / CHANNELS;
    let first = image * HEIGHT * WIDTH * CHANNELS + i % CHANNELS;
    let turn = drawn(image);
    for (var at = 0u; at < HEIGHT * WIDTH; at++) { out[first + at * CHANNELS] = 0.0; }
    for (var at = 0u; at < HEIGHT * WIDTH; at++) {
        let place = first + at * CHANNELS;
        let gradient = four(dy[place / 4u])[place % 4u];
        let found = corners(at / WIDTH, at % WIDTH, turn);
        let rows = vec2(1.0 - found.rows.weight, found.rows.weight);
        let columns = vec2(1.0 - found.columns.weight, found.columns.weight);
        add(first, found.rows.low, found.columns.low, rows.x * columns.x, gradient);
        add(first, found.rows.low, found.columns.high, rows.x * columns.y, gradient);
        add(first, found.rows.high, found.columns.low, rows.y * columns.x, gradient);
        add(first, found.rows.high, found.columns.high, rows.y * columns.y, gradient);
    }
    for (var at = 0u; at < HEIGHT * WIDTH; at++) {
        let to = first + at * CHANNELS;
        write(to, 1u, apply_gate(to, 1u, vec4(out[to])));
    }
}
