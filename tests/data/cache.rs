//! Decoded pictures in the cache: found again, and never trusted when anything differs.

use super::{Folder, Said, open_with, png};
use gpu_cnn::data::{Dataset, ImageSize, ReadOptions};
use std::path::PathBuf;

fn folder() -> Folder {
    let folder = Folder::new();
    for class in ["a", "b"] {
        (0..5).for_each(|i| folder.grey(&format!("data/{class}/{i}.png"), i));
    }
    folder
}

fn options(folder: &Folder) -> ReadOptions {
    ReadOptions { cache: Some(folder.path("cache")), ..ReadOptions::default() }
}

fn read(folder: &Folder, options: &ReadOptions) -> (Dataset, Said) {
    let (data, said) = open_with(&folder.path("data"), options);
    (data.unwrap(), said)
}

/// Asserts that the pictures were taken from the cache, or not.
fn is_cached(said: &Said, expected: bool) {
    let found = said.details.iter().any(|text| text.contains("the pictures were decoded before"));
    assert_eq!((found, said.decoded.is_none()), (expected, expected), "{said:?}");
}

/// The only folder of the cache.
fn entry(folder: &Folder) -> PathBuf {
    let mut entries = std::fs::read_dir(folder.path("cache")).unwrap();
    let entry = entries.next().unwrap().unwrap().path();
    assert!(entries.next().is_none());
    entry
}

#[test]
fn a_second_run_finds_what_the_first_decoded() {
    let folder = folder();
    let (first, said) = read(&folder, &options(&folder));
    is_cached(&said, false);
    let (second, said) = read(&folder, &options(&folder));
    is_cached(&said, true);
    assert_eq!((&second.train, &second.test, &second.sha256), (&first.train, &first.test, &first.sha256));
    assert_eq!(second.class_names, first.class_names);
    // Other options have a place of their own.
    let other = ReadOptions { image_size: Some(ImageSize { height: 4, width: 4 }), ..options(&folder) };
    is_cached(&read(&folder, &other).1, false);
    is_cached(&read(&folder, &options(&folder)).1, true);
    assert_eq!(std::fs::read_dir(folder.path("cache")).unwrap().count(), 2);
    // The files are those of any data set.
    let (cached, _) = open_with(&entry_of(&folder, &first), &ReadOptions::default());
    assert_eq!(cached.unwrap().train, first.train);
}

/// The folder of the cache with these training images.
fn entry_of(folder: &Folder, data: &Dataset) -> PathBuf {
    let entries = std::fs::read_dir(folder.path("cache")).unwrap().map(|entry| entry.unwrap().path());
    let has = |path: &PathBuf| gpu_cnn::data::read_folder(path).unwrap().train == data.train;
    entries.into_iter().find(has).unwrap()
}

#[test]
fn pictures_that_changed_are_decoded_again() {
    let folder = folder();
    read(&folder, &options(&folder));
    let changes: [&dyn Fn(); 4] = [
        &|| folder.write("data/a/0.png", &png([2, 3, 1], &[1, 2, 3, 4, 5, 6])),
        &|| folder.grey("data/a/new.png", 9),
        &|| std::fs::remove_file(folder.path("data/b/4.png")).unwrap(),
        &|| std::fs::rename(folder.path("data/b"), folder.path("data/c")).unwrap(),
    ];
    for change in changes {
        change();
        let (data, said) = read(&folder, &options(&folder));
        is_cached(&said, false);
        let (fresh, _) = read(&folder, &ReadOptions::default());
        assert_eq!((&data.train, &data.test), (&fresh.train, &fresh.test));
        let (again, said) = read(&folder, &options(&folder));
        is_cached(&said, true);
        assert_eq!((again.train, again.class_names), (fresh.train, fresh.class_names));
    }
    // In place of the old.
    entry(&folder);
}

#[test]
fn a_damaged_or_unfinished_cache_is_not_trusted_and_written_again() {
    let folder = folder();
    let (first, _) = read(&folder, &options(&folder));
    let entry = entry(&folder);
    let names = [
        "info.json",
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ];
    for name in names {
        let path = entry.join(name);
        let whole = std::fs::read(&path).unwrap();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            bytes
        };
        for damaged in
            [flipped(whole.len() - 1), flipped(whole.len() / 2), whole[..whole.len() / 2].to_vec(), Vec::new()]
        {
            std::fs::write(&path, damaged).unwrap();
            let (data, said) = read(&folder, &options(&folder));
            // The last byte of the description is outside of what it says.
            let is_harmless = name == "info.json" && said.decoded.is_none();
            assert!(is_harmless || said.decoded.is_some(), "{name}: {said:?}");
            assert_eq!((&data.train, &data.test), (&first.train, &first.test), "{name}");
        }
        std::fs::remove_file(&path).unwrap();
        is_cached(&read(&folder, &options(&folder)).1, false);
        is_cached(&read(&folder, &options(&folder)).1, true);
    }
    // What lies in the way is said, and nothing else comes of it.
    let in_the_way = ReadOptions { cache: Some(folder.path("data/a/0.png")), ..ReadOptions::default() };
    let (data, said) = read(&folder, &in_the_way);
    assert_eq!(data.train, first.train);
    assert!(said.details.iter().any(|text| text.contains("the decoded pictures cannot be kept: ")), "{said:?}");
}

#[test]
fn threads_that_read_at_once_all_get_the_same() {
    let folder = folder();
    let expected = read(&folder, &ReadOptions::default()).0;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    let (data, _) = read(&folder, &options(&folder));
                    assert_eq!((&data.train, &data.test), (&expected.train, &expected.test));
                }
            });
        }
    });
    is_cached(&read(&folder, &options(&folder)).1, true);
    let names: Vec<_> = std::fs::read_dir(entry(&folder)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 5, "{names:?}");
}
