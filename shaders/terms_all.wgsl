// Every product of the batch sums all K terms.

fn phase() -> u32 { return 0u; }
fn terms(product: u32) -> u32 { return K; }
