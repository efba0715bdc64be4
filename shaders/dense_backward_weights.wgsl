// dw[i, u] = sum over n of x[n, i] dy[n, u]; with a bias, the row after those of dw is db[u] = sum over n of dy[n, u]
//
// As a matrix product, rows are inputs followed by one row of ones for the bias, columns are units and k runs over
// images. x: [K, INPUTS] of x_by_4.wgsl or x_single.wgsl, dy: [K, COLS], dw: [SPLIT_K, ROWS, COLS].

struct Rows { first: u32 }

fn rows_at(first: u32) -> Rows {
    return Rows(first);
}

fn x_at(image: u32, row: u32) -> f32 {
    return select(x_one(min(image, K - 1u) * INPUTS + min(row, INPUTS - 1u)), 1.0, row >= INPUTS);
}

// Four inputs of one image; zero if the image lies past the end of the batch.
fn x_col(image: u32, row: u32) -> vec4<f32> {
    if (!is_term(image)) { return vec4(0.0); }
    if (INPUTS_BY_4) {
        return select(x_four(image * (INPUTS / 4u) + min(row / 4u, (INPUTS - 1u) / 4u)), vec4(1.0), row >= INPUTS);
    }
    return vec4(x_at(image, row), x_at(image, row + 1u), x_at(image, row + 2u), x_at(image, row + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    let row = rows.first;
    return transpose(mat4x4(x_col(k, row), x_col(k + 1u, row), x_col(k + 2u, row), x_col(k + 3u, row)));
}
