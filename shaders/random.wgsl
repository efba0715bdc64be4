// Uniform draws of 32 bits, a function of seed, stream, update and element.

// C. Wellons's hash lowbias32: every bit of the result depends on every bit of x.
fn mixed(x: u32) -> u32 {
    let a = (x ^ (x >> 16u)) * 0x7feb352du;
    let b = (a ^ (a >> 15u)) * 0x846ca68bu;
    return b ^ (b >> 16u);
}

// What all elements of a step have in common.
fn random_key(stream: u32) -> u32 { return mixed(mixed(step.seed ^ stream) + step.update); }

fn draw(key: u32, element: u32) -> u32 { return mixed(element * 0x9e3779b9u + key); }
