// The operands a and b of a join, as element i of the result takes them.
//
// An operand [outer, LEN] stands for one of [outer, REPEATS, LEN, RUN]. LANES elements (four with BY_4, else one) are neighbours in the
// operand, or one of its elements, as RUN is then a multiple of four.

@group(0) @binding(0) var<storage, read> a: array<Four>;
@group(0) @binding(1) var<storage, read> b: array<Four>;

fn index_of(i: u32, repeats: u32, len: u32, run: u32) -> u32 { return i / (repeats * len * run) * len + i / run % len; }

fn a_at(i: u32) -> vec4<f32> {
    let index = index_of(i, A_REPEATS, A_LEN, A_RUN);
    return lanes_of(four(a[index / 4u]), index, BY_4 && A_RUN == 1u);
}

fn b_at(i: u32) -> vec4<f32> {
    let index = index_of(i, B_REPEATS, B_LEN, B_RUN);
    return lanes_of(four(b[index / 4u]), index, BY_4 && B_RUN == 1u);
}
