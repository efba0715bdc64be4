// C[row, col] = sum over k of A[row, k] B[k, col], in 32 x 32 tiles, each computed by one workgroup of 64 invocations
//
// For every 32 values of k, each invocation loads a 4 x 4 block of A and one of B into workgroup memory, then
// accumulates its own 4 x 4 block of C. The sum runs over k in ascending order. Workgroup z enumerates (product in the
// batch, split of the sum).
//
// The kernel's own files define A, B and C; see tile_subgroup.wgsl for the functions.

const BLOCKS: u32 = 8u; // side of a tile, in blocks of four

// Tiles of A as [k][four rows] and of B as [k][four columns]; in the end a_shared may hold C as [row][four columns].
var<workgroup> a_shared: array<array<vec4<f32>, BLOCKS>, TILE>;
var<workgroup> b_shared: array<array<vec4<f32>, BLOCKS>, TILE>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let tile = take_tile(group);
    let across = lane % BLOCKS;
    let down = lane / BLOCKS;
    let rows = rows_at(tile.row + across * 4u);

    var acc: array<vec4<f32>, 4>;
    for (var k = tile.begin; k < tile.end; k += TILE) {
        let a = transpose(a_tile(rows, k + down * 4u));
        let b = b_tile(k + down * 4u, tile.col + across * 4u);
        workgroupBarrier();
        for (var i = 0u; i < 4u; i++) { // unroll
            a_shared[down * 4u + i][across] = a[i];
            b_shared[down * 4u + i][across] = b[i];
        }
        workgroupBarrier();
        // UNROLLED terms at a time: the counter and the checks of a loop cost as much as the sums of one term.
        for (var first = 0u; first < TILE; first += UNROLLED) {
            for (var i = 0u; i < UNROLLED; i++) { // unroll
                let x = a_shared[first + i][down];
                let y = b_shared[first + i][across];
                for (var r = 0u; r < 4u; r++) { // unroll
                    acc[r] += x[r] * y;
                }
            }
        }
    }
    if (4u % ROWS_PER_OUTPUT == 0u) {
        for (var r = 0u; r < 4u; r++) { // unroll
            store(tile.split, tile.row + down * 4u + r, r % ROWS_PER_OUTPUT, tile.col + across * 4u, acc[r]);
        }
        return;
    }
    // The rows of one output row are spread over invocations: exchange them through workgroup memory, so that one
    // invocation stores all of them.
    workgroupBarrier();
    for (var r = 0u; r < 4u; r++) { // unroll
        a_shared[down * 4u + r][across] = acc[r];
    }
    workgroupBarrier();
    for (var i = lane; i < TILE_ROWS / ROWS_PER_OUTPUT * BLOCKS; i += 64u) {
        for (var window_offset = 0u; window_offset < ROWS_PER_OUTPUT; window_offset++) {
            let row = i / BLOCKS * ROWS_PER_OUTPUT + window_offset;
            let sum = a_shared[row][i % BLOCKS];
            store(tile.split, tile.row + row, window_offset, tile.col + i % BLOCKS * 4u, sum);
        }
    }
}
