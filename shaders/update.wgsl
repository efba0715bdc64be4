// What every update of parameters has: gradients are clipped to CLIP_VALUE, then parameters lose WEIGHT_DECAY times the learning
// rate of themselves. The rule's file has `update`, one of update_0.wgsl to update_2.wgsl loads and stores the arenas. g: the
// gradients, and at FLAG what is not 0 where the update is skipped.

struct Updated {
    p: vec4<f32>,
    // What the rule keeps; zero beyond its arenas.
    a: vec4<f32>,
    b: vec4<f32>,
}

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> p: array<Four>;

fn is_skipped() -> bool { return four(g[FLAG / 4u]).x != 0.0; }

fn gradient_at(i: u32) -> vec4<f32> {
    let gradient = four(g[i]);
    if (!CLIPS) { return gradient; }
    return select(clamp(gradient, vec4(-CLIP_VALUE), vec4(CLIP_VALUE)), gradient, is_nan(gradient));
}

fn parameter_at(i: u32) -> vec4<f32> {
    let parameter = four(p[i]);
    if (WEIGHT_DECAY == 0.0) { return parameter; }
    return parameter - parameter * WEIGHT_DECAY * step.learning_rate;
}
