//! Tuning profiles: kernel and tile choices for each kind of adapter.

use crate::simd::SimdLevel;

/// What executes a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// A wgpu adapter.
    Adapter,
    /// The CPU backend: SIMD kernels of this level, or the reference implementations.
    Cpu(Option<SimdLevel>),
}

/// How the invocations of a tile of a matrix product share the operands that they load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatmulCore {
    /// Through `subgroupShuffle`, in a workgroup that is a single subgroup of eight lanes; tiles of 32 x 32, and narrower ones.
    Subgroup,
    /// Through workgroup memory and barriers, in a workgroup of 64 invocations; works on every adapter.
    Workgroup,
}

/// How kernels read bytes in place of floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelReads {
    /// Not at all.
    None,
    /// Four at a time: by single bytes, a convolution's loops on a card have a tenth more instructions.
    Fours,
    /// Four at a time or single ones.
    Any,
}

/// Which kernels a plan uses on an adapter, and how they are tiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Profile {
    /// The profile's name in reports and in `GPU_CNN_PROFILE`.
    pub name: &'static str,
    /// What executes the plan.
    pub target: Target,
    /// How a tile of a matrix product is computed.
    pub core: MatmulCore,
    /// Whether shaders access four elements as two 64-bit integers instead of a `vec4`.
    pub loads_u64: bool,
    /// Loads of a long sum that an invocation issues before it uses the first, at least 1 (LOADS_AT_ONCE in shaders): a GPU waits for
    /// memory, a CPU has caches.
    pub loads_at_once: usize,
    /// Minimum number of tiles per dispatch: the sum over K of a matrix product is divided (split-K) until a dispatch
    /// has this many tiles and no loop exceeds the adapters' limit on iterations; 0 disables split-K. Short narrow products of fewer
    /// tiles take lower ones (`tile_subgroup.wgsl`).
    pub min_tiles: usize,
    /// Least number of 64 x 64 tiles for which a matrix product is computed in them, the parts included that a long sum can be cut into: a
    /// load from workgroup memory then serves twice as many sums as in tiles of 32 x 32, but there are fewer to keep a card at work. 0 takes
    /// them for every product; for [`MatmulCore::Workgroup`].
    pub large_tiles: usize,
    /// Most terms of a sum over K that one workgroup adds up, where they can be split.
    pub max_terms: usize,
    /// Whether a convolution and the pool after it are fused into one kernel.
    pub fuse: bool,
    /// Whether 3x3 convolutions fused with a 2x2 pool use Winograd's algorithm: more dispatches, fewer multiplications.
    pub winograd: bool,
    /// How the first layer's kernels read the images' bytes, so that no dispatch has to make floats of them.
    pub pixel_reads: PixelReads,
    /// Whether dispatches are launched in pairs, side by side or one after the other (`plan/pair.rs`). On a software adapter a branch
    /// around a kernel makes every access of its loops test a mask, which takes longer than a launch.
    pub pairs: bool,
}

impl Profile {
    /// Lavapipe and other software adapters with subgroups of eight lanes: limited by arithmetic and by loads.
    pub const SOFTWARE: Self = Self {
        name: "software",
        target: Target::Adapter,
        core: MatmulCore::Subgroup,
        loads_u64: true,
        loads_at_once: 1,
        min_tiles: 16,
        large_tiles: usize::MAX,
        max_terms: usize::MAX,
        fuse: true,
        winograd: true,
        pixel_reads: PixelReads::Any,
        pairs: false,
    };
    /// Discrete GPUs: limited by launch overhead at small batches, and able to run many workgroups at once.
    pub const DISCRETE: Self = Self {
        name: "discrete",
        target: Target::Adapter,
        core: MatmulCore::Workgroup,
        loads_u64: false,
        loads_at_once: 8,
        min_tiles: 256,
        large_tiles: 256,
        max_terms: 1024,
        fuse: true,
        winograd: false,
        pixel_reads: PixelReads::Fours,
        pairs: true,
    };
    /// Integrated GPUs, and every adapter that neither of the other two profiles fits.
    pub const INTEGRATED: Self =
        Self { name: "integrated", min_tiles: 64, large_tiles: usize::MAX, max_terms: usize::MAX, ..Self::DISCRETE };
    /// [`Self::DISCRETE`] with large tiles for products of every size: for checks, whose products are small.
    pub const LARGE_TILES: Self = Self { name: "large-tiles", large_tiles: 0, ..Self::DISCRETE };
    /// The reference implementations on the CPU: the twins of all kernels.
    pub const REFERENCE: Self = Self {
        name: "cpu",
        target: Target::Cpu(None),
        min_tiles: 0,
        pixel_reads: PixelReads::None,
        pairs: false,
        ..Self::INTEGRATED
    };
    /// The profiles that wgpu adapters take, that is, those with [`Target::Adapter`].
    pub const ADAPTERS: [Self; 3] = [Self::SOFTWARE, Self::DISCRETE, Self::INTEGRATED];
    /// Those that kernels are checked with.
    pub const CHECKED: [Self; 4] = [Self::SOFTWARE, Self::DISCRETE, Self::INTEGRATED, Self::LARGE_TILES];

    /// The CPU backend with SIMD kernels of `level`, or with the reference implementations. Its kernels are parallel inside, so
    /// that split-K is not needed.
    pub const fn cpu(level: Option<SimdLevel>) -> Self {
        Self { target: Target::Cpu(level), ..Self::REFERENCE }
    }

    /// The SIMD level of the kernels, if the plan is for the CPU and not for the reference implementations.
    pub fn simd(&self) -> Option<SimdLevel> {
        match self.target {
            Target::Cpu(level) => level,
            Target::Adapter => None,
        }
    }

    /// The profile of this name, of [`Self::CHECKED`].
    pub fn named(name: &str) -> Option<Self> {
        Self::CHECKED.into_iter().find(|profile| profile.name == name)
    }
}
