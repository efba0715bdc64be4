//! Augmentation: a function of seed, epoch and image, with the same draws on every backend.

use crate::support::{devices, small_cnn};
use gpu_cnn::blocking::Trainer;
use gpu_cnn::data::{Batches, Split, synthetic};
use gpu_cnn::{Augment, RunConfig, augmented};

fn augment(list: &str) -> Augment {
    Augment::parse(list).unwrap()
}

/// Images of 4 x 6 pixels whose bytes tell where they are from.
fn images(count: usize) -> Split {
    Split { image: [4, 6, 1], pixels: (0..count).flat_map(|_| 1..=24).collect(), labels: vec![0; count] }
}

fn one(split: &Split, list: &str, seed: u64, epoch: u64) -> Vec<u8> {
    (0..split.len()).flat_map(|i| augmented(split, i, augment(list), seed, epoch)).collect()
}

#[test]
fn draws_are_those_of_seed_epoch_and_image() {
    let split = images(64);
    let list = "random-flip,crop2,cutout2";
    let first = one(&split, list, 1, 1);
    assert_eq!(first, one(&split, list, 1, 1));
    assert_ne!(first, one(&split, list, 1, 2), "another epoch");
    assert_ne!(first, one(&split, list, 2, 1), "another seed");
    let different: std::collections::BTreeSet<&[u8]> = first.chunks_exact(24).collect();
    assert!(different.len() > 40, "{} of 64 images of their own", different.len());
}

#[test]
fn a_flip_alternates_from_epoch_to_epoch_and_half_of_the_images_begin_with_it() {
    let split = images(400);
    let mirrored: Vec<u8> = split.pixels.chunks_exact(6).flat_map(|row| row.iter().rev()).copied().collect();
    let is_mirrored = |list: &str, epoch: u64| -> Vec<bool> {
        let pixels = one(&split, list, 3, epoch);
        let image = |(i, x): (usize, &[u8])| {
            let [plain, other] = [&split.pixels, &mirrored].map(|all| x == &all[i * 24..][..24]);
            assert!(plain != other, "image {i} is neither");
            other
        };
        pixels.chunks_exact(24).enumerate().map(image).collect()
    };
    let [first, second, third] = [1, 2, 3].map(|epoch| is_mirrored("flip", epoch));
    assert!(first.iter().zip(&second).all(|(a, b)| a != b));
    assert_eq!(first, third);
    let random = [1, 2].map(|epoch| is_mirrored("random-flip", epoch));
    let same = random[0].iter().zip(&random[1]).filter(|(a, b)| a == b).count();
    for count in [same, first.iter().filter(|flips| **flips).count()] {
        // Of 400 coins: six standard deviations.
        assert!((140..=260).contains(&count), "{count}");
    }
}

#[test]
fn crops_move_by_whole_pixels_and_reflect_at_the_edges() {
    let split = images(300);
    let reflected = |at: i32, n: i32| {
        if at < 0 {
            -1 - at
        } else if at >= n {
            2 * n - 1 - at
        } else {
            at
        }
    };
    let mut seen = std::collections::BTreeSet::new();
    for x in one(&split, "crop2", 5, 1).chunks_exact(24) {
        let moved = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (dy, dx))).find(|(dy, dx)| {
            let at = |p: i32, q: i32| (1 + reflected(p + dy, 4) * 6 + reflected(q + dx, 6)) as u8;
            (0..24).all(|i| x[i as usize] == at(i / 6, i % 6))
        });
        seen.insert(moved.expect("a move of two pixels at most"));
    }
    assert_eq!(seen.len(), 25, "every move comes up");
}

#[test]
fn a_cut_is_a_black_square_and_brightness_stays_in_range() {
    let split = Split { image: [8, 8, 1], pixels: vec![200; 200 * 64], labels: vec![0; 200] };
    let mut areas = std::collections::BTreeSet::new();
    for x in one(&split, "cutout3", 7, 1).chunks_exact(64) {
        let rows: Vec<usize> = (0..8).filter(|y| x[y * 8..][..8].contains(&0)).collect();
        let columns: Vec<usize> = (0..8).filter(|at| (0..8).any(|y| x[y * 8 + at] == 0)).collect();
        let black = x.iter().filter(|byte| **byte == 0).count();
        assert_eq!(black, rows.len() * columns.len());
        assert!(rows.len() <= 3 && columns.len() <= 3 && x.iter().all(|byte| [0, 200].contains(byte)));
        areas.insert(black);
    }
    assert!(areas.contains(&9) && areas.contains(&4), "whole, and cut by a corner: {areas:?}");
    let light: Vec<u8> = one(&split, "brightness0.3", 7, 1).chunks_exact(64).map(|x| x[0]).collect();
    assert!(light.contains(&255) && light.iter().any(|byte| *byte < 150), "{light:?}");
    assert!(light.iter().all(|byte| *byte >= 123), "{light:?}");
}

