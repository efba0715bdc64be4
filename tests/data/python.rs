//! What NumPy and Keras themselves write and read.

use super::{Folder, open, png};
use crate::support::tool;
use gpu_cnn::data::Dataset;
use serde_json::Value;
use std::process::Command;

fn python() -> Option<String> {
    tool("GPU_CNN_TEST_PYTHON", "no Keras", "scripts/keras installs it and prints its Python")
}

/// Runs a script and reads the last line that it prints.
fn run(python: &str, script: &str, arguments: &[&str]) -> Value {
    let output =
        Command::new(python).env("KERAS_BACKEND", "jax").args(["-c", script]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap()
}

const SAVE: &str = "
import sys, numpy as np
folder = sys.argv[1]
rng = np.random.default_rng(1)
x, y = rng.integers(0, 256, (12, 5, 4), dtype='uint8'), np.arange(12) % 3
t, u = rng.integers(0, 256, (4, 5, 4), dtype='uint8'), np.arange(4) % 3
of = lambda x, y, t, u: dict(x_train=x, y_train=y, x_test=t, y_test=u)
np.savez(folder + '/plain.npz', **of(x, y.astype('uint8'), t, u.astype('uint8')))
np.savez_compressed(folder + '/packed.npz', **of(x, y, t, u))
np.savez(folder + '/fortran.npz', **of(np.asfortranarray(x), y[:, None].astype('>i4'), np.asfortranarray(t)[..., None], u.astype('int16')))
np.savez_compressed(folder + '/medmnist.npz', train_images=x, train_labels=y[:, None].astype('uint8'),
    val_images=t, val_labels=u[:, None], test_images=t, test_labels=u[:, None].astype('uint8'))
np.savez(folder + '/objects.npz', **of(x, np.array(['a', None] * 6, dtype=object), t, u))
np.savez(folder + '/floats.npz', **of((x / 255).astype('float32'), y, t, u))
print('{\"x\": %s, \"t\": %s}' % (x.ravel().tolist(), t.ravel().tolist()))
";

#[test]
fn arrays_that_numpy_saves_are_read() {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    let saved = run(&python, SAVE, &[folder.path("").to_str().unwrap()]);
    let values = |name: &str| -> Vec<u8> { serde_json::from_value(saved[name].clone()).unwrap() };
    for name in ["plain", "packed", "fortran", "medmnist"] {
        let Dataset { train, test, classes, .. } = open(&folder.path(&format!("{name}.npz"))).unwrap();
        assert_eq!((train.pixels, test.pixels), (values("x"), values("t")), "{name}");
        assert_eq!(
            (train.image, classes, &train.labels[..4], &test.labels[..]),
            ([5, 4, 1], 3, &[0, 1, 2, 0][..], &[0, 1, 2, 0][..]),
            "{name}"
        );
    }
    for (name, message) in
        [("objects", "`y_train` has Python objects (a pickle)"), ("floats", "`x_train` has floats (`<f4`)")]
    {
        let error = open(&folder.path(&format!("{name}.npz"))).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// What `image_dataset_from_directory` takes from a folder; it would need TensorFlow to decode the pictures.
const READ: &str = "
import sys, json, numpy as np
from keras.src.utils.dataset_utils import index_directory
from keras.src.utils.image_dataset_utils import ALLOWLIST_FORMATS
from PIL import Image
paths, labels, names = index_directory(sys.argv[1], 'inferred', ALLOWLIST_FORMATS, shuffle=False)
pixels = [value for path in paths for value in np.asarray(Image.open(path).convert('RGB')).ravel().tolist()]
print(json.dumps(dict(names=list(names), labels=[int(label) for label in labels], pixels=pixels)))
";

#[test]
fn a_folder_of_pictures_is_what_keras_makes_of_it() {
    let Some(python) = python() else { return };
    let folder = Folder::new();
    for (c, class) in ["b", "a10", "a9", "B c"].iter().enumerate() {
        for (i, name) in ["z.png", "y.PNG", "inside/x.png"].iter().enumerate() {
            let pixels: Vec<u8> = (0..90).map(|p| (p * 7 + c * 50 + i * 13) as u8).collect();
            folder.write(&format!("train/{class}/{name}"), &png([6, 5, 3], &pixels));
        }
        folder.write(&format!("test/{class}/x.png"), &png([6, 5, 3], &[c as u8; 90]));
    }
    let keras = run(&python, READ, &[folder.path("train").to_str().unwrap()]);
    let ours = open(&folder.path("")).unwrap();
    let of_keras = |name: &str| keras[name].as_array().unwrap();
    let names: Vec<&str> = of_keras("names").iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(ours.class_names, names);
    // Keras lists the files of a class in the order of the system: by folder, each sorted.
    let image = |label: u64, pixels: &mut dyn Iterator<Item = u8>| (label, pixels.collect::<Vec<u8>>());
    let pixels: Vec<u8> = of_keras("pixels").iter().map(|value| value.as_f64().unwrap() as u8).collect();
    let mut theirs: Vec<_> = of_keras("labels")
        .iter()
        .zip(pixels.chunks(90))
        .map(|(label, pixels)| image(label.as_u64().unwrap(), &mut pixels.iter().copied()))
        .collect();
    let mut found: Vec<_> = ours
        .train
        .labels
        .iter()
        .zip(ours.train.pixels.chunks(90))
        .map(|(label, pixels)| image(u64::from(*label), &mut pixels.iter().copied()))
        .collect();
    theirs.sort();
    found.sort();
    assert_eq!(found.len(), 12);
    assert_eq!(found, theirs);
}
