//! The same seed gives the same bits with every option of the training at once, for any number of threads and again on the adapter.

use super::*;

/// Layers that draw, in training, beside those that do not.
const MODEL: &str = r#"
layers = [
    { type = "RandomFlip", mode = "horizontal" },
    { type = "RandomTranslation", height_factor = 0.1, width_factor = 0.1 },
    { type = "RandomRotation", factor = 0.05 },
    { type = "RandomZoom", height_factor = 0.2 },
    { type = "RandomBrightness", factor = 0.1, value_range = [0.0, 1.0] },
    { type = "RandomContrast", factor = 0.2, value_range = [0.0, 1.0] },
    { type = "Conv2D", filters = 5, kernel_size = 3, activation = "relu" },
    { type = "MaxPooling2D" },
    { type = "BatchNormalization" },
    { type = "SpatialDropout2D", rate = 0.1 },
    { type = "Conv2D", filters = 6, kernel_size = 3, activation = "gelu" },
    { type = "RandomRotation", factor = 0.1 },
    { type = "GlobalAveragePooling2D" },
    { type = "Dropout", rate = 0.2 },
    { type = "Dense", units = 10, activation = "softmax" },
]
"#;

const OPTIONS: &str = "--epochs 3 --batch-size 30 --accumulate 2 --validation 41 --limit-batches 7 \
    --augment flip,crop2,shift0.1,rotate20,zoom0.1,brightness0.2,cutout5 --tta flip+shift --ema 0.9 --label-smoothing 0.1 \
    --class-weights balanced --schedule cosine --warmup 2 --weight-decay 0.01 --clip-norm 1 --on-nan skip \
    --early-stopping 1 --max-time 1h --log-steps";

#[test]
fn every_option_at_once_keeps_the_bits() {
    let workspace = Workspace::new();
    std::fs::write(workspace.path("model.toml"), MODEL).unwrap();
    let [data, model] = ["data", "model.toml"].map(|name| workspace.name(name));
    let train = |out: &str, device: &str, optimizer: &str| {
        let out_path = workspace.name(out);
        let fixed = ["train", "--data", &data, "--model", &model, "--out", &out_path];
        let line = format!("{OPTIONS} {device} {optimizer}");
        let output = run(&fixed.into_iter().chain(line.split_whitespace()).collect::<Vec<_>>());
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        ["model.safetensors", "metrics.jsonl", "losses.f64"].map(|file| {
            let bytes = std::fs::read(workspace.path(out).join(file)).unwrap();
            assert!(!bytes.is_empty(), "{line}: {file}");
            // The file of weights names the device that they were trained on.
            let weights_from = if file.ends_with("safetensors") { 8 + header_len(&bytes) } else { 0 };
            bytes[weights_from..].to_vec()
        })
    };
    let adapter = if adapter().is_some() { ["--adapter vulkan"; 2].as_slice() } else { &[] };
    for (i, optimizer) in ["--optimizer muon", "--optimizer sgd --momentum 0.9 --nesterov"].into_iter().enumerate() {
        for (place, devices) in
            [&["--adapter cpu --threads 1", "--adapter cpu --threads 2"][..], adapter].into_iter().enumerate()
        {
            let runs: Vec<_> = devices
                .iter()
                .enumerate()
                .map(|(again, device)| train(&format!("run-{i}-{place}-{again}"), device, optimizer))
                .collect();
            for pair in runs.windows(2) {
                assert!(pair[0] == pair[1], "{devices:?}, {optimizer}");
            }
        }
    }
    // Another seed has other bits: the comparison can fail.
    let again = |seed: &str| train(&format!("run-seed-{seed}"), &format!("--adapter cpu --seed {seed}"), "");
    assert!(again("1") != again("2"));
}

/// Bytes of the header of a file of weights, whose length the first eight bytes tell.
fn header_len(bytes: &[u8]) -> usize {
    usize::try_from(u64::from_le_bytes(bytes[..8].try_into().unwrap())).unwrap()
}
