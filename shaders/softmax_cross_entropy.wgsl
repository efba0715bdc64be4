// loss[n] = weight sum over c of y[n, c] (log(sum over j of exp(z[n, j])) - z[n, c]), with
// y = onehot(label) (1 - SMOOTHING) + SMOOTHING_OF_EACH, SMOOTHING_OF_EACH = SMOOTHING / CLASSES; a prediction is correct where
// the first largest probability is the label's
//
// See loss.wgsl. The file with `write_row` says what is written: in training the gradient, in inference the probabilities.

fn image(n: u32, label: u32, in_batch: bool) -> vec2<f32> {
    let row = n * CLASSES;
    var max_logit = z[row];
    for (var c = 1u; c < CLASSES; c++) {
        let value = z[row + c];
        if (is_better(vec4(value), vec4(max_logit)).x) { max_logit = value; }
    }
    // The label's probability less one is minus that of the others: no difference of two numbers near one.
    var others = 0.0;
    for (var c = 0u; c < CLASSES; c++) {
        if (c != label) { others += exp(z[row + c] - max_logit); }
    }
    let total = others + exp(z[row + label] - max_logit);
    // The first largest probability, not logit: logits that differ in their last bits may give equal probabilities.
    var predicted = 0u;
    var best = exp(z[row] - max_logit) / total;
    for (var c = 1u; c < CLASSES; c++) {
        let probability = exp(z[row + c] - max_logit) / total;
        if (is_better(vec4(probability), vec4(best)).x) {
            best = probability;
            predicted = c;
        }
    }
    write_row(n, label, max_logit, others, total, in_batch);
    let log_total = log(total) + max_logit;
    var loss = log_total - z[row + label];
    if (SMOOTHING > 0.0) {
        var of_all = 0.0;
        for (var c = 0u; c < CLASSES; c++) { of_all += log_total - z[row + c]; }
        loss = loss * (1.0 - SMOOTHING) + of_all * SMOOTHING_OF_EACH;
    }
    return vec2(loss * weight_of(label), select(0.0, 1.0, predicted == label));
}
