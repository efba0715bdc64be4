//! Tuning profiles: what suits which kind of adapter, in one table.

/// How the eight lanes that share a tile hand each other what they loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// `subgroupShuffle`; a workgroup is one subgroup of eight lanes.
    Subgroup,
    /// Workgroup memory and barriers; works on every adapter.
    Workgroup,
}

/// How kernels are tiled for an adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    /// As printed and as tests choose it.
    pub name: &'static str,
    /// How lanes share a tile.
    pub exchange: Exchange,
    /// Invocations in a workgroup of the matrix kernels, a multiple of eight.
    pub workgroup: usize,
    /// A gradient's sum over the batch is split until a dispatch has this many tiles.
    pub min_tiles: usize,
}

impl Profile {
    /// Lavapipe and other software adapters whose subgroups are eight wide: one subgroup a tile, no barriers.
    pub const SOFTWARE: Self = Self { name: "software", exchange: Exchange::Subgroup, workgroup: 8, min_tiles: 16 };
    /// Everything else: eight tiles a workgroup, shared through workgroup memory.
    pub const GENERIC: Self = Self { name: "generic", exchange: Exchange::Workgroup, workgroup: 64, min_tiles: 256 };
    /// The CPU backend, whose kernels find their own threads: no split sums.
    pub const CPU: Self = Self { name: "cpu", exchange: Exchange::Workgroup, workgroup: 64, min_tiles: 1 };
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CPU, Self::SOFTWARE, Self::GENERIC];
}
