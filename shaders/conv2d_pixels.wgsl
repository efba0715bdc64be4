// Maps a row of the matrix product to its output pixel (image, y, x). Rows run over (image, pool window, window
// offset); without a pool, each window is a single pixel. Remainders stand before quotients: NVIDIA's compiler (driver 580) crashes
// on `v / B % C * B + v % B` of a vector, where C is no power of two.

fn pixel_image(row: vec4<u32>) -> vec4<u32> {
    return row / (WINDOW_LEN * POOL_OH * POOL_OW);
}

fn pixel_y(row: vec4<u32>) -> vec4<u32> {
    return row % (WINDOW_LEN * POOL_OW * POOL_OH) / (WINDOW_LEN * POOL_OW) * POOL_SY + row % WINDOW_LEN / POOL_W;
}

fn pixel_x(row: vec4<u32>) -> vec4<u32> {
    return row % (WINDOW_LEN * POOL_OW) / WINDOW_LEN * POOL_SX + row % WINDOW_LEN % POOL_W;
}

// The output pixels of four rows.
struct Pixels { image: vec4<u32>, y: vec4<u32>, x: vec4<u32> }

// Those of the rows from `first` on, a multiple of four; of windows of four pixels they are one.
fn pixels_at(first: u32) -> Pixels {
    let each = vec4(0u, 1u, 2u, 3u);
    if (WINDOW_LEN == 4u) {
        let window = first / 4u;
        let y = window / POOL_OW % POOL_OH * POOL_SY;
        let x = window % POOL_OW * POOL_SX;
        return Pixels(vec4(window / (POOL_OW * POOL_OH)), vec4(y) + each / POOL_W, vec4(x) + each % POOL_W);
    }
    let row = vec4(first) + each;
    return Pixels(pixel_image(row), pixel_y(row), pixel_x(row));
}
