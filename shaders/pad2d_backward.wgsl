// dx[n, iy, ix, c] = dy[n, iy + TOP, ix + LEFT, c], then the gate
//
// One invocation takes LANES channels of one pixel of dx: 4, or 1 where C does not divide by four. dy: [BATCH, OH, OW, C], dx
// (bound as `out`): [BATCH, H, W, C].

@group(0) @binding(0) var<storage, read> dy: array<Four>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = ((group.y * GRID_X + group.x) * 64u + lane) * LANES;
    if (at >= COUNT) { return; }
    let pixel = at / C;
    let image = pixel / (H * W);
    let i = ((image * OH + pixel / W % H + TOP) * OW + pixel % W + LEFT) * C + at % C;
    write(at, LANES, apply_gate(at, LANES, lanes_of(four(dy[i / 4u]), i, BY_4)));
}
