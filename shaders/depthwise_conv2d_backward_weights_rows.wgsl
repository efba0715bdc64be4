// dw[ky, kx, c] = sum over n, oy, ox of
//     x[n, oy STEP_Y + ky DILATION_Y - BACK_Y, ox STEP_X + kx DILATION_X - BACK_X, c] dy[n, oy, ox, c]
// and with BIAS, after dw, db[c] = sum over n, oy, ox of dy[n, oy, ox, c]
//
// One invocation sums four channels of a row of taps, or of the bias, over the ROWS_PER_SPLIT rows of output pixels of its split,
// PIXELS at a time, for which it loads each of the SPAN_X pixels under a row of taps once.
// x: [BATCH, FROM_H, FROM_W, C or 1], dy: [BATCH, TO_H, TO_W, C], dw (bound as `out`): [splits, KH KW + BIAS, C].

@group(0) @binding(1) var<storage, read> dy: array<Four>;

const TAP_ROWS: u32 = KH + select(0u, 1u, BIAS);
const ROWS: u32 = KH * KW + select(0u, 1u, BIAS);

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = (group.y * GRID_X + group.x) * 64u + lane;
    if (index >= COUNT) { return; }
    let c = index % (C / 4u) * 4u;
    let ky = index / (C / 4u) % TAP_ROWS;
    let split = index / (C / 4u * TAP_ROWS);
    let is_bias = ky == KH;
    let end = min((split + 1u) * ROWS_PER_SPLIT, BATCH * TO_H);
    var sums: array<vec4<f32>, KW>;
    for (var row = split * ROWS_PER_SPLIT; row < end; row++) {
        // Before the image these wrap to large numbers.
        let from_y = row % TO_H * STEP_Y + ky * DILATION_Y - BACK_Y;
        if (!is_bias && from_y >= FROM_H) { continue; }
        let first = (row / TO_H * FROM_H + from_y) * FROM_W;
        for (var run = 0u; run < RUNS; run++) {
            let x = run * PIXELS;
            var gradients: array<vec4<f32>, PIXELS>;
            for (var p = 0u; p < PIXELS; p++) { // unroll
                if (x + p < TO_W) { gradients[p] = four(dy[((row * TO_W + x + p) * C + c) / 4u]); }
            }
            if (is_bias) {
                for (var p = 0u; p < PIXELS; p++) { // unroll
                    sums[0] += gradients[p];
                }
            } else {
                var values: array<vec4<f32>, SPAN_X>;
                for (var i = 0u; i < SPAN_X; i++) { // unroll
                    let from_x = x * STEP_X + i - BACK_X;
                    if (from_x < FROM_W) { values[i] = source_at(first + from_x, c); }
                }
                for (var kx = 0u; kx < KW; kx++) { // unroll
                    for (var p = 0u; p < PIXELS; p++) { // unroll
                        sums[kx] += gradients[p] * values[p * STEP_X + kx * DILATION_X];
                    }
                }
            }
        }
    }
    let to = (split * ROWS + ky * KW) * C + c;
    if (is_bias) {
        write(to, 4u, sums[0]);
    } else {
        for (var kx = 0u; kx < KW; kx++) { // unroll
            write(to + kx * C, 4u, sums[kx]);
        }
    }
}
