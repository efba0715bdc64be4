// The statistics of batch_normalize.wgsl as constants. MEAN, FACTOR, SHIFT: [COLS].

var<private> means: array<f32, COLS> = MEAN;
var<private> factors: array<f32, COLS> = FACTOR;
var<private> shifts: array<f32, COLS> = SHIFT;

struct Statistics { mean: vec4<f32>, scale: vec4<f32>, shift: vec4<f32> }

// Of the columns from c on: four, or the same one in each component.
fn statistics_at(c: u32) -> Statistics {
    var found: Statistics;
    for (var k = 0u; k < 4u; k++) { // unroll
        let column = select(c, c + k, BY_4);
        found.mean[k] = means[column];
        found.scale[k] = factors[column];
        found.shift[k] = shifts[column];
    }
    return found;
}
