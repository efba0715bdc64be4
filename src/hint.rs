//! What was probably meant by a word that is not known.

/// Those of `candidates` that are nearest to `word` in spelling, if any is near: at most three. Case does not count.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const MAX_NAMES: usize = 3;
    // Of an abbreviation: `BatchNorm`.
    const MIN_PREFIX: usize = 4;
    // Comparing takes time and memory of one length times the other.
    const MAX_BYTES: usize = 100;
    if word.len() > MAX_BYTES {
        return Vec::new();
    }
    let word = word.to_lowercase();
    let distance = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let near = word.chars().count().max(candidate.chars().count()).div_ceil(3);
        match strsim::damerau_levenshtein(&word, &candidate) {
            distance if distance <= near => Some(distance),
            _ if word.len() >= MIN_PREFIX && candidate.starts_with(&word) => Some(near),
            _ => None,
        }
    };
    let candidates = candidates.into_iter().filter(|candidate| candidate.len() <= MAX_BYTES);
    let found = candidates.filter_map(|candidate| Some((distance(candidate)?, candidate)));
    let found: Vec<(usize, &str)> = found.collect();
    let min = found.iter().map(|(distance, _)| *distance).min();
    found.into_iter().filter(|(distance, _)| Some(*distance) == min).map(|(_, name)| name).take(MAX_NAMES).collect()
}

/// `; did you mean ...?`, or nothing where no candidate is near.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = nearest(word, candidates).iter().map(|name| format!("`{name}`")).collect();
    match quoted.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", quoted.join(" or ")),
    }
}

/// The message of a deserializer, with a hint where it is about a name that is not known: serde writes
/// ``unknown field `x`, expected one of `a`, `b` `` and the same for variants.
pub(crate) fn with_hint(message: &str) -> String {
    let message = message.trim_end();
    let hint = ["unknown field `", "unknown variant `"].iter().find_map(|kind| {
        let (_, rest) = message.split_once(kind)?;
        let (word, expected) = rest.split_once("`, expected ")?;
        Some(did_you_mean(word, expected.split('`').skip(1).step_by(2)))
    });
    format!("{message}{}", hint.unwrap_or_default())
}

/// As [`with_hint`], but for a field that is not known for a reason: `reason` gives it.
pub(crate) fn with_reason(message: &str, reason: impl Fn(&str) -> Option<String>) -> String {
    let unknown = message.split_once("unknown field `").and_then(|(_, rest)| rest.split_once('`'));
    match unknown.and_then(|(name, _)| reason(name)) {
        Some(reason) => format!("{}; {reason}", message.trim_end()),
        None => with_hint(message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_found_and_far_ones_are_not() {
        let layers = ["Conv2D", "Dense", "MaxPooling2D", "MinPooling2D", "BatchNormalization"];
        for (word, expected) in [
            ("conv2d", &["Conv2D"][..]),
            ("Dance", &["Dense"]),
            ("Pooling2D", &["MaxPooling2D", "MinPooling2D"]),
            ("BatchNorm", &["BatchNormalization"]),
            ("LSTM", &[]),
            ("", &[]),
            (&"Dense".repeat(200_000), &[]),
        ] {
            assert_eq!(nearest(word, layers), expected, "{word}");
        }
    }

    #[test]
    fn messages_of_serde_gain_a_hint() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields, rename_all = "snake_case")]
        enum Kind {
            Valid,
            Same { _units: usize, _filters: usize },
        }
        let hint = |json: &str| with_hint(&serde_json::from_str::<Kind>(json).expect_err("wrong").to_string());
        assert!(hint("\"sam\"").contains("expected `valid` or `same`"), "{}", hint("\"sam\""));
        assert!(hint("\"sam\"").ends_with("; did you mean `same`?"), "{}", hint("\"sam\""));
        assert!(hint("{\"same\": {\"_unit\": 1}}").ends_with("; did you mean `_units`?"));
        assert!(!hint("\"other\"").contains("did you mean"));
        assert!(!hint("3").contains("did you mean"));
    }
}
