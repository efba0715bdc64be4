// m += (g - m) (1 - beta1);  v += (g^2 - v) (1 - beta2);  p -= rate m / (sqrt(v) + epsilon)
//
// with rate = learning rate * sqrt(1 - beta2^t) / (1 - beta1^t) from the host (Kingma and Ba 2015, section 2's
// second form, as in Keras). One invocation takes four parameters of the arena. All four arrays: [COUNT].

@group(0) @binding(0) var<storage, read> g: array<Four>;
@group(0) @binding(1) var<storage, read_write> p: array<Four>;
@group(0) @binding(2) var<storage, read_write> m: array<Four>;
@group(0) @binding(3) var<storage, read_write> v: array<Four>;

const ONE_MINUS_BETA_1: f32 = 1.0 - 0.9;
const ONE_MINUS_BETA_2: f32 = 1.0 - 0.999;
const EPSILON: f32 = 1e-7;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT / 4u) { return; }
    let gradient = four(g[i]);
    let old_moment1 = four(m[i]);
    let old_moment2 = four(v[i]);
    let moment1 = old_moment1 + (gradient - old_moment1) * ONE_MINUS_BETA_1;
    let moment2 = old_moment2 + (gradient * gradient - old_moment2) * ONE_MINUS_BETA_2;
    m[i] = as_four(moment1);
    v[i] = as_four(moment2);
    p[i] = as_four(four(p[i]) - step.rate * moment1 / (sqrt(moment2) + EPSILON));
}
