// gamma and beta of a normalisation: the layer's parameters, gamma first, of which one may be absent. parameters: [gamma, beta].

@group(0) @binding(PARAMETERS) var<storage, read> parameters: array<f32>;

fn gamma_at(i: u32) -> f32 {
    if (SCALE) { return parameters[i]; }
    return 1.0;
}

fn beta_at(i: u32) -> f32 {
    if (CENTER) { return parameters[select(0u, NORMALIZED, SCALE) + i]; }
    return 0.0;
}
