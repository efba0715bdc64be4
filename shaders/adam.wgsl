// m += (g - m) (1 - beta_1);  v += (g^2 - v) (1 - beta_2);  p -= step_size m / (sqrt(v) + epsilon)
//
// with step_size = learning rate * sqrt(1 - beta_2^t) / (1 - beta_1^t) from the host (Kingma and Ba 2015, section 2's
// second form, as in Keras). One invocation takes four parameters of the arena. All four arrays: [COUNT].

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> p: array<Four>;
@group(0) @binding(2) var<storage, read_write> m: array<Four>;
@group(0) @binding(3) var<storage, read_write> v: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u) { return; }
    let gradient = four(g[i]);
    let old_m = four(m[i]);
    let old_v = four(v[i]);
    let new_m = old_m + (gradient - old_m) * ONE_MINUS_BETA_1;
    let new_v = old_v + (gradient * gradient - old_v) * ONE_MINUS_BETA_2;
    m[i] = as_four(new_m);
    v[i] = as_four(new_v);
    p[i] = as_four(four(p[i]) - step.scalars.x * new_m / (sqrt(new_v) + EPSILON));
}
