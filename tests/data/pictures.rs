//! Folders of pictures: which are read, as which classes, in which shape.

use super::{Folder, open, open_with, png, refused, refused_with};
use gpu_cnn::data::{ColorMode, ImageSize, ReadOptions};

#[test]
fn classes_are_folders_in_the_order_of_their_bytes_and_pictures_lie_at_any_depth() {
    let folder = Folder::new();
    for (i, class) in ["zoo", "Zoo", "10", "9", "an ä"].iter().enumerate() {
        folder.grey(&format!("train/{class}/b.png"), i as u8);
        folder.grey(&format!("train/{class}/a/c/x.PNG"), 10 + i as u8);
        folder.grey(&format!("test/{class}/x.png"), 20 + i as u8);
        folder.grey(&format!("train/{class}/.hidden.png"), 99);
        folder.grey(&format!("train/{class}/.hidden/x.png"), 99);
        folder.write(&format!("train/{class}/notes.txt"), b"no picture");
    }
    folder.write("train/.DS_Store", b"?");
    folder.grey("__MACOSX/train/zoo/x.png", 99);
    let (data, said) = open_with(&folder.path(""), &ReadOptions::default());
    let data = data.unwrap();
    assert_eq!(data.class_names, ["10", "9", "Zoo", "an ä", "zoo"]);
    assert_eq!((data.classes, data.train.image), (5, [2, 3, 1]));
    // In an order that mixes the classes.
    assert!(!data.train.labels.is_sorted());
    let values = data.train.pixels.chunks(6).map(|image| image[0]);
    let mut values: Vec<(u8, u8)> = data.train.labels.iter().copied().zip(values).collect();
    values.sort_unstable();
    let expected = [(0, 2), (0, 12), (1, 3), (1, 13), (2, 1), (2, 11), (3, 4), (3, 14), (4, 0), (4, 10)];
    assert_eq!(values, expected);
    assert_eq!((data.test.labels, data.test.pixels[0]), (vec![0, 1, 2, 3, 4], 22));
    assert!(said.warnings.is_empty() && said.notes.is_empty(), "{said:?}");
    assert_eq!(said.decoded, Some((15, 15)));
    assert!(said.details[0].contains("5 files that are no pictures are not read, such as"), "{said:?}");
    assert_eq!(data.sha256.len(), 4);
}

#[test]
fn other_names_of_the_test_folder_are_known_and_what_is_not_read_is_said() {
    for (i, name) in ["test", "val", "valid", "validation"].into_iter().enumerate() {
        let folder = Folder::new();
        folder.grey("train/a/1.png", 1);
        folder.grey("train/b/1.png", 2);
        folder.grey("train/stray.png", 2);
        folder.grey(&format!("{name}/b/1.png"), i as u8);
        folder.grey(&format!("{name}/stray.png"), 3);
        folder.write(&format!("{name}/readme.md"), b"");
        if name != "validation" {
            folder.grey("validation/a/1.png", 9);
        }
        let (data, said) = open_with(&folder.path(""), &ReadOptions::default());
        let data = data.unwrap();
        assert_eq!((&data.test.labels[..], data.test.pixels[0]), (&[1][..], i as u8), "{name}");
        let warnings = said.warnings.join("\n");
        assert_eq!(
            warnings.matches("1 pictures that are in no folder of a class are not read").count(),
            2,
            "{warnings}"
        );
        assert!(warnings.contains("no test images of the classes `a`"), "{warnings}");
        assert_eq!(
            name != "validation",
            warnings.contains("not read: ") && warnings.contains("the test images are those"),
            "{warnings}"
        );
    }
}

#[test]
fn a_class_may_be_called_train() {
    let folder = Folder::new();
    for class in ["bus", "train"] {
        (0..3).for_each(|i| folder.grey(&format!("{class}/{i}.png"), i));
    }
    assert_eq!(open(&folder.path("")).unwrap().class_names, ["bus", "train"]);
}

#[test]
fn pictures_are_grey_if_none_has_a_colour() {
    let folder = Folder::new();
    folder.grey("train/a/1.png", 7);
    folder.grey("train/b/1.png", 8);
    // Grey in three channels is grey, too.
    folder.write("test/a/1.png", &png([2, 3, 3], &[9; 18]));
    let grey = open(&folder.path("")).unwrap();
    assert_eq!((grey.train.image, &grey.test.pixels[..]), ([2, 3, 1], &[9; 6][..]));
    let as_rgb = ReadOptions { color_mode: Some(ColorMode::Rgb), ..ReadOptions::default() };
    assert_eq!(open_with(&folder.path(""), &as_rgb).0.unwrap().train.image, [2, 3, 3]);

    let mut pixels = [9; 18];
    pixels[5] = 10;
    folder.write("test/a/1.png", &png([2, 3, 3], &pixels));
    let colour = open(&folder.path("")).unwrap();
    assert_eq!((colour.train.image, &colour.test.pixels[..]), ([2, 3, 3], &pixels[..]));
    let as_grey = ReadOptions { color_mode: Some(ColorMode::Grayscale), ..ReadOptions::default() };
    assert_eq!(open_with(&folder.path(""), &as_grey).0.unwrap().train.image, [2, 3, 1]);
}

