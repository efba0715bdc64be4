// rows[n, c] = (softmax(z[n])[c] - [c == label[n]]) / images of all ranks, zero past the images of a short batch

fn write_row(n: u32, label: u32, max_logit: f32, others: f32, total: f32, in_batch: bool) {
    let row = n * CLASSES;
    let scale = select(0.0, 1.0 / (f32(step.global_images) * total), in_batch);
    for (var c = 0u; c < CLASSES; c++) {
        rows[row + c] = select(exp(z[row + c] - max_logit), -others, c == label) * scale;
    }
}
