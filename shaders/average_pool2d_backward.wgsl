// dx[n, iy, ix, c] = sum of dy[n, oy, ox, c] / (pixels of the window inside the image) over the windows that cover (iy, ix)
//
// One invocation computes LANE_CHANNELS channels of one input pixel: 4, or 1 where C does not divide by four.
// dy: [BATCH, OH, OW, C], dx (bound as `out`): [BATCH, H, W, C].

@group(0) @binding(0) var<storage, read> dy: array<Four>;

fn dy_at(i: u32) -> vec4<f32> { return lanes_of(four(dy[i / 4u]), i, C_BY_4); }

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
    for (var oy = first_window(py, PH, SY); oy <= last_y; oy++) {
        for (var ox = first_window(px, PW, SX); ox <= last_x; ox++) {
            sum += dy_at(((image * OH + oy) * OW + ox) * C + c) / pixels_inside(oy, ox);
        }
    }
    write(at, LANE_CHANNELS, apply_gate(at, LANE_CHANNELS, sum));
}
