// m[p, window, o] = sum over i of v[p, window, i] u[p, i, o], the batch of 16 matrix products of Winograd's algorithm
//
// Rows are pool windows, columns are filters and k runs over input channels. v: [16, ROWS, K], u: [16, K, COLS],
// m (bound as `out`): [16, ROWS, COLS]. K and COLS divide by four.

@group(0) @binding(0) var<storage, read> v: array<Four>;
@group(0) @binding(1) var<storage, read> u: array<Four>;

// Index of the first vec4 of each of the four rows.
struct Rows { at: vec4<u32> }

fn rows_at(first: u32) -> Rows {
    return Rows((batch * ROWS + min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u))) * (K / 4u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    if (k >= K) { return mat4x4<f32>(); }
    let at = rows.at + vec4(k / 4u);
    return mat4x4(four(v[at.x]), four(v[at.y]), four(v[at.z]), four(v[at.w]));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    let at = ((batch * K + min(k, K - 4u)) * COLS + min(col, COLS - 4u)) / 4u;
    return mat4x4(four(u[at]), four(u[at + COLS / 4u]), four(u[at + COLS / 2u]), four(u[at + COLS / 4u * 3u]));
}

fn prepare_store(col: u32) {}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row < ROWS && col < COLS) { write((batch * ROWS + row) * COLS + col, 4u, sum); }
}
