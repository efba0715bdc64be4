// Maps a workgroup to its tile of C, its split of the sum over k and its product in the batch, for both matmul cores.
//
// A tile has 4 COL_LANES columns and ROW_GROUPS times TILE_ROWS rows.

// Whether every step of both cores ends where the sum does, so that no k lies beyond it.
const WHOLE_STEPS: bool = K % 32u == 0u;

fn is_term(k: u32) -> bool { return WHOLE_STEPS || k < K; }

// k, or the last one if it lies beyond the sum.
fn term_or(k: u32, last: u32) -> u32 { return select(min(k, last), k, WHOLE_STEPS); }

// Index of the matrix product in the batch of products of one dispatch.
var<private> batch: u32;

// The tile's first row and column of C, its split, and the split's range of k: [begin, end).
struct TileIndex { row: u32, col: u32, split: u32, begin: u32, end: u32 }

fn take_tile(group: vec3<u32>) -> TileIndex {
    let tile = group.y * GRID_X + group.x;
    let split = group.z % SPLIT_K;
    let product = group.z / SPLIT_K;
    batch = product;
    let begin = split * K_PER_SPLIT;
    return TileIndex(tile / COL_TILES * TILE_ROWS * ROW_GROUPS, tile % COL_TILES * COL_LANES * 4u, split, begin, min(begin + K_PER_SPLIT, terms(product)));
}
