//! Which pictures are held out as test images.

use super::{Folder, open_with, refused};
use gpu_cnn::data::{Dataset, ReadOptions};
use std::collections::BTreeSet;

/// A picture a number, which its pixels say.
fn folder(classes: &[(&str, u8)]) -> Folder {
    let folder = Folder::new();
    for (class, count) in classes {
        (0..*count).for_each(|i| folder.grey(&format!("{class}/{i}.png"), i));
    }
    folder
}

fn read(folder: &Folder, test_split: f64, split_seed: u64) -> Dataset {
    let options = ReadOptions { test_split, split_seed, ..ReadOptions::default() };
    open_with(&folder.path(""), &options).0.unwrap()
}

/// Class and number of the test pictures.
fn held_out(data: &Dataset) -> BTreeSet<(u8, u8)> {
    let numbers = data.test.pixels.chunks(data.test.image_len()).map(|image| image[0]);
    data.test.labels.iter().copied().zip(numbers).collect()
}

#[test]
fn about_as_many_are_held_out_as_asked_for_and_by_the_seed() {
    let folder = folder(&[("a", 200), ("b", 200)]);
    let data = read(&folder, 0.2, 0);
    assert_eq!(data.train.len() + data.test.len(), 400);
    assert!((50..=110).contains(&data.test.len()), "{}", data.test.len());
    let test = held_out(&data);
    assert_eq!(test, held_out(&read(&folder, 0.2, 0)));
    assert_ne!(test, held_out(&read(&folder, 0.2, 1)));
    let more = held_out(&read(&folder, 0.5, 0));
    assert!(more.len() > 150 && test.is_subset(&more));
    let (_, said) = open_with(&folder.path(""), &ReadOptions::default());
    let expected = format!("{} of 400 pictures are held out as test images (test_split 0.2, split_seed 0)", test.len());
    assert_eq!(said.notes, [expected]);
}

#[test]
fn no_picture_changes_sides_when_others_are_added() {
    let folder = folder(&[("a", 100), ("b", 100)]);
    let before = held_out(&read(&folder, 0.2, 3));
    (100..150).for_each(|i| folder.grey(&format!("a/{i}.png"), i));
    // A class before the others changes their numbers.
    (0..50).for_each(|i| folder.grey(&format!("Z/{i}.png"), i));
    let after = held_out(&read(&folder, 0.2, 3));
    let kept: BTreeSet<(u8, u8)> =
        after.iter().filter(|(class, i)| *class > 0 && *i < 100).map(|(class, i)| (class - 1, *i)).collect();
    assert_eq!(kept, before);
}

#[test]
fn every_class_of_two_pictures_is_on_both_sides() {
    for seed in 0..20 {
        let folder = folder(&[("a", 2), ("b", 3), ("c", 40)]);
        for share in [0.01, 0.2, 0.99] {
            let data = read(&folder, share, seed);
            for class in 0..3 {
                assert!(
                    data.train.labels.contains(&class) && data.test.labels.contains(&class),
                    "{seed} {share} {class}"
                );
            }
        }
    }
    let one = folder(&[("a", 1), ("b", 20)]);
    let (data, said) = open_with(&one.path(""), &ReadOptions::default());
    assert!(data.unwrap().train.labels.contains(&0));
    assert!(said.warnings[0].contains("no test images of the classes `a`"), "{said:?}");
    refused(&folder(&[("a", 1), ("b", 1)]).path(""), "no class has two pictures");
}

#[test]
fn training_pictures_alone_are_split_too() {
    let folder = folder(&[("train/a", 20), ("train/b", 20)]);
    let data = read(&folder, 0.3, 0);
    assert_eq!((data.class_names, data.train.len() + data.test.len()), (vec!["a".into(), "b".into()], 40));
}
