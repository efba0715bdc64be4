// dv[p, window, i] = sum over o of (A ds A^T)[p] of (window, o) times u[p, i, o], on the planes p of Winograd's algorithm
//
// ds is zero but for the window's gradient at the window_offset of its maximum; with p = 4 r + c, its share of batch p is the gradient
// times A[r, window_offset / 2] A[c, window_offset % 2]. Rows are windows of the pool, columns input channels, k filters.
// dy: [ROWS, K] packed, u: [planes, COLS, K], dv (bound as `out`): [planes, ROWS, COLS]. K and COLS divide by four.

@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read> u: array<Four>;

// Where the four rows begin, in vectors, and what this batch gets of a gradient at each of the four positions.
struct Rows { at: vec4<u32>, factors: vec4<f32> }

// A[r, 0] and A[r, 1].
fn a_row(r: u32) -> vec2<f32> {
    return vec2(select(1.0, 0.0, r == 3u), select(select(-1.0, 1.0, r == 1u), 0.0, r == 0u));
}

fn rows_at(first: u32) -> Rows {
    let at = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)) * (K / 4u);
    let down = a_row(batch / 4u);
    let across = a_row(batch % 4u);
    return Rows(at, vec4(down.x * across.x, down.x * across.y, down.y * across.x, down.y * across.y));
}

fn spread(packed: vec4<u32>, factors: vec4<f32>) -> vec4<f32> {
    let right = (packed & vec4(1u)) != vec4(0u);
    let lower = (packed & vec4(2u)) != vec4(0u);
    let above = select(vec4(factors.x), vec4(factors.y), right);
    return gradient_of(packed) * select(above, select(vec4(factors.z), vec4(factors.w), right), lower);
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    if (k >= K) { return mat4x4<f32>(); }
    let at = rows.at + vec4(k / 4u);
    let factors = rows.factors;
    return mat4x4(spread(four_words(dy[at.x]), factors), spread(four_words(dy[at.y]), factors), spread(four_words(dy[at.z]), factors), spread(four_words(dy[at.w]), factors));
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    let at = ((batch * COLS + min(col, COLS - 4u)) * K + min(k, K - 4u)) / 4u;
    return transpose(mat4x4(four(u[at]), four(u[at + K / 4u]), four(u[at + K / 2u]), four(u[at + K / 4u * 3u])));
}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row < ROWS && col < COLS) { write((batch * ROWS + row) * COLS + col, 4u, sum); }
}
