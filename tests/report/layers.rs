//! What layers make of images, each as the model has it, on every device.

use crate::support::devices;
use gpu_cnn::blocking::{Trainer, wait};
use gpu_cnn::data::synthetic;
use gpu_cnn::{
    Activation, BatchNormalization, Conv2D, Dense, Device, GlobalAveragePooling2D, LayerOutput, MaxPooling2D, Model,
    RunConfig, Sequential, layer_outputs,
};

/// Training fuses the first convolution with its pool, and the normalisation with the ReLU after it.
fn model() -> Model {
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(4, 3).activation(Activation::Relu))
        .add(MaxPooling2D::new(2))
        .add(BatchNormalization::new())
        .add(Conv2D::new(3, 3).activation(Activation::Gelu))
        .add(GlobalAveragePooling2D::default())
        .add(Dense::new(10).activation(Activation::Softmax))
        .into()
}

fn outputs(device: &Device, pixels: &[u8]) -> (Vec<LayerOutput>, Vec<Vec<f32>>) {
    let mut trainer = Trainer::new(model(), device, RunConfig::default()).unwrap();
    let weights = trainer.inference_weights().unwrap();
    let outputs = wait(layer_outputs(trainer.graph(), &weights, device, pixels)).unwrap();
    (outputs, trainer.predict(pixels).unwrap())
}

#[test]
fn each_layer_has_its_own_output() {
    let data = synthetic::generate(4, [10, 3]).test;
    for device in devices() {
        let (outputs, predictions) = outputs(&device, &data.pixels);
        let shapes: Vec<(&str, &[usize])> = outputs.iter().map(|output| (&*output.layer, &*output.shape)).collect();
        let expected: [(&str, &[usize]); 6] = [
            ("conv2d", &[26, 26, 4]),
            ("max_pooling2d", &[13, 13, 4]),
            ("batch_normalization", &[13, 13, 4]),
            ("conv2d_1", &[11, 11, 3]),
            ("global_average_pooling2d", &[3]),
            ("dense", &[10]),
        ];
        assert_eq!(shapes, expected);
        let [conv, pool, _, gelu, means, logits] = &outputs[..] else { panic!("{shapes:?}") };
        assert!(conv.values.iter().all(|value| *value >= 0.0) && conv.values.iter().any(|value| *value > 0.0));
        let at = |n: usize, y: usize, x: usize, c: usize| conv.values[((n * 26 + y) * 26 + x) * 4 + c];
        for (i, value) in pool.values.iter().enumerate() {
            let (n, y, x, c) = (i / (13 * 13 * 4), i / (13 * 4) % 13, i / 4 % 13, i % 4);
            let window = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| at(n, 2 * y + dy, 2 * x + dx, c));
            assert_eq!(*value, window.into_iter().fold(0.0, f32::max), "pooled {i}");
        }
        // After the activation: the lowest value of GELU is -0.17.
        assert!(gelu.values.iter().all(|value| *value > -0.171) && gelu.values.iter().any(|value| *value < 0.0));
        for (i, mean) in means.values.iter().enumerate() {
            let of_channel = gelu.values[i / 3 * 363..][..363].iter().skip(i % 3).step_by(3);
            assert!((of_channel.sum::<f32>() / 121.0 - mean).abs() < 1e-5);
        }
        // Before the softmax.
        for (logits, row) in logits.values.chunks(10).zip(&predictions) {
            let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
            assert!(logits.iter().zip(row).all(|(logit, p)| (logit.exp() / sum - p).abs() < 1e-5), "{row:?}");
        }
    }
}

#[test]
fn what_is_no_image_and_what_are_no_weights_is_refused() {
    let device = Device::cpu(1);
    let graph = model().graph().unwrap();
    let refused = |weights: usize, pixels: usize| {
        wait(layer_outputs(&graph, &vec![0.0; weights], &device, &vec![0; pixels])).unwrap_err().to_string()
    };
    let weights = graph.weights_len();
    assert!(refused(weights, 783).contains("783 bytes are not whole images"));
    assert!(refused(weights, 0).contains("0 bytes are not whole images"));
    assert!(refused(weights - 1, 784).contains(&format!("the model has {weights}")));
}
