//! Tuning profiles: what suits which kind of adapter, in one table.

/// Who computes a 32 x 32 tile of a matrix product, and how they hand each other what they loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatmulCore {
    /// A subgroup of eight lanes by `subgroupShuffle`; a workgroup is one such subgroup.
    Subgroup,
    /// 64 invocations through workgroup memory and barriers; works on every adapter.
    Workgroup,
}

/// Which kernels suit an adapter, and how they are tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    /// As printed, and as `GPU_CNN_PROFILE` and tests choose it.
    pub name: &'static str,
    /// Who computes a tile.
    pub core: MatmulCore,
    /// Whether buffers are read and written by words of 64 bits.
    pub loads_u64: bool,
    /// A sum is split until a dispatch has this many tiles, and no loop is too long for an adapter; 0: never.
    pub min_tiles: usize,
    /// Whether a convolution and the pool after it become one.
    pub fuse: bool,
    /// Whether fused 3x3 convolutions under 2x2 pools go by Winograd's algorithm: more dispatches, fewer multiplications.
    pub winograd: bool,
}

impl Profile {
    /// Lavapipe and other software adapters whose subgroups are eight wide: bound by arithmetic, and by loads.
    pub const SOFTWARE: Self = Self {
        name: "software",
        core: MatmulCore::Subgroup,
        loads_u64: true,
        min_tiles: 16,
        fuse: true,
        winograd: true,
    };
    /// Cards with their own memory: bound by launches at small batches, and with room for many workgroups.
    pub const DISCRETE: Self = Self {
        name: "discrete",
        core: MatmulCore::Workgroup,
        loads_u64: false,
        min_tiles: 256,
        fuse: true,
        winograd: false,
    };
    /// Graphics beside the processor's cores; also whatever is neither of the other two.
    pub const INTEGRATED: Self = Self { name: "integrated", min_tiles: 64, ..Self::DISCRETE };
    /// The CPU backend, whose kernels find their own threads: no split sums.
    pub const CPU: Self = Self { name: "cpu", min_tiles: 0, fuse: true, ..Self::DISCRETE };
    /// Those of adapters.
    pub const ADAPTERS: [Self; 3] = [Self::SOFTWARE, Self::DISCRETE, Self::INTEGRATED];
}
