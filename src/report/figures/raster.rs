//! From SVG to PNG.

use crate::error::{Result, usage};
use resvg::usvg::{Options, Tree, fontdb};
use resvg::{tiny_skia, usvg};
use std::sync::{Arc, LazyLock};

/// DejaVu Sans with the letters of Latin scripts alone; see assets/fonts.
const FONT: &[u8] = include_bytes!("../../../assets/fonts/DejaVuSans-latin.ttf");

/// The fonts: ours, and those of the system for letters that it has not.
static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(FONT.to_vec());
    fonts.load_system_fonts();
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// A PNG file of the drawing, `scale` times its size.
///
/// # Errors
/// If it is too large.
pub(super) fn to_png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let options = Options { fontdb: Arc::clone(&FONTS), font_family: "DejaVu Sans".into(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| usage!("the figure cannot be drawn: {e}"))?;
    let size = tree.size().to_int_size().scale_by(scale);
    let pixels = size.and_then(|size| tiny_skia::Pixmap::new(size.width(), size.height()));
    let mut pixels = pixels.ok_or_else(|| usage!("a figure of {:?} is too large", tree.size()))?;
    resvg::render(&tree, usvg::Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| usage!("the figure cannot be written: {e}"))
}
