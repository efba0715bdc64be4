// to[n, y, x, c] = act(b[c] + sum over ky, kx of
//     from[n, y SY + ky DILATION_Y - PAD_Y, x SX + kx DILATION_X - PAD_X, c] w[ky, kx, c])
//
// One invocation computes four channels of PIXELS pixels in a row, for which it loads each of the SPAN pixels under a row of taps once.
// from: [BATCH, FROM_H, FROM_W, C], weights: [KH, KW, C] and with BIAS [C], to (bound as `out`): [BATCH, TO_H, TO_W, C].

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
        let from_y = row % TO_H * SY + ky * DILATION_Y - PAD_Y;
        if (from_y >= FROM_H) { continue; }
        let first = (row / TO_H * FROM_H + from_y) * FROM_W;
        var values: array<vec4<f32>, SPAN>;
        for (var i = 0u; i < SPAN; i++) { // unroll
            let from_x = x * SX + i - PAD_X;
            if (from_x < FROM_W) { values[i] = four(source[((first + from_x) * C + c) / 4u]); }
        }
        for (var kx = 0u; kx < KW; kx++) { // unroll
            let w = weights_four((ky * KW + kx) * C + c);
            for (var p = 0u; p < PIXELS; p++) { // unroll
                sums[p] += values[p * SX + kx * DILATION_X] * w;
            }
        }
    }
    var bias = vec4(0.0);
    if (BIAS) { bias = weights_four(KH * KW * C + c); }
    for (var p = 0u; p < PIXELS; p++) { // unroll
        if (x + p < TO_W) {
            let at = (row * TO_W + x + p) * C + c;
            let sum = sums[p] + bias;
            write(at, 4u, select(sum, relu(sum), RELU));
        }
    }
}
