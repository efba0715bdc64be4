// y[n, wy, wx, o] = act(b[o] + max over the offsets of pool window (wy, wx) of the convolution there), and the argmax
//
// For few input channels, on subgroups of eight. One workgroup computes 32 filters (four per lane) of one row of pool
// windows. The input patch under a window, [PATCH / (PATCH_W C_IN), PATCH_W, C_IN], is loaded as LOADS values per lane
// and broadcast to all lanes by shuffles. x: [BATCH, H, W, C_IN] of x_single.wgsl, weights: [K, COLS] followed by the bias [COLS],
// out and argmax: [BATCH, POOL_OH, POOL_OW, COLS].

// Element `at` of the patch whose first pixel is (y, x); zero past the end of the patch and in the zero padding.
fn patch_at(image: u32, y: i32, x: i32, at: u32) -> f32 {
    let py = y + i32(at / (PATCH_W * C_IN));
    let px = x + i32(at / C_IN % PATCH_W);
    let inside = at < PATCH && (!PADDED || (u32(py) < H && u32(px) < W));
    let i = select(0u, ((image * H + u32(py)) * W + u32(px)) * C_IN + at % C_IN, inside);
    return select(0.0, x_one(i), inside);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let workgroup = group.y * GRID_X + group.x;
    let col = workgroup % BLOCKS * 32u + lane * 4u;
    let row = workgroup / BLOCKS;
    let image = row / POOL_OH;
    if (image >= BATCH) { return; }
    let y = i32(row % POOL_OH * POOL_SY * SY) - i32(PAD_Y);

    var w: array<vec4<f32>, K>;
    for (var k = 0u; k < K; k++) { // unroll
        w[k] = w_row(k, col);
    }
    let bias = bias_row(col);
    for (var wx = 0u; wx < POOL_OW; wx++) {
        let x = i32(wx * POOL_SX * SX) - i32(PAD_X);
        var loaded: array<f32, LOADS>;
        for (var i = 0u; i < LOADS; i++) { // unroll
            loaded[i] = patch_at(image, y, x, i * 8u + lane);
        }
        var value: array<f32, PATCH>;
        for (var i = 0u; i < PATCH; i++) { // unroll
            value[i] = subgroupShuffle(loaded[i / 8u], i % 8u);
        }
        for (var p = 0u; p < WINDOW_LEN; p++) { // unroll
            var sum = vec4(0.0);
            for (var k = 0u; k < K; k++) { // unroll
                sum += value[
                    ((p / POOL_W * SY + k / (KW * C_IN)) * PATCH_W + p % POOL_W * SX + k / C_IN % KW) * C_IN + k % C_IN
                ] * w[k];
            }
            consider(p, sum);
        }
        if (col < COLS) { write_pooled((row * POOL_OW + wx) * COLS + col, COLS - col, bias); }
    }
}
