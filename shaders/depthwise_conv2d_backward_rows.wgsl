// to[n, y, x, c] = sum over ky, kx of
//     from[n, (y + PAD_Y - ky DILATION_Y) / SY, (x + PAD_X - kx DILATION_X) / SX, c] w[ky, kx, c], then the gate
//
// over the taps for which both quotients are integers: the gradient w.r.t. the input. One invocation computes four channels of PIXELS
// pixels in a row, for which it loads each of the SPAN pixels under a row of taps once. SX divides PIXELS, so that which taps count for
// which pixel is known here. from: [BATCH, FROM_H, FROM_W, C], weights: [KH, KW, C], to (bound as `out`): [BATCH, TO_H, TO_W, C].

// Added to x - kx DILATION_X, so that it is not negative, and divided by SX an index of the loaded pixels.
const OFFSET: u32 = PAD_X + BEFORE * SX;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = (group.y * GRID_X + group.x) * 64u + lane;
    if (index >= COUNT) { return; }
    let run = run_of(index);
    let c = run.channel;
    let row = run.row;
    let x = run.x;
    var sums: array<vec4<f32>, PIXELS>;
    for (var ky = 0u; ky < KH; ky++) {
        // Before the image these wrap to large numbers.
        let y = row % TO_H + PAD_Y - ky * DILATION_Y;
        if (y % SY != 0u || y / SY >= FROM_H) { continue; }
        let first = (row / TO_H * FROM_H + y / SY) * FROM_W;
        var values: array<vec4<f32>, SPAN>;
        for (var i = 0u; i < SPAN; i++) { // unroll
            let from_x = x / SX + i - BEFORE;
            if (from_x < FROM_W) { values[i] = four(source[((first + from_x) * C + c) / 4u]); }
        }
        for (var kx = 0u; kx < KW; kx++) { // unroll
            let w = weights_four((ky * KW + kx) * C + c);
            for (var p = 0u; p < PIXELS; p++) { // unroll
                if ((p + OFFSET - kx * DILATION_X) % SX == 0u) {
                    sums[p] += values[(p + OFFSET - kx * DILATION_X) / SX] * w;
                }
            }
        }
    }
    for (var p = 0u; p < PIXELS; p++) { // unroll
        if (x + p < TO_W) {
            let at = (row * TO_W + x + p) * C + c;
            write(at, 4u, apply_gate(at, 4u, sums[p]));
        }
    }
}
