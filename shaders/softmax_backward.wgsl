// dx[row, c] = y[row, c] (dy[row, c] - sum over j of dy[row, j] y[row, j]), then the gate
//
// y, dy and dx (bound as `out`): [ROWS, COLS]. rows.wgsl says who computes what.

@group(0) @binding(0) var<storage, read> y: array<Four>;
@group(0) @binding(1) var<storage, read> dy: array<Four>;

fn y_at(i: u32) -> vec4<f32> { return lanes_of(four(y[i / 4u]), i, BY_4); }
fn dy_at(i: u32) -> vec4<f32> { return lanes_of(four(dy[i / 4u]), i, BY_4); }

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let at = lane_of(group.y * GRID_X + group.x, lane);
    var sum = vec4(0.0);
    for (var c = at.column; c < COLS; c += STEP) { sum += y_at(at.row * COLS + c) * dy_at(at.row * COLS + c); }
    let along_y = along_row(lane, vec2(of_lanes(sum), 0.0)).x;
    if (!at.is_active) { return; }
    for (var c = at.column; c < COLS; c += STEP) {
        let i = at.row * COLS + c;
        write(i, LANES, apply_gate(i, LANES, y_at(i) * (dy_at(i) - along_y)));
    }
}
