//! Generates WGSL text from shader files: declares the constants before them and unrolls marked loops.
//!
//! Software adapters keep an array in registers only if every index is a literal, so loops over accumulators are
//! unrolled here; on GPUs, whose drivers do not unroll wgpu's loops, it saves counters and lets several loads be under
//! way. A loop is marked by a comment at the end of its first line:
//!
//! ```wgsl
//! for (var j = 0u; j < LANES; j++) { // unroll
//!     sum[j] += x[j];
//! }
//! ```
//!
//! becomes `sum[0u] += x[0u];` and so on. The file itself stays valid WGSL without this pass.

use super::constants::Constants;
use super::profile::Profile;
use super::shader_file::wgsl;
use std::collections::BTreeMap;

/// A kernel's shader: files, constants and grid.
#[derive(Debug, Clone)]
pub struct Shader {
    /// Contents of the WGSL files that the shader consists of, in order.
    pub files: Vec<&'static str>,
    /// Constants declared before the files, with the profile's LOADS_AT_ONCE.
    pub constants: Constants,
    /// Number of workgroups in x, y and z.
    pub grid: [u32; 3],
    /// Upper bound of the loop iterations of one invocation, summed over all its loops; some adapters stop an
    /// invocation's loops after a fixed number.
    pub iterations: usize,
    /// Whether the kernel reads [`super::Step`], which [`STEP_FILE`] binds in group 1.
    pub uses_step: bool,
}

impl Shader {
    /// The complete WGSL text for a device with `profile`.
    ///
    /// # Panics
    /// If the bounds of a marked loop are neither literals nor constants, which is a bug in the shader file.
    pub fn text(&self, profile: Profile) -> String {
        Self::common_text(profile) + &self.text_of(&self.files, profile)
    }

    /// Invocations in a workgroup.
    ///
    /// # Panics
    /// If no file has an entry point, which is a bug in the kernel.
    pub(super) fn workgroup_size(&self) -> u32 {
        let of_file = |file: &&str| file.split_once("@workgroup_size(")?.1.split_once(')')?.0.parse().ok();
        self.files.iter().find_map(of_file).expect("an entry point")
    }

    /// Name and type of the buffer at `binding` of group 0, as a file declares it.
    pub(super) fn declared(&self, binding: usize) -> Option<(&'static str, &'static str)> {
        let bounds = self.constants.bounds();
        let is_here = |text: &str| text.parse().ok().or_else(|| bounds.get(text).copied()) == Some(binding as u64);
        self.files.iter().flat_map(|file| file.lines()).find_map(|line| {
            let (at, rest) = line.strip_prefix("@group(0) @binding(")?.split_once(") var<storage, ")?;
            let (name, of_type) = rest.split_once("> ")?.1.strip_suffix(';')?.split_once(": ")?;
            is_here(at).then_some((name, of_type))
        })
    }

    /// What every shader has.
    pub(super) fn common_text(profile: Profile) -> String {
        let four = match profile.loads_u64 {
            true => wgsl!("four_u64.wgsl"),
            false => wgsl!("four_f32.wgsl"),
        };
        [four, wgsl!("numbers.wgsl")].concat()
    }

    /// The text without [`Self::common_text`] and [`STEP_FILE`].
    pub(super) fn own_text(&self, profile: Profile) -> String {
        let files: Vec<_> = self.files.iter().copied().filter(|file| *file != STEP_FILE).collect();
        self.text_of(&files, profile)
    }

    fn text_of(&self, files: &[&str], profile: Profile) -> String {
        let constants = self.constants.clone().with("LOADS_AT_ONCE", profile.loads_at_once);
        let bounds = constants.bounds();
        let unrolled: String = files.iter().map(|file| unroll(file, &bounds)).collect();
        constants.declarations() + &unrolled
    }
}

/// The file that declares [`super::Step`], for kernels that read it.
pub const STEP_FILE: &str = wgsl!("step.wgsl");

/// The file with `lanes_of`, for kernels of which an invocation takes four elements or one.
pub const LANES_FILE: &str = wgsl!("lanes.wgsl");

/// The file with the store function of a kernel's output, bound at `OUT`. With `by_4`, every store is a whole vector of
/// four elements at an offset divisible by four.
pub fn output_file(by_4: bool) -> &'static str {
    match by_4 {
        true => wgsl!("out_vec4.wgsl"),
        false => wgsl!("out_f32.wgsl"),
    }
}

/// How a pool's argmax is stored, bound at `ARGMAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgmaxStore {
    /// Not at all, and nothing is bound: no backward pass follows.
    None,
    /// As single elements, for rows whose length does not divide by four.
    Single,
    /// Whole vectors of four, at offsets divisible by four.
    By4,
}

