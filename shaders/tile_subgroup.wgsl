// C[row, col] = sum over k of A[row, k] B[k, col], in tiles of 32 x 32, each by one subgroup of eight lanes.
//
// A lane loads a 4 x 4 block of A (its four rows, four k) and a 4 x 4 block of B (four k, its four columns); every lane
// then reads the others' blocks of A by shuffle and keeps 32 rows x 4 columns of C in registers. The sum runs over k in
// ascending order; z counts the splits of the sum, and planes of products of one shape.
//
// The kernel's files say what A, B and C are:
//   struct Rows, rows_at(first) -> Rows    what four consecutive rows of A need at every k
//   a_tile(rows, k) -> mat4x4              [row][k]; zero where k >= K
//   b_tile(k, col) -> mat4x4               [k][col]; any finite number where k >= K or col >= COLS
//   store(split, row, window_offset, col, sum)  takes four columns; ignores what lies outside C. The rows of a group of ROWS_PER_OUTPUT
//                                          come one after the other, `window_offset` from 0 on

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(subgroup_invocation_id) lane: u32) {
    let tile = take_tile(group);
    let col = tile.col + lane * 4u;
    let rows = rows_at(tile.row + lane * 4u);

    var acc: array<vec4<f32>, TILE>;
    for (var k = tile.begin; k < tile.end; k += 4u) {
        let a = a_tile(rows, k);
        let b = b_tile(k, col);
        for (var j = 0u; j < 8u; j++) { // unroll
            for (var r = 0u; r < 4u; r++) { // unroll
                let x = subgroupShuffle(a[r], j);
                var sum = acc[j * 4u + r];
                sum += x.x * b[0];
                sum += x.y * b[1];
                sum += x.z * b[2];
                sum += x.w * b[3];
                acc[j * 4u + r] = sum;
            }
        }
    }
    for (var i = 0u; i < TILE_ROWS; i++) { // unroll
        store(tile.split, tile.row + i, i % ROWS_PER_OUTPUT, col, acc[i]);
    }
}
