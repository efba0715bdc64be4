// y[n, u] = act(b[u] + sum over i of x[n, i] w[i, u])
//
// As a matrix product, rows are images, columns are units and k runs over inputs. x: [BATCH, K], weights: [K, COLS]
// and maybe the bias [COLS], y: [BATCH, COLS] (the partial sums [SPLIT_K, BATCH, COLS] where the sum is split).

@group(0) @binding(0) var<storage, read> x: array<Four>;

struct Rows { image: vec4<u32> }

fn rows_at(first: u32) -> Rows {
    return Rows(min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(ROWS - 1u)));
}

fn x_at(image: u32, k: u32) -> f32 {
    let i = image * K + min(k, K - 1u);
    return select(0.0, four(x[i / 4u])[i % 4u], k < K);
}

fn x_row(image: u32, k: u32) -> vec4<f32> {
    if (K_BY_4) { return select(vec4(0.0), four(x[(image * K + min(k, K - 4u)) / 4u]), k < K); }
    return vec4(x_at(image, k), x_at(image, k + 1u), x_at(image, k + 2u), x_at(image, k + 3u));
}

fn a_tile(rows: Rows, k: u32) -> mat4x4<f32> {
    return mat4x4(x_row(rows.image.x, k), x_row(rows.image.y, k), x_row(rows.image.z, k), x_row(rows.image.w, k));
}
