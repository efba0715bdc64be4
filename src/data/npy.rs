//! Reads arrays of integers in NumPy's format, `.npy`, of versions 1 to 3; see NumPy's "A Simple File Format for NumPy Arrays" (NEP 1).
//!
//! A file is the magic `\x93NUMPY`, a version, the length of the header, the header (the text of a Python dictionary with the keys `descr`,
//! `fortran_order` and `shape`), then the elements. Objects, which are stored as pickles, are refused.

use std::io::{ErrorKind, Read};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Bytes that a header may have; NumPy's own limit is 10,000.
const MAX_HEADER: u32 = 10_000;
/// Axes that an array may have.
const MAX_RANK: usize = 8;

/// An array whose values all fit a byte, in row-major order.
#[derive(Debug, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<u8>,
}

/// What a header says.
#[derive(Debug, PartialEq)]
struct Header {
    integer: Integer,
    is_fortran: bool,
    shape: Vec<usize>,
}

/// The type of an element.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Integer {
    bytes: usize,
    is_signed: bool,
    is_big_endian: bool,
}

/// Reads an array of at most `max` bytes of elements.
///
/// # Errors
/// What is wrong: no such file, another type, values outside 0 to 255, less or more than the header declares.
pub(super) fn read(stream: &mut impl Read, max: u64) -> Result<Array, String> {
    let Header { integer, is_fortran, shape } = header(stream)?;
    let count = shape.iter().try_fold(1u64, |n, size| n.checked_mul(*size as u64));
    let declared = count.and_then(|count| count.checked_mul(integer.bytes as u64)).filter(|bytes| *bytes <= max);
    let Some(declared) = declared else { return Err(format!("declares the shape {shape:?}, more than {max} bytes")) };
    let mut values = Vec::new();
    let mut chunk = [0; 1 << 13];
    let mut left = declared;
    while left > 0 {
        let part = &mut chunk[..left.min(1 << 13) as usize];
        stream.read_exact(part).map_err(|e| ended(&e, "the elements that its header declares"))?;
        for element in part.chunks_exact(integer.bytes) {
            let value = integer.value(element);
            let byte = u8::try_from(value).map_err(|_| {
                format!("holds {value} at index {} of its elements; values are from 0 to 255", values.len())
            })?;
            values.push(byte);
        }
        left -= part.len() as u64;
    }
    match stream.read(&mut [0]) {
        Ok(0) => {}
        Ok(_) => return Err(format!("holds more than the {declared} bytes that its header declares")),
        Err(e) => return Err(format!("is damaged: {e}")),
    }
    if is_fortran && shape.len() > 1 {
        values = row_major(&values, &shape);
    }
    Ok(Array { shape, values })
}

fn header(stream: &mut impl Read) -> Result<Header, String> {
    let mut start = [0; 8];
    stream.read_exact(&mut start).map_err(|e| ended(&e, "its header"))?;
    if start[..6] != MAGIC[..] {
        return Err("is no .npy array: it does not begin with \\x93NUMPY".into());
    }
    let mut exact = |bytes: &mut [u8]| stream.read_exact(bytes).map_err(|e| ended(&e, "its header"));
    let len = match start[6] {
        1 => {
            let mut len = [0; 2];
            exact(&mut len)?;
            u32::from(u16::from_le_bytes(len))
        }
        2 | 3 => {
            let mut len = [0; 4];
            exact(&mut len)?;
            u32::from_le_bytes(len)
        }
        version => return Err(format!("is an array of version {version} of the format; 1 to 3 are read")),
    };
    if len > MAX_HEADER {
        return Err(format!("declares a header of {len} bytes, more than {MAX_HEADER}"));
    }
    let mut text = vec![0; len as usize];
    exact(&mut text)?;
    let text = String::from_utf8(text).map_err(|_| "has a header that is not text")?;
    parse(&text)
        .map_err(|what| format!("has {what} in its header {:?}", text.trim_end().chars().take(200).collect::<String>()))
}

