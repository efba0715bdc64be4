// dw[ky, kx, i, o] = sum over pool windows of dy[window, o] x[pixel under tap (ky, kx) of the argmax for o, i];
// the row after those of dw is db[o] = sum over pool windows of dy[window, o]
//
// For 2x2 pools and convolutions with stride 1 and kernels up to three wide, on subgroups of eight. One workgroup
// computes 32 filters (four per lane), CHANNELS input channels and KERNEL_ROWS kernel rows, which read PAIRS pairs of
// input rows. For each pool window, lane l loads the input pixel (l / 4, l % 4) down and right of the one under
// tap (ky, 0) of window offset (0, 0). Tap kx of window offset (py, px) is then held by lane 4 py + px + kx, from which
// each filter reads by shuffle. dy: [WINDOWS, COLS] of tagged gradients (see tagged_gradient.wgsl),
// out: [SPLIT_K, ROWS, COLS].

// Four channels of a pixel, zero out of bounds. Lanes beyond the last tap may be out of bounds too, but are not read.
fn x_at(image: u32, y: i32, x: i32, channel: u32) -> vec4<f32> {
    let inside = u32(y) < H && u32(x) < W;
    return select(vec4(0.0), x_channels(select(0u, (image * H + u32(y)) * W + u32(x), inside), channel), inside);
}

// The pair of rows that straddles two pairs: the second row of the first pair, then the first row of the second pair.
fn between(first: vec4<f32>, second: vec4<f32>, lane: u32) -> vec4<f32> {
    let other = (lane + 4u) % 8u;
    return select(subgroupShuffle(second, other), subgroupShuffle(first, other), lane < 4u);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let col = group.x * 32u + lane * 4u;
    let channel = group.y * CHANNELS;
    let ky = group.z % ROW_BLOCKS * KERNEL_ROWS;
    let split = group.z / ROW_BLOCKS;
    let end = min((split + 1u) * WINDOWS_PER_SPLIT, WINDOWS);

    var bias = vec4(0.0);
    var sums: array<vec4<f32>, SUMS>;
    for (var first = split * WINDOWS_PER_SPLIT; first < end; first += UNROLL) {
        var dy_of: array<vec4<f32>, UNROLL>;
        var tap_0: array<vec4<u32>, UNROLL>;
        var pixels: array<vec4<f32>, UNROLL * PAIRS * FOURS>;
        for (var q = 0u; q < UNROLL; q++) { // unroll
            let window = min(first + q, WINDOWS - 1u);
            let tagged = dy_words(window, col);
            dy_of[q] = select(vec4(0.0), gradient_of(tagged), first + q < end);
            tap_0[q] = (tagged & vec4(2u)) * 2u + (tagged & vec4(1u));
            bias += dy_of[q];
            let image = window / (POOL_OH * POOL_OW);
            let y = i32(window / POOL_OW % POOL_OH * 2u + lane / 4u + ky) - i32(PAD_Y);
            let px = i32(window % POOL_OW * 2u + lane % 4u) - i32(PAD_X);
            for (var pair = 0u; pair < PAIRS; pair++) { // unroll
                for (var j = 0u; j < FOURS; j++) { // unroll
                    pixels[(q * PAIRS + pair) * FOURS + j] = x_at(image, y + i32(pair * 2u), px, channel + j * 4u);
                }
            }
        }
        for (var r = 0u; r < KERNEL_ROWS; r++) { // unroll
            for (var j = 0u; j < FOURS; j++) { // unroll
                var x_of: array<vec4<f32>, UNROLL>;
                for (var q = 0u; q < UNROLL; q++) { // unroll
                    x_of[q] = pixels[(q * PAIRS + r / 2u) * FOURS + j];
                    if (r % 2u == 1u) {
                        x_of[q] = between(x_of[q], pixels[(q * PAIRS + (r + 1u) / 2u) * FOURS + j], lane);
                    }
                }
                for (var c = 0u; c < LANES_OF_FOUR; c++) { // unroll
                    for (var kx = 0u; kx < KW; kx++) { // unroll
                        var sum = sums[(r * KW + kx) * CHANNELS + j * 4u + c];
                        for (var q = 0u; q < UNROLL; q++) { // unroll
                            let from_lane = tap_0[q] + vec4(kx);
                            sum += vec4(
                                subgroupShuffle(x_of[q][c], from_lane.x),
                                subgroupShuffle(x_of[q][c], from_lane.y),
                                subgroupShuffle(x_of[q][c], from_lane.z),
                                subgroupShuffle(x_of[q][c], from_lane.w),
                            ) * dy_of[q];
                        }
                        sums[(r * KW + kx) * CHANNELS + j * 4u + c] = sum;
                    }
                }
            }
        }
    }
    for (var r = 0u; r < KERNEL_ROWS; r++) { // unroll
        for (var kx = 0u; kx < KW; kx++) { // unroll
            for (var c = 0u; c < CHANNELS; c++) { // unroll
                let row = ((ky + r) * KW + kx) * C_IN + channel + c;
                store(split, row, 0u, col, sums[(r * KW + kx) * CHANNELS + c]);
            }
        }
    }
    if (channel == 0u && ky == 0u) { store(split, ROWS - 1u, 0u, col, bias); }
}
