//! The colours of figures and pages: light, dark, and of series that colour-blind readers tell apart.

/// Names of colours, with the light one and the dark. Those of series are after Okabe and Ito, "Color Universal Design" (2008), those
/// on white darker where a line would be too faint.
const COLOURS: [(&str, &str, &str); 12] = [
    ("ink", "#1b1f23", "#e8eaec"),
    ("muted", "#57606a", "#a4adb6"),
    ("rule", "#8b949e", "#6b747d"),
    ("grid", "#e4e7ea", "#2c3238"),
    ("paper", "#ffffff", "#14181c"),
    ("panel", "#f5f7f8", "#1c2126"),
    ("s0", "#0072b2", "#56b4e9"),
    ("s1", "#c45500", "#f0a050"),
    ("s2", "#00805d", "#3ccba0"),
    ("s3", "#a5487f", "#e29ac4"),
    ("s4", "#7a6a00", "#e6d840"),
    ("s5", "#444444", "#c8c8c8"),
];

/// Width of a figure, in its units.
pub(super) const WIDTH: f64 = 420.0;

/// Series that differ by colour.
pub(super) const SERIES: usize = 6;
/// Dashes of the series, in the same order.
pub(super) const DASHES: [&str; SERIES] = ["none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2"];

/// How the parts of a figure look, by class; colours are `@name`.
const STYLE: &str = "\
text{font:12px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:@ink}\
.small{font-size:10px}.muted{fill:@muted}.inverse{fill:@paper}\
.end{text-anchor:end}.middle{text-anchor:middle}\
.paper{fill:@paper}.panel{fill:@panel}\
.rule{stroke:@rule;fill:none}.grid{stroke:@grid;fill:none}\
.cell{fill:@s0;stroke:none}.outline{fill:none;stroke:@grid}\
.line{fill:none;stroke-width:2;stroke-linejoin:round}.thin{stroke-width:1;stroke-opacity:.55}\
image{image-rendering:optimizeSpeed;image-rendering:pixelated}";

fn style_of_series() -> String {
    (0..SERIES).map(|i| format!(".s{i}{{stroke:@s{i}}}.f{i}{{fill:@s{i};stroke:@paper}}")).collect()
}

/// The style, with each colour as `as_css` says of its name and its light form.
fn style(as_css: fn(&str, &'static str) -> String) -> String {
    let style = format!("{STYLE}{}", style_of_series());
    COLOURS.iter().fold(style, |style, (name, light, _)| style.replace(&format!("@{name}"), &as_css(name, light)))
}

/// The style of a file: light colours, written out, since not every program that reads SVG knows variables.
pub(super) fn file_style() -> String {
    style(|_, light| light.to_owned())
}

/// The colours and the figures' style for a page that follows the reader's choice of light or dark.
pub(crate) fn page_colours() -> String {
    let variables = |pick: fn(&(&str, &'static str, &'static str)) -> &'static str| -> String {
        COLOURS.iter().map(|colour| format!("--{}:{};", colour.0, pick(colour))).collect()
    };
    let figures: String = style(|name, _| format!("var(--{name})"))
        .split_inclusive('}')
        .map(|rule| {
            let (selectors, body) = rule.split_once('{').unwrap_or((rule, ""));
            format!("svg {selectors}{{{body}")
        })
        .collect();
    format!(
        ":root{{color-scheme:light dark;{}}}@media (prefers-color-scheme:dark){{:root{{{}}}}}{figures}",
        variables(|colour| colour.1),
        variables(|colour| colour.2),
    )
}
