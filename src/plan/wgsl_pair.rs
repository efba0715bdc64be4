//! One shader of two: the names of each get a suffix. The workgroup's index says which of them it runs, or one workgroup runs both.

use super::profile::Profile;
use super::wgsl::{STEP_FILE, Shader};
use std::collections::HashMap;

/// What a pipeline is made of.
#[derive(Debug, Clone)]
pub struct ShaderSource {
    /// The complete WGSL text.
    pub text: String,
    /// Number of workgroups in x, y and z.
    pub grid: [u32; 3],
    /// Upper bound of the loop iterations of one invocation.
    pub iterations: usize,
    /// Whether it reads [`super::Step`].
    pub uses_step: bool,
}

/// How the parameters of an entry point begin.
const ENTRY: &str = "\nfn main(";
/// What the names of the first and of the second get.
const SUFFIXES: [&str; 2] = ["_a", "_b"];

impl ShaderSource {
    /// Both `shaders`, the workgroups of the first before those of the second; the bindings of the second follow the `bindings` of the
    /// first. As a `sequence`, one workgroup runs both, one after the other: at the first of these bindings the first writes what the
    /// second reads at the second of them.
    ///
    /// # Panics
    /// If an entry point is not written as in `shaders/`, or the workgroups differ in size.
    pub(super) fn of_pair(
        shaders: &[Shader; 2],
        bindings: usize,
        sequence: Option<[usize; 2]>,
        profile: Profile,
    ) -> Self {
        let [first, second] = shaders;
        let texts = shaders.each_ref().map(|shader| shader.own_text(profile));
        let [size, other] = shaders.each_ref().map(Shader::workgroup_size);
        assert!(size == other, "workgroups of {size} and of {other} invocations in a pair");
        let workgroups = first.grid.iter().product::<u32>();
        let uses_step = first.uses_step || second.uses_step;
        let mut text = format!("const FIRST_BINDINGS = {bindings}u;\nconst FIRST_WORKGROUPS = {workgroups}u;\n");
        text += &Shader::common_text(profile);
        text += if uses_step { STEP_FILE } else { "" };
        let shared = shared_memory(shaders, &texts);
        let handed_on =
            sequence.and_then(|[written, read]| Some((first.declared(written)?.0, second.declared(read)?.0)));
        let calls = [0, 1].map(|i| {
            let (mut body, parameters) = without_entry(&texts[i]);
            let mut names: HashMap<&str, String> =
                names(&texts[i]).map(|name| (name, format!("{name}{}", SUFFIXES[i]))).collect();
            if i == 1 {
                body = body.replace("@binding(", "@binding(FIRST_BINDINGS + ");
                for (name, line) in &shared {
                    names.insert(name, format!("{name}{}", SUFFIXES[0]));
                    body = body.replace(line, "");
                }
            }
            if let (1, Some((written, read))) = (i, handed_on) {
                names.insert(read, format!("{written}{}", SUFFIXES[0]));
                let is_other = |line: &&str| !(line.starts_with("@group(0)") && line.contains(&format!("> {read}: ")));
                body = body.lines().filter(is_other).map(|line| format!("{line}\n")).collect();
            }
            text += &renamed(&body, &names);
            let [x, y, _] = shaders[i].grid;
            let index = match (i, sequence) {
                (1, None) => "(of_pair.x - FIRST_WORKGROUPS)",
                _ => "of_pair.x",
            };
            let group = format!("vec3({index} % {x}u, {index} / {x}u % {y}u, {index} / {}u)", x * y);
            let arguments = parameters.iter().map(|builtin| match builtin.as_str() {
                "workgroup_id" => group.clone(),
                builtin => builtin.to_owned(),
            });
            let arguments: Vec<String> = arguments.collect();
            format!("main{}({});", SUFFIXES[i], arguments.join(", "))
        });
        let takes_index = calls.iter().any(|call| call.contains("local_invocation_index"));
        let index = if takes_index { ", @builtin(local_invocation_index) local_invocation_index: u32" } else { "" };
        let [a, b] = calls;
        let (body, grid, iterations) = match sequence {
            Some(_) => (
                format!("    {a}\n    storageBarrier();\n    workgroupBarrier();\n    {b}"),
                1,
                first.iterations + second.iterations,
            ),
            None => (
                format!("    if (of_pair.x < FIRST_WORKGROUPS) {{\n        {a}\n    }} else {{\n        {b}\n    }}"),
                workgroups + second.grid.iter().product::<u32>(),
                first.iterations.max(second.iterations),
            ),
        };
        text += &format!(
            "\n@compute @workgroup_size({size})\nfn main(@builtin(workgroup_id) of_pair: vec3<u32>{index}) {{\n{body}\n}}\n"
        );
        Self { text, grid: [grid, 1, 1], iterations, uses_step }
    }
}

/// The text with an entry point that is a plain function, and the builtins that its parameters take.
fn without_entry(text: &str) -> (String, Vec<String>) {
    let parse = || {
        let (before, rest) = text.split_once(ENTRY)?;
        let (parameters, after) = rest.split_once(") {")?;
        let (before, _) = before.rsplit_once("@compute")?;
        let split = |parameter: &str| {
            let (builtin, name) = parameter.strip_prefix("@builtin(")?.split_once(") ")?;
            Some((builtin.to_owned(), name.to_owned()))
        };
        let (builtins, plain): (Vec<_>, Vec<_>) =
            parameters.split(", ").map(split).collect::<Option<Vec<_>>>()?.into_iter().unzip();
        Some((format!("{before}{ENTRY}{}) {{{after}", plain.join(", ")), builtins))
    };
    parse().unwrap_or_else(|| panic!("no entry point `{}`: {text}", ENTRY.trim()))
}

