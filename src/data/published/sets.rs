//! The sets. Digests are those that at least two independent public sources state; Fashion-MNIST's are computed from the files, too.

use super::set::{File, Published};
use crate::data::cifar10;
use crate::data::dataset::CLASS_NAMES;

/// Names of the files of MNIST, which other sets took over.
const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];
/// Bytes of their contents.
const CONTENT_BYTES: [u64; 4] = [47_040_016, 60_008, 7_840_016, 10_008];

/// The files of a set of MNIST's kind.
const fn files(bytes: [u64; 4], sha256: [&'static str; 4], contents: Option<[&'static str; 4]>) -> [File; 4] {
    [
        File {
            name: NAMES[0],
            bytes: bytes[0],
            sha256: sha256[0],
            content_bytes: CONTENT_BYTES[0],
            content_sha256: of(contents, 0),
        },
        File {
            name: NAMES[1],
            bytes: bytes[1],
            sha256: sha256[1],
            content_bytes: CONTENT_BYTES[1],
            content_sha256: of(contents, 1),
        },
        File {
            name: NAMES[2],
            bytes: bytes[2],
            sha256: sha256[2],
            content_bytes: CONTENT_BYTES[2],
            content_sha256: of(contents, 2),
        },
        File {
            name: NAMES[3],
            bytes: bytes[3],
            sha256: sha256[3],
            content_bytes: CONTENT_BYTES[3],
            content_sha256: of(contents, 3),
        },
    ]
}

const fn of(contents: Option<[&'static str; 4]>, i: usize) -> Option<&'static str> {
    match contents {
        Some(contents) => Some(contents[i]),
        None => None,
    }
}

pub(in crate::data) const FASHION_MNIST_FILES: [File; 4] = files(
    [26_421_880, 29_515, 4_422_102, 5_148],
    [
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ],
    Some([
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ]),
);

/// Fashion-MNIST (H. Xiao, K. Rasul, R. Vollgraf, arXiv:1708.07747).
pub const FASHION_MNIST: Published = Published {
    name: "fashion-mnist",
    title: "Fashion-MNIST",
    files: &FASHION_MNIST_FILES,
    // The publisher's repository, the mirror that Keras uses, the publisher's other place.
    sources: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ],
    class_names: CLASS_NAMES,
};

const MNIST_FILES: [File; 4] = files(
    [9_912_422, 28_881, 1_648_877, 4_542],
    [
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ],
    Some([
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ]),
);

/// MNIST (Y. LeCun, C. Cortes, C. Burges).
pub const MNIST: Published = Published {
    name: "mnist",
    title: "MNIST",
    files: &MNIST_FILES,
    sources: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ],
    class_names: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
};

const KMNIST_FILES: [File; 4] = files(
    [18_165_135, 29_497, 3_041_136, 5_120],
    [
        "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
        "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
        "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
        "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
    ],
    None,
);

/// Kuzushiji-MNIST (T. Clanuwat et al., arXiv:1812.01718).
pub const KMNIST: Published = Published {
    name: "kmnist",
    title: "KMNIST",
    files: &KMNIST_FILES,
    sources: &["https://codh.rois.ac.jp/kmnist/dataset/kmnist/", "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
    class_names: ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"],
};

/// CIFAR-10 (A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images").
pub const CIFAR10: Published = Published {
    name: "cifar10",
    title: "CIFAR-10",
    files: &[File {
        name: "cifar-10-binary.tar.gz",
        bytes: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        content_bytes: 0,
        content_sha256: None,
    }],
    sources: &["https://www.cs.toronto.edu/~kriz/"],
    class_names: cifar10::CLASS_NAMES,
};

impl Published {
    /// All that are known.
    pub const ALL: [&'static Self; 4] = [&FASHION_MNIST, &MNIST, &KMNIST, &CIFAR10];

    /// The one that is called `name`.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|set| set.name == name)
    }

    /// The other sets with a file of this name.
    fn others(&self, name: &str) -> impl Iterator<Item = (&'static Self, &'static File)> {
        let others = Self::ALL.into_iter().filter(|set| set.name != self.name);
        others.filter_map(move |set| Some((set, set.files.iter().find(|file| file.name == name)?)))
    }

    /// What a file with `bytes` bytes that is not `file` may be, in a few words.
    pub(in crate::data) fn likeness(&self, file: &File, bytes: u64) -> Option<String> {
        let of_others: Vec<String> = self.others(file.name).map(|(set, _)| format!("{}'s", set.title)).collect();
        if let Some((set, _)) = self.others(file.name).find(|(_, other)| other.bytes == bytes) {
            return Some(format!("the length of {}'s file of this name", set.title));
        }
        (bytes == file.content_bytes && !of_others.is_empty())
            .then(|| format!("damaged, or {}, whose files have the same names and lengths", of_others.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_digests_of_its_own() {
        let files = || Published::ALL.into_iter().flat_map(|set| set.files);
        let digests = || files().flat_map(|file| [Some(file.sha256), file.content_sha256]).flatten();
        for digest in digests() {
            assert!(digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')), "{digest}");
            assert_eq!(digests().filter(|other| *other == digest).count(), 1, "{digest}");
        }
        assert_eq!(files().count(), 13);
    }

    #[test]
    fn a_file_of_another_set_is_told_by_its_length() {
        let [images, mnist] = [&FASHION_MNIST.files[0], &MNIST.files[0]];
        assert_eq!(
            FASHION_MNIST.likeness(images, mnist.bytes).as_deref(),
            Some("the length of MNIST's file of this name")
        );
        let unpacked = FASHION_MNIST.likeness(images, images.content_bytes).expect("unpacked");
        assert!(unpacked.contains("damaged, or MNIST's or KMNIST's"), "{unpacked}");
        assert_eq!(CIFAR10.likeness(&CIFAR10.files[0], 5), None);
    }
}
