// dx[n, y, x, i] = sum over the pool windows whose 4x4 input tile covers (y, x) of (B dv B^T)[that pixel in the tile],
// for channel i, with B = [1 0 0 0; 0 1 -1 1; -1 1 1 0; 0 0 0 -1]
//
// One invocation computes four channels of one image, window by window. The tiles of neighbouring windows overlap: by
// two columns within a row of windows, which are accumulated in registers, and by two rows between rows of windows,
// which are accumulated in dx. dv: [16, WINDOWS, C_IN], dx (bound as `out`): [BATCH, H, W, C_IN]. C_IN divides by four.

@group(0) @binding(0) var<storage, read> dv: array<Four>;

const FOURS: u32 = C_IN / 4u;

fn b_of(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> mat4x4<f32> {
    return mat4x4(a, b - c + d, b + c - a, -d);
}

// B applied to column c of the 4x4 matrix dv of one window (one element from each of the 16 products).
fn column(at: u32, c: u32) -> mat4x4<f32> {
    const PLANE: u32 = WINDOWS * FOURS;
    let first = at + c * PLANE;
    return b_of(
        four(dv[first]),
        four(dv[first + PLANE * 4u]),
        four(dv[first + PLANE * 8u]),
        four(dv[first + PLANE * 12u]),
    );
}

// Adds `value` to a pixel of dx. `begun`: an earlier row of windows has written a partial sum there; `done`: no later
// row adds to it, so the gate is applied.
fn add(image: u32, y: i32, x: i32, i: u32, value: vec4<f32>, begun: bool, done: bool) {
    if (PADDED && (u32(y) >= H || u32(x) >= W)) { return; }
    let at = ((image * H + u32(y)) * W + u32(x)) * FOURS + i;
    var sum = value;
    if (begun) { sum += four(out[at]); }
    if (done) { sum = apply_gate(at * 4u, 4u, sum); }
    out[at] = as_four(sum);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let linear_id = (group.y * GRID_X + group.x) * 64u + lane;
    if (linear_id >= COUNT) { return; }
    let image = linear_id / FOURS;
    let i = linear_id % FOURS;
    for (var wy = 0u; wy < POOL_OH; wy++) {
        let y = i32(wy * 2u) - i32(PAD_Y);
        let begun = wy > 0u;
        let last = wy + 1u == POOL_OH;
        // The contribution of the window to the left to the first two columns of this window's tile.
        var left_0 = mat4x4<f32>();
        var left_1 = mat4x4<f32>();
        for (var wx = 0u; wx < POOL_OW; wx++) {
            let x = i32(wx * 2u) - i32(PAD_X);
            let at = ((image * POOL_OH + wy) * POOL_OW + wx) * FOURS + i;
            let a = column(at, 0u);
            let b = column(at, 1u);
            let c = column(at, 2u);
            let d = column(at, 3u);
            for (var r = 0u; r < 4u; r++) { // unroll
                let line = b_of(a[r], b[r], c[r], d[r]);
                add(image, y + i32(r), x, i, left_0[r] + line[0], begun && r < 2u, last || r < 2u);
                add(image, y + i32(r), x + 1, i, left_1[r] + line[1], begun && r < 2u, last || r < 2u);
                left_0[r] = line[2];
                left_1[r] = line[3];
            }
        }
        let x = i32(POOL_OW * 2u) - i32(PAD_X);
        for (var r = 0u; r < 4u; r++) { // unroll
            add(image, y + i32(r), x, i, left_0[r], begun && r < 2u, last || r < 2u);
            add(image, y + i32(r), x + 1, i, left_1[r], begun && r < 2u, last || r < 2u);
        }
    }
    // Pixels that no window covers have gradient zero.
    const COVERED_H: u32 = POOL_OH * 2u + 2u - PAD_Y;
    const COVERED_W: u32 = POOL_OW * 2u + 2u - PAD_X;
    for (var y = 0u; y < H; y++) {
        for (var x = select(COVERED_W, 0u, y >= COVERED_H); x < W; x++) {
            out[((image * H + y) * W + x) * FOURS + i] = as_four(vec4(0.0));
        }
    }
}
