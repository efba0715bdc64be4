//! Shared by the matrix kernels: tiling, the matmul cores' shaders, and split-K (the sum over k as partial sums).

use crate::plan::{Constants, MatmulCore, Profile, Shader, constants, grid, output_file, wgsl};

/// Side of a square tile of the output matrix C, in elements; large tiles have twice as much.
const TILE: usize = 32;
/// Terms of an iteration of the inner loop of `tile_workgroup.wgsl`, written out; divides those of its outer loop.
const UNROLLED: usize = 8;
/// Lanes of a subgroup.
const LANES: usize = 8;

/// Minimum number of terms (along k) in a split; with fewer, the second pass costs more than the parallelism gains.
const MIN_TERMS: usize = 128;
/// Maximum loop iterations of one invocation: some adapters abort longer loops (see [`Shader::iterations`]).
pub(crate) const MAX_ITERATIONS: usize = 1 << 15;

/// A matrix product C = A B, or a batch of them, as the GPU tiles it: A [rows, k], B [k, cols], C [rows, cols].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tiles {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) k: usize,
    /// Number of partial sums that the sum over k is cut into (split-K); 1 means one pass.
    pub(crate) split_k: usize,
    /// Whether the sum over k may be cut at all.
    pub(crate) may_split: bool,
    /// Rows of C that are reduced to one output row, at most [`TILE`]: the window length of a fused pool, else 1.
    pub(crate) rows_per_output: usize,
    /// Number of products of this shape in one dispatch (batched GEMM).
    pub(crate) batch_count: usize,
    /// What the products of the batch are.
    pub(crate) products: Products,
    pub(crate) profile: Profile,
}

/// What the products of one dispatch are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Products {
    /// Matrices of their own.
    Separate,
    /// The groups of a convolution: side by side, as columns of longer rows.
    Groups,
    /// The phases of a gradient through strides: every so many rows each, with sums of fewer terms for some.
    Phases,
}

/// The shader file that binds a layer's input at 0; `by_4` as in [`weights_file`].
pub(crate) fn x_file(by_4: bool) -> &'static str {
    match by_4 {
        true => wgsl!("x_by_4.wgsl"),
        false => wgsl!("x_single.wgsl"),
    }
}

/// Of a file that [`x_file`] returned, what it was asked for.
pub(crate) fn x_file_is_by_4(file: &str) -> Option<bool> {
    [true, false].into_iter().find(|by_4| x_file(*by_4) == file)
}

/// The shader file that binds a layer's weights at 1; `by_4`: whether the row length divides by four, so that four
/// elements can be loaded at once.
pub(crate) fn weights_file(by_4: bool) -> &'static str {
    match by_4 {
        true => wgsl!("weights_by_4.wgsl"),
        false => wgsl!("weights_single.wgsl"),
    }
}

/// The shader file that binds a gradient at `DY`; `by_4` as in [`weights_file`].
pub(crate) fn dy_file(by_4: bool) -> &'static str {
    match by_4 {
        true => wgsl!("dy_by_4.wgsl"),
        false => wgsl!("dy_single.wgsl"),
    }
}

/// The shader file that says that the channels are one group.
pub(crate) const GROUP_ONE: &str = wgsl!("group_one.wgsl");

/// What a matrix kernel adds to the matmul core: its shader files, constants and output binding.
#[derive(Debug)]
pub(crate) struct TileShader<'a> {
    /// Shader files that define how A and B are loaded and C is stored.
    pub(crate) files: &'a [&'static str],
    /// Binding index of the output.
    pub(crate) out: usize,
    /// Shader constants of those files.
    pub(crate) constants: Constants,
}

/// How the lanes of a workgroup share its tile.
#[derive(Debug, Clone, Copy)]
struct Lanes {
    /// Columns of the tile in units of four.
    cols: usize,
    /// Groups of lanes, each of which has a part of the tile's rows.
    groups: usize,
    /// Rows of a group.
    rows: usize,
}

impl Tiles {
    pub(crate) fn new(rows: usize, cols: usize, k: usize, profile: Profile) -> Self {
        Self {
            rows,
            cols,
            k,
            split_k: 1,
            may_split: false,
            rows_per_output: 1,
            batch_count: 1,
            products: Products::Separate,
            profile,
        }
    }

    /// The same product once for each of `groups` groups of channels.
    pub(crate) fn grouped(self, groups: usize) -> Self {
        let products = if groups > 1 { Products::Groups } else { self.products };
        Self { batch_count: groups, products, ..self }
    }

    /// The same product once for each of `phases` phases.
    pub(crate) fn phased(self, phases: usize) -> Self {
        Self { batch_count: phases, products: Products::Phases, ..self }
    }

