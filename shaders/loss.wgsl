// metrics[batch_index] = (mean over n of loss[n], over the images of all ranks; number of correct predictions)
//
// One workgroup: each invocation takes every 64th image, the first adds up in order. z: [BATCH, outputs], labels: [uploaded batches,
// BATCH], metrics: [uploaded batches, 2]. The file of the loss has `image`, which returns loss[n] and 1 for a correct prediction, and writes
// the gradient w.r.t. z[n], or in inference the prediction, to `rows`: zero past the images of a short batch.

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> rows: array<f32>;
@group(0) @binding(3) var<storage, read_write> metrics: array<vec2<f32>>;

var<workgroup> partial: array<vec2<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = vec2(0.0);
    for (var n = lane; n < BATCH; n += 64u) {
        let in_batch = n < step.images;
        let scores = image(n, min(labels[step.batch_index * BATCH + n], CLASSES - 1u), in_batch);
        if (in_batch) { sum += scores; }
    }
    partial[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
        var all = vec2(0.0);
        for (var i = 0u; i < 64u; i++) { all += partial[i]; }
        metrics[step.batch_index] = vec2(all.x / f32(step.global_images), all.y);
    }
}
