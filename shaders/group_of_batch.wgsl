// The group of channels that a product of the batch (see tile.wgsl) belongs to.

fn group() -> u32 { return batch; }
