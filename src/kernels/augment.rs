//! Bytes to floats, as `unpack`, of images that are mirrored, moved, turned, zoomed, lit and cut, each by draws of its own.

use super::random::{RANDOM_FILE, draw, mixed, stream_of};
use super::unpack::PIXELS_FILE;
use crate::plan::{Cost, Io, KernelSpec, STEP_FILE, Shader, Step, constants, elementwise_grid, wgsl};
use crate::real::Real;
use rayon::prelude::*;

/// How images are mirrored left to right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mirror {
    /// An image is mirrored in every other epoch; a draw for each image says in which. So no two epochs after each other show the same.
    Alternating,
    /// A draw for each image and epoch says whether.
    Random,
}

/// What is changed, each by so much at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Changes {
    pub(crate) mirror: Option<Mirror>,
    /// Whole pixels along each axis.
    pub(crate) crop: u32,
    /// Share of height and width.
    pub(crate) shift: f64,
    /// Degrees.
    pub(crate) rotate: f64,
    /// Share of the size.
    pub(crate) zoom: f64,
    /// Share of the range of pixels.
    pub(crate) brightness: f64,
    /// Pixels of a side of the black square.
    pub(crate) cutout: u32,
}

/// Converts one batch of an upload to floats, each image changed by draws that are a function of the seed, its epoch and its number.
///
/// Inputs: pixels [batches per upload, words] u32, keys [batches per upload, batch, 2] u32, number and epoch of each image; outputs: x
/// [batch, image].
#[derive(Debug, Clone, Copy)]
pub(crate) struct AugmentImages {
    pub(crate) batch: usize,
    /// Height, width, channels.
    pub(crate) image: [usize; 3],
    /// u32 elements that hold a batch's pixels.
    pub(crate) words: usize,
    /// What a byte is divided by.
    pub(crate) divisor: f64,
    pub(crate) changes: Changes,
}

/// What is drawn for an image.
struct Drawn<F> {
    is_mirrored: bool,
    moved: [i32; 2],
    turn: [F; 2],
    shift: [F; 2],
    light: F,
    top_left: [i32; 2],
}

/// From -1 to 1.
fn uniform<F: Real>(bits: u32) -> F {
    F::from_f64(f64::from(bits >> 8)) / F::from_f64(8_388_608.0) - F::ONE
}

/// From 0 to `n` - 1.
fn below(bits: u32, n: usize) -> i32 {
    (((bits >> 16) * n as u32) >> 16) as i32
}

/// A place reflected into `0..n` at the edges.
#[inline(always)]
fn reflected(at: i32, n: usize) -> usize {
    if (at as u32 as usize) < n {
        return at as usize;
    }
    let inside = at.rem_euclid(2 * n as i32);
    inside.min(2 * n as i32 - 1 - inside) as usize
}

/// `1 - x / first (1 - x / next (...))`.
fn series<F: Real>(x: F, divisors: &[f64]) -> F {
    divisors.iter().rev().fold(F::ONE, |inner, divisor| F::ONE - x / F::from_f64(*divisor) * inner)
}

impl AugmentImages {
    fn count(&self) -> usize {
        self.batch * self.len()
    }

    /// Elements of an image.
    fn len(&self) -> usize {
        self.image.iter().product()
    }

    /// Whether what is read lies between pixels.
    fn is_affine(&self) -> bool {
        self.changes.shift > 0.0 || self.changes.rotate > 0.0 || self.changes.zoom > 0.0
    }

    /// The largest number that a pixel becomes.
    fn white(&self) -> f64 {
        255.0 / self.divisor
    }

    fn half_angle(&self) -> f64 {
        self.changes.rotate.to_radians() / 2.0
    }

    fn drawn<F: Real>(&self, step: &Step, [number, epoch]: [u32; 2]) -> Drawn<F> {
        let Changes { mirror, crop, shift, zoom, brightness, cutout, .. } = self.changes;
        let [height, width, _] = self.image;
        let of_image = mixed(step.seed ^ stream());
        let key = mixed(of_image.wrapping_add(epoch));
        let of = |which: u32| draw(key, number.wrapping_mul(16).wrapping_add(which));
        let coin = |key: u32| draw(key, number.wrapping_mul(16)) >> 31;
        let moved = |which: u32| below(of(which), 2 * crop as usize + 1) - crop as i32;
        let size = |n: usize| F::from_f64((shift * n as f64) as f32 as f64);
        let half = uniform::<F>(of(5)) * F::from_f64(f64::from(self.half_angle() as f32));
        let sine = half * series(half * half, &[6.0, 20.0, 42.0, 72.0, 110.0]);
        let cosine = series(half * half, &[2.0, 12.0, 30.0, 56.0, 90.0, 132.0]);
        let smaller = F::ONE / (F::ONE + uniform::<F>(of(6)) * F::from_f64(f64::from(zoom as f32)));
        let light = F::from_f64(f64::from((brightness * self.white()) as f32));
        Drawn {
            is_mirrored: match mirror {
                None => false,
                Some(Mirror::Alternating) => coin(of_image) ^ (epoch & 1) == 1,
                Some(Mirror::Random) => coin(key) == 1,
            },
            moved: [moved(1), moved(2)],
            shift: [uniform::<F>(of(3)) * size(height), uniform::<F>(of(4)) * size(width)],
            turn: [(cosine * cosine - sine * sine) * smaller, (sine + sine) * cosine * smaller],
            light: uniform::<F>(of(7)) * light,
            top_left: [(8, height), (9, width)].map(|(which, n)| below(of(which), n) - cutout as i32 / 2),
        }
    }

