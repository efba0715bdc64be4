// Matrix A of a product as it lies in memory. x: [ROWS, K] of x_by_4.wgsl or x_single.wgsl.

struct Rows { row: vec4<u32> }

fn rows_at(first: u32) -> Rows {
    return Rows(min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)));
}

fn x_at(row: u32, k: u32) -> f32 {
    return select(0.0, x_one(row * K + min(k, K - 1u)), k < K);
}

fn x_row(row: u32, k: u32) -> vec4<f32> {
    if (K_BY_4) { return select(vec4(0.0), x_four(row * (K / 4u) + term_or(k, K - 4u) / 4u), is_term(k)); }
    return vec4(x_at(row, k), x_at(row, k + 1u), x_at(row, k + 2u), x_at(row, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(x_row(rows.row.x, k), x_row(rows.row.y, k), x_row(rows.row.z, k), x_row(rows.row.w, k));
}