#[test]
fn turning_and_zooming_leave_the_middle_and_move_the_rest() {
    let mut split = Split { image: [9, 9, 1], pixels: vec![0; 50 * 81], labels: vec![0; 50] };
    for x in split.pixels.chunks_exact_mut(81) {
        (x[40], x[4 * 9 + 7]) = (255, 255);
    }
    for list in ["rotate180", "zoom0.5"] {
        let pixels = one(&split, list, 9, 1);
        assert!(pixels.chunks_exact(81).all(|x| x[40] >= 250), "{list}: the middle");
        let moved = pixels.chunks_exact(81).filter(|x| x[4 * 9 + 7] < 128).count();
        assert!(moved > 25, "{list}: {moved} of 50 have moved");
    }
}

#[test]
fn the_same_bits_are_trained_on_for_any_number_of_threads_and_nothing_else_is_changed() {
    let data = synthetic::generate(4, [100, 40]);
    let config = |list: Option<&str>| RunConfig { epochs: 2, augment: list.map(augment), ..RunConfig::default() };
    let trained = |device: &gpu_cnn::Device, list: Option<&str>| {
        let mut trainer = Trainer::new(small_cnn(), device, config(list)).unwrap();
        let losses = trainer.fit(&data.train).unwrap().epochs;
        (losses, trainer.to_safetensors().unwrap(), trainer.score(&data.test).unwrap())
    };
    let all = "flip,crop2,shift0.1,rotate10,zoom0.1,brightness0.1,cutout4";
    let of_threads = [1, 2, 3].map(|threads| trained(&gpu_cnn::Device::cpu(threads), Some(all)));
    assert!(of_threads.windows(2).all(|pair| pair[0] == pair[1]));
    for device in devices() {
        let name = device.info().adapter;
        let (again, once) = (trained(&device, Some(all)), trained(&device, Some(all)));
        assert!(again == once, "{name}: the same seed, the same bits");
        let (_, weights, _) = trained(&device, None);
        assert!(weights != once.1, "{name}: augmentation trains other weights");
        // Evaluation sees the images as they are: twice the same, and by weights that are given the same as without.
        let mut trainer = Trainer::new(small_cnn(), &device, config(Some(all))).unwrap();
        let mut plain = Trainer::new(small_cnn(), &device, config(None)).unwrap();
        assert_eq!(trainer.score(&data.test).unwrap(), plain.score(&data.test).unwrap(), "{name}");
    }
}

/// Changes that give whole bytes: training on images that were changed before is the same, bit for bit, so that every backend draws what
/// [`augmented`] and so the contact sheet shows.
#[test]
fn training_sees_what_is_shown() {
    let data = synthetic::generate(4, [90, 10]).train;
    let list = augment("flip,crop2,cutout4");
    for device in devices() {
        for seed in [0, 7] {
            let shown: Vec<u8> = (0..data.len()).flat_map(|i| augmented(&data, i, list, seed, 1)).collect();
            let shown = Split { pixels: shown, ..data.clone() };
            let trained = |split: &Split, augment: Option<Augment>| {
                let config = RunConfig { epochs: 1, seed, shuffle: false, augment, ..RunConfig::default() };
                let mut trainer = Trainer::new(small_cnn(), &device, config).unwrap();
                (trainer.fit(split).unwrap().epochs, trainer.weights().unwrap())
            };
            let [found, plain] = [Some(list), None].map(|augment| trained(&data, augment));
            assert!(found == trained(&shown, None), "{}", device.info().adapter);
            assert!(found != plain, "{}", device.info().adapter);
        }
    }
}

#[test]
fn keys_are_numbers_of_images_whatever_their_order() {
    let split = images(10);
    let mut keys = [9; 8];
    let batches = Batches::within(&split, 3..10, 4).shuffled(1, 6);
    let mut found = Vec::new();
    for i in 0..batches.len() {
        batches.write_keys(i, &mut keys);
        let images = batches.images(i);
        assert!(keys[2 * images..].iter().all(|key| *key == 0));
        for key in keys[..2 * images].chunks_exact(2) {
            assert_eq!(key[1], 6);
            found.push(key[0]);
        }
    }
    found.sort_unstable();
    assert_eq!(found, (3..10).collect::<Vec<u32>>());
}
