// out[i] = epilogue(i, sum over s of partial[s, i]), with s ascending
//
// The second pass of a split-K product. One invocation computes one element. partial: [SPLIT_K, COUNT], out: [COUNT].
// sum_split_k_plain.wgsl or sum_split_k_forward.wgsl defines the epilogue.

@group(0) @binding(0) var<storage, read> partial: array<f32>;
@group(0) @binding(OUT) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.y * GRID_X + group.x) * 64u + lane;
    if (i >= COUNT) { return; }
    var sum = 0.0;
    for (var s = 0u; s < SPLIT_K; s += LOADS_AT_ONCE) {
        var terms: array<f32, LOADS_AT_ONCE>;
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            terms[j] = partial[min(s + j, SPLIT_K - 1u) * COUNT + i];
        }
        for (var j = 0u; j < LOADS_AT_ONCE; j++) { // unroll
            sum += select(0.0, terms[j], s + j < SPLIT_K);
        }
    }
    out[i] = epilogue(i, sum);
}
