// loss[n] = weight (softplus(z[n]) - y z[n]), y = label[n] (1 - SMOOTHING) + SMOOTHING / 2; a prediction is correct where the label is
// 1 just if sigmoid(z[n]) > 1/2
//
// See loss.wgsl. TRAINS: rows[n] = weight (sigmoid(z[n]) - y) / images of all ranks; else rows[batch_index, n] = sigmoid(z[n]).

fn image(n: u32, label: u32, in_batch: bool) -> vec2<f32> {
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
    let away = select(logit, -logit, is_one);
    let loss = relu(vec4(away)).x + log(1.0 + small) - 0.5 * SMOOTHING * away;
    return vec2(loss * weight, select(0.0, 1.0, (one > 0.5) == is_one));
}
