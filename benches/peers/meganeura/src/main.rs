//! Meganeura on Vulkan: the tutorial's CNN over random images, milliseconds a step.
//!
//! `cargo run --release -- [steps] [warmup]`; two lines of JSON as the other peers print them, one for each pooling:
//!
//! - Meganeura's own. Its result is that of MaxPooling2D, its gradient is not: element i of the input gets a quarter of
//!   the gradient of element i / 4 of the output, by position in memory, not by window or by where the maximum was; it
//!   reads past the end where the side is odd. The shapes are the cnn's, the pools' backward pass has less to do, and
//!   the layers before them get wrong gradients.
//! - Windows taken apart by Meganeura's splits, with max(a, b) as a + relu(b - a). Values and gradients are those of
//!   MaxPooling2D (but where values of a window are equal, or rounding makes them so); it takes many more kernels.
//!
//! Besides, labels are one-hot, images and weights are in NCHW order, and every step waits for the one before.
use meganeura::{CoopPolicy, Graph, NodeId, SessionConfig};
use std::time::Instant;

const BATCH: u32 = 32;
const CLASSES: usize = 10;
const PIXELS: usize = 28 * 28;

/// Numbers in [-1, 1), the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    fn numbers(&mut self, count: usize, limit: f32) -> Vec<f32> {
        (0..count).map(|_| limit * self.next()).collect()
    }
}

/// The network, and its parameters with the limits of their initial values.
struct Network {
    graph: Graph,
    parameters: Vec<(String, usize, f32)>,
    exact_pooling: bool,
}

impl Network {
    fn parameter(&mut self, name: String, shape: &[usize], limit: f32) -> NodeId {
        let node = self.graph.parameter(&name, shape);
        self.parameters.push((name, shape.iter().product(), limit));
        node
    }

    /// A 3x3 convolution with relu, and 2x2 pooling, of square images.
    fn convolution(&mut self, name: &str, x: NodeId, channels: u32, filters: u32, side: u32) -> NodeId {
        let limit = (6.0 / (9 * (channels + filters)) as f32).sqrt();
        let kernel = self.parameter(format!("{name}.kernel"), &[(filters * channels * 9) as usize], limit);
        let bias = self.parameter(format!("{name}.bias"), &[filters as usize], 0.0);
        let x = self.graph.conv2d(x, kernel, BATCH, channels, side, side, filters, 3, 3, 1, 0);
        let side = side - 2;
        let x = self.graph.add_per_channel(x, bias, filters, side * side);
        let x = self.graph.relu(x);
        match self.exact_pooling {
            true => self.pool(x, filters, side),
            false => self.graph.max_pool_2d(x, BATCH, filters, side, side, 2, 2, 2, 0),
        }
    }

    /// The maximum of rows, then of columns, without the last of an odd number.
    fn pool(&mut self, mut x: NodeId, channels: u32, side: u32) -> NodeId {
        let (half, planes) = (side / 2, BATCH * channels);
        // blocks * side lines of `length` elements each
        for (blocks, length) in [(planes, side), (planes * half, 1)] {
            if side % 2 == 1 {
                x = self.graph.split_a(x, blocks, side - 1, 1, length);
            }
            let first = self.graph.split_a(x, blocks * half, 1, 1, length);
            let second = self.graph.split_b(x, blocks * half, 1, 1, length);
            let negative = self.graph.neg(first);
            let difference = self.graph.add(second, negative);
            let more = self.graph.relu(difference);
            x = self.graph.add(first, more);
        }
        x
    }

    fn dense(&mut self, name: &str, x: NodeId, inputs: usize, units: usize) -> NodeId {
        let limit = (6.0 / (inputs + units) as f32).sqrt();
        let kernel = self.parameter(format!("{name}.kernel"), &[inputs, units], limit);
        let bias = self.parameter(format!("{name}.bias"), &[units], 0.0);
        let x = self.graph.matmul(x, kernel);
        self.graph.bias_add(x, bias)
    }

    fn new(exact_pooling: bool) -> Self {
        let mut network = Self { graph: Graph::new(), parameters: Vec::new(), exact_pooling };
        let batch = BATCH as usize;
        let x = network.graph.input("images", &[batch * PIXELS]);
        let labels = network.graph.input("labels", &[batch, CLASSES]);
        let x = network.convolution("first", x, 1, 64, 28);
        let x = network.convolution("second", x, 64, 64, 13);
        let x = network.graph.reshape(x, &[batch, 1600]);
        let x = network.dense("third", x, 1600, 128);
        let x = network.graph.relu(x);
        let logits = network.dense("fourth", x, 128, CLASSES);
        let loss = network.graph.cross_entropy_loss(logits, labels);
        network.graph.set_outputs(vec![loss]);
        network
    }
}

/// The median milliseconds per step over ten groups of steps.
fn time(exact_pooling: bool, steps: usize, warmup: usize) -> f64 {
    let network = Network::new(exact_pooling);
    let mut config = SessionConfig::from_env(); // MEGANEURA_DEVICE_ID selects an adapter
    config.runtime.coop = CoopPolicy::Disabled; // on some adapters they take inputs in half precision
    let mut session = meganeura::build(&network.graph, config).0;
    eprintln!("{}", session.device_information().device_name);
    let mut random = Random(1);
    for (name, count, limit) in &network.parameters {
        session.set_parameter(name, &random.numbers(*count, *limit));
    }
    session.set_adam(1e-3, 0.9, 0.999, 1e-7);
    let batches: Vec<_> = (0..8).map(|_| random.numbers(BATCH as usize * PIXELS, 1.0)).collect();
    let mut batches = batches.iter().cycle();
    let label = |i| if i % CLASSES == i / CLASSES % CLASSES { 1.0 } else { 0.0 };
    let labels: Vec<f32> = (0..BATCH as usize * CLASSES).map(label).collect();
    let mut run = |steps: usize| {
        for images in batches.by_ref().take(steps) {
            session.set_input("images", images);
            session.set_input("labels", &labels);
            session.step();
        }
        session.wait();
    };
    run(warmup);
    let group = (steps / 10).max(1);
    let mut samples = [0.0; 10].map(|_| {
        let started = Instant::now();
        run(group);
        started.elapsed().as_secs_f64() * 1e3 / group as f64
    });
    samples.sort_by(f64::total_cmp);
    (samples[4] + samples[5]) / 2.0
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().expect("a number")).collect();
    let (steps, warmup) = (numbers.first().copied().unwrap_or(10), numbers.get(1).copied().unwrap_or(2));
    for (exact_pooling, name) in [(false, "its own pooling"), (true, "exact pooling")] {
        let ms = time(exact_pooling, steps, warmup);
        println!(
            "{{\"peer\": \"Meganeura 0.3.0, Vulkan, {name}\", \"model\": \"cnn\", \"batch_size\": {BATCH}, \"ms_per_step\": {ms:.3}}}"
        );
    }
}
