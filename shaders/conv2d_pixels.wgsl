// Maps a row of the matrix product to its output pixel (image, y, x). Rows run over (image, pool window, window
// offset); without a pool, each window is a single pixel.

fn pixel_image(row: vec4<u32>) -> vec4<u32> {
    return row / (WINDOW_LEN * POOL_OH * POOL_OW);
}

fn pixel_y(row: vec4<u32>) -> vec4<u32> {
    return row / (WINDOW_LEN * POOL_OW) % POOL_OH * POOL_SY + row % WINDOW_LEN / POOL_W;
}

fn pixel_x(row: vec4<u32>) -> vec4<u32> {
    return row / WINDOW_LEN % POOL_OW * POOL_SX + row % WINDOW_LEN % POOL_W;
}
