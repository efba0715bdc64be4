// The weight of a label in the loss of training. CLASS_WEIGHTS: [CLASSES].

var<private> class_weights: array<f32, CLASSES> = CLASS_WEIGHTS;

fn weight_of(label: u32) -> f32 { return class_weights[label]; }
