//! Reads gzip files of any number of members.

use flate2::bufread::GzDecoder;
use std::io::Read;

/// What a member starts with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether the content of a file begins as gzip does.
pub(super) fn is_gzip(content: &[u8]) -> bool {
    content.starts_with(&MAGIC)
}

/// At most `limit` bytes of what a file holds when it is unpacked; all of a plain one.
pub(super) fn unpacked(content: &[u8], limit: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    match is_gzip(content) {
        true => Members::new(content).take(limit).read_to_end(&mut bytes)?,
        false => content.take(limit).read_to_end(&mut bytes)?,
    };
    Ok(bytes)
}

/// The members of a gzip file, one after the other, as `cat a.gz b.gz` or bgzip write them.
pub(super) struct Members<'a>(GzDecoder<&'a [u8]>);

impl<'a> Members<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self(GzDecoder::new(content))
    }

    /// What follows the last member, once all have been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0.get_ref()
    }
}

impl Read for Members<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let n = self.0.read(buffer)?;
            if n > 0 || buffer.is_empty() || !is_gzip(self.rest()) {
                return Ok(n);
            }
            self.0 = GzDecoder::new(self.rest());
        }
    }
}