#[test]
fn pictures_of_several_sizes_need_a_size() {
    let folder = Folder::new();
    folder.grey("a/1.png", 7);
    folder.grey("a/2.png", 7);
    folder.write("b/1.png", &png([4, 8, 1], &[50; 32]));
    folder.write("b/2.png", &png([3, 2, 1], &[50; 6]));
    let message = refused(&folder.path(""), "the pictures have several sizes, from ");
    assert!(message.contains("to 4x8 (") && message.contains("image_size (HEIGHTxWIDTH)"), "{message}");
    let size = Some(ImageSize { height: 5, width: 6 });
    let data = open_with(&folder.path(""), &ReadOptions { image_size: size, ..ReadOptions::default() }).0.unwrap();
    assert_eq!(data.train.image, [5, 6, 1]);
    assert!(data.train.pixels.iter().all(|value| [7, 50].contains(value)));
    // Another orientation is another size.
    folder.write("b/1.png", &png([3, 2, 1], &[50; 6]));
    refused(&folder.path(""), "the pictures have several sizes, from ");
    let huge = Some(ImageSize { height: 4096, width: 4096 });
    (0..300).for_each(|i| folder.grey(&format!("a/more{i}.png"), 7));
    let options = ReadOptions { image_size: huge, ..ReadOptions::default() };
    refused_with(&folder.path(""), &options, "a smaller image_size takes less");
}

#[test]
fn folders_that_cannot_be_used_are_refused_with_what_is_wrong() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("empty")).unwrap();
    refused(&folder.path("empty"), "no train-images-idx3-ubyte.gz or train-images-idx3-ubyte here");
    folder.grey("loose/1.png", 1);
    refused(&folder.path("loose"), "no folder of a class; a folder of pictures has one folder for each");
    folder.grey("one/a/1.png", 1);
    refused(&folder.path("one"), "only the folder `a` of a class");
    folder.grey("without/a/1.png", 1);
    folder.write("without/b/1.txt", b"");
    refused(&folder.path("without"), "no picture of class `b`: pictures end in .bmp, ");
    folder.grey("new/train/a/1.png", 1);
    folder.grey("new/train/b/1.png", 1);
    folder.grey("new/test/c/1.png", 1);
    refused(&folder.path("new"), "no training pictures of the class `c`; the classes are `a`, `b`");
    std::fs::remove_dir_all(folder.path("new/test/c")).unwrap();
    refused(&folder.path("new"), "no pictures in folders of classes");
    (0..257).for_each(|i| folder.grey(&format!("many/{i}/1.png"), 1));
    refused(&folder.path("many"), "257 folders of classes; there may be 256");
    folder.grey("bad/a/1.png", 1);
    folder.grey("bad/a/2.png", 1);
    folder.grey("bad/b/1.png", 1);
    folder.write("bad/b/half name.png", &png([2, 3, 1], &[1; 6])[..50]);
    let message = refused(&folder.path("bad"), "cannot read the picture");
    assert!(message.contains("half name.png"), "{message}");
    folder.write("bad/b/other.png", &png([2, 3, 1], &[1; 6])[..50]);
    let message = refused(&folder.path("bad"), "2 of 5 pictures cannot be read; mend or delete them:");
    assert!(message.contains("half name.png") && message.contains("other.png"), "{message}");
    folder.write("single.png", &png([2, 3, 1], &[1; 6]));
    refused(&folder.path("single.png"), "data are a folder, an .npz file");
    refused(&folder.path("nothing"), "there is no such folder or file");
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles_and_only_files_are_opened() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.grey("elsewhere/1.png", 1);
    folder.grey("elsewhere/2.png", 2);
    folder.grey("data/b/1.png", 3);
    folder.grey("data/b/2.png", 4);
    symlink(folder.path("elsewhere"), folder.path("data/a")).unwrap();
    symlink("missing.txt", folder.path("data/b/dangling.txt")).unwrap();
    // Opening a pipe would wait for its writer.
    assert!(std::process::Command::new("mkfifo").arg(folder.path("data/b/pipe.png")).status().unwrap().success());
    let data = open(&folder.path("data")).unwrap();
    assert_eq!((data.class_names, data.train.len() + data.test.len()), (vec!["a".into(), "b".into()], 4));
    symlink("missing.png", folder.path("data/b/dangling.png")).unwrap();
    assert!(refused(&folder.path("data"), "cannot read").contains("dangling.png"));
    std::fs::remove_file(folder.path("data/b/dangling.png")).unwrap();
    symlink(folder.path("data/b"), folder.path("data/b/circle")).unwrap();
    assert!(refused(&folder.path("data"), "met twice: a link leads back to it").contains("circle"));
    std::fs::remove_file(folder.path("data/b/circle")).unwrap();
    folder.grey("data/c\nd/1.png", 1);
    refused(&folder.path("data"), "has a name that is not UTF-8 text in one line; rename it");
}
