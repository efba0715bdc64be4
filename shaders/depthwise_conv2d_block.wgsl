// What an invocation of a depthwise convolution by blocks writes, and which pixels it reads: in the forward pass
//     to[n, y, x, c] = act(b[c] + sum over ky, kx of from[n, y SY + ky DILATION_Y - PAD_Y, x SX + kx DILATION_X - PAD_X, c] w[ky, kx, c])
// and in the gradient w.r.t. the input, over the taps for which both quotients are integers,
//     to[n, y, x, c] = sum over ky, kx of from[n, (y + PAD_Y - ky DILATION_Y) / SY, (x + PAD_X - kx DILATION_X) / SX, c] w[ky, kx, c]
// after its gate. The latter is the former with the taps in reverse order (REVERSED): along an axis, pixel `to` reads pixel
//     (to STEP + tap DILATION + OFFSET) / APART - BACK
//
// One invocation has four channels of LINES x PIXELS pixels. APART divides both, so that which taps count for which pixel is known here.
// from: [BATCH, FROM_H, FROM_W, C or 1], weights: [KH, KW, C] and with BIAS [C], to (bound as `out`): [BATCH, TO_H, TO_W, C].

struct Block { image: u32, y: u32, x: u32, channel: u32 }

fn block_of(index: u32) -> Block {
    let block = index / (C / 4u);
    let down = block / RUNS;
    return Block(down / DOWN, down % DOWN * LINES, block % RUNS * PIXELS, index % (C / 4u) * 4u);
}

// The weights of a tap, counted from the first pixel that is read.
fn weights_of(tap: u32, channel: u32) -> vec4<f32> {
    return weights_four((select(tap, TAPS - 1u - tap, REVERSED) * C + channel) / 4u);
}

fn bias_of(channel: u32) -> vec4<f32> {
    if (BIAS) { return weights_four((TAPS * C + channel) / 4u); }
    return vec4(0.0);
}

// Stores a pixel of the block, if the image has it.
fn store_pixel(block: Block, line: u32, pixel: u32, sum: vec4<f32>) {
    let y = block.y + line;
    let x = block.x + pixel;
    if (y >= TO_H || x >= TO_W) { return; }
    let at = ((block.image * TO_H + y) * TO_W + x) * C + block.channel;
    write(at, 4u, apply_gate(at, 4u, select(sum, relu(sum), RELU)));
}
