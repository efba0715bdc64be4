// v[4 r + c, window, i] = (B^T d B)[r, c], where d is the 4x4 input tile under a pool window in channel i,
// with B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]
//
// One invocation computes four channels of one row of windows; the tiles of neighbouring windows share two columns.
// x: [BATCH, H, W, C_IN], v: [16, WINDOWS, C_IN]. C_IN divides by four.

@group(0) @binding(0) var<storage, read> x_values: array<Four>;
@group(0) @binding(1) var<storage, read_write> v: array<Four>;

const FOURS: u32 = C_IN / 4u;

// Four channels of a pixel, zero in the padding.
fn x_at(image: u32, y: i32, x: i32, i: u32) -> vec4<f32> {
    let inside = !PADDED || (u32(y) < H && u32(x) < W);
    let at = select(0u, ((image * H + u32(y)) * W + u32(x)) * FOURS + i, inside);
    return select(vec4(0.0), four(x_values[at]), inside);
}

fn b_t(a: vec4<f32>, b: vec4<f32>, c: vec4<f32>, d: vec4<f32>) -> mat4x4<f32> {
    return mat4x4(a - c, b + c, c - b, b - d);
}

// B^T applied to one column of four pixels.
fn column(image: u32, y: i32, x: i32, i: u32) -> mat4x4<f32> {
    return b_t(x_at(image, y, x, i), x_at(image, y + 1, x, i), x_at(image, y + 2, x, i), x_at(image, y + 3, x, i));
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let linear_id = (group.y * GRID_X + group.x) * 64u + lane;
    if (linear_id >= COUNT) { return; }
    let i = linear_id % FOURS;
    let row = linear_id / FOURS;
    let image = row / POOL_OH;
    let y = i32(row % POOL_OH * 2u) - i32(PAD_Y);
    var a = column(image, y, -i32(PAD_X), i);
    var b = column(image, y, 1 - i32(PAD_X), i);
    for (var wx = 0u; wx < POOL_OW; wx++) {
        let x = i32(wx * 2u) - i32(PAD_X);
        let c = column(image, y, x + 2, i);
        let d = column(image, y, x + 3, i);
        let at = (row * POOL_OW + wx) * FOURS + i;
        for (var r = 0u; r < 4u; r++) { // unroll
            let line = b_t(a[r], b[r], c[r], d[r]);
            for (var j = 0u; j < 4u; j++) { // unroll
                v[(r * 4u + j) * (WINDOWS * FOURS) + at] = as_four(line[j]);
            }
        }
        a = c;
        b = d;
    }
}
