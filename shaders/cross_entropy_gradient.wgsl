// rows[n, c] = weight (softmax(z[n])[c] - y[n, c]) / images of all ranks, zero past the images of a short batch

fn write_row(n: u32, label: u32, max_logit: f32, others: f32, total: f32, in_batch: bool) {
    let row = n * CLASSES;
    let scale = weight_of(label) / (f32(step.global_images) * total);
    for (var c = 0u; c < CLASSES; c++) {
        var gradient = select(exp(z[row + c] - max_logit), -others, c == label);
        if (SMOOTHING > 0.0) { gradient += (select(0.0, SMOOTHING, c == label) - SMOOTHING_OF_EACH) * total; }
        rows[row + c] = select(0.0, gradient * scale, in_batch);
    }
}
