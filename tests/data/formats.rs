//! Sets in files of other forms, and which form a path leads to.

use super::{Folder, open, refused};
use gpu_cnn::data::{DataKind, idx, kind_of};

/// The four files of a set of 2 training images and a test image of 2x3 pixels, as EMNIST stores them, by columns.
fn emnist(folder: &Folder, dir: &str, split: &str, labels: [u8; 3]) {
    let images = |count: usize| idx::encode(&[count, 3, 2], &(0..6 * count as u8).collect::<Vec<_>>());
    let file = |part: &str| format!("{dir}/emnist-{split}-{part}");
    folder.write(&file("train-images-idx3-ubyte"), &images(2));
    folder.write(&file("train-labels-idx1-ubyte"), &idx::encode(&[2], &labels[..2]));
    folder.write(&file("test-images-idx3-ubyte"), &images(1));
    folder.write(&file("test-labels-idx1-ubyte"), &idx::encode(&[1], &labels[2..]));
}

#[test]
fn emnist_is_turned_and_letters_are_numbered_from_zero() {
    let folder = Folder::new();
    emnist(&folder, "letters", "letters", [1, 26, 2]);
    let letters = open(&folder.path("letters")).unwrap();
    assert_eq!(
        (letters.train.image, &letters.train.labels[..], &letters.test.labels[..]),
        ([2, 3, 1], &[0, 25][..], &[1][..])
    );
    assert_eq!(letters.test.pixels, [0, 2, 4, 1, 3, 5]);
    assert_eq!((letters.classes, letters.class_names[25].as_str()), (26, "Z"));
    assert!(letters.sha256.contains_key("emnist-letters-test-images-idx3-ubyte"));
    emnist(&folder, "balanced", "balanced", [0, 46, 10]);
    let balanced = open(&folder.path("balanced")).unwrap();
    assert_eq!((balanced.classes, &balanced.class_names[46]), (47, &"t".to_owned()));
    emnist(&folder, "zero", "letters", [1, 0, 2]);
    refused(&folder.path("zero"), "label 0 of image 1; EMNIST numbers its letters from 1");
    emnist(&folder, "ten", "digits", [1, 0, 10]);
    refused(&folder.path("ten"), "label 10 of image 0 is out of range");
}

#[test]
fn a_folder_with_several_sets_asks_which() {
    let folder = Folder::new();
    emnist(&folder, "all", "letters", [1, 26, 2]);
    emnist(&folder, "all", "digits", [0, 9, 1]);
    let message =
        refused(&folder.path("all"), "the files of emnist-digits and of emnist-letters lie here; name one of them");
    assert!(message.contains("all/emnist-digits`"), "{message}");
    let letters = open(&folder.path("all/emnist-letters")).unwrap();
    assert_eq!(letters.classes, 26);
    assert!(letters.name.ends_with("all/emnist-letters"));
    refused(&folder.path("all/emnist-balanced"), "there is no such folder or file");
    std::fs::remove_file(folder.path("all/emnist-letters-test-labels-idx1-ubyte")).unwrap();
    refused(
        &folder.path("all/emnist-letters"),
        "no emnist-letters-test-labels-idx1-ubyte.gz or emnist-letters-test-labels-idx1-ubyte here",
    );
}

/// Labels as QMNIST stores them.
fn table(classes: &[u32]) -> Vec<u8> {
    let header = [[0, 0, 0x0c, 2], (classes.len() as u32).to_be_bytes(), 8u32.to_be_bytes()].concat();
    let rows = classes.iter().flat_map(|class| [*class, 4, 3000, 7, 50, 1, 0, 0]).flat_map(u32::to_be_bytes);
    header.into_iter().chain(rows).collect()
}

#[test]
fn qmnist_has_the_class_in_the_first_of_eight_columns() {
    let folder = Folder::new();
    folder.write("q/qmnist-train-images-idx3-ubyte", &idx::encode(&[3, 1, 1], &[1, 2, 3]));
    folder.write("q/qmnist-train-labels-idx2-int", &table(&[7, 0, 9]));
    folder.write("q/qmnist-test-images-idx3-ubyte", &idx::encode(&[1, 1, 1], &[4]));
    folder.write("q/qmnist-test-labels-idx2-int", &table(&[5]));
    let data = open(&folder.path("q")).unwrap();
    assert_eq!((&data.train.labels[..], &data.test.labels[..], data.classes), (&[7, 0, 9][..], &[5][..], 10));
    folder.write("q/qmnist-test-labels-idx2-int", &idx::encode(&[1], &[5]));
    refused(&folder.path("q"), "unsigned bytes in 1 dimension, not 32-bit integers in 2 dimensions");
}

#[test]
fn cifar_10_is_read_from_its_folder_and_the_folder_that_holds_it() {
    let folder = Folder::new();
    for (i, name) in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"]
        .iter()
        .enumerate()
    {
        folder.write(&format!("c/cifar-10-batches-bin/{name}.bin"), &[vec![i as u8], vec![i as u8; 3072]].concat());
    }
    for path in ["c", "c/cifar-10-batches-bin"] {
        assert_eq!(kind_of(&folder.path(path)), DataKind::Cifar10);
        let data = open(&folder.path(path)).unwrap();
        assert_eq!(
            (data.train.image, &data.train.labels[..], data.test.pixels[0]),
            ([32, 32, 3], &[0, 1, 2, 3, 4][..], 5)
        );
        assert_eq!((data.class_names[0].as_str(), data.sha256.len()), ("airplane", 6));
    }
    std::fs::remove_file(folder.path("c/cifar-10-batches-bin/test_batch.bin")).unwrap();
    assert!(refused(&folder.path("c"), "missing; CIFAR-10 is").contains("test_batch.bin"));
}

#[test]
fn what_a_path_leads_to_is_told_by_what_is_there() {
    let folder = Folder::new();
    folder.write("idx/t10k-labels-idx1-ubyte.gz", b"");
    folder.write("idx/a/1.png", b"");
    folder.write("pictures/a/1.png", b"");
    folder.write("x.NPZ", b"");
    folder.write("any.tgz", b"");
    folder.write("archive/cifar-10-binary.tar.gz", b"");
    folder.write("hidden/.git/x", b"");
    let kinds = [
        ("idx", DataKind::Idx),
        ("pictures", DataKind::Pictures),
        ("x.NPZ", DataKind::Npz),
        ("any.tgz", DataKind::Cifar10Archive),
        ("archive", DataKind::Cifar10Archive),
        ("hidden", DataKind::Other),
        ("nothing.npz", DataKind::Other),
        ("nothing", DataKind::Other),
    ];
    for (path, kind) in kinds {
        assert_eq!(kind_of(&folder.path(path)), kind, "{path}");
    }
    refused(&folder.path("x.NPZ"), "not an .npz archive");
    refused(&folder.path("any.tgz"), "not a gzipped tar of CIFAR-10");
}
