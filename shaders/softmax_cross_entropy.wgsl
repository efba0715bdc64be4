// loss = mean over n of log(sum over c of exp(z[n, c])) - z[n, label[n]]
// dz[n, c] = (softmax(z[n])[c] - [c == label[n]]) / images, zero for the rows past the images of a short batch
// metrics[slot] = (loss, number of rows whose first greatest logit is the label's)
//
// One workgroup: each invocation takes every 64th row, the first adds up in order. z and dz: [BATCH, CLASSES],
// labels: [window, BATCH], metrics: [window, 2].

@group(0) @binding(0) var<storage, read> z: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<u32>;
@group(0) @binding(2) var<storage, read_write> dz: array<f32>;
@group(0) @binding(3) var<storage, read_write> metrics: array<vec2<f32>>;

var<workgroup> partial: array<vec2<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = vec2(0.0);
    for (var n = lane; n < BATCH; n += 64u) {
        let row = n * CLASSES;
        var greatest = z[row];
        var answer = 0u;
        for (var c = 1u; c < CLASSES; c++) {
            let value = z[row + c];
            if (value > greatest) {
                greatest = value;
                answer = c;
            }
        }
        let counts = n < step.images;
        let label = min(labels[step.batch_index * BATCH + n], CLASSES - 1u);
        // The label's share less one is what the others have: no difference of two numbers near one.
        var others = 0.0;
        for (var c = 0u; c < CLASSES; c++) {
            if (c != label) { others += exp(z[row + c] - greatest); }
        }
        let total = others + exp(z[row + label] - greatest);
        let scale = select(0.0, 1.0 / (f32(step.images) * total), counts);
        for (var c = 0u; c < CLASSES; c++) {
            dz[row + c] = select(exp(z[row + c] - greatest), -others, c == label) * scale;
        }
        if (counts) {
            sum += vec2(log(total) + greatest - z[row + label], select(0.0, 1.0, answer == label));
        }
    }
    partial[lane] = sum;
    workgroupBarrier();
    if (lane == 0u) {
        var all = vec2(0.0);
        for (var i = 0u; i < 64u; i++) { all += partial[i]; }
        metrics[step.batch_index] = vec2(all.x / f32(step.images), all.y);
    }
}
