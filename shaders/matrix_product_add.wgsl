// SCALE times a product, and the term ADD D. d: [ROWS, COLS].

@group(0) @binding(2) var<storage, read> d: array<Four>;

fn d_at(i: u32) -> f32 {
    let last = min(i, ROWS * COLS - 1u);
    return four(d[last / 4u])[last % 4u];
}

fn with_term(at: u32, col: u32, product: vec4<f32>) -> vec4<f32> {
    if (COLS_BY_4) { return SCALE * product + ADD * four(d[at / 4u]); }
    return SCALE * product + ADD * vec4(d_at(at), d_at(at + 1u), d_at(at + 2u), d_at(at + 3u));
}
