// dx[n, i] = sum over u of dy[n, u] w[i, u]
//
// As a matrix product, rows are images, columns are inputs and k runs over units. dy: [BATCH, K], weights: [COLS, K],
// dx: [BATCH, COLS].

fn tap_of(k: u32) -> u32 { return 0u; }

fn row_of_out(row: u32) -> u32 { return row; }

struct Rows { image: vec4<u32> }

fn rows_at(first: u32) -> Rows {
    return Rows(min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)));
}

fn dy_at(image: u32, k: u32) -> f32 {
    return select(0.0, bitcast<f32>(dy_one(image * K + min(k, K - 1u))), k < K);
}

fn dy_row(image: u32, k: u32) -> vec4<f32> {
    if (C_OUT_BY_4) { return select(vec4(0.0), bitcast<vec4<f32>>(dy_four(image * (K / 4u) + term_or(k, K - 4u) / 4u)), is_term(k)); }
    return vec4(dy_at(image, k), dy_at(image, k + 1u), dy_at(image, k + 2u), dy_at(image, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(dy_row(rows.image.x, k), dy_row(rows.image.y, k), dy_row(rows.image.z, k), dy_row(rows.image.w, k));
}
