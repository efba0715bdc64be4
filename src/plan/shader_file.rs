//! What a page has of the files in `shaders/`: no comments and little indentation, which would be half of their bytes.

/// The text of a file in `shaders/`.
macro_rules! wgsl {
    ($file:literal) => {{
        const WHOLE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/", $file));
        #[cfg(not(target_family = "wasm"))]
        const TEXT: &str = WHOLE;
        #[cfg(target_family = "wasm")]
        const TEXT: &str = {
            const PADDED: ([u8; WHOLE.len()], usize) = $crate::plan::shortened(WHOLE);
            const SHORT: [u8; PADDED.1] = *PADDED.0.first_chunk().expect("no longer than before");
            match std::str::from_utf8(&SHORT) {
                Ok(text) => text,
                Err(_) => panic!("whole lines"),
            }
        };
        TEXT
    }};
}
pub(crate) use wgsl;

/// `text` without empty lines and lines that are comments, other lines with a space in place of several before them, and its length.
#[cfg(any(test, target_family = "wasm"))]
pub(crate) const fn shortened<const N: usize>(text: &str) -> ([u8; N], usize) {
    let (text, mut short, mut len, mut at) = (text.as_bytes(), [0; N], 0, 0);
    while at < text.len() {
        let line = at;
        while at < text.len() && text[at] == b' ' {
            at += 1;
        }
        let is_left_out = text[at] == b'\n' || text[at] == b'/' && text[at + 1] == b'/';
        if at > line {
            at -= 1;
        }
        let mut is_over = false;
        while at < text.len() && !is_over {
            is_over = text[at] == b'\n';
            if !is_left_out {
                short[len] = text[at];
                len += 1;
            }
            at += 1;
        }
    }
    (short, len)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_page_has_shaders_without_comments() {
        const TEXT: &str =
            "// What it does.\n\nfn f() {\n    // Why.\n    for (;;) { // unroll\n        g();\n    }\n}\n";
        let (short, len) = super::shortened::<{ TEXT.len() }>(TEXT);
        assert_eq!(&short[..len], b"fn f() {\n for (;;) { // unroll\n g();\n }\n}\n");
    }
}
