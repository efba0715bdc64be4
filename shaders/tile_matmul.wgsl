// C[row, col] = sum over k of A[row, k] B[k, col], in tiles of 32 x 32.
//
// Eight lanes share a tile. Each loads a 4 x 4 block of A (its four rows, four k) and a 4 x 4 block of B (four k, its
// four columns); every lane then reads the others' blocks of A and keeps 32 rows x 4 columns of C in registers. The sum
// runs over k in ascending order, split between the workgroups of z where a kernel asks for it.
//
// The kernel's file says what A, B and C are:
//   struct Rows, rows_at(first) -> Rows    what four consecutive rows of A need at every k
//   a_tile(rows, k) -> mat4x4              [row][k]; zero where k >= K
//   b_tile(k, col) -> mat4x4               [k][col]; any finite number where k >= K or col >= COLS
//   store(split, row, col, sum)            takes four columns; ignores what lies outside C

const LANES: u32 = 8u;
const TILE: u32 = 32u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(workgroup_id) group: vec3<u32>, lane: Lane) {
    let tile = (group.y * GRID_X + group.x) * (WORKGROUP / LANES) + lane.index / LANES;
    let own = lane.index % LANES * 4u;
    let first_row = tile / COL_TILES * TILE;
    let col = tile % COL_TILES * TILE + own;
    let rows = rows_at(first_row + own);
    let end = min((group.z + 1u) * K_PER_SPLIT, K);

    var acc: array<vec4<f32>, TILE>;
    for (var k = group.z * K_PER_SPLIT; k < end; k += 4u) {
        let a = a_tile(rows, k);
        let b = b_tile(k, col);
        publish(lane.index, a);
        for (var j = 0u; j < 8u; j++) { // unroll
            for (var r = 0u; r < 4u; r++) { // unroll
                let x = from_lane(lane.index, j, r, a[r]);
                var sum = acc[j * 4u + r];
                sum += x.x * b[0];
                sum += x.y * b[1];
                sum += x.z * b[2];
                sum += x.w * b[3];
                acc[j * 4u + r] = sum;
            }
        }
    }
    for (var i = 0u; i < 32u; i++) { // unroll
        store(group.z, first_row + i, col, acc[i]);
    }
}
