// All channels are one group.

fn group() -> u32 { return 0u; }