/// Parses the dictionary of a header.
fn parse(text: &str) -> Result<Header, String> {
    let mut parser = Parser { rest: text };
    let (mut integer, mut is_fortran, mut shape) = (None, None, None);
    parser.expect('{')?;
    while !parser.take('}') {
        let key = parser.quoted()?;
        parser.expect(':')?;
        let is_new = match key {
            "descr" => integer.replace(parser.integer()?).is_none(),
            "fortran_order" => is_fortran.replace(parser.boolean()?).is_none(),
            "shape" => shape.replace(parser.shape()?).is_none(),
            other => return Err(format!("the unknown key `{other}`")),
        };
        if !is_new {
            return Err(format!("`{key}` twice"));
        }
        if !parser.take(',') {
            parser.expect('}')?;
            break;
        }
    }
    if !parser.rest.trim().is_empty() {
        return Err("text after the dictionary".into());
    }
    match (integer, is_fortran, shape) {
        (Some(integer), Some(is_fortran), Some(shape)) => Ok(Header { integer, is_fortran, shape }),
        _ => Err("not all of `descr`, `fortran_order` and `shape`".into()),
    }
}

/// What is left of a header.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// Whether `mark` is next; then it is passed.
    fn take(&mut self, mark: char) -> bool {
        self.rest = self.rest.trim_start();
        let after = self.rest.strip_prefix(mark);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn expect(&mut self, mark: char) -> Result<(), String> {
        self.take(mark).then_some(()).ok_or_else(|| format!("no `{mark}` where there should be one"))
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        let quote = if self.take('"') { '"' } else { '\'' };
        if quote == '\'' {
            self.expect('\'')?;
        }
        let (text, rest) = self.rest.split_once(quote).ok_or("a text without an end")?;
        self.rest = rest;
        Ok(text)
    }

    /// Letters and digits.
    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn boolean(&mut self) -> Result<bool, String> {
        match self.word() {
            "True" => Ok(true),
            "False" => Ok(false),
            other => Err(format!("`{other}` where True or False should be")),
        }
    }

    fn shape(&mut self) -> Result<Vec<usize>, String> {
        self.expect('(')?;
        let mut sizes = Vec::new();
        while !self.take(')') {
            let word = self.word();
            // Python 2 marked long integers.
            let size = word.trim_end_matches('L').parse().map_err(|_| format!("the size `{word}`"))?;
            if sizes.len() == MAX_RANK {
                return Err(format!("more than {MAX_RANK} axes"));
            }
            sizes.push(size);
            if !self.take(',') {
                self.expect(')')?;
                break;
            }
        }
        Ok(sizes)
    }

    fn integer(&mut self) -> Result<Integer, String> {
        if self.take('[') {
            return Err("records, not integers,".into());
        }
        let descr = self.quoted()?;
        let is_big_endian = descr.starts_with('>');
        let (is_signed, bytes) = match descr.trim_start_matches(['<', '>', '|']) {
            "u1" => (false, 1),
            "u2" => (false, 2),
            "u4" => (false, 4),
            "u8" => (false, 8),
            "i1" => (true, 1),
            "i2" => (true, 2),
            "i4" => (true, 4),
            "i8" => (true, 8),
            "O" => return Err("Python objects (a pickle), which are never read,".into()),
            "f2" | "f4" | "f8" => {
                return Err(format!("floats (`{descr}`); images and labels are integers from 0 to 255, best uint8,"));
            }
            other => return Err(format!("the type `{other}`, not integers,")),
        };
        Ok(Integer { bytes, is_signed, is_big_endian })
    }
}

impl Integer {
    fn value(self, element: &[u8]) -> i128 {
        let mut bytes = [0; 8];
        bytes[..self.bytes].copy_from_slice(element);
        if self.is_big_endian {
            bytes[..self.bytes].reverse();
        }
        let (value, bits) = (u64::from_le_bytes(bytes), 8 * self.bytes as u32);
        let is_negative = self.is_signed && value >> (bits - 1) == 1;
        i128::from(value) - if is_negative { 1i128 << bits } else { 0 }
    }
}

/// The elements of an array of this shape that is stored with its first index running fastest, with its last index doing so.
fn row_major(values: &[u8], shape: &[usize]) -> Vec<u8> {
    let mut strides = Vec::with_capacity(shape.len());
    shape.iter().fold(1, |stride, size| {
        strides.push(stride);
        stride * size
    });
    let (mut index, mut at) = (vec![0; shape.len()], 0);
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        ordered.push(values[at]);
        for axis in (0..shape.len()).rev() {
            (index[axis], at) = (index[axis] + 1, at + strides[axis]);
            if index[axis] < shape[axis] {
                break;
            }
            (index[axis], at) = (0, at - strides[axis] * shape[axis]);
        }
    }
    ordered
}

fn ended(error: &std::io::Error, inside: &str) -> String {
    match error.kind() {
        ErrorKind::UnexpectedEof => format!("ends inside {inside}"),
        _ => format!("is damaged: {error}"),
    }
}
