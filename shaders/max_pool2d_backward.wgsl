// dx[n, iy, ix, c] = sum of dy[n, oy, ox, c] over the windows (oy, ox) whose argmax is the pixel (iy, ix)
//
// One invocation computes LANE_CHANNELS channels of one input pixel: 4, or 1 where C does not divide by four.
// dy and argmax: [BATCH, OH, OW, C], dx (bound as `out`): [BATCH, H, W, C].

@group(0) @binding(0) var<storage, read> dy: array<Four>;
@group(0) @binding(1) var<storage, read> argmax: array<Four>;

// The gradient that window (oy, ox) contributes to the pixel at padded coordinates (py, px), for channels [c, c + 4).
fn window_gradient(image: u32, oy: u32, ox: u32, py: u32, px: u32, c: u32) -> vec4<f32> {
    let window_offset = vec4((py - oy * SY) * PW + px - ox * SX);
    let o = ((image * OH + oy) * OW + ox) * C + c;
    if (C_BY_4) { return select(vec4(0.0), four(dy[o / 4u]), four_words(argmax[o / 4u]) == window_offset); }
    return vec4(select(0.0, four(dy[o / 4u])[o % 4u], four_words(argmax[o / 4u])[o % 4u] == window_offset.x));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANE_CHANNELS;
    if (at >= COUNT) { return; }
    let c = at % C;
    let pixel = at / C;
    let image = pixel / (H * W);
    let py = pixel / W % H + PAD_Y;
    let px = pixel % W + PAD_X;
    let last_y = min(py / SY, OH - 1u);
    let last_x = min(px / SX, OW - 1u);
    var sum = vec4(0.0);
    if (PH <= SY && PW <= SX) {
        // Windows do not overlap, so only the last one that starts at or before the pixel can cover it.
        if (py - last_y * SY < PH && px - last_x * SX < PW) {
            sum = window_gradient(image, last_y, last_x, py, px, c);
        }
    } else {
        for (var oy = first_window(py, PH, SY); oy <= last_y; oy++) {
            for (var ox = first_window(px, PW, SX); ox <= last_x; ox++) {
                sum += window_gradient(image, oy, ox, py, px, c);
            }
        }
    }
    write(at, LANE_CHANNELS, apply_gate(at, LANE_CHANNELS, sum));
}