    /// Side of a square tile, in units of [`TILE`]: 2 where there are enough large ones, and little of them lies past the matrix's edges.
    fn scale(&self) -> usize {
        let min_tiles = self.profile.large_tiles;
        // An invocation's rows are four of one output row, or parts of it.
        if self.profile.core == MatmulCore::Subgroup || min_tiles == usize::MAX || 4 % self.rows_per_output != 0 {
            return 1;
        }
        let covered = |side: usize| self.rows.next_multiple_of(side) * self.cols.next_multiple_of(side);
        let parts = if self.may_split { (self.k / MIN_TERMS).max(1) } else { 1 };
        let tiles = covered(2 * TILE) / (2 * TILE).pow(2) * self.batch_count * parts;
        let is_mostly_used = covered(2 * TILE) * 3 <= covered(TILE) * 4;
        if min_tiles == 0 || (is_mostly_used && tiles >= min_tiles) { 2 } else { 1 }
    }

    /// Rows of `rows`, which a tile or a part of it has, that are used: the largest multiple of `rows_per_output`.
    fn used_rows(&self, rows: usize) -> usize {
        rows / self.rows_per_output * self.rows_per_output
    }

    /// How the lanes of a workgroup share its tile. Of a subgroup's lanes, which take four columns each, all share a tile, or a part, so that
    /// the others take further rows and a narrow matrix is covered by fewer workgroups.
    fn lanes(&self) -> Lanes {
        let square = Lanes { cols: TILE / 4 * self.scale(), groups: 1, rows: TILE * self.scale() };
        if self.profile.core == MatmulCore::Workgroup {
            return square;
        }
        let layouts = [1, 2, 4].map(|groups| Lanes { cols: LANES / groups, groups, ..square });
        let lanes = layouts.into_iter().min_by_key(|lanes| self.count_with(*lanes)).expect("there are layouts");
        if self.rows_per_output > 1 || self.k > MIN_TERMS || self.count_with(lanes) >= self.profile.min_tiles {
            return lanes;
        }
        // The sum is too short to be split, and the tiles are few: as many rows as one block a lane makes. What counts then is that the code of a
        // tile is compiled when the program starts.
        let lower = layouts.map(|lanes| Lanes { rows: 4 * lanes.cols, ..lanes });
        lower.into_iter().min_by_key(|lanes| (self.count_with(*lanes), lanes.rows)).expect("there are layouts")
    }

    /// Number of workgroups for a split, with this division of their lanes, over all products of the batch.
    fn count_with(&self, Lanes { cols, groups, rows }: Lanes) -> usize {
        self.rows.div_ceil(self.used_rows(rows) * groups) * self.cols.div_ceil(4 * cols) * self.batch_count
    }

    /// Number of workgroups for a split, over all products of the batch.
    fn count(&self) -> usize {
        self.count_with(self.lanes())
    }

    /// The same product with its sum over k split until there are [`Profile::min_tiles`] tiles of at most [`Profile::max_terms`] terms, and at
    /// least until no loop exceeds [`MAX_ITERATIONS`].
    pub(crate) fn split(self) -> Self {
        if self.profile.min_tiles == 0 {
            return self;
        }
        let this = Self { may_split: true, ..self };
        let wanted = this.profile.min_tiles.div_ceil(this.count()).max(this.k / this.profile.max_terms);
        let longest = MAX_ITERATIONS / this.iterations_of_a_step() * this.k_step();
        let split_k = wanted.min(this.k / MIN_TERMS).max(this.k.div_ceil(longest)).max(1);
        let per_split = Self { split_k, ..this }.k_per_split();
        Self { split_k: this.k.div_ceil(per_split), ..this }
    }

    /// Terms of the sum over k in one split, a multiple of [`Self::k_step`].
    pub(crate) fn k_per_split(&self) -> usize {
        self.k.div_ceil(self.split_k).next_multiple_of(self.k_step())
    }

    /// Terms of the sum over k that the core processes per iteration of its outer loop.
    fn k_step(&self) -> usize {
        match self.profile.core {
            MatmulCore::Subgroup => 4,
            MatmulCore::Workgroup => TILE / self.scale(),
        }
    }

    /// Loop iterations per step of the core's outer loop, inner loops included.
    fn iterations_of_a_step(&self) -> usize {
        match self.profile.core {
            MatmulCore::Subgroup => 1,
            MatmulCore::Workgroup => 1 + self.k_step() / UNROLLED,
        }
    }

