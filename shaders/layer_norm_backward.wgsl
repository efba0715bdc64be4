// dx = (g - mean of g - xhat mean of g xhat) / deviation, then the gate, where g = dy gamma and xhat = (x - mean) / deviation, with the
// means along a row
//
// x, dy and dx (bound as `out`): [ROWS, COLS]. rows.wgsl says who computes what; the file of the parameters has gamma_at.

@group(0) @binding(1) var<storage, read> dy: array<Four>;

fn g_at(row: u32, c: u32) -> vec4<f32> {
    let i = row * COLS + c;
    return lanes_of(four(dy[i / 4u]), i, BY_4) * gammas_at(c);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = lane_of(group.y * GRID_X + group.x, lane);
    let s = row_statistics(at, lane);
    var sum = vec4(0.0);
    var along_x = vec4(0.0);
    for (var c = at.column; c < COLS; c += STEP) {
        let g = g_at(at.row, c);
        sum += g;
        along_x += g * ((x_at(at.row * COLS + c) - s.x) * s.y);
    }
    let means = along_row(lane, vec2(of_lanes(sum), of_lanes(along_x))) / f32(COLS);
    if (!at.is_active) { return; }
    for (var c = at.column; c < COLS; c += STEP) {
        let i = at.row * COLS + c;
        let dx = s.y * (g_at(at.row, c) - means.x - (x_at(i) - s.x) * (s.y * means.y));
        write(i, LANES, apply_gate(i, LANES, dx));
    }
}
