//! The training images that are held out to validate each epoch.

use super::config::RunConfig;
use crate::error::{Result, usage};
use std::ops::Range;

impl RunConfig {
    /// Which of `images` training images are trained on. The rest, the last ones, validate, as with Keras's `validation_split`.
    ///
    /// # Errors
    /// [`Error::Usage`](crate::Error::Usage) if none is left to train on, or none to validate.
    pub fn trained_on(&self, images: usize) -> Result<Range<usize>> {
        let (asked, end) = match (self.validation_split, self.validation) {
            // As Keras rounds it.
            (Some(share), _) => {
                (format!("validation_split is {share}"), (images as f64 * (1.0 - share)).floor() as usize)
            }
            (None, Some(held_out)) => {
                let end = images.saturating_sub(usize::try_from(held_out).unwrap_or(usize::MAX));
                (format!("validation is {held_out}"), end)
            }
            (None, None) => return Ok(0..images),
        };
        match end {
            0 => Err(usage!("{asked}; of {images} training images none is left to train on")),
            _ if end == images => Err(usage!("{asked}; of {images} training images none is held out")),
            _ => Ok(0..end),
        }
    }

    pub(super) fn check_validation(&self) -> Result<()> {
        match (self.validation_split, self.validation) {
            (Some(share), Some(images)) => {
                Err(usage!("validation_split is {share} and validation {images}; it is one or the other"))
            }
            (Some(share), None) if !(share > 0.0 && share < 1.0) => {
                Err(usage!("validation_split is {share}; it must be above 0 and below 1"))
            }
            (None, Some(0)) => Err(usage!("validation is 0 images; there must be at least 1")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(share: f64) -> RunConfig {
        RunConfig { validation_split: Some(share), ..RunConfig::default() }
    }

    fn number(images: u64) -> RunConfig {
        RunConfig { validation: Some(images), ..RunConfig::default() }
    }

    #[test]
    fn the_last_images_are_held_out_as_keras_counts_them() {
        let trained_on = |config: RunConfig, images| config.trained_on(images).expect("some of each");
        assert_eq!(trained_on(RunConfig::default(), 7), 0..7);
        // int(math.floor(images * (1.0 - share))), by Python.
        for (share, images, expected) in [(0.1, 60_000, 54_000), (0.2, 7, 5), (0.3, 10, 7), (0.7, 10, 3), (0.9, 11, 1)]
        {
            assert_eq!(trained_on(split(share), images), 0..expected, "{share} of {images}");
        }
        assert_eq!(trained_on(number(3), 10), 0..7);
    }

    #[test]
    fn what_leaves_nothing_is_refused_with_the_numbers() {
        let refused = |config: RunConfig, images| config.trained_on(images).expect_err("none").to_string();
        assert!(refused(number(10), 10).contains("validation is 10; of 10 training images none is left to train on"));
        assert!(refused(number(u64::MAX), 10).contains("none is left"));
        assert!(refused(split(0.99), 10).contains("validation_split is 0.99; of 10 training images none is left"));
        assert!(refused(split(1e-20), 10).contains("none is held out"));
        for config in [split(0.0), split(1.0), split(-0.1), split(f64::NAN), number(0)] {
            assert!(config.check().is_err(), "{config:?}");
        }
        let both = RunConfig { validation: Some(3), ..split(0.5) };
        assert!(both.check().expect_err("both").to_string().contains("0.5 and validation 3"));
    }
}
