//! Several ranks train the same model as one, bit for bit.

use crate::support::{adapter, small_cnn};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Split, synthetic};
use gpu_cnn::ranks::{Alone, Ranks, check_agreement, gather_bytes};
use gpu_cnn::{
    Activation, ActivationLayer, BatchNormalization, Conv2D, Dense, Device, Dropout, Error, Event, Flatten, Flow,
    GlobalAveragePooling2D, MaxPooling2D, Optimizer, Result, RunConfig, Schedule, Score, Sequential,
};
use std::sync::mpsc::{Receiver, Sender, channel};

/// A rank that is a thread of this process.
#[derive(Debug)]
struct Thread {
    rank: usize,
    to: Vec<Sender<Vec<u32>>>,
    from: Vec<Receiver<Vec<u32>>>,
}

impl Ranks for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.to.len()
    }

    fn exchange(&mut self, parts: &[&[u32]], lens: &[usize]) -> Result<Vec<Vec<u32>>> {
        let gone = |_| Error::Usage("a rank is gone".into());
        for (to, part) in self.to.iter().zip(parts) {
            to.send(part.to_vec()).map_err(gone)?;
        }
        let received = self.from.iter().map(|from| from.recv().map_err(|_| Error::Usage("a rank is gone".into())));
        let received = received.collect::<Result<Vec<_>>>()?;
        assert_eq!(received.iter().map(Vec::len).collect::<Vec<_>>(), lens);
        Ok(received)
    }
}

