//! The first layer's filters, and what layers make of images, as pictures.

use super::different::most_different;
use crate::graph::{Graph, Node};
use crate::report::figures::{Cell, Figure, Picture, Pictures, Table, number};
use crate::trainer::LayerOutput;

/// Filters of the first layer that are shown, at most.
const MAX_FILTERS: usize = 64;
/// Layers whose feature maps are shown, at most.
const MAX_LAYERS: usize = 12;
/// Feature maps of a layer.
const MAPS: usize = 6;
/// Weights of a filter that a table has all of, at most.
const MAX_WEIGHTS: usize = 27;

/// The first layer's filters as pictures.
pub(crate) struct Filters<'a> {
    node: &'a Node,
    /// The tensor that they are of.
    pub(crate) tensor: &'a str,
    /// The first of them, [`MAX_FILTERS`] at most.
    pub(crate) pictures: Vec<Picture>,
    /// The weights that are shown of each, row by row.
    shown: Vec<Vec<f32>>,
    /// Height and width of a filter; a picture may be smaller.
    size: [usize; 2],
    /// How many there are.
    total: usize,
    /// What is not shown of each filter, in words.
    part: &'static str,
    /// The absolute value of the weights that are black or white.
    range: f32,
}

/// The kernels of the first layer with any, where they are pictures: of a convolution, or of a Dense that takes the image.
/// `weights` are laid out as [`Graph::weights`] says.
pub(crate) fn filter_pictures<'a>(graph: &'a Graph, weights: &[f32]) -> Option<Filters<'a>> {
    let node = graph.nodes.iter().find(|node| !node.parameters.is_empty())?;
    let tensor = &graph.parameters[node.parameters.start];
    let values = &weights[tensor.offset..][..tensor.size()];
    let [height, width, channels] = graph.input;
    let (size, of_filter, count) = match tensor.shape[..] {
        [height, width, channels, filters] => ([height, width], channels, filters),
        [inputs, units] if inputs == height * width * channels => ([height, width], channels, units),
        _ => return None,
    };
    let is_depthwise = node.layer.as_layer().kind() != "Conv2D" && tensor.shape.len() == 4;
    let range = usual_range(values);
    let area = size[0] * size[1];
    // Filter `f`: its red, green and blue together, else one channel.
    let shown = |channel: Option<usize>, f: usize| -> Vec<f32> {
        let channels: Vec<usize> = channel.map_or_else(|| (0..of_filter).collect(), |channel| vec![channel]);
        let at = |pixel: usize, channel: usize| values[(pixel * of_filter + channel) * count + f];
        (0..area).flat_map(|pixel| channels.iter().map(move |c| at(pixel, *c))).collect()
    };
    let filters: Vec<(Option<usize>, usize)> = match of_filter {
        3 if !is_depthwise => (0..count).map(|f| (None, f)).collect(),
        _ if is_depthwise => (0..of_filter).flat_map(|c| (0..count).map(move |f| (Some(c), f))).collect(),
        _ => (0..count).map(|f| (Some(0), f)).collect(),
    };
    let shown: Vec<Vec<f32>> = filters.iter().take(MAX_FILTERS).map(|(channel, f)| shown(*channel, *f)).collect();
    let pictures = shown.iter().map(|numbers| Picture::of_numbers(size, numbers, [-range, range])).collect();
    let part = match of_filter {
        _ if is_depthwise => "",
        3 => ", in the colours of the channels",
        count if count > 3 => ", their first channel",
        _ => "",
    };
    Some(Filters { node, tensor: &tensor.name, pictures, shown, size, total: filters.len(), part, range })
}

/// The figure of [`filter_pictures`].
pub(crate) fn filters(graph: &Graph, weights: &[f32]) -> Option<Figure> {
    let Filters { node, pictures, shown: numbers, size, total, part, range, .. } = filter_pictures(graph, weights)?;
    let shown = pictures.len();
    let which = if shown < total { format!("the first {shown} of {total}") } else { format!("all {total}") };
    let [height, width] = size;
    let range = number(f64::from(range));
    let description = format!(
        "The {height}x{width} weights of {which} filters of “{}”{part}: black is -{range} or less, grey 0, white {range} or more.",
        node.name
    );
    let cells = pictures.into_iter().map(|picture| Cell { picture, lines: Vec::new() }).collect();
    let (name, title) = ("filters".to_owned(), format!("Filters of the first layer, {}", node.name));
    let table = Some(weights_table(&numbers, size));
    Some(Pictures { name, title, description, cells, heads: Vec::new(), columns: 8, table }.figure())
}

/// The weights of filters of height and width `size`, or what they lie between where there are many.
fn weights_table(filters: &[Vec<f32>], [height, width]: [usize; 2]) -> Table {
    let per_filter = filters.first().map_or(0, Vec::len);
    let numbered = |texts: Vec<String>, f: usize| [f.to_string()].into_iter().chain(texts).collect();
    let rows = |of: &dyn Fn(&[f32]) -> Vec<String>| {
        filters.iter().enumerate().map(|(f, weights)| numbered(of(weights), f)).collect()
    };
    if per_filter > MAX_WEIGHTS {
        let head = ["filter", "lowest", "mean", "highest"].map(String::from).into();
        let note =
            Some(format!("Of the {per_filter} weights that are shown of each filter; the weights file has all."));
        return Table { head, rows: rows(&|weights| range_and_mean(weights).into()), note };
    }
    let channels = per_filter / (height * width).max(1);
    let of_channel =
        |c: usize| if channels > 1 { format!(" {}", ["red", "green", "blue"][c % 3]) } else { String::new() };
    let place = |i: usize| {
        let pixel = i / channels;
        format!("{},{}{}", pixel / width, pixel % width, of_channel(i % channels))
    };
    let head = ["filter".to_owned()].into_iter().chain((0..per_filter).map(place)).collect();
    let note = Some("Columns are named by row and column within the filter, from 0.".to_owned());
    Table { head, rows: rows(&|weights| weights.iter().map(|weight| number(f64::from(*weight))).collect()), note }
}

