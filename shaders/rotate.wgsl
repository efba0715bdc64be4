// y[n, p, q, c] = the mean, by their weights, of the four elements of x that it comes from; x is FILL outside of the image
//
// One invocation takes LANES elements along c: 4, or 1 where 4 does not divide CHANNELS. x and y (bound as `out`): [BATCH, HEIGHT, WIDTH,
// CHANNELS].

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(image: u32, row: i32, column: i32, c: u32) -> vec4<f32> {
    if (bitcast<u32>(row) >= HEIGHT || bitcast<u32>(column) >= WIDTH) { return vec4(FILL); }
    let i = ((image * HEIGHT + bitcast<u32>(row)) * WIDTH + bitcast<u32>(column)) * CHANNELS + c;
    return lanes_of(four(x[i / 4u]), i, BY_4);
}

fn row_at(image: u32, row: i32, columns: Taps, c: u32) -> vec4<f32> {
    var value = x_at(image, row, columns.low, c);
    if (columns.weight > 0.0) {
        value = value * (1.0 - columns.weight) + x_at(image, row, columns.high, c) * columns.weight;
    }
    return value;
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (i >= COUNT) { return; }
    let pixel = i / CHANNELS;
    let image = pixel / (HEIGHT * WIDTH);
    let found = corners(pixel / WIDTH % HEIGHT, pixel % WIDTH, drawn(image));
    let c = i % CHANNELS;
    var value = row_at(image, found.rows.low, found.columns, c);
    if (found.rows.weight > 0.0) {
        value = value * (1.0 - found.rows.weight) + row_at(image, found.rows.high, found.columns, c) * found.rows.weight;
    }
    write(i, LANES, value);
}
