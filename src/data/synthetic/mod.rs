//! A built-in data set: single-channel images of Fashion-MNIST's ten classes of garments, generated from a seed.
//!
//! A garment consists of convex polygons and strokes in its own coordinates (x right, y down, both about -1 to 1), with
//! random shape, material and lighting, under a random affine transform (translation, rotation, shear, scale and
//! mirror). An image depends only on the seed and its index, and only uses additions, multiplications, divisions and
//! square roots, which IEEE 754 rounds identically on every machine: the bytes are the same everywhere.

mod garments;

use self::garments::{GARMENTS, Garment, Outline, Point};
use super::dataset::{CLASS_NAMES, Dataset, Split};
use crate::digest::sha256_hex;
use crate::rng::{Purpose, Rng};
use crate::threads::{install, pool};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Height and width of an image in pixels.
pub const SIZE: usize = 28;
/// Default numbers of training and test images.
pub const DEFAULT_COUNTS: [usize; 2] = [60_000, 10_000];
/// The seed that `--data synthetic` uses.
pub const DEFAULT_SEED: u64 = 0;

/// Generates `train` training and `test` test images from `seed`. The class of each image is uniformly random.
pub fn generate(seed: u64, [train, test]: [usize; 2]) -> Dataset {
    let train = draw_split(seed, Purpose::TrainImage, train);
    let test = draw_split(seed, Purpose::TestImage, test);
    let mut sha256 = BTreeMap::new();
    for (split, name) in [(&train, "train"), (&test, "test")] {
        sha256.insert(format!("{name} images"), sha256_hex(&split.pixels));
        sha256.insert(format!("{name} labels"), sha256_hex(&split.labels));
    }
    Dataset {
        name: "synthetic".into(),
        source: format!("generated from seed {seed}"),
        train,
        test,
        classes: CLASS_NAMES.len(),
        class_names: CLASS_NAMES.map(String::from).to_vec(),
        sha256,
    }
}

fn draw_split(seed: u64, purpose: Purpose, count: usize) -> Split {
    let mut pixels = vec![0; count * SIZE * SIZE];
    let drawn = |(i, image): (usize, &mut [u8])| {
        let mut rng = Rng::new(seed, purpose, i as u64);
        let class = rng.below(CLASS_NAMES.len());
        draw(class, &mut rng, image);
        class as u8
    };
    let labels = match pool(0) {
        Ok(pool) => {
            install(pool.as_ref(), || pixels.par_chunks_exact_mut(SIZE * SIZE).enumerate().map(drawn).collect())
        }
        // Without a single thread more, on this one.
        Err(_) => pixels.chunks_exact_mut(SIZE * SIZE).enumerate().map(drawn).collect(),
    };
    Split { image: [SIZE, SIZE, 1], pixels, labels }
}

/// The affine map from pixel coordinates to garment coordinates; each row is (factor of px, factor of py, offset).
struct View {
    x: [f32; 3],
    y: [f32; 3],
}

impl View {
    fn random(rng: &mut Rng) -> Self {
        // Rotation by 2 atan(t): cos = (1 - t^2) / (1 + t^2) and sin = 2 t / (1 + t^2), without trigonometric
        // functions, whose rounding differs between machines.
        let t = rng.range(-0.12, 0.12);
        let (cos, sin) = ((1.0 - t * t) / (1.0 + t * t), 2.0 * t / (1.0 + t * t));
        let shear = rng.range(-0.12, 0.12);
        let mirror = if rng.below(2) == 0 { 1.0 } else { -1.0 };
        let (width, height) = (rng.range(9.0, 13.5) * mirror, rng.range(9.0, 13.5));
        let centre = 0.5 * (SIZE as f32 - 1.0);
        let (cx, cy) = (centre + rng.range(-2.5, 2.5), centre + rng.range(-2.5, 2.5));
        let row = |a: f32, b: f32| [a, b, -a * cx - b * cy];
        Self { x: row(cos / width, (sin + shear) / width), y: row(-sin / height, cos / height) }
    }

