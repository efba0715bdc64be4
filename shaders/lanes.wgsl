// Elements of a buffer of which an invocation takes four, or one where its row length does not divide by four.

// `loaded`, the four elements of which the one at `at` is the first; without `by_4` that one alone, in each component.
fn lanes_of(loaded: vec4<f32>, at: u32, by_4: bool) -> vec4<f32> {
    if (by_4) { return loaded; }
    return vec4(loaded[at % 4u]);
}
