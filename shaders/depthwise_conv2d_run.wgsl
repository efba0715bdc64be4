// The image that a depthwise convolution by rows reads, and what an invocation writes: four channels of PIXELS pixels in a row.

@group(0) @binding(0) var<storage, read> source: array<Four>;

// Rows run over the batch.
struct Run { row: u32, x: u32, channel: u32 }

fn run_of(index: u32) -> Run {
    let run = index / (C / 4u);
    return Run(run / RUNS, run % RUNS * PIXELS, index % (C / 4u) * 4u);
}
