//! The shapes of the ten classes of garments: polygons and strokes with random dimensions.

use crate::rng::Rng;

/// A point in garment coordinates: [x, y], x to the right, y down.
pub(super) type Point = [f32; 2];

/// A shape with its brightness relative to the material.
pub(super) struct Part {
    pub(super) outline: Outline,
    pub(super) shade: f32,
}

pub(super) enum Outline {
    /// A convex polygon: its corners, clockwise in the image.
    Polygon(Vec<Point>),
    /// A line segment with round ends: its end points and half its width.
    Stroke(Point, Point, f32),
}

impl Outline {
    /// Signed distance of `p` from the outline, negative inside; a lower bound near the corners of a polygon.
    pub(super) fn distance(&self, p: Point) -> f32 {
        match self {
            Self::Polygon(corners) => {
                let edges = corners.iter().zip(corners.iter().cycle().skip(1));
                edges.map(|(a, b)| outside_edge(p, *a, *b)).fold(f32::NEG_INFINITY, f32::max)
            }
            Self::Stroke(a, b, half_width) => {
                let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
                let along = ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / (dx * dx + dy * dy).max(1e-6);
                let t = along.clamp(0.0, 1.0);
                let (ex, ey) = (p[0] - a[0] - t * dx, p[1] - a[1] - t * dy);
                (ex * ex + ey * ey).sqrt() - half_width
            }
        }
    }
}

/// Signed distance of `p` from the line through `a` and `b`, positive on the outer side.
fn outside_edge(p: Point, a: Point, b: Point) -> f32 {
    let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
    ((p[0] - a[0]) * dy - (p[1] - a[1]) * dx) / (dx * dx + dy * dy).sqrt().max(1e-6)
}

fn polygon(corners: &[Point]) -> Outline {
    Outline::Polygon(corners.to_vec())
}

/// The polygon and its mirror image.
fn both_sides(corners: &[Point]) -> [Outline; 2] {
    let mirrored = corners.iter().rev().map(|[x, y]| [-x, *y]).collect();
    [polygon(corners), Outline::Polygon(mirrored)]
}

/// The parts of a garment; later parts are drawn over earlier ones.
#[derive(Default)]
pub(super) struct Garment {
    pub(super) parts: Vec<Part>,
}

impl Garment {
    fn add(&mut self, shade: f32, outline: Outline) {
        self.parts.push(Part { outline, shade });
    }

    /// Adds a polygon and its mirror image.
    fn pair(&mut self, shade: f32, corners: &[Point]) {
        for outline in both_sides(corners) {
            self.add(shade, outline);
        }
    }

    /// Adds a torso from the shoulders to `hem` (y), and sleeves that end at `sleeve` (and its mirror image).
    fn upper_body(&mut self, rng: &mut Rng, hem: f32, sleeve: Point) {
        let (shoulder, waist) = (rng.range(0.42, 0.52), rng.range(0.38, 0.5));
        let width = rng.range(0.14, 0.2);
        let [sx, sy] = sleeve;
        self.pair(
            rng.range(0.85, 1.0),
            &[[shoulder - 0.12, -0.78], [sx, sy - 0.1], [sx - width, sy + 0.06], [shoulder - 0.14, -0.4]],
        );
        self.add(1.0, polygon(&[[-shoulder, -0.8], [shoulder, -0.8], [waist, hem], [-waist, hem]]));
    }

    /// Adds a V-shaped neckline in black.
    fn neck(&mut self, depth: f32, width: f32) {
        self.add(0.0, polygon(&[[-width, -0.85], [width, -0.85], [0.0, -0.8 + depth]]));
    }