impl ArgmaxStore {
    /// How a kernel that writes four elements at a time where `by_4` stores it, in training and in inference.
    pub fn new(is_written: bool, by_4: bool) -> Self {
        match (is_written, by_4) {
            (false, _) => Self::None,
            (true, false) => Self::Single,
            (true, true) => Self::By4,
        }
    }

    /// The file with the store function.
    pub fn file(self) -> &'static str {
        match self {
            Self::None => wgsl!("argmax_none.wgsl"),
            Self::Single => wgsl!("argmax_u32.wgsl"),
            Self::By4 => wgsl!("argmax_vec4.wgsl"),
        }
    }
}

/// Maximum number of workgroups in one dimension of a dispatch (WebGPU's default limit).
const MAX_GRID_X: usize = 65_535;

/// A two-dimensional grid of at least `groups` workgroups, and the constant `GRID_X` from which the shader computes its
/// linear workgroup index, `y * GRID_X + x`.
pub fn grid(groups: usize) -> ([u32; 3], Constants) {
    let x = groups.clamp(1, MAX_GRID_X);
    let y = groups.div_ceil(x).max(1);
    ([x as u32, y as u32, 1], Constants::new().with("GRID_X", x))
}

/// A grid of at least `items` invocations in workgroups of 64; the constant is `GRID_X` as in [`grid`].
pub fn elementwise_grid(items: usize) -> ([u32; 3], Constants) {
    grid(items.div_ceil(64))
}

/// Replaces every marked loop by one block per iteration, with the loop variable as a literal; recursive for nested
/// loops.
fn unroll(source: &str, constants: &BTreeMap<&str, u64>) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let mut out = String::with_capacity(source.len());
    let mut i = 0;
    while i < lines.len() {
        let line = lines[i];
        if !line.trim_end().ends_with("{ // unroll") {
            out += line;
            out.push('\n');
            i += 1;
            continue;
        }
        let (name, from, to) = loop_head(line, constants);
        let end = i + closing_line(&lines[i..]);
        let body = lines[i + 1..end].join("\n");
        for value in from..to {
            out += "{\n";
            out += &unroll(&replace_word(&body, name, &format!("{value}u")), constants);
            out += "}\n";
        }
        i = end + 1;
    }
    out
}

/// Parses `for (var NAME = FROM; NAME < TO; NAME++)` into (NAME, FROM, TO).
fn loop_head<'a>(line: &'a str, constants: &BTreeMap<&str, u64>) -> (&'a str, u64, u64) {
    let parse = || {
        let inner = line.split_once("for (var ")?.1;
        let (name, rest) = inner.split_once(" = ")?;
        let (from, rest) = rest.split_once("; ")?;
        let to = rest.split_once(" < ")?.1.split_once(';')?.0;
        let value = |text: &str| text.trim_end_matches('u').parse().ok().or_else(|| constants.get(text).copied());
        Some((name, value(from)?, value(to)?))
    };
    parse().unwrap_or_else(|| panic!("cannot unroll `{}`: bounds must be literals or constants", line.trim()))
}

/// The index in `lines` of the closing brace of the loop that starts in `lines[0]`.
fn closing_line(lines: &[&str]) -> usize {
    let mut depth = 0i32;
    for (i, line) in lines.iter().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        depth += code.matches('{').count() as i32 - code.matches('}').count() as i32;
        if depth == 0 {
            return i;
        }
    }
    panic!("the loop `{}` is not closed", lines[0].trim());
}

/// Replaces the identifier `word` by `by`, except as part of a longer identifier or after a `.` (a field).
fn replace_word(text: &str, word: &str, by: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for (start, _) in text.match_indices(word) {
        let end = start + word.len();
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        if !before.is_some_and(|c| is_word(c) || c == '.') && !after.is_some_and(is_word) {
            out += &text[copied..start];
            out += by;
            copied = end;
        }
    }
    out + &text[copied..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unrolls_nested_loops_and_leaves_other_names() {
        let source = "for (var j = 0u; j < N; j++) { // unroll\n  for (var r = 1u; r < 3u; r++) { // unroll\n    a[j * 2u + r] += b.j * jj;\n  }\n}\nend";
        let text = unroll(source, &BTreeMap::from([("N", 2)]));
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| *l != "{" && *l != "}").collect();
        assert_eq!(
            lines,
            [
                "a[0u * 2u + 1u] += b.j * jj;",
                "a[0u * 2u + 2u] += b.j * jj;",
                "a[1u * 2u + 1u] += b.j * jj;",
                "a[1u * 2u + 2u] += b.j * jj;",
                "end"
            ]
        );
    }

    #[test]
    fn a_grid_has_at_least_the_requested_workgroups() {
        for groups in [0, 1, 65_535, 65_536, 1_000_000] {
            let ([x, y, _], constants) = grid(groups);
            let stride = constants.bounds()["GRID_X"];
            assert!(x as usize * y as usize >= groups && u64::from(x) == stride && x <= 65_535, "{groups}: {x} {y}");
        }
    }
}
