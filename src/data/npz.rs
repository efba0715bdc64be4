//! Reads NumPy's archives, `.npz`: a zip of `.npy` arrays, named as those of Keras's `mnist.npz` or as MedMNIST's.

use super::classes::{counted, numbered};
use super::dataset::{Dataset, Split};
use super::idx::{self, MAX_EXPANDED, MAX_EXPANSION};
use super::npy::{self, Array};
use crate::error::{Error, Result};
use std::io::Cursor;
use std::path::Path;
use zip::ZipArchive;
use zip::result::ZipError;

/// Names of the four arrays: training images and labels, test images and labels.
const NAMES: [[&str; 4]; 2] =
    [["x_train", "y_train", "x_test", "y_test"], ["train_images", "train_labels", "test_images", "test_labels"]];
/// Names that a message lists, at most.
const LISTED: usize = 10;

/// Reads the file: images [n, h, w] or [n, h, w, 1 or 3], labels `[n]` or [n, 1], integers of any size from 0 to 255.
///
/// # Errors
/// [`Error::Data`] if the file cannot be read or is malformed, or an array is missing, malformed or of another type or shape.
pub(super) fn read(path: &Path, name: String) -> Result<Dataset> {
    let bytes = idx::read_if_there(path)?.ok_or_else(|| Error::data(path, "there is no such file"))?;
    let ([train, test], names) = parse(&bytes, path)?;
    let digests = [idx::content_sha256(&train), idx::content_sha256(&test)].into_iter().flatten();
    let sha256 = names.iter().map(|name| (*name).to_owned()).zip(digests).collect();
    let classes = counted(&train, path)?;
    let found = numbered(name, classes, train, test, [path, path])?;
    Ok(Dataset { sha256, ..found })
}

/// The training and the test images in the bytes of an archive; `path` is used in messages only.
///
/// # Errors
/// As reading such a file by its path.
pub fn parse_npz(bytes: &[u8], path: &Path) -> Result<[Split; 2]> {
    parse(bytes, path).map(|(splits, _)| splits)
}

fn parse(bytes: &[u8], path: &Path) -> Result<([Split; 2], [&'static str; 4])> {
    let no_archive = |e: &dyn std::fmt::Display| Error::data(path, format!("not an .npz archive: {e}"));
    if bytes.starts_with(b"\x93NUMPY") {
        return Err(no_archive(&"a single .npy array; np.savez writes several into one file"));
    }
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| no_archive(&e))?;
    let mut found: Vec<String> = zip.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    found.sort();
    let has = |name: &&str| found.contains(&format!("{name}.npy"));
    let Some(names) = NAMES.into_iter().find(|names| names.iter().all(has)) else {
        let shown: Vec<String> =
            found.iter().take(LISTED).map(|name| name.trim_end_matches(".npy").escape_debug().to_string()).collect();
        let more = if found.len() > LISTED { format!(" and {} more", found.len() - LISTED) } else { String::new() };
        let what = format!(
            "the arrays are {}{more}; a data set has {}, or {}",
            shown.join(", "),
            NAMES[0].join(", "),
            NAMES[1].join(", ")
        );
        return Err(Error::data(path, what));
    };
    let mut array = |name: &str| {
        let wrong = |what: String| Error::data(path, format!("`{name}` {what}"));
        let mut entry = zip.by_name(&format!("{name}.npy")).map_err(|e| wrong(reason(e)))?;
        let max = MAX_EXPANDED.max(entry.compressed_size().min(bytes.len() as u64).saturating_mul(MAX_EXPANSION));
        npy::read(&mut entry, max.min(idx::MAX_BYTES)).map_err(wrong)
    };
    let mut split = |[images, labels]: [&'static str; 2]| {
        let (pixels, classes) = (array(images)?, array(labels)?);
        split(pixels, classes).map_err(|(is_of_labels, what)| {
            Error::data(path, format!("`{}` {what}", if is_of_labels { labels } else { images }))
        })
    };
    Ok(([split([names[0], names[1]])?, split([names[2], names[3]])?], names))
}

