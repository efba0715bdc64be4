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