/// What each of `size` ranks makes of `work`.
fn on_ranks<R: Send>(size: usize, work: impl Fn(Box<dyn Ranks>) -> R + Sync) -> Vec<R> {
    if size == 1 {
        return vec![work(Box::new(Alone))];
    }
    let channels: Vec<Vec<_>> = (0..size).map(|_| (0..size).map(|_| channel()).collect()).collect();
    let mut ranks: Vec<Thread> = (0..size).map(|rank| Thread { rank, to: Vec::new(), from: Vec::new() }).collect();
    for (sender, row) in channels.into_iter().enumerate() {
        for (receiver, (to, from)) in row.into_iter().enumerate() {
            ranks[sender].to.push(to);
            ranks[receiver].from.push(from);
        }
    }
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || work(Box::new(rank)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// All that training leaves: every buffer, the losses of the steps, the scores of the epochs, and the test.
type Trained = (Vec<(String, Vec<f32>)>, Vec<f64>, Vec<Score>, Score, Vec<Vec<f32>>);

fn train(model: &Sequential, device: &Device, config: &RunConfig, data: [&Split; 2], ranks: Box<dyn Ranks>) -> Trained {
    let mut trainer = Trainer::new(model.clone(), device, config.clone()).unwrap();
    trainer.set_ranks(ranks);
    let mut losses = Vec::new();
    let history = trainer.fit_with(data[0], &mut |_, event| {
        if let Event::Step { batch, .. } = event {
            losses.push(batch.loss);
        }
        Ok(Flow::Continue)
    });
    let epochs = history.unwrap().epochs;
    let test = trainer.evaluate(data[1]).unwrap().score;
    let predictions = trainer.predict(&data[1].pixels[..5 * 784]).unwrap();
    (trainer.persistent().unwrap(), losses, epochs, test, predictions)
}

fn bits(trained: &Trained) -> Vec<u64> {
    let buffers = trained.0.iter().flat_map(|(_, values)| values).map(|value| u64::from(value.to_bits()));
    let scores = trained.2.iter().chain([&trained.3]).flat_map(|score| [score.loss, score.accuracy]);
    let predictions = trained.4.iter().flatten().map(|value| u64::from(value.to_bits()));
    buffers.chain(predictions).chain(trained.1.iter().copied().chain(scores).map(f64::to_bits)).collect()
}

fn normalized() -> Sequential {
    Sequential::new([28, 28, 1])
        .add(Conv2D::new(4, 3))
        .add(MaxPooling2D::new(2))
        .add(BatchNormalization::default())
        .add(Dropout::new(0.3))
        .add(Conv2D::new(6, 3).activation(Activation::Relu))
        .add(BatchNormalization::default())
        .add(GlobalAveragePooling2D { keepdims: false })
        .add(Dense::new(10).activation(Activation::Softmax))
}

fn base() -> RunConfig {
    RunConfig { batch_size: 16, micro_batch: Some(2), epochs: 2, learning_rate: 0.01, ..RunConfig::default() }
}

#[test]
fn any_number_of_ranks_trains_the_same_bits() {
    // 75 images: the last batch has eleven, the last of its parts one, and some of the ranks none.
    let data = synthetic::generate(3, [75, 21]);
    let decayed = RunConfig { weight_decay: Some(0.01), optimizer: Optimizer::named("adamw").unwrap(), ..base() };
    let cases = [
        ("cnn", small_cnn(), base()),
        ("normalized", normalized(), RunConfig { validation: Some(9), schedule: Schedule::Cosine, ..base() }),
        ("accumulated", normalized(), RunConfig { accumulate: 3, clip_norm: Some(1.0), ..decayed }),
        ("synchronized", normalized(), RunConfig { sync_bn: true, accumulate: 2, ..base() }),
        ("seven parts", small_cnn(), RunConfig { batch_size: 21, micro_batch: Some(3), ..base() }),
    ];
    let adapter = adapter().map(Device::Gpu);
    for (name, model, config) in &cases {
        for device in [Some(Device::cpu(1)), adapter.clone()].into_iter().flatten() {
            let sizes = if matches!(device, Device::Gpu(_)) { &[1, 2, 4][..] } else { &[1, 2, 3, 4, 8, 11] };
            let mut expected = None;
            for size in sizes {
                let of_ranks = on_ranks(*size, |ranks| train(model, &device, config, [&data.train, &data.test], ranks));
                for (rank, trained) in of_ranks.iter().enumerate() {
                    let found = bits(trained);
                    let expected = expected.get_or_insert_with(|| found.clone());
                    assert!(found == *expected, "{name}, {}: rank {rank} of {size}", device.info().adapter);
                }
            }
        }
    }
}

/// Parts make no difference but for rounding, where no layer looks at a batch as a whole.
#[test]
fn parts_are_as_the_whole_batch() {
    let data = synthetic::generate(3, [75, 21]);
    let device = Device::cpu(2);
    let sgd = RunConfig { optimizer: Optimizer::Sgd {}, ..base() };
    for config in [sgd.clone(), RunConfig { accumulate: 2, ..sgd }] {
        let train = |micro_batch| {
            let config = RunConfig { micro_batch, ..config.clone() };
            train(&small_cnn(), &device, &config, [&data.train, &data.test], Box::new(Alone))
        };
        let (whole, cut) = (train(None), train(Some(4)));
        assert_eq!(whole.1.len(), cut.1.len());
        for (whole, cut) in whole.1.iter().zip(&cut.1) {
            assert!((whole - cut).abs() < 1e-5, "{whole} {cut}");
        }
        assert!((whole.3.loss - cut.3.loss).abs() < 1e-5);
        assert!(bits(&whole) != bits(&cut));
    }
}

/// With statistics over all parts a batch normalisation makes no difference either: forward, backward, and in its moving averages.
#[test]
fn synchronized_parts_are_as_the_whole_batch() {
    let data = synthetic::generate(3, [75, 21]);
    let without = |center: bool, scale: bool| BatchNormalization { center, scale, ..BatchNormalization::default() };
    let model = Sequential::new([28, 28, 1])
        .add(Conv2D::new(4, 3))
        .add(BatchNormalization::default())
        .add(ActivationLayer::new(Activation::Relu))
        .add(MaxPooling2D::new(2))
        .add(without(true, false))
        .add(Conv2D::new(5, 3).activation(Activation::Relu))
        .add(without(false, true))
        .add(Flatten {})
        .add(without(false, false))
        .add(Dense::new(10).activation(Activation::Softmax));
    let devices = [Some(Device::cpu(2)), adapter().map(Device::Gpu)];
    for device in devices.into_iter().flatten() {
        let train = |micro_batch, sync_bn| {
            let config = RunConfig { optimizer: Optimizer::Sgd {}, micro_batch, sync_bn, epochs: 1, ..base() };
            train(&model, &device, &config, [&data.train, &data.test], Box::new(Alone))
        };
        let (whole, cut, apart) = (train(None, true), train(Some(4), true), train(Some(4), false));
        let distance = |other: &Trained| {
            let pairs = whole.0.iter().zip(&other.0).flat_map(|(a, b)| a.1.iter().zip(&b.1));
            let weights = pairs.map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
            let losses = whole.1.iter().zip(&other.1).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            weights.max(losses)
        };
        let name = device.info().adapter;
        assert!(distance(&cut) < 1e-4, "{name}: {}", distance(&cut));
        assert!(distance(&apart) > 1e-2, "{name}: {}", distance(&apart));
        assert!(bits(&whole) != bits(&cut));
    }
}

/// The moving averages move once for each batch, towards the mean over its parts.
#[test]
fn state_of_layers_is_averaged_over_the_parts() {
    let data = synthetic::generate(3, [16, 10]);
    let model = Sequential::new([28, 28, 1])
        .add(BatchNormalization { momentum: 0.5, ..BatchNormalization::default() })
        .add(Flatten {})
        .add(Dense::new(10).activation(Activation::Softmax));
    let state = |config: RunConfig, split: &Split| {
        let mut trainer = Trainer::new(model.clone(), &Device::cpu(1), config).unwrap();
        trainer.fit(split).unwrap();
        let file = trainer.to_safetensors().unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&file).unwrap();
        ["moving_mean", "moving_variance"].map(|name| {
            let bytes = tensors.tensor(&format!("batch_normalization.{name}")).unwrap().data();
            f32::from_le_bytes(bytes.try_into().unwrap())
        })
    };
    let config = RunConfig { epochs: 1, shuffle: false, ..base() };
    let cut = state(RunConfig { micro_batch: Some(8), ..config.clone() }, &data.train);
    let half = |first: usize| Split {
        pixels: data.train.pixels[first * 784..(first + 8) * 784].to_vec(),
        labels: data.train.labels[first..first + 8].to_vec(),
        ..data.train
    };
    let halves = [half(0), half(8)].map(|half| state(RunConfig { micro_batch: None, ..config.clone() }, &half));
    for i in 0..2 {
        let mean = (halves[0][i] + halves[1][i]) / 2.0;
        assert!((cut[i] - mean).abs() < 1e-6, "{cut:?} {halves:?}");
    }
    assert!((halves[0][0] - halves[1][0]).abs() > 1e-5, "the halves differ");
}

#[test]
fn bytes_are_gathered_as_they_are() {
    let of = |rank: usize| (0..3 * rank + 1).map(|i| (i * 7 + rank) as u8).collect::<Vec<u8>>();
    for size in [1, 2, 5] {
        let expected: Vec<Vec<u8>> = (0..size).map(of).collect();
        let gathered = on_ranks(size, |mut ranks| {
            let own = of(ranks.rank());
            gather_bytes(ranks.as_mut(), &own).unwrap()
        });
        assert!(gathered.iter().all(|all| *all == expected));
    }
}

#[test]
fn ranks_that_would_train_something_else_are_refused() {
    let check = |sizes: usize, differs: Option<usize>| {
        on_ranks(sizes, |mut ranks| {
            let data = if Some(ranks.rank()) == differs { "other" } else { "same" };
            let facts = [("version", "1"), ("data", data)].map(|(name, text)| (name.to_owned(), text.to_owned()));
            check_agreement(ranks.as_mut(), &facts).map_err(|error| error.to_string())
        })
    };
    assert!(check(3, None).iter().all(Result::is_ok));
    for result in check(3, Some(2)) {
        assert_eq!(result, Err("rank 2 has another data than rank 0; all ranks need the same".into()));
    }
    assert!(check(1, Some(0))[0].is_ok());
    let data = synthetic::generate(3, [20, 10]);
    let cannot = on_ranks(2, |ranks| {
        let mut whole = Trainer::new(small_cnn(), &Device::cpu(1), RunConfig::default()).unwrap();
        whole.set_ranks(ranks);
        whole.fit(&data.train).map(drop).map_err(|error| error.to_string())
    });
    assert!(cannot.iter().all(|result| result.as_ref().is_err_and(|error| error.contains("2 ranks train together"))));
}
