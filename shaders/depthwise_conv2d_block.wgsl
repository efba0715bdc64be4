// What an invocation of a depthwise convolution by blocks writes: four channels of LINES x PIXELS pixels.

struct Block { image: u32, y: u32, x: u32, channel: u32 }

fn block_of(index: u32) -> Block {
    let block = index / (C / 4u);
    let down = block / RUNS;
    return Block(down / DOWN, down % DOWN * LINES, block % RUNS * PIXELS, index % (C / 4u) * 4u);
}

// Index of the first channel of a pixel of the output.
fn to_index(block: Block, line: u32, pixel: u32) -> u32 {
    return (((block.image * TO_H + block.y + line) * TO_W) + block.x + pixel) * C + block.channel;
}
