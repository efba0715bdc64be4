// C[row, col] = sum over k of A[row, k] B[k, col], in 32 x 32 tiles, each computed by one subgroup of eight lanes
//
// Each lane loads a 4 x 4 block of A (its four rows, four k) and a 4 x 4 block of B (four k, its four columns), reads
// the other lanes' blocks of A by shuffle and accumulates 32 rows x 4 columns of C in registers. The sum runs over k in
// ascending order. Workgroup z enumerates (product in the batch, split of the sum).
//
// The kernel's own files define A, B and C:
//   struct Rows, rows_at(first) -> Rows    per-row values of four consecutive rows of A that do not depend on k
//   a_tile(rows, k) -> mat4x4              [row][k]; zero where k >= K
//   b_tile(k, col) -> mat4x4               [k][col]; any finite value where k >= K or col >= COLS
//   store(split, row, window_offset, col, sum)
//                                          stores four columns of one row; ignores rows and columns outside C. The
//                                          ROWS_PER_OUTPUT rows of one output row are stored consecutively by one
//                                          invocation, with `window_offset` ascending from 0

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
