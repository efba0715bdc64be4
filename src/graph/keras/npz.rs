//! Weights as NumPy's `savez` writes arrays: a zip archive with an `.npy` file for each.

use super::layout::Layout;
use crate::error::{Error, Result};
use crate::graph::Graph;
use std::collections::HashMap;
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What an `.npy` file of version 1.0 begins with.
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";
/// The header ends at a multiple of this.
const ALIGN: usize = 64;

/// All weights as named arrays, in the order of Keras's `model.get_weights()`, so that `model.set_weights` takes them; `weights` as
/// [`Graph::weights`] lays them out. The same weights always give the same bytes.
///
/// # Errors
/// If the file cannot be laid out.
pub fn to_npz(graph: &Graph, weights: &[f32]) -> Result<Vec<u8>> {
    let failed = |e: &dyn std::fmt::Display| Error::device(format!("cannot lay out the npz file: {e}"));
    let values: HashMap<&str, &[f32]> =
        graph.weights().map(|(tensor, range)| (tensor.name.as_str(), &weights[range])).collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let layout = Layout::of_graph(graph);
    for tensor in layout.nodes(graph).flat_map(|(_, node)| graph.tensors(node)) {
        let values = values[tensor.name.as_str()];
        let options = stored(size_of_val(values));
        zip.start_file(format!("{}.npy", tensor.name), options).map_err(|e| failed(&e))?;
        zip.write_all(&header(&tensor.shape)).map_err(|e| failed(&e))?;
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        zip.write_all(&bytes).map_err(|e| failed(&e))?;
    }
    Ok(zip.finish().map_err(|e| failed(&e))?.into_inner())
}

/// How an entry of about `len` bytes is stored: as it is, and always as the same bytes.
pub(super) fn stored(len: usize) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    options.unix_permissions(0o644).large_file(len >= u32::MAX as usize / 2)
}

/// What stands before the floats of an array in an `.npy` file.
fn header(shape: &[usize]) -> Vec<u8> {
    let extents: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", extents.trim_end());
    let start = MAGIC.len() + size_of::<u16>();
    let len = (start + text.len() + 1).next_multiple_of(ALIGN) - start;
    text.push_str(&" ".repeat(len - text.len() - 1));
    text.push('\n');
    [MAGIC, &(len as u16).to_le_bytes(), text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_numpy() {
        for (shape, text) in [(&[][..], "()"), (&[10], "(10,)"), (&[3, 3, 1, 64], "(3, 3, 1, 64,)")] {
            let header = header(shape);
            assert_eq!(header.len() % 64, 0);
            assert_eq!(usize::from(u16::from_le_bytes([header[8], header[9]])) + 10, header.len());
            let expected = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {text}, }}");
            assert!(header[10..].starts_with(expected.as_bytes()) && header.ends_with(b" \n"));
        }
    }
}