/// The names that are declared outside of functions.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let start = match line.rsplit_once("var<").filter(|_| line.starts_with("@group") || line.starts_with("var<")) {
            Some((_, declared)) => declared.split_once("> ")?.1,
            None => ["fn ", "const ", "struct ", "alias "].iter().find_map(|word| line.strip_prefix(word))?,
        };
        Some(start.split(|c: char| !is_of_word(c)).next().unwrap_or(start))
    })
}

/// Arrays in workgroup memory that both can use: declared in the same file, with equal constants. Their names and declarations.
fn shared_memory(shaders: &[Shader; 2], texts: &[String; 2]) -> Vec<(String, String)> {
    let [first, second] = shaders;
    let constants = shaders.each_ref().map(|shader| shader.constants.bounds());
    let both = first.files.iter().filter(|file| second.files.contains(file));
    let alike = both.filter(|file| {
        let mut words = file.split(|c: char| !is_of_word(c));
        words.all(|word| constants[0].get(word) == constants[1].get(word))
    });
    let lines = alike.flat_map(|file| file.lines()).filter(|line| line.starts_with("var<workgroup> "));
    let declared = lines.filter(|line| texts.iter().all(|text| text.contains(*line)));
    declared.filter_map(|line| Some((names(line).next()?.to_owned(), line.to_owned()))).collect()
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text with other names; those after a `.` and before a `:` in a struct are fields, those after an `@` attributes.
fn renamed(text: &str, names: &HashMap<&str, String>) -> String {
    let mut out = String::with_capacity(text.len() * 5 / 4);
    let mut rest = text;
    let (mut is_field, mut in_struct) = (false, false);
    while !rest.is_empty() {
        let word = rest.find(|c: char| !is_of_word(c)).unwrap_or(rest.len());
        let next = rest[word..].find(is_of_word).map_or(rest.len(), |len| word + len);
        let (name, between) = (&rest[..word], &rest[word..next]);
        is_field |= in_struct && between.starts_with(':');
        in_struct |= name == "struct" && (out.is_empty() || out.ends_with('\n'));
        out += names.get(name).filter(|_| !is_field).map_or(name, String::as_str);
        out += between;
        is_field = between.ends_with(['.', '@']);
        in_struct &= !between.contains('}');
        rest = &rest[next..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Constants;

    fn shader(file: &'static str, rows: usize, grid: [u32; 3]) -> Shader {
        Shader {
            files: vec![file],
            constants: Constants::new().with("ROWS", rows),
            grid,
            iterations: rows,
            uses_step: false,
        }
    }

    const FILE: &str = "// What is found, a struct Found.
struct Found { kept: vec2<f32>, out: u32 }
var<workgroup> kept: array<f32, 8>;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
fn kept_at(at: u32) -> vec2<f32> { return Found(vec2(kept[at % 8u]), 0u).kept; }
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    kept[lane] = f32(ROWS);
    out[group.x] = kept_at(lane).x;
}
";

    const READER: &str = "@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
    out[group.x] = x[group.y];
}
";

    #[test]
    fn names_bindings_and_workgroups_of_a_pair_are_told_apart() {
        let pair = |rows: usize| {
            let shaders = [shader(FILE, 2, [3, 1, 1]), shader(FILE, rows, [2, 5, 1])];
            ShaderSource::of_pair(&shaders, 1, None, Profile::DISCRETE)
        };
        let different = pair(4);
        assert_eq!((different.grid, different.iterations), ([13, 1, 1], 4));
        for line in [
            "struct Found_b { kept: vec2<f32>, out: u32 }",
            "return Found_b(vec2(kept_b[at % 8u]), 0u).kept;",
            "const ROWS_a = 2u;",
            "const ROWS_b = 4u;",
            "@group(0) @binding(FIRST_BINDINGS + 0) var<storage, read_write> out_b: array<f32>;",
            "fn main_b(group: vec3<u32>, lane: u32) {",
            "    out_b[group.x] = kept_at_b(lane).x;",
            "main_b(vec3((of_pair.x - FIRST_WORKGROUPS) % 2u, (of_pair.x - FIRST_WORKGROUPS) / 2u % 5u, \
             (of_pair.x - FIRST_WORKGROUPS) / 10u), local_invocation_index);",
            "var<workgroup> kept_b: array<f32, 8>;",
        ] {
            assert!(different.text.contains(line), "{line} in {}", different.text);
        }
        let shaders = [2, 4].map(|rows| shader(READER, rows, [1, 1, 1]));
        let follows = ShaderSource::of_pair(&shaders, 2, Some([1, 0]), Profile::DISCRETE);
        assert_eq!((follows.grid, follows.iterations), ([1, 1, 1], 6));
        let main = follows.text.rsplit_once("of_pair: vec3<u32>").expect("an entry point").1;
        let calls =
            ["main_a(vec3(of_pair.x % 1u", "storageBarrier();", "workgroupBarrier();", "main_b(vec3(of_pair.x % 1u"];
        let places = calls.map(|call| main.find(call).unwrap_or_else(|| panic!("{call} in {main}")));
        assert!(places.is_sorted() && !main.contains("FIRST_WORKGROUPS"), "{main}");
        assert!(
            follows.text.contains("out_b[group.x] = out_a[group.y];") && !follows.text.contains(" x_b:"),
            "{}",
            follows.text
        );
        // The same constants: one array for both.
        let same = pair(2).text;
        assert!(same.matches("var<workgroup>").count() == 1 && same.contains("kept_a[at % 8u]"), "{same}");
    }
}