    fn at(&self, px: f32, py: f32) -> Point {
        let apply = |m: &[f32; 3]| m[0] * px + m[1] * py + m[2];
        [apply(&self.x), apply(&self.y)]
    }

    /// Approximate number of pixels per unit of garment coordinates.
    fn scale(&self) -> f32 {
        let length = |m: &[f32; 3]| (m[0] * m[0] + m[1] * m[1]).sqrt();
        2.0 / (length(&self.x) + length(&self.y))
    }
}

/// Brightness and pattern of the material.
struct Cloth {
    base: f32,
    contrast: f32,
    /// Stripes per unit of length along x and y; 0 for none.
    stripes: Point,
    phase: Point,
    light: Point,
    grain: f32,
}

impl Cloth {
    fn random(rng: &mut Rng) -> Self {
        let pattern = rng.below(5);
        let across = if pattern == 1 || pattern == 3 { rng.range(1.5, 4.0) } else { 0.0 };
        let down = if pattern == 2 || pattern == 3 { rng.range(1.5, 4.0) } else { 0.0 };
        Self {
            base: rng.range(0.35, 0.95),
            contrast: rng.range(0.15, 0.6),
            stripes: [across, down],
            phase: [rng.unit(), rng.unit()],
            light: [rng.range(-0.2, 0.2), rng.range(-0.2, 0.2)],
            grain: rng.range(0.02, 0.12),
        }
    }

    fn at(&self, p: Point) -> f32 {
        let mut value = self.base * (1.0 + self.light[0] * p[0] + self.light[1] * p[1]);
        for ((x, stripes), phase) in p.iter().zip(self.stripes).zip(self.phase) {
            let t = x * stripes + phase;
            if stripes > 0.0 && t - t.floor() < 0.5 {
                value *= 1.0 - self.contrast;
            }
        }
        value
    }
}

/// Draws one garment of `class` over three random thin strokes (distractors) on a black background.
fn draw(class: usize, rng: &mut Rng, image: &mut [u8]) {
    let mut garment = Garment::default();
    GARMENTS[class](&mut garment, rng);
    let (view, cloth) = (View::random(rng), Cloth::random(rng));
    let mut end = || [rng.range(-1.4, 1.4), rng.range(-1.4, 1.4)];
    let threads = [(); 3].map(|()| Outline::Stroke(end(), end(), 0.05));
    let thread_shade = rng.range(0.0, 0.6);
    let scale = view.scale();
    for (i, pixel) in image.iter_mut().enumerate() {
        let p = view.at((i % SIZE) as f32, (i / SIZE) as f32);
        // Antialiased coverage of the pixel, from the distance to the outline in pixels.
        let coverage = |outline: &Outline| (0.5 - outline.distance(p) * scale).clamp(0.0, 1.0);
        let mut value = 0.0;
        for thread in &threads {
            value += (thread_shade - value) * coverage(thread);
        }
        let material = cloth.at(p);
        for part in &garment.parts {
            value += (part.shade * material - value) * coverage(&part.outline);
        }
        value += cloth.grain * (rng.unit() - 0.5);
        *pixel = (value.clamp(0.0, 1.0) * 255.0 + 0.5) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_the_same_everywhere() {
        let set = generate(7, [64, 16]);
        assert_eq!(set.train.len(), 64);
        assert_eq!(set.test.pixels.len(), 16 * SIZE * SIZE);
        // The golden trajectories in assets/golden were recorded on these images; a change here invalidates them.
        assert_eq!(set.sha256["train images"], "1d929f304603ab4d6c63361ac74bd7b48047161dbb843280fbd82f9bfa914285");
    }

    #[test]
    fn a_smaller_set_is_a_prefix_of_a_larger_one() {
        let (small, large) = (generate(1, [10, 5]), generate(1, [20, 5]));
        assert_eq!(small.train.pixels, large.train.pixels[..small.train.pixels.len()]);
        assert_eq!(small.test, large.test);
        assert_ne!(generate(2, [10, 5]).train.pixels, small.train.pixels);
    }
}
