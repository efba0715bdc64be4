// C[row, col] = sum over k of A[row, k] B[k, col], in square tiles of side 32 TILE_SCALE, each computed by one workgroup of 64 invocations
//
// For every TERMS values of k, each invocation loads a 4 x 4 block of A and one of B into workgroup memory, then
// accumulates its own TILE_SCALE x TILE_SCALE blocks of C, 32 rows and columns apart, 4 x 4 each. The sum runs over k in ascending order.
// Workgroup z enumerates (product in the batch, split of the sum).
//
// The kernel's own files define A, B and C; see tile_subgroup.wgsl for the functions.

const BLOCKS: u32 = 8u * TILE_SCALE; // side of a tile, in blocks of four
const TERMS: u32 = 32u / TILE_SCALE; // of k, at a time

// Tiles of A as [k][four rows] and of B as [k][four columns]; in the end a_shared may hold C as [row][four columns].
var<workgroup> a_shared: array<array<array<vec4<f32>, BLOCKS>, UNROLLED>, TERMS / UNROLLED>;
var<workgroup> b_shared: array<array<array<vec4<f32>, BLOCKS>, UNROLLED>, TERMS / UNROLLED>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let tile = take_tile(group);
    let block = lane % BLOCKS;
    let term = lane / BLOCKS * 4u;
    let rows = rows_at(tile.row + block * 4u);
    let across = lane % 8u;
    let down = lane / 8u;

    // [block below][block to the right][row of the block]
    var acc: array<vec4<f32>, TILE_SCALE * TILE_SCALE * 4u>;
    for (var k = tile.begin; k < tile.end; k += TERMS) {
        let a = transpose(a_tile(rows, k + term));
        let b = b_tile(k + term, tile.col + block * 4u);
        workgroupBarrier();
        for (var i = 0u; i < 4u; i++) { // unroll
            a_shared[term / UNROLLED][term % UNROLLED + i][block] = a[i];
            b_shared[term / UNROLLED][term % UNROLLED + i][block] = b[i];
        }
        workgroupBarrier();
        // UNROLLED terms at a time: the counter and the checks of a loop cost as much as the sums of one term.
        for (var part = 0u; part < TERMS / UNROLLED; part++) {
            for (var i = 0u; i < UNROLLED; i++) { // unroll
                for (var p = 0u; p < TILE_SCALE; p++) { // unroll
                    for (var q = 0u; q < TILE_SCALE; q++) { // unroll
                        let x = a_shared[part][i][p * 8u + down];
                        let y = b_shared[part][i][q * 8u + across];
                        for (var r = 0u; r < 4u; r++) { // unroll
                            acc[(p * TILE_SCALE + q) * 4u + r] += x[r] * y;
                        }
                    }
                }
            }
        }
    }
    if (4u % ROWS_PER_OUTPUT == 0u) {
        for (var p = 0u; p < TILE_SCALE; p++) { // unroll
            for (var q = 0u; q < TILE_SCALE; q++) { // unroll
                let row = tile.row + p * 32u + down * 4u;
                let col = tile.col + q * 32u + across * 4u;
                prepare_store(col);
                for (var r = 0u; r < 4u; r++) { // unroll
                    store(tile.split, row + r, r % ROWS_PER_OUTPUT, col, acc[(p * TILE_SCALE + q) * 4u + r]);
                }
            }
        }
        return;
    }
    // The rows of one output row are spread over invocations: exchange them through workgroup memory, so that one
    // invocation stores all of them. TILE_SCALE is 1 here.
    workgroupBarrier();
    for (var r = 0u; r < 4u; r++) { // unroll
        a_shared[down * 4u / UNROLLED][down * 4u % UNROLLED + r][across] = acc[r];
    }
    workgroupBarrier();
    for (var i = lane; i < TILE_ROWS / ROWS_PER_OUTPUT * BLOCKS; i += 64u) {
        let col = tile.col + i % BLOCKS * 4u;
        prepare_store(col);
        for (var window_offset = 0u; window_offset < ROWS_PER_OUTPUT; window_offset++) {
            let row = i / BLOCKS * ROWS_PER_OUTPUT + window_offset;
            let sum = a_shared[row / UNROLLED][row % UNROLLED][i % BLOCKS];
            store(tile.split, tile.row + row, window_offset, col, sum);
        }
    }
}
