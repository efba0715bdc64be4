//! Burn's WGSL backend on the default adapter: the tutorial's CNN over random images, milliseconds a step.
//!
//! `cargo run --release -- [steps] [warmup]`; one line of JSON as the other peers print it.
use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::prelude::*;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{DeviceKind, Distribution, TensorData};
use std::time::Instant;

const BATCH: usize = 32;

#[derive(Module, Debug)]
struct Network {
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
}

impl Network {
    fn new(device: &Device) -> Self {
        let convolution = |(i, o)| Conv2dConfig::new([i, o], [3, 3]).init(device);
        let dense = |(i, o)| LinearConfig::new(i, o).init(device);
        Self {
            convolutions: [(1, 64), (64, 64)].map(convolution).to_vec(),
            dense: [(1600, 128), (128, 10)].map(dense).to_vec(),
        }
    }

    fn logits(&self, images: Tensor<4>) -> Tensor<2> {
        let pool = |x| max_pool2d(x, MaxPoolOptions::new([2, 2]));
        let features = self.convolutions.iter().fold(images, |x, layer| pool(relu(layer.forward(x))));
        self.dense[1].forward(relu(self.dense[0].forward(features.flatten(1, 3))))
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args().skip(1).map(|a| a.parse().expect("a number")).collect();
    let (steps, warmup) = (numbers.first().copied().unwrap_or(10), numbers.get(1).copied().unwrap_or(3));
    let device = Device::wgpu(DeviceKind::DefaultDevice).autodiff();
    let mut network = Network::new(&device);
    let mut adam = AdamConfig::new().with_epsilon(1e-7).init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    let labels = TensorData::new((0..BATCH as i32).map(|i| i % 10).collect(), [BATCH]);
    let mut samples = Vec::new();
    for step in 0..warmup + steps {
        let started = Instant::now();
        let images = Tensor::<4>::random([BATCH, 1, 28, 28], Distribution::Uniform(0.0, 1.0), &device);
        let loss = cross_entropy.forward(network.logits(images), Tensor::from_data(labels.clone(), &device));
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = adam.step(1e-3, network, gradients);
        device.sync().expect("the device answers");
        if step >= warmup {
            samples.push(started.elapsed().as_secs_f64() * 1e3);
        }
    }
    samples.sort_by(f64::total_cmp);
    let ms = samples[samples.len() / 2];
    println!("{{\"peer\": \"Burn 0.22.1, wgpu\", \"model\": \"cnn\", \"batch_size\": {BATCH}, \"ms_per_step\": {ms:.3}}}");
}
