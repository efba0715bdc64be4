//! What the crate takes of rayon, where there are no threads, as in a browser: the same names over plain iterators. One thread does the
//! tasks in their order, and the code that would share them out is not there.

use std::convert::Infallible;

/// A pool of threads, of which there is none.
#[derive(Debug)]
pub(crate) struct ThreadPool(Infallible);

impl ThreadPool {
    pub(crate) fn install<R>(&self, _: impl FnOnce() -> R) -> R {
        match self.0 {}
    }

    pub(crate) fn current_num_threads(&self) -> usize {
        match self.0 {}
    }
}

pub(crate) fn current_num_threads() -> usize {
    1
}

pub(crate) mod prelude {
    use std::slice::{Chunks, ChunksExact, ChunksExactMut, ChunksMut, IterMut};

    pub(crate) trait IntoParallelIterator: IntoIterator + Sized {
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<I: IntoIterator> IntoParallelIterator for I {}

    pub(crate) trait ParallelIterator: Iterator + Sized {
        fn with_min_len(self, _: usize) -> Self {
            self
        }

        fn for_each_init<T>(self, init: impl Fn() -> T, mut f: impl FnMut(&mut T, Self::Item)) {
            let mut scratch = init();
            self.for_each(|item| f(&mut scratch, item));
        }
    }

    impl<I: Iterator> ParallelIterator for I {}

    pub(crate) trait ParallelSlice<T> {
        fn par_iter_mut(&mut self) -> IterMut<'_, T>;
        fn par_chunks(&self, len: usize) -> Chunks<'_, T>;
        fn par_chunks_exact(&self, len: usize) -> ChunksExact<'_, T>;
        fn par_chunks_mut(&mut self, len: usize) -> ChunksMut<'_, T>;
        fn par_chunks_exact_mut(&mut self, len: usize) -> ChunksExactMut<'_, T>;
    }

    impl<T> ParallelSlice<T> for [T] {
        fn par_iter_mut(&mut self) -> IterMut<'_, T> {
            self.iter_mut()
        }
        fn par_chunks(&self, len: usize) -> Chunks<'_, T> {
            self.chunks(len)
        }
        fn par_chunks_exact(&self, len: usize) -> ChunksExact<'_, T> {
            self.chunks_exact(len)
        }
        fn par_chunks_mut(&mut self, len: usize) -> ChunksMut<'_, T> {
            self.chunks_mut(len)
        }
        fn par_chunks_exact_mut(&mut self, len: usize) -> ChunksExactMut<'_, T> {
            self.chunks_exact_mut(len)
        }
    }
}
