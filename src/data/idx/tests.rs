use super::*;
use std::io::Write;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory does not fail");
    encoder.finish().expect("memory does not fail")
}

fn read(images: &[u8], labels: &[u8]) -> Result<Split> {
    read_split(&("images".into(), images.to_vec()), &("labels".into(), labels.to_vec()))
}

fn rejects(images: &[u8], labels: &[u8], expected: &str) {
    let error = read(images, labels).expect_err(expected);
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.exit_code(), 4);
}

#[test]
fn reads_what_it_writes_plain_and_gzipped() {
    for image in [[2, 3, 1], [2, 1, 3]] {
        let split = Split { image, pixels: (0..12).collect(), labels: vec![1, 0] };
        let [images, labels] = encode_split(&split);
        assert_eq!(read(&images, &labels).expect("plain"), split);
        assert_eq!(read(&gzip(&images), &gzip(&labels)).expect("gzipped"), split);
    }
}

#[test]
fn rejects_a_malformed_file_with_the_reason() {
    let images = encode(&[2, 2, 2], &[7; 8]);
    let labels = encode(&[2], &[0, 1]);
    let cut = |bytes: &[u8], n: usize| bytes[..bytes.len() - n].to_vec();
    let longer = |bytes: &[u8]| [bytes, &[0]].concat();
    rejects(&labels, &labels, "wrong magic number 0x00000801, expected 0x00000803 or 0x00000804");
    rejects(&images, &images, "wrong magic number 0x00000803, expected 0x00000801");
    rejects(&images, &encode(&[3], &[0, 1, 1]), "3 labels for 2 images");
    rejects(&cut(&images, 1), &labels, "holds 7 bytes after its header");
    rejects(&longer(&images), &labels, "holds more than the 8 bytes");
    rejects(&gzip(&longer(&images)), &labels, "holds more than the 8 bytes");
    rejects(&cut(&gzip(&images), 9), &labels, "gzip stream");
    rejects(&longer(&gzip(&images)), &labels, "1 bytes follow the end of the gzip stream");
    rejects(&images[..9], &labels, "ends inside its header");
    rejects(&[], &labels, "ends inside its header");
    rejects(&encode(&[0, 2, 2], &[]), &encode(&[0], &[]), "holds no images");
    rejects(&encode(&[2, 0, 2], &[]), &labels, "images of 0x2");
    rejects(&encode(&[2, 1, 1, 2], &[0; 4]), &labels, "with 2 channels");
    rejects(&encode(&[1 << 31, 1 << 31, 1 << 31], &[]), &labels, "more than");
}

#[test]
fn a_gzip_of_several_members_is_read_whole() {
    let [images, labels] = [encode(&[2, 2, 2], &[7; 8]), encode(&[2], &[0, 1])];
    let members = |cuts: &[usize]| {
        let ends = cuts.iter().copied().chain([images.len()]);
        let starts = [0].into_iter().chain(cuts.iter().copied());
        starts.zip(ends).flat_map(|(start, end)| gzip(&images[start..end])).collect::<Vec<_>>()
    };
    let plain = read(&images, &labels).expect("plain");
    // Cut in the header and in the content, and with an empty member at the end, as bgzip writes it.
    for cuts in [&[3, 9][..], &[20], &[images.len()]] {
        assert_eq!(read(&members(cuts), &labels).expect("several members"), plain, "{cuts:?}");
    }
    rejects(&[&members(&[9])[..], &[0; 3]].concat(), &labels, "3 bytes follow the end of the gzip stream");
    rejects(&[members(&[9]), gzip(&[1])].concat(), &labels, "holds more than the 8 bytes");
    let cut = members(&[9]);
    rejects(&cut[..cut.len() - 4], &labels, "gzip stream");
}

#[test]
fn a_type_that_is_not_read_is_named() {
    let floats = |code: u8| [&[0, 0, code, 3][..], &[0; 12]].concat();
    rejects(&floats(0x0d), &encode(&[1], &[0]), "32-bit floats in 3 dimensions");
    rejects(&floats(0x09), &encode(&[1], &[0]), "signed bytes");
    rejects(b"PK\x03\x04", &encode(&[1], &[0]), "no IDX file");
}

#[test]
fn a_damaged_gzip_is_an_error() {
    let mut images = gzip(&encode(&[2, 2, 2], &[7; 8]));
    let middle = images.len() - 6;
    images[middle] ^= 0x55;
    rejects(&images, &encode(&[2], &[0, 1]), "damaged");
}

#[test]
fn the_first_column_of_a_table_of_integers_is_the_class() {
    let images = ("images".into(), encode(&[2, 2, 2], &[7; 8]));
    let table = |classes: [i32; 2], columns: u32| {
        let header = [0, 0, 0x0c, 2].into_iter().chain([2, columns].into_iter().flat_map(u32::to_be_bytes));
        let row = |class: i32| (0..columns as i32).map(move |i| if i == 0 { class } else { 1_000 * i });
        header.chain(classes.into_iter().flat_map(row).flat_map(i32::to_be_bytes)).collect::<Vec<u8>>()
    };
    let read = |labels: Vec<u8>| read_split_of_table(&images, &("labels".into(), labels));
    assert_eq!(read(table([9, 0], 8)).expect("a table").labels, [9, 0]);
    assert_eq!(read(gzip(&table([3, 4], 8))).expect("gzipped").labels, [3, 4]);
    let good = table([1, 2], 8);
    for (labels, expected) in [
        (table([1, 10], 8), "the class of image 1 is no digit"),
        (table([-1, 1], 8), "the class of image 0 is no digit"),
        (table([1, 1], 7), "a table of 7 columns"),
        (good[..good.len() - 1].to_vec(), "holds 63 bytes after its header, which declares [2, 8] = 64"),
        ([&good[..], &[0]].concat(), "holds more than the 64 bytes"),
        (
            encode(&[2], &[0, 1]),
            "expected 0x00000c02: unsigned bytes in 1 dimension, not 32-bit integers in 2 dimensions",
        ),
    ] {
        let error = read(labels).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