fn reason(error: ZipError) -> String {
    match error {
        ZipError::Io(e) => format!("is damaged: {e}"),
        other => format!("cannot be read: {other}"),
    }
}

/// Images with their labels, or what is wrong, of the labels where the first says so.
fn split(images: Array, labels: Array) -> Result<Split, (bool, String)> {
    let image = match images.shape[..] {
        [_, h, w] => [h, w, 1],
        [_, h, w, c @ (1 | 3)] => [h, w, c],
        [_, c @ (1 | 3), h, w] => {
            let what = format!("is [n, {c}, {h}, {w}], channels first; images are [n, height, width, channels]");
            return Err((false, what));
        }
        _ => {
            let what = format!("is {:?}; images are [n, height, width] or [n, height, width, 1 or 3]", images.shape);
            return Err((false, what));
        }
    };
    if !matches!(labels.shape[..], [_] | [_, 1]) {
        return Err((true, format!("is {:?}; labels are [n] or [n, 1]", labels.shape)));
    }
    if image.contains(&0) || images.shape[0] == 0 {
        return Err((false, format!("is {:?}, without a pixel", images.shape)));
    }
    if images.shape[0] != labels.shape[0] {
        return Err((true, format!("has {} labels for {} images", labels.shape[0], images.shape[0])));
    }
    Ok(Split { image, pixels: images.values, labels: labels.values })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    fn array(header: &str, elements: &[u8]) -> Vec<u8> {
        [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), elements].concat()
    }

    fn of(descr: &str, is_fortran: bool, shape: &str, elements: &[u8]) -> Vec<u8> {
        let order = if is_fortran { "True" } else { "False" };
        array(&format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}   \n"), elements)
    }

    fn archive(names: [&str; 4], arrays: [&[u8]; 4], method: CompressionMethod) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, array) in names.iter().zip(arrays) {
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(format!("{name}.npy"), options).expect("memory does not fail");
            zip.write_all(array).expect("memory does not fail");
        }
        zip.finish().expect("memory does not fail").into_inner()
    }

    fn images() -> Vec<u8> {
        of("|u1", false, "(2, 2, 3)", &(0..12).collect::<Vec<_>>())
    }

    fn read(arrays: [&[u8]; 4]) -> Result<[Split; 2]> {
        parse_npz(&archive(NAMES[0], arrays, CompressionMethod::Deflated), Path::new("data.npz"))
    }

    #[test]
    fn arrays_of_either_order_type_and_rank_give_the_same() {
        let expected = Split { image: [2, 3, 1], pixels: (0..12).collect(), labels: vec![7, 200] };
        let by_columns: Vec<u8> =
            (0..3).flat_map(|x| [0, 1].map(|y| [0, 1].map(|n| (n * 6 + y * 3 + x) as u8))).flatten().collect();
        let wide: Vec<u8> = (0..12u8).flat_map(|value| [0, 0, 0, value]).collect();
        let labels = of("|u1", false, "(2,)", &[7, 200]);
        let labels_of_keras_2 =
            of("<i8", false, "(2L, 1L)", &[[7, 0, 0, 0, 0, 0, 0, 0], [200, 0, 0, 0, 0, 0, 0, 0]].concat());
        let arrays = [
            images(),
            of("|u1", true, "(2, 2, 3)", &by_columns),
            of("|u1", false, "(2, 2, 3, 1)", &(0..12).collect::<Vec<_>>()),
            of(">i4", false, "(2, 2, 3)", &wide),
        ];
        for images in &arrays {
            for labels in [&labels, &labels_of_keras_2] {
                for names in NAMES {
                    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
                        let bytes = archive(names, [images, labels, images, labels], method);
                        let found = parse_npz(&bytes, Path::new("data.npz")).expect("read");
                        assert_eq!(found, [expected.clone(), expected.clone()]);
                    }
                }
            }
        }
        // Three channels, columns first: the channel runs slowest.
        let colour = of("|u1", true, "(1, 2, 1, 3)", &[0, 3, 1, 4, 2, 5]);
        let label = of("|i1", false, "(1,)", &[1]);
        let found = read([&colour, &label, &colour, &label]).expect("colour");
        assert_eq!(found[0], Split { image: [2, 1, 3], pixels: (0..6).collect(), labels: vec![1] });
    }

    #[test]
    fn what_is_wrong_is_said_with_the_array() {
        let labels = of("|u1", false, "(2,)", &[0, 1]);
        let refused = |x: &[u8], y: &[u8], expected: &str| {
            let error = read([x, y, &images(), &labels]).expect_err(expected);
            assert!(error.to_string().contains(expected) && error.to_string().ends_with("data.npz"), "{error}");
            assert_eq!(error.exit_code(), 4);
        };
        let u1 = |shape: &str, n: u8| of("|u1", false, shape, &vec![0; usize::from(n)]);
        refused(
            &of("|O", false, "(2,)", b"cos\nsystem\n"),
            &labels,
            "`x_train` has Python objects (a pickle), which are never read",
        );
        refused(&of("<f4", false, "(2, 1, 1)", &[0; 8]), &labels, "floats (`<f4`); images and labels are integers");
        refused(&of("<i2", false, "(2, 1, 1)", &[1, 0, 255, 255]), &labels, "`x_train` holds -1 at index 1");
        refused(&of(">u2", false, "(2, 1, 1)", &[1, 0, 0, 0]), &labels, "`x_train` holds 256 at index 0");
        refused(&u1("(2, 2, 3)", 11), &labels, "ends inside the elements");
        refused(&u1("(2, 2, 3)", 13), &labels, "holds more than the 12 bytes");
        refused(&u1("(2, 4, 5, 2)", 80), &labels, "is [2, 4, 5, 2]; images are");
        refused(&u1("(2, 3, 4, 4)", 96), &labels, "channels first");
        refused(&u1("(0, 3, 4)", 0), &u1("(0,)", 0), "without a pixel");
        refused(&u1("(3, 1, 1)", 3), &labels, "`y_train` has 2 labels for 3 images");
        refused(&images(), &u1("(2, 10)", 20), "`y_train` is [2, 10]; labels are [n] or [n, 1]");
        refused(&of("|u1", false, "(99999999999, 99999999999)", &[]), &labels, "declares the shape");
        refused(&of("|u1", false, "(4294967295, 1, 1)", &[]), &labels, "more than 67108864 bytes");
        refused(&of("[('a', 'u1')]", false, "(2,)", &[]), &labels, "the type `[(`, not integers");
        refused(&array("{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (2,)}", &[]), &labels, "records");
        refused(&array("{'descr': '|u1', 'shape': (2,)}", &[]), &labels, "not all of `descr`");
        refused(&array("{'descr': '|u1', 'descr': '|u1'}", &[]), &labels, "`descr` twice");
        refused(&array("{'descr': '|u1'} import os", &[]), &labels, "text after the dictionary");
        refused(&array("{'shape': (-1,)}", &[]), &labels, "the size ``");
        refused(b"\x93NUMPY\x09\x00\x00\x00", &labels, "version 9");
        refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", &labels, "a header of 4294967295 bytes");
        refused(b"NUMPY", &labels, "ends inside its header");
        refused(b"PK\x03\x04 no array", &labels, "no .npy array");
    }

    #[test]
    fn an_archive_with_other_arrays_lists_them() {
        let one = images();
        let bytes = archive(["arr_0", "arr_1", "x_test", "y_test"], [&one; 4], CompressionMethod::Stored);
        let error = parse_npz(&bytes, Path::new("data.npz")).expect_err("other names").to_string();
        assert!(
            error.contains("the arrays are arr_0, arr_1, x_test, y_test; a data set has x_train, y_train"),
            "{error}"
        );
        for bytes in [&one[..], b"", b"hello"] {
            let error = parse_npz(bytes, Path::new("data.npz")).expect_err("no archive").to_string();
            assert!(error.contains("not an .npz archive"), "{error}");
        }
    }
}