/// Lowest, mean and highest as text.
fn range_and_mean(values: &[f32]) -> [String; 3] {
    let [low, high] = range_of(values);
    let sum: f64 = values.iter().map(|value| f64::from(*value)).sum();
    [f64::from(low), sum / values.len().max(1) as f64, f64::from(high)].map(number)
}

fn range_of(values: &[f32]) -> [f32; 2] {
    values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| [low.min(*value), high.max(*value)])
}

/// How many of the weights, from the first on, [`filters`] needs.
pub(crate) fn weights_of_filters(graph: &Graph) -> usize {
    let node = graph.nodes.iter().find(|node| !node.parameters.is_empty());
    let tensor = node.map(|node| &graph.parameters[node.parameters.start]);
    tensor.map_or(0, |tensor| tensor.offset + tensor.size())
}

/// The absolute value that all but a fiftieth of `values` are below: a few outliers would leave the rest grey.
fn usual_range(values: &[f32]) -> f32 {
    let mut sorted: Vec<f32> = values.iter().map(|value| value.abs()).collect();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() * 49 / 50).copied().unwrap_or(0.0)
}

/// A figure for each convolution and pooling layer: a row for each image, the image first, then the feature maps of filters that
/// differ. `outputs` are those for `images`, which are of class `class`.
pub(crate) fn feature_maps(graph: &Graph, outputs: &[LayerOutput], images: &[Picture], class: &str) -> Vec<Figure> {
    let is_shown = |node: &&Node| {
        let kind = node.layer.as_layer().kind();
        node.output.len() == 3 && (kind.ends_with("Conv2D") || kind.ends_with("Pooling2D"))
    };
    let of_node = |node: &Node| outputs.iter().find(|output| output.layer == node.name);
    let shown: Vec<&LayerOutput> = graph.nodes.iter().filter(is_shown).filter_map(of_node).collect();
    // Evenly over the model's depth, the last one included.
    let stride = shown.len().div_ceil(MAX_LAYERS).max(1);
    let mut shown: Vec<&LayerOutput> = shown.into_iter().rev().step_by(stride).collect();
    shown.reverse();
    let mut figures: Vec<Figure> = Vec::new();
    for output in shown {
        let mut figure = maps_of_layer(output, images, class);
        // Different layers may come to one name.
        while figures.iter().any(|other| other.name == figure.name) {
            figure.name.push('_');
        }
        figures.push(figure);
    }
    figures
}

fn maps_of_layer(output: &LayerOutput, images: &[Picture], class: &str) -> Figure {
    let (height, width, count) = (output.shape[0], output.shape[1], output.shape[2]);
    let map = |image: usize, filter: usize| -> Vec<f32> {
        let of_image = &output.values[image * height * width * count..][..height * width * count];
        of_image.iter().skip(filter).step_by(count).copied().collect()
    };
    let maps_of = |filter: usize| -> Vec<f32> { (0..images.len()).flat_map(|image| map(image, filter)).collect() };
    let ranges: Vec<[f32; 2]> = (0..count).map(|filter| range_of(&maps_of(filter))).collect();
    let filters = most_different((0..count).map(maps_of).collect(), MAPS);
    let (mut cells, mut rows) = (Vec::new(), Vec::new());
    for (i, image) in images.iter().enumerate() {
        cells.push(Cell { picture: image.clone(), lines: Vec::new() });
        for filter in &filters {
            let numbers = map(i, *filter);
            let picture = Picture::of_numbers([height, width], &numbers, ranges[*filter]);
            cells.push(Cell { picture, lines: Vec::new() });
            let name = [format!("image {}, filter {filter}", i + 1)];
            rows.push(name.into_iter().chain(range_and_mean(&numbers)).collect());
        }
    }
    let heads: Vec<String> =
        ["image".to_owned()].into_iter().chain(filters.iter().map(|filter| format!("filter {filter}"))).collect();
    let head = ["map", "lowest", "mean", "highest"].map(String::from).into();
    let table = Some(Table { head, rows, note: None });
    let description = format!(
        "What “{}” makes of {} test images of “{class}”: a row for each image, a column for each of the {} filters of {count} whose \
         {height}x{width} maps differ most from each other. A column's maps have one scale, from its lowest number (black) to its highest (white).",
        output.layer,
        images.len(),
        filters.len(),
    );
    let columns = heads.len();
    let name = format!("feature-maps-{}", file_name(&output.layer));
    let title = format!("Feature maps of {}", output.layer);
    Pictures { name, title, description, cells, heads, columns, table }.figure()
}

/// A layer's name as part of a file's name: what is not a letter, digit, `-` or `_` becomes `_`.
fn file_name(layer: &str) -> String {
    layer.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect()
}
