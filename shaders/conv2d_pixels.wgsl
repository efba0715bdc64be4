// Which output pixel of a convolution a row is: rows run over (image, window of the pool, position in it). Without a pool
// a window is one pixel.

fn pixel_image(row: vec4<u32>) -> vec4<u32> {
    return row / (WINDOW_LEN * POOL_OH * POOL_OW);
}

fn pixel_y(row: vec4<u32>) -> vec4<u32> {
    return row / (WINDOW_LEN * POOL_OW) % POOL_OH * POOL_SY + row % WINDOW_LEN / POOL_W;
}

fn pixel_x(row: vec4<u32>) -> vec4<u32> {
    return row / WINDOW_LEN % POOL_OW * POOL_SX + row % WINDOW_LEN % POOL_W;
}
