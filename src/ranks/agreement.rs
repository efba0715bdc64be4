//! Whether all ranks train the same.

use super::{Ranks, gather};
use crate::digest::sha256_hex;
use crate::error::{Error, Result};

/// Whether the ranks have the same of everything that `facts` names.
///
/// # Errors
/// [`Error::Usage`] with the first that a rank has otherwise than rank 0, on every rank; those of the exchange.
pub fn check_agreement(ranks: &mut dyn Ranks, facts: &[(String, String)]) -> Result<()> {
    const WORDS: usize = 8;
    let digest = |text: &String| sha256_hex(text.as_bytes());
    let words = |hex: String| -> Vec<u32> {
        (0..WORDS).map(|i| u32::from_str_radix(&hex[8 * i..8 * (i + 1)], 16).unwrap_or_default()).collect()
    };
    let own: Vec<u32> = facts.iter().flat_map(|(_, text)| words(digest(text))).collect();
    let lens = vec![own.len(); ranks.size()];
    let all = gather(ranks, &own, &lens)?;
    for (i, (name, _)) in facts.iter().enumerate() {
        let of = |words: &[u32]| words[i * WORDS..(i + 1) * WORDS].to_vec();
        if let Some(rank) = all.iter().position(|words| of(words) != of(&all[0])) {
            return Err(Error::Usage(format!("rank {rank} has another {name} than rank 0; all ranks need the same")));
        }
    }
    Ok(())
}
