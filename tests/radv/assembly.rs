//! What stands in the loops of RADV's assembly.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Multiply-adds of an invocation for one tile of the operands: 4 x 4 sums of 32 terms. In tiles whose side is `scale` times as long it
/// has as many times more: 8 x 8 sums of 16 terms.
const SUMS: f64 = 512.0;

/// The instructions of a matrix product for [`SUMS`] multiply-adds.
#[derive(Debug, PartialEq)]
pub(super) struct Loops {
    /// Multiply-adds.
    sums: f64,
    /// Instructions of the vector unit, those included.
    vector: f64,
    /// All instructions that take an issue slot.
    pub(super) slots: f64,
}

impl Loops {
    pub(super) fn share_of_sums(&self) -> f64 {
        self.sums / self.vector
    }
}

fn is_sum(name: &str) -> bool {
    ["v_fma", "v_mac", "v_mad", "v_pk_fma"].iter().any(|start| name.starts_with(start)) && name.contains("f32")
}

/// Whether the instruction is a hint to the scheduler, or padding.
fn is_hint(name: &str) -> bool {
    ["s_delay_alu", "s_nop", "s_clause", "s_code_end", "s_set_inst"].iter().any(|start| name.starts_with(start))
}

/// The loop with most multiply-adds, as often as [`SUMS`] of them take, and its share of the one around it, if there is one, which runs once
/// for `scale` times as many.
///
/// # Panics
/// If there is no loop with multiply-adds.
pub(super) fn loops(assembly: &str, scale: f64) -> Loops {
    let (mut labels, mut code) = (BTreeMap::new(), Vec::new());
    for line in assembly.lines() {
        if let Some(instruction) = line.strip_prefix('\t') {
            // Mesa without a disassembler for the card prints what it assembled: `RESULTS = NAME OPERANDS`.
            let instruction = instruction.split(';').next().unwrap_or("");
            code.push(instruction.split(" = ").last().unwrap_or("").trim());
        } else if line.starts_with("BB") {
            labels.insert(line.trim_end_matches(':'), code.len());
        }
    }
    // A loop is a jump back; jumps back to one place are one loop.
    let mut ends: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, instruction) in code.iter().enumerate() {
        let target = instruction.split_whitespace().last().map(|target| target.trim_start_matches("block:"));
        let Some(&start) = target.and_then(|label| labels.get(label)) else { continue };
        if (instruction.starts_with("s_cbranch") || instruction.starts_with("s_branch")) && start <= at {
            ends.insert(start, at);
        }
    }
    let all: Vec<RangeInclusive<usize>> = ends.into_iter().map(|(start, end)| start..=end).collect();
    let within = |inner: &RangeInclusive<usize>, outer: &RangeInclusive<usize>| {
        inner != outer && outer.contains(inner.start()) && outer.contains(inner.end())
    };
    let name = |at: usize| code[at].split_whitespace().next().unwrap_or("");
    let count = |range: &RangeInclusive<usize>, counted: &dyn Fn(&str) -> bool| {
        range.clone().filter(|at| counted(name(*at))).count() as f64
    };
    let innermost = all.iter().filter(|range| !all.iter().any(|other| within(other, range)));
    let inner = innermost.max_by(|a, b| count(a, &is_sum).total_cmp(&count(b, &is_sum))).expect("a loop");
    let sums = count(inner, &is_sum);
    assert!(sums > 0.0, "no multiply-adds in a loop");
    let outer = all.iter().filter(|range| within(inner, range)).min_by_key(|range| range.end() - range.start());
    let per_tile = |counted: &dyn Fn(&str) -> bool| {
        let once = count(inner, counted);
        once * SUMS / sums + outer.map_or(0.0, |outer| count(outer, counted) - once) / scale
    };
    Loops {
        sums: per_tile(&is_sum),
        vector: per_tile(&|name| name.starts_with("v_")),
        slots: per_tile(&|name| !is_hint(name)),
    }
}

#[test]
fn the_loops_of_a_product_are_counted() {
    let assembly = "BB0:\n\tv_mov_b32 v0, 0 ; 00\nBB1:\n\tbuffer_load_b128 v[0:3], v4 ; 00\n\tv_mul_lo_u32 v1, v2, v3\nBB2:\n\tds_load_b128 v[0:3], v9\n\
        \ts_delay_alu instid0(1)\n\tv_fmac_f32_e32 v1, v2, v3\n\tv_fma_f32 v1, v2, v3, v4\n\tv_mad_u32_u24 v1, v2, v3, v4\n\
        \ts_cbranch_scc1 BB2 ; bf\n\ts_cbranch_vccnz BB1\n\ts_endpgm\n";
    // The inner loop 256 times: load, two sums, an addition of addresses, a jump; around it a load, a product and a jump.
    let expected = Loops { sums: 512.0, vector: 769.0, slots: 256.0 * 5.0 + 3.0 };
    assert_eq!(loops(assembly, 1.0), expected);
    let undecoded = "BB1\n/* kind: loop-header, */\n\t v4: %1:v[0-3] = buffer_load_b128 %2:s[0-3], %3:v[4]\n\t v1: %4:v[1] = v_mul_lo_u32 52, %5:v[2]\n\
        BB2\n\t v4: %6:v[0-3] = ds_read_b128 %7:v[9]\n\ts_delay_alu valu_dep_4\n\t v1: %8:v[1] = v_fmac_f32 %9:v[2], %1:v[3], %8:v[1]\n\
        \t v1: %8:v[1] = v_fma_f32 %9:v[2], %1:v[3], %8:v[1]\n\t v1: %8:v[1] = v_mad_u32_u24 28, %4:v[40], %6:v[1]\n\
        \ts_cbranch_scc1 block:BB2\n\ts_branch block:BB1\n";
    assert_eq!(loops(undecoded, 1.0), expected);
    assert_eq!(loops(undecoded, 2.0), Loops { vector: 768.5, slots: 256.0 * 5.0 + 1.5, ..expected });
}
