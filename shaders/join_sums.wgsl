// partial[split, j] = sum over TERMS of the elements i of the result that take element j of an operand, of dy[i] times the derivative of
// a[i] join b[i] w.r.t. b if SECOND, else w.r.t. a: that operand
//
// The operand [outer, LEN] stands for one of [outer, REPEATS, LEN, RUN]. One invocation takes OUT_LANES of its elements, neighbours, and
// STEP terms at a time; one of the two is 4 with BY_4. dy: [outer, REPEATS, LEN, RUN], partial (bound as `out`): [SPLITS, OPERAND].
// join_operands.wgsl reads a and b; the file of the operation has `gradient`.

@group(0) @binding(2) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let index = ((group.y * GRID_X + group.x) * 64u + lane) * OUT_LANES;
    let split = index / OPERAND;
    if (split >= SPLITS) { return; }
    let j = index % OPERAND;
    let end = min((split + 1u) * TERMS, REPEATS * RUN);
    var sum = vec4(0.0);
    for (var term = split * TERMS; term < end; term += STEP) {
        let i = ((j / LEN * REPEATS + term / RUN) * LEN + j % LEN) * RUN + term % RUN;
        sum += gradient(a_at(i), b_at(i), lanes_of(four(dy[i / 4u]), i, BY_4), SECOND);
    }
    write(index, OUT_LANES, select(sum, vec4((sum.x + sum.y) + (sum.z + sum.w)), STEP == 4u));
}