    /// The image `x` of the bytes `from`.
    #[inline(always)]
    fn image<F: Real>(&self, x: &mut [F], from: &[u8], drawn: &Drawn<F>) {
        let [height, width, channels] = self.image;
        let divisor = F::from_f64(self.divisor);
        let pixel = |y: i32, at: i32, channel: usize| {
            let i = (reflected(y, height) * width + reflected(at, width)) * channels + channel;
            F::from_f64(f64::from(from[i])) / divisor
        };
        let half = F::from_f64(0.5);
        let centre = [height, width].map(|n| F::from_f64((n - 1) as f64) * half);
        let is_affine = self.is_affine();
        for (i, x) in x.chunks_exact_mut(channels).enumerate() {
            let (p, q) = ((i / width) as i32, (i % width) as i32);
            let y = p + drawn.moved[0];
            let at = if drawn.is_mirrored { width as i32 - 1 - q } else { q } + drawn.moved[1];
            if !is_affine {
                x.iter_mut().enumerate().for_each(|(channel, x)| *x = pixel(y, at, channel));
                continue;
            }
            let [v, u] = [F::from_f64(f64::from(y)) - centre[0], F::from_f64(f64::from(at)) - centre[1]];
            let from_y = drawn.turn[0] * v + drawn.turn[1] * u + centre[0] - drawn.shift[0];
            let from_x = drawn.turn[0] * u - drawn.turn[1] * v + centre[1] - drawn.shift[1];
            let low = [from_y, from_x].map(|at| at.to_f64().floor());
            let [wy, wx] = [from_y - F::from_f64(low[0]), from_x - F::from_f64(low[1])];
            let [y, at] = low.map(|at| at as i32);
            for (channel, x) in x.iter_mut().enumerate() {
                let row = |y: i32| pixel(y, at, channel) * (F::ONE - wx) + pixel(y, at + 1, channel) * wx;
                *x = row(y) * (F::ONE - wy) + row(y + 1) * wy;
            }
        }
        if self.changes.brightness > 0.0 {
            let white = F::from_f64(self.white());
            let clamped = |x: F| match x {
                x if x < F::ZERO => F::ZERO,
                x if x > white => white,
                x => x,
            };
            x.iter_mut().for_each(|x| *x = clamped(*x + drawn.light));
        }
        self.cut(x, drawn.top_left);
    }

    /// The image of the bytes `from` as bytes, by the key of the image.
    pub(crate) fn bytes(&self, to: &mut [u8], from: &[u8], step: &Step, key: [u32; 2]) {
        let mut x = vec![0.0_f32; from.len()];
        self.image(&mut x, from, &self.drawn(step, key));
        to.iter_mut().zip(x).for_each(|(to, x)| *to = (x * self.divisor as f32).round() as u8);
    }

    /// Makes the square at `top_left` black.
    fn cut<F: Real>(&self, x: &mut [F], [top, left]: [i32; 2]) {
        let ([height, width, channels], side) = (self.image, self.changes.cutout as i32);
        let inside =
            |first: i32, n: usize| first.clamp(0, n as i32) as usize..(first + side).clamp(0, n as i32) as usize;
        for row in inside(top, height) {
            let columns = inside(left, width);
            x[(row * width + columns.start) * channels..(row * width + columns.end) * channels].fill(F::ZERO);
        }
    }
}

/// What tells these draws from those of layers.
fn stream() -> u32 {
    stream_of("augment")
}

impl KernelSpec for AugmentImages {
    fn shader(&self) -> Shader {
        let (grid, grid_x) = elementwise_grid(self.words);
        let [height, width, channels] = self.image;
        let Changes { mirror, crop, shift, zoom, brightness, cutout, .. } = self.changes;
        let mirror = match mirror {
            None => 0u32,
            Some(Mirror::Alternating) => 1,
            Some(Mirror::Random) => 2,
        };
        let sizes = constants! {
            COUNT: self.count(), WORDS: self.words, BATCH: self.batch, IMAGE: self.len(), HEIGHT: height, WIDTH: width,
            CHANNELS: channels, DIVISOR: self.divisor as f32, WHITE: self.white() as f32, STREAM: stream()
        };
        let drawn = constants! {
            MIRROR: mirror, CROP: crop, AFFINE: self.is_affine(), SHIFT_Y: (shift * height as f64) as f32,
            SHIFT_X: (shift * width as f64) as f32, HALF_ANGLE: self.half_angle() as f32, ZOOM: zoom as f32,
            LIGHT: (brightness * self.white()) as f32, CUTOUT: cutout
        };
        Shader {
            files: vec![STEP_FILE, RANDOM_FILE, PIXELS_FILE, wgsl!("augment.wgsl")],
            constants: sizes.and(drawn).and(grid_x),
            grid,
            iterations: 0,
            uses_step: true,
        }
    }

    fn cost(&self) -> Cost {
        let count = self.count() as f64;
        let flops = if self.is_affine() { 30.0 } else { 2.0 } * count;
        Cost { flops, dense_flops: flops, bytes: 5.0 * count }
    }

    fn run<F: Real>(&self, mut io: Io<'_, F>) {
        let first = io.step.batch_index as usize;
        let words = &io.input_u32(0)[first * self.words..][..self.words];
        let keys = &io.input_u32(1)[first * self.batch * 2..][..self.batch * 2];
        let little: Vec<u8>;
        let bytes: &[u8] = if cfg!(target_endian = "little") {
            bytemuck::cast_slice(words)
        } else {
            little = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            &little
        };
        let (step, len) = (io.step, self.len());
        let images = io.output(0)[..self.count()].par_chunks_mut(len).zip(bytes.par_chunks(len));
        images.zip(keys.as_chunks::<2>().0).for_each(|((x, from), key)| {
            self.image(x, from, &self.drawn(&step, *key));
        });
    }
}
