// y[n, oy, ox, c] = max over ky, kx of x[n, oy SY + ky - PAD_Y, ox SX + kx - PAD_X, c], taps in the padding ignored;
// argmax[n, oy, ox, c] = ky PW + kx of the first tap at which x equals y
//
// One invocation computes LANE_CHANNELS channels of one output pixel: 4, or 1 where C does not divide by four.
// x: [BATCH, H, W, C], y (bound as `out`) and argmax: [BATCH, OH, OW, C].

@group(0) @binding(0) var<storage, read> x: array<Four>;

fn x_at(i: u32) -> vec4<f32> { return lanes_of(four(x[i / 4u]), i, C_BY_4); }

// With MIN, the minima: minus the maxima of -x.
fn signed(value: vec4<f32>) -> vec4<f32> { return select(value, -value, MIN); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANE_CHANNELS;
    if (at >= COUNT) { return; }
    let c = at % C;
    let pixel = at / C;
    let image = pixel / (OH * OW);
    let y0 = i32(pixel / OW % OH * SY) - i32(PAD_Y);
    let x0 = i32(pixel % OW * SX) - i32(PAD_X);
    var best = vec4(0.0);
    var best_offset = vec4(0u);
    var found = false;
    for (var ky = 0u; ky < PH; ky++) {
        for (var kx = 0u; kx < PW; kx++) {
            let iy = u32(y0 + i32(ky));
            let ix = u32(x0 + i32(kx));
            if (iy < H && ix < W) {
                let value = signed(x_at(((image * H + iy) * W + ix) * C + c));
                let better = is_better(value, best) | vec4(!found);
                best = select(best, value, better);
                best_offset = select(best_offset, vec4(ky * PW + kx), better);
                found = true;
            }
        }
    }
    write(at, LANE_CHANNELS, signed(best));
    write_argmax(at, LANE_CHANNELS, best_offset);
}
