// dx[n, iy, ix, c] = sum over ky, kx, j of dy[n, oy, ox, c MULTIPLIER + j] w[ky, kx, c MULTIPLIER + j], then the gate
//
// over the taps through which an output pixel (oy, ox) reads (iy, ix). One invocation computes LANES channels of one input pixel:
// 4, or 1 where four does not divide C. dy: [BATCH, OH, OW, C MULTIPLIER], weights: [KH, KW, C MULTIPLIER] and maybe a bias,
// dx (bound as `out`): [BATCH, H, W, C].

@group(0) @binding(0) var<storage, read> dy: array<Four>;

const OUTPUTS: u32 = C * MULTIPLIER;

fn dy_one(i: u32) -> f32 { return four(dy[i / 4u])[i % 4u]; }

// The product of gradient and weight for filter j of the LANES channels from `c` on.
fn product(pixel: u32, tap: u32, c: u32, j: u32) -> vec4<f32> {
    let d = pixel * OUTPUTS + c * MULTIPLIER + j;
    let w = tap * OUTPUTS + c * MULTIPLIER + j;
    if (!BY_4) { return vec4(dy_one(d) * weights_one(w)); }
    if (MULTIPLIER == 1u) { return four(dy[d / 4u]) * weights_four(w / 4u); }
    let gradients = vec4(dy_one(d), dy_one(d + MULTIPLIER), dy_one(d + 2u * MULTIPLIER), dy_one(d + 3u * MULTIPLIER));
    return gradients * vec4(
        weights_one(w),
        weights_one(w + MULTIPLIER),
        weights_one(w + 2u * MULTIPLIER),
        weights_one(w + 3u * MULTIPLIER),
    );
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (at >= COUNT) { return; }
    let c = at % C;
    let pixel = at / C;
    let image = pixel / (H * W);
    let py = pixel / W % H + PAD_Y;
    let px = pixel % W + PAD_X;
    var sum = vec4(0.0);
    for (var ky = 0u; ky < KH; ky++) {
        // Where the tap lies before the image these wrap to large numbers.
        let ty = py - ky * DILATION_Y;
        if (ty % SY != 0u || ty / SY >= OH) { continue; }
        for (var kx = 0u; kx < KW; kx++) {
            let tx = px - kx * DILATION_X;
            if (tx % SX != 0u || tx / SX >= OW) { continue; }
            let out_pixel = (image * OH + ty / SY) * OW + tx / SX;
            for (var j = 0u; j < MULTIPLIER; j++) { sum += product(out_pixel, ky * KW + kx, c, j); }
        }
    }
    write(at, LANES, apply_gate(at, LANES, sum));
}
