//! Limits of the texts that are read from files, so that what reading takes stays in proportion to the file.

use crate::error::{Result, usage};
use std::io::{ErrorKind, Read};

/// Bytes that a text may have: a model's description, a configuration, the header of a file of tensors.
pub(crate) const MAX_TEXT: u64 = 16 << 20;
/// Values that a text may have, of which each takes some 200 bytes once it is parsed, and two in the text.
const MAX_VALUES: usize = 500_000;

/// What is left of a file, which has to be a text of at most [`MAX_TEXT`] bytes; a device or a pipe may have no end.
pub(crate) fn read_text(file: impl Read, start: Vec<u8>) -> std::io::Result<String> {
    let invalid = |what: String| std::io::Error::new(ErrorKind::InvalidData, what);
    let mut bytes = start;
    file.take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(invalid(format!("a text of more than {MAX_TEXT} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8".into()))
}

/// Checks, before a text of TOML or JSON is parsed, that it cannot have more values than fit.
///
/// # Errors
/// If it has more of the characters that separate values.
pub(crate) fn check_values(text: &str) -> Result<()> {
    let separators = text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b'=')).count();
    match separators > MAX_VALUES {
        true => Err(usage!("a text of {separators} values, more than {MAX_VALUES}")),
        false => Ok(()),
    }
}
