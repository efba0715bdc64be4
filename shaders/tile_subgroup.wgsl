// C[row, col] = sum over k of A[row, k] B[k, col], in tiles of 32 x 32, 64 x 16 or 128 x 8, few short sums in tiles of 32 x 16 or 32 x 8,
// each computed by one subgroup of eight lanes
//
// The lanes form ROW_GROUPS groups, each of which has all columns of the tile and some rows: GROUP_BLOCKS times four. Each lane loads
// LANE_BLOCKS 4 x 4 blocks of A (four of its group's rows, four k) and a 4 x 4 block of B (four k, its four columns), reads the blocks of
// A of its group's other lanes by shuffle and accumulates its group's rows x 4 columns of C in registers. The sum runs over k in ascending order. Workgroup z enumerates
// (product in the batch, split of the sum).
//
// The kernel's own files define A, B and C:
//   struct Rows, rows_at(first) -> Rows    per-row values of four consecutive rows of A that do not depend on k
//   a_tile(rows, k) -> mat4x4              [row][k]; zero where k >= K
//   b_tile(k, col) -> mat4x4               [k][col]; any finite value where k >= K or col >= COLS
//   prepare_store(col)                     called by the cores before the stores of four columns
//   store(split, row, window_offset, col, sum)
//                                          stores four columns of one row; ignores rows and columns outside C. The
//                                          ROWS_PER_OUTPUT rows of one output row are stored consecutively by one
//                                          invocation, with `window_offset` ascending from 0

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let tile = take_tile(group);
    let of_group = lane % COL_LANES;
    let col = tile.col + of_group * 4u;
    let first_lane = lane - of_group;
    let first = tile.row + lane / COL_LANES * TILE_ROWS;
    var rows: array<Rows, LANE_BLOCKS>;
    for (var n = 0u; n < LANE_BLOCKS; n++) { // unroll
        rows[n] = rows_at(first + (of_group * LANE_BLOCKS + n) * 4u);
    }

    var acc: array<vec4<f32>, 4u * GROUP_BLOCKS>;
    for (var k = tile.begin; k < tile.end; k += 4u) {
        var a: array<mat4x4<f32>, LANE_BLOCKS>;
        for (var n = 0u; n < LANE_BLOCKS; n++) { // unroll
            a[n] = a_tile(rows[n], k);
        }
        let b = b_tile(k, col);
        for (var j = 0u; j < GROUP_BLOCKS; j++) { // unroll
            // A constant where there is one group.
            let from_lane = select(first_lane + j / LANE_BLOCKS, j, ROW_GROUPS == 1u);
            for (var r = 0u; r < 4u; r++) { // unroll
                let x = subgroupShuffle(a[j % LANE_BLOCKS][r], from_lane);
                var sum = acc[j * 4u + r];
                sum += x.x * b[0];
                sum += x.y * b[1];
                sum += x.z * b[2];
                sum += x.w * b[3];
                acc[j * 4u + r] = sum;
            }
        }
    }
    prepare_store(col);
    for (var i = 0u; i < TILE_ROWS; i++) { // unroll
        store(tile.split, first + i, i % ROWS_PER_OUTPUT, col, acc[i]);
    }
}
