// dv[p, window, i] = sum over o of (A ds A^T)[p] u[p, i, o], the batch of 16 matrix products of Winograd's algorithm,
// where ds is the 2x2 gradient w.r.t. the convolution's output in the pool window (window, o)
//
// ds is zero except at the window's argmax, where it is dy[window, o]. With p = 4 r + c, (A ds A^T)[p] is therefore
// dy[window, o] A[r, argmax / 2] A[c, argmax % 2]. Rows are pool windows, columns are input channels and k runs over
// filters. dy: [ROWS, K] of tagged gradients (see tagged_gradient.wgsl), u: [16, COLS, K],
// dv (bound as `out`): [16, ROWS, COLS]. K and COLS divide by four.

@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read> u: array<Four>;

// Index of the first vec4 of each of the four rows, and A[r, offset / 2] A[c, offset % 2] for the four window offsets.
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

// Four elements of (A ds A^T)[p], from their tagged gradients.
fn spread(tagged: vec4<u32>, factors: vec4<f32>) -> vec4<f32> {
    let right = (tagged & vec4(1u)) != vec4(0u);
    let lower = (tagged & vec4(2u)) != vec4(0u);
    let upper_factors = select(vec4(factors.x), vec4(factors.y), right);
    let lower_factors = select(vec4(factors.z), vec4(factors.w), right);
    return gradient_of(tagged) * select(upper_factors, lower_factors, lower);
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    if (k >= K) { return mat4x4<f32>(); }
    let at = rows.at + vec4(k / 4u);
    let factors = rows.factors;
    return mat4x4(
        spread(four_words(dy[at.x]), factors),
        spread(four_words(dy[at.y]), factors),
        spread(four_words(dy[at.z]), factors),
        spread(four_words(dy[at.w]), factors),
    );
}

fn b_tile(k: u32, col: u32) -> mat4x4<f32> {
    let at = ((batch * COLS + min(col, COLS - 4u)) * K + min(k, K - 4u)) / 4u;
    return transpose(mat4x4(four(u[at]), four(u[at + K / 4u]), four(u[at + K / 2u]), four(u[at + K / 4u * 3u])));
}

fn prepare_store(col: u32) {}

fn store(split: u32, row: u32, window_offset: u32, col: u32, sum: vec4<f32>) {
    if (row < ROWS && col < COLS) { write((batch * ROWS + row) * COLS + col, 4u, sum); }
}
