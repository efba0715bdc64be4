//! Data sets as their authors publish them: which files they are, where they are to be had, and the digests that tell them.

mod read;
mod set;
mod sets;

pub use read::{is_verified, read_any};
pub use set::{File, Published};
pub(super) use sets::FASHION_MNIST_FILES;
pub use sets::{CIFAR10, FASHION_MNIST, KMNIST, MNIST};
