// Which tile of which product a workgroup of either core takes.

const TILE: u32 = 32u;

// Which of several products this is.
var<private> batch: u32;

// The tile's first row and column of C, its split, and the k that the split begins with and ends before.
struct TileIndex { row: u32, col: u32, split: u32, begin: u32, end: u32 }

fn take_tile(group: vec3<u32>) -> TileIndex {
    let tile = group.y * GRID_X + group.x;
    let split = group.z % SPLIT_K;
    batch = group.z / SPLIT_K;
    let begin = split * K_PER_SPLIT;
    return TileIndex(tile / COL_TILES * TILE_ROWS, tile % COL_TILES * TILE, split, begin, min(begin + K_PER_SPLIT, K));
}
