// dx[n, y, x, i] = sum over the windows over that pixel of (B dv B^T)[its linear_id in the window's 4x4], with B dv B^T of channel i
// and B = [1 0 0 0; 0 1 -1 1; -1 1 1 0; 0 0 0 -1]
//
// One invocation takes four channels of one image, window after window: neighbours in a row share two columns, which wait in
// registers, neighbours below two rows, which wait in dx. dv: [16, WINDOWS, C_IN], dx (bound as `out`): [BATCH, H, W, C_IN].
// C_IN divides by four.

@group(0) @binding(0) var<storage, read> dv: array<Four>;

const FOURS: u32 = C_IN / 4u;

fn b_of(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> mat4x4<f32> {
    return mat4x4(a, b - c + d, b + c - a, -d);
}

// B applied to column c of a window's planes.
fn column(at: u32, c: u32) -> mat4x4<f32> {
    const PLANE: u32 = WINDOWS * FOURS;
    let first = at + c * PLANE;
    return b_of(four(dv[first]), four(dv[first + PLANE * 4u]), four(dv[first + PLANE * 8u]), four(dv[first + PLANE * 12u]));
}

// Adds to a pixel that rows above began (`begun`) and hands it on once no row below adds to it (`done`).
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
        // What the window to the left adds to this one's first two columns.
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
    // Pixels that no window covers.
    const COVERED_H: u32 = POOL_OH * 2u + 2u - PAD_Y;
    const COVERED_W: u32 = POOL_OW * 2u + 2u - PAD_X;
    for (var y = 0u; y < H; y++) {
        for (var x = select(COVERED_W, 0u, y >= COVERED_H); x < W; x++) {
            out[((image * H + y) * W + x) * FOURS + i] = as_four(vec4(0.0));
        }
    }
}
