// loss = mean over n of weight sum over c of y[n, c] (log(sum over j of exp(z[n, j])) - z[n, c]), over the images of all ranks, with
// y = onehot(label) (1 - SMOOTHING) + SMOOTHING_OF_EACH, SMOOTHING_OF_EACH = SMOOTHING / CLASSES
// metrics[batch_index] = (loss, number of rows whose first largest probability is the label's)
//
// Training also writes the gradient w.r.t. the logits, inference the probabilities: the file with `write_row` says which.
// One workgroup: each invocation takes every 64th row, the first adds up in order. z: [BATCH, CLASSES], labels: [uploaded
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
        let row = n * CLASSES;
        var max_logit = z[row];
        for (var c = 1u; c < CLASSES; c++) {
            let value = z[row + c];
            if (is_better(vec4(value), vec4(max_logit)).x) { max_logit = value; }
        }
        let in_batch = n < step.images;
        let label = min(labels[step.batch_index * BATCH + n], CLASSES - 1u);
        // The label's probability less one is minus that of the others: no difference of two numbers near one.
        var others = 0.0;
        for (var c = 0u; c < CLASSES; c++) {
            if (c != label) { others += exp(z[row + c] - max_logit); }
        }
        let total = others + exp(z[row + label] - max_logit);
        // The first largest probability, not logit: logits that differ in their last bits may give equal probabilities.
        var answer = 0u;
        var best = exp(z[row] - max_logit) / total;
        for (var c = 1u; c < CLASSES; c++) {
            let probability = exp(z[row + c] - max_logit) / total;
            if (is_better(vec4(probability), vec4(best)).x) {
                best = probability;
                answer = c;
            }
        }
        write_row(n, label, max_logit, others, total, in_batch);
        if (in_batch) {
            let log_total = log(total) + max_logit;
            var loss = log_total - z[row + label];
            if (SMOOTHING > 0.0) {
                var of_all = 0.0;
                for (var c = 0u; c < CLASSES; c++) { of_all += log_total - z[row + c]; }
                loss = loss * (1.0 - SMOOTHING) + of_all * SMOOTHING_OF_EACH;
            }
            sum += vec2(loss * weight_of(label), select(0.0, 1.0, answer == label));
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