    /// The shader that computes this product with the profile's matmul core.
    pub(crate) fn shader(&self, spec: TileShader<'_>) -> Shader {
        let core = match self.profile.core {
            MatmulCore::Subgroup => wgsl!("tile_subgroup.wgsl"),
            MatmulCore::Workgroup => wgsl!("tile_workgroup.wgsl"),
        };
        let (mut grid, grid_x) = grid(self.count() / self.batch_count);
        grid[2] = (self.split_k * self.batch_count) as u32;
        let by_4 = self.cols.is_multiple_of(4);
        let lanes = self.lanes();
        let constants = constants! {
            ROWS: self.rows,
            COLS: self.cols,
            K: self.k,
            COLS_BY_4: by_4,
            COL_LANES: lanes.cols,
            ROW_GROUPS: lanes.groups,
            LANE_BLOCKS: lanes.rows / 4 / lanes.cols,
            GROUP_BLOCKS: lanes.rows / 4,
            COL_TILES: self.cols.div_ceil(4 * lanes.cols),
            ROW_LEN: if self.products == Products::Groups { self.cols * self.batch_count } else { self.cols },
            TILE_ROWS: self.used_rows(lanes.rows),
            TILE_SCALE: self.scale(),
            UNROLLED: UNROLLED,
            ROWS_PER_OUTPUT: self.rows_per_output,
            OUT: spec.out,
            SPLIT_K: self.split_k,
            K_PER_SPLIT: self.k_per_split(),
        };
        let constants = constants.and(grid_x).and(spec.constants);
        let group = match self.products {
            Products::Groups => wgsl!("group_of_batch.wgsl"),
            Products::Separate | Products::Phases => GROUP_ONE,
        };
        let terms = match self.products {
            Products::Phases => wgsl!("terms_of_phase.wgsl"),
            Products::Separate | Products::Groups => wgsl!("terms_all.wgsl"),
        };
        let mut files = spec.files.to_vec();
        files.extend([output_file(by_4), group, terms, wgsl!("tile.wgsl"), core]);
        let steps = self.k_per_split() / self.k_step();
        // Reducing the rows of one output row takes further loops in the workgroup core (see tile_workgroup.wgsl).
        let iterations = steps * self.iterations_of_a_step() + if self.rows_per_output > 1 { 4 * TILE } else { 0 };
        Shader { files, constants, grid, iterations, uses_step: false }
    }

    /// Floating-point operations of the whole batch: one multiplication and one addition per term.
    pub(crate) fn flops(&self) -> f64 {
        2.0 * (self.rows * self.cols * self.k * self.batch_count) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sum_is_split_until_its_loop_is_short_enough() {
        // conv2d backward weights of a 64 to 64 layer over 600 images of 28x28.
        let tiles = Tiles::new(577, 64, 470_400, Profile::SOFTWARE).split();
        assert!(tiles.k_per_split() / 4 <= MAX_ITERATIONS, "{tiles:?}");
        assert!(tiles.split_k * tiles.k_per_split() >= tiles.k && (tiles.split_k - 1) * tiles.k_per_split() < tiles.k);
        let workgroup = Tiles::new(577, 64, 4_704_000, Profile::DISCRETE).split();
        assert!(workgroup.k_per_split() / 32 * 5 <= MAX_ITERATIONS + 5, "{workgroup:?}");
        assert_eq!(Tiles::new(577, 64, 3872, Profile::SOFTWARE).split().split_k, 1);
        assert_eq!(Tiles::new(10, 64, 21_632, Profile::SOFTWARE).split().split_k, 8);
    }

    #[test]
    fn short_narrow_products_take_lower_tiles() {
        let lanes = |rows, cols, k| Tiles::new(rows, cols, k, Profile::SOFTWARE).lanes();
        let layouts = [lanes(32, 10, 128), lanes(32, 10, 129), lanes(32, 8, 9), lanes(1024, 16, 9), lanes(32, 128, 10)];
        assert_eq!(layouts.map(|lanes| [lanes.rows, lanes.groups]), [[16, 2], [32, 1], [8, 4], [32, 2], [32, 1]]);
    }

    #[test]
    fn large_tiles_are_taken_where_there_are_enough_of_them() {
        let scale = |rows, cols, k| Tiles::new(rows, cols, k, Profile::DISCRETE).split().scale();
        // Gradients w.r.t. the weights of a 64 to 64 layer, over 32 and 1024 images of which pools leave 100 pixels.
        assert_eq!([scale(577, 64, 3200), scale(577, 64, 102_400)], [1, 2]);
        // Of 33 columns both take 64, of 96 large tiles 128; of 10 rows they take 64 in place of 32.
        assert_eq!([scale(6400, 33, 1024), scale(6400, 96, 1024), scale(10, 64, 1 << 20)], [2, 2, 1]);
        assert_eq!(Tiles::new(6400, 64, 4096, Profile::DISCRETE).scale(), 1, "one that is not split has 100 tiles");
        let pooled = Tiles { rows_per_output: 9, ..Tiles::new(1 << 20, 64, 9, Profile::DISCRETE) };
        assert_eq!((pooled.scale(), Tiles { rows_per_output: 4, ..pooled }.scale()), (1, 2));
        let terms = |profile| Tiles::new(577, 64, 102_400, profile).split().k_per_split();
        assert!(terms(Profile::DISCRETE) <= 1024 + 32 && terms(Profile::INTEGRATED) > 10_000);
    }
}
