//! Files with bits flipped, cut, overwritten: refused or read, never a panic.

use crate::support::damage;
use gpu_cnn::Error;
use gpu_cnn::data::{idx, parse_cifar10_archive, parse_npz};
use gpu_cnn::internals::rng::{Purpose, Rng};
use std::io::{Cursor, Write};
use std::path::Path;

/// Mutated files of each kind.
const FILES: usize = 2000;

fn all_are_refused_or_read(name: &str, whole: &[u8], read: impl Fn(Vec<u8>) -> Result<(), Error>) {
    read(whole.to_vec()).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut rng = Rng::new(12, Purpose::TrainImage, whole.len() as u64);
    let mut refused = 0;
    for _ in 0..FILES {
        let mut bytes = whole.to_vec();
        damage(&mut bytes, &mut rng);
        if let Err(error) = read(bytes) {
            refused += 1;
            assert_eq!(error.exit_code(), 4, "{name}: {error}");
            assert!(error.to_string().len() < 2000, "{name}: {error}");
        }
    }
    assert!(refused > FILES / 5, "{name}: only {refused} of {FILES} were refused");
}

fn npy(descr: &str, shape: &str, elements: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n");
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), elements].concat()
}

fn npz(method: zip::CompressionMethod) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let images = npy("|u1", "(4, 3, 2)", &[9; 24]);
    let labels = npy("<i8", "(4,)", &[1, 0, 0, 0, 0, 0, 0, 0].repeat(4));
    for (name, array) in [("x_train", &images), ("y_train", &labels), ("x_test", &images), ("y_test", &labels)] {
        let options = zip::write::SimpleFileOptions::default().compression_method(method);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        archive.write_all(array).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn cifar10() -> Vec<u8> {
    let gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(gzip);
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        let mut header = tar::Header::new_gnu();
        header.set_size(3073);
        let content: Vec<u8> = (0..3073).map(|i| if i == 0 { 3 } else { (i * 7 % 256) as u8 }).collect();
        archive.append_data(&mut header, format!("cifar-10-batches-bin/{name}.bin"), &content[..]).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

#[test]
fn damaged_archives_are_refused_or_read() {
    let path = Path::new("damaged");
    for method in [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated] {
        all_are_refused_or_read("npz", &npz(method), |bytes| parse_npz(&bytes, path).map(drop));
    }
    all_are_refused_or_read("cifar10", &cifar10(), |bytes| parse_cifar10_archive(&bytes, path).map(drop));
}

#[test]
fn damaged_tables_of_labels_are_refused_or_read() {
    let images = (Path::new("images").to_owned(), idx::encode(&[4, 1, 1], &[1; 4]));
    let header = [[0, 0, 0x0c, 2], 4u32.to_be_bytes(), 8u32.to_be_bytes()].concat();
    let rows = (0..4u32).flat_map(|class| [class, 4, 3000, 7, 50, 1, 0, 0]).flat_map(u32::to_be_bytes);
    let table: Vec<u8> = header.into_iter().chain(rows).collect();
    all_are_refused_or_read("qmnist", &table, |bytes| {
        idx::read_split_of_table(&images, &(Path::new("labels").to_owned(), bytes)).map(drop)
    });
}
