// loss = mean over n of weight (softplus(z[n]) - y z[n]), y = label[n] (1 - SMOOTHING) + SMOOTHING / 2, over the images of all ranks
// metrics[batch_index] = (loss, number of images whose label is 1 just where sigmoid(z) > 1/2)
//
// TRAINS: rows[n] = weight (sigmoid(z[n]) - y) / images of all ranks; else rows[batch_index, n] = sigmoid(z[n]); zero past the images of
// a short batch. One workgroup: each invocation takes every 64th image, the first adds up in order. z: [BATCH], labels: [uploaded
// batches, BATCH], metrics: [uploaded batches, 2].

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
        let label = min(labels[step.batch_index * BATCH + n], 1u);
        let is_one = label == 1u;
        let logit = z[n];
        let small = exp(-abs(logit));
        let larger = 1.0 / (1.0 + small);
        let smaller = small / (1.0 + small);
        let one = select(larger, smaller, logit < 0.0);
        let zero = select(smaller, larger, logit < 0.0);
        let weight = weight_of(label);
        if (TRAINS) {
            // No difference of two numbers near one.
            let gradient = select(one - 0.5 * SMOOTHING, 0.5 * SMOOTHING - zero, is_one);
            rows[n] = select(0.0, gradient * weight / f32(step.global_images), in_batch);
        } else {
            rows[step.batch_index * BATCH + n] = select(0.0, one, in_batch);
        }
        if (in_batch) {
            let away = select(logit, -logit, is_one);
            let loss = relu(vec4(away)).x + log(1.0 + small) - 0.5 * SMOOTHING * away;
            sum += vec2(loss * weight, select(0.0, 1.0, (one > 0.5) == is_one));
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
        var all = vec2(0.0);
        for (var i = 0u; i < 64u; i++) { all += partial[i]; }
        metrics[step.batch_index] = vec2(all.x / f32(step.global_images), all.y);
    }
}
