//! What becomes of pictures.

use super::invert::Inverted;
use super::pictures::Source;
use crate::blocking::Trainer;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// The pixels of a picture.
pub(super) type Decoded = Result<(Vec<u8>, Inverted)>;

/// What became of a picture, as ranks tell each other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// The bits of its probabilities.
    Row(Vec<u32>, Inverted),
    /// Why it was skipped.
    Skipped(String),
}

/// What becomes of the pictures of `sources`, which were decoded.
///
/// # Errors
/// If the device fails, or a probability is not finite; of a picture that `is_single` why it cannot be read.
pub(super) fn outcomes(
    trainer: &mut Trainer,
    sources: &[Source],
    decoded: Vec<Decoded>,
    is_single: bool,
) -> Result<Vec<Outcome>> {
    let (mut pixels, mut outcomes) = (Vec::new(), Vec::with_capacity(decoded.len()));
    for decoded in decoded {
        outcomes.push(match decoded {
            Ok((of_picture, inverted)) => {
                pixels.extend_from_slice(&of_picture);
                Outcome::Row(Vec::new(), inverted)
            }
            Err(error) if is_single => return Err(error),
            Err(error) => Outcome::Skipped(error.to_string()),
        });
    }
    if pixels.is_empty() {
        return Ok(outcomes);
    }
    let mut rows = trainer.predict(&pixels)?.into_iter();
    for (source, outcome) in sources.iter().zip(&mut outcomes) {
        let Outcome::Row(bits, _) = outcome else { continue };
        let row = rows.next().unwrap_or_default();
        if let Some(value) = row.iter().find(|value| !value.is_finite()) {
            return Err(Error::not_finite(format!("a probability is {value}: {}", source.path().display())));
        }
        *bits = row.into_iter().map(f32::to_bits).collect();
    }
    Ok(outcomes)
}