    /// Adds a sole of thickness `sole`, a low upper whose toe is at y = `toe`, and a shaft of height `shaft`.
    fn shoe(&mut self, rng: &mut Rng, sole: f32, toe: f32, shaft: f32) {
        let heel = rng.range(0.78, 0.9);
        self.add(1.0, polygon(&[[-heel, 0.0], [0.1, 0.0], [0.85, toe], [0.85, 0.4], [-heel, 0.4]]));
        self.add(1.0, polygon(&[[-heel, -shaft], [rng.range(-0.25, -0.05), -shaft], [0.15, 0.1], [-heel, 0.2]]));
        self.add(
            rng.range(0.35, 0.75),
            polygon(&[[-heel - 0.04, 0.4 - sole], [0.9, 0.4 - sole], [0.9, 0.42], [-heel - 0.04, 0.42]]),
        );
    }
}

fn t_shirt(g: &mut Garment, rng: &mut Rng) {
    let sleeve = [rng.range(0.72, 0.9), rng.range(-0.5, -0.32)];
    let hem = rng.range(0.65, 0.85);
    g.upper_body(rng, hem, sleeve);
    g.neck(rng.range(0.12, 0.24), rng.range(0.14, 0.22));
}

fn trouser(g: &mut Garment, rng: &mut Rng) {
    let (waist, hem, crotch) = (rng.range(0.26, 0.36), rng.range(0.78, 0.95), rng.range(-0.35, -0.15));
    let (outer, inner) = (rng.range(0.34, 0.5), rng.range(0.06, 0.16));
    g.pair(1.0, &[[0.0, -0.9], [waist, -0.9], [outer, hem], [inner, hem], [0.0, crotch]]);
    g.add(rng.range(0.6, 0.9), polygon(&[[-waist, -0.92], [waist, -0.92], [waist, -0.82], [-waist, -0.82]]));
}

fn pullover(g: &mut Garment, rng: &mut Rng) {
    let sleeve = [rng.range(0.72, 0.9), rng.range(0.35, 0.65)];
    let hem = rng.range(0.6, 0.8);
    g.upper_body(rng, hem, sleeve);
    g.neck(rng.range(0.08, 0.14), rng.range(0.14, 0.2));
    let band = rng.range(0.6, 0.85);
    g.add(band, polygon(&[[-0.42, hem - 0.12], [0.42, hem - 0.12], [0.42, hem], [-0.42, hem]]));
}

fn dress(g: &mut Garment, rng: &mut Rng) {
    let (top, waist, hem) = (rng.range(0.2, 0.32), rng.range(0.16, 0.26), rng.range(0.34, 0.62));
    g.add(1.0, polygon(&[[-top, -0.8], [top, -0.8], [waist, -0.1], [-waist, -0.1]]));
    g.add(rng.range(0.85, 1.0), polygon(&[[-waist, -0.15], [waist, -0.15], [hem, 0.92], [-hem, 0.92]]));
    if rng.below(2) == 0 {
        g.pair(0.9, &[[top - 0.08, -0.8], [top + 0.22, -0.4], [top + 0.1, -0.3], [top - 0.05, -0.55]]);
    }
    g.neck(rng.range(0.1, 0.3), rng.range(0.1, 0.18));
}

fn coat(g: &mut Garment, rng: &mut Rng) {
    let sleeve = [rng.range(0.66, 0.82), rng.range(0.45, 0.72)];
    let hem = rng.range(0.78, 0.95);
    g.upper_body(rng, hem, sleeve);
    g.neck(rng.range(0.2, 0.4), rng.range(0.1, 0.16));
    let x = rng.range(-0.04, 0.04);
    g.add(rng.range(0.1, 0.4), Outline::Stroke([x, -0.5], [x, hem], rng.range(0.025, 0.045)));
    g.pair(rng.range(0.6, 0.85), &[[0.06, -0.82], [0.2, -0.82], [0.1, -0.3], [0.03, -0.35]]);
}

