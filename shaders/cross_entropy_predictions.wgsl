// rows[batch_index, n, c] = softmax(z[n])[c], zero past the images of a short batch

fn write_row(n: u32, label: u32, max_logit: f32, others: f32, total: f32, in_batch: bool) {
    let to = (step.batch_index * BATCH + n) * CLASSES;
    for (var c = 0u; c < CLASSES; c++) {
        rows[to + c] = select(0.0, exp(z[n * CLASSES + c] - max_logit) / total, in_batch);
    }
}