fn sandal(g: &mut Garment, rng: &mut Rng) {
    let (heel, lift) = (rng.range(-0.9, -0.75), rng.range(0.0, 0.3));
    g.add(1.0, polygon(&[[heel, 0.3 - lift], [0.0, 0.3], [0.88, 0.32], [0.88, 0.42], [heel, 0.42 - lift * 0.5]]));
    if lift > 0.12 {
        g.add(0.9, Outline::Stroke([heel + 0.06, 0.3 - lift], [heel + 0.1, 0.42], 0.05));
    }
    for _ in 0..2 + rng.below(3) {
        let (from, height) = (rng.range(-0.7, 0.6), rng.range(0.25, 0.6));
        let to = (from + rng.range(-0.35, 0.35)).clamp(-0.8, 0.8);
        g.add(rng.range(0.7, 1.0), Outline::Stroke([from, 0.3], [to, 0.3 - height], rng.range(0.04, 0.07)));
    }
    g.add(0.95, Outline::Stroke([heel + 0.05, 0.25 - lift], [rng.range(-0.6, -0.3), -rng.range(0.1, 0.4)], 0.05));
}

fn shirt(g: &mut Garment, rng: &mut Rng) {
    let long = rng.below(3) > 0;
    let sleeve_y = if long { rng.range(0.3, 0.62) } else { rng.range(-0.42, -0.2) };
    let sleeve = [rng.range(0.68, 0.88), sleeve_y];
    let hem = rng.range(0.68, 0.88);
    g.upper_body(rng, hem, sleeve);
    g.neck(rng.range(0.1, 0.22), rng.range(0.1, 0.16));
    g.pair(rng.range(0.6, 0.8), &[[0.03, -0.88], [0.18, -0.8], [0.14, -0.62], [0.03, -0.74]]);
    let (x, first, gap) = (rng.range(-0.03, 0.03), rng.range(-0.6, -0.5), rng.range(0.2, 0.26));
    for n in 0..5 {
        let y = first + gap * n as f32;
        g.add(rng.range(0.1, 0.4), Outline::Stroke([x, y], [x, y + 0.01], 0.04));
    }
}

fn sneaker(g: &mut Garment, rng: &mut Rng) {
    let (sole, toe, shaft) = (rng.range(0.1, 0.18), rng.range(0.1, 0.22), rng.range(0.12, 0.24));
    g.shoe(rng, sole, toe, shaft);
    for n in 0..3 {
        let x = -0.12 + 0.16 * n as f32;
        g.add(
            rng.range(0.2, 0.5),
            Outline::Stroke([x, -0.05 + 0.06 * n as f32], [x + 0.12, 0.02 + 0.05 * n as f32], 0.03),
        );
    }
}

fn bag(g: &mut Garment, rng: &mut Rng) {
    let (half, top, bottom) = (rng.range(0.5, 0.85), rng.range(-0.3, 0.05), rng.range(0.55, 0.8));
    let lean = rng.range(-0.1, 0.12);
    g.add(1.0, polygon(&[[-half + lean, top], [half - lean, top], [half, bottom], [-half, bottom]]));
    let (grip, height, thickness) = (rng.range(0.2, 0.4), rng.range(0.25, 0.6), rng.range(0.035, 0.06));
    let corners = [[-grip, top], [-grip * 0.7, top - height], [grip * 0.7, top - height], [grip, top]];
    for ends in corners.windows(2) {
        g.add(0.9, Outline::Stroke(ends[0], ends[1], thickness));
    }
    if rng.below(2) == 0 {
        let flap = top + rng.range(0.15, 0.3);
        g.add(
            rng.range(0.6, 0.85),
            polygon(&[[-half + lean, top], [half - lean, top], [half - lean, flap], [-half + lean, flap]]),
        );
    }
}

fn ankle_boot(g: &mut Garment, rng: &mut Rng) {
    let (sole, toe, shaft) = (rng.range(0.06, 0.14), rng.range(0.08, 0.2), rng.range(0.4, 0.8));
    g.shoe(rng, sole, toe, shaft);
    if rng.below(2) == 0 {
        g.add(rng.range(0.5, 0.8), polygon(&[[-0.9, 0.4], [-0.55, 0.4], [-0.6, 0.6], [-0.88, 0.6]]));
    }
}

/// The function that draws each class, indexed by label.
pub(super) const GARMENTS: [fn(&mut Garment, &mut Rng); 10] =
    [t_shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle_boot];
