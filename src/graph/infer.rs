//! Shapes, names and the addresses of parameters: from layers and their inputs to a graph.

use super::names::Namer;
use super::{ArenaTensor, Graph, Node, Source};
use crate::error::{Error, Result, usage};
use crate::layers::{AnyLayer, TensorSpec};
use crate::plan::SLICE_ALIGN;
use std::ops::Range;

/// No buffer may have more elements: the shaders count in 32 bits.
pub(super) const MAX_ELEMENTS: usize = 1 << 30;

fn checked_len(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= MAX_ELEMENTS)
}

/// A layer with its name, if it has one already, and its inputs.
type Entry = (Option<String>, AnyLayer, Vec<Source>);

/// The graph of `layers`, each of which takes its inputs from earlier ones.
pub(super) fn graph(input: [usize; 3], layers: Vec<Entry>) -> Result<Graph> {
    if input.contains(&0) {
        return Err(usage!("images of {input:?}: height, width and channels must be at least 1"));
    }
    if checked_len(&input).is_none() {
        return Err(usage!("images of {input:?} are more than {MAX_ELEMENTS} numbers"));
    }
    let mut namer = Namer::default();
    let mut graph = Graph {
        input,
        nodes: Vec::with_capacity(layers.len()),
        output: 0,
        parameters: Vec::new(),
        parameters_len: 0,
        state: Vec::new(),
        state_len: 0,
    };
    for (i, (name, layer, inputs)) in layers.into_iter().enumerate() {
        let name = name.unwrap_or_else(|| namer.next(layer.as_layer().kind()));
        let shapes: Vec<&[usize]> = inputs.iter().map(|source| graph.shape(*source)).collect();
        let over = shapes.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>().join(" and ");
        let in_layer = |e: Error| {
            let text = e.to_string();
            // Where the reason does not say it already.
            let over = if text.contains(&over) { String::new() } else { format!(" over {over}") };
            Error::Usage(format!("layer {} `{name}`{over}: {text}", i + 1))
        };
        let inferred = layer.as_layer().infer(&shapes).map_err(in_layer)?;
        if checked_len(&inferred.output).is_none() {
            let output = &inferred.output;
            return Err(in_layer(usage!("an output of {output:?} is more than {MAX_ELEMENTS} numbers")));
        }
        let (specs, blocks) = (inferred.parameters, &inferred.blocks);
        let parameters = lay_out(&name, specs, blocks, &mut graph.parameters, &mut graph.parameters_len);
        let parameters = parameters.map_err(in_layer)?;
        let state = lay_out(&name, inferred.state, &[], &mut graph.state, &mut graph.state_len).map_err(in_layer)?;
        graph.nodes.push(Node { name, layer, inputs, output: inferred.output, parameters, state });
    }
    graph.output = output(&graph)?;
    if graph.parameters.is_empty() {
        return Err(usage!("the model has no parameters, so nothing to train; add a Dense or Conv2D layer"));
    }
    Ok(graph)
}

/// Appends the tensors of layer `name` to an arena of `len` floats so far; those with the indices `blocks` are aligned.
fn lay_out(
    name: &str,
    specs: Vec<TensorSpec>,
    blocks: &[usize],
    arena: &mut Vec<ArenaTensor>,
    len: &mut usize,
) -> Result<Range<usize>> {
    let first = arena.len();
    for (i, TensorSpec { name: tensor, shape, init }) in specs.into_iter().enumerate() {
        if blocks.contains(&i) {
            *len = len.next_multiple_of(SLICE_ALIGN);
        }
        let size = checked_len(&shape)
            .ok_or_else(|| usage!("its {tensor} of {shape:?} is more than {MAX_ELEMENTS} numbers"))?;
        if *len + size > MAX_ELEMENTS {
            return Err(usage!("with its {tensor} of {shape:?} the model has more than {MAX_ELEMENTS} weights"));
        }
        arena.push(ArenaTensor { name: format!("{name}.{tensor}"), shape, offset: *len, init });
        *len += size;
    }
    *len = len.next_multiple_of(SLICE_ALIGN);
    Ok(first..arena.len())
}

/// The one node whose output no other takes; it has one axis.
fn output(graph: &Graph) -> Result<usize> {
    let mut taken = vec![false; graph.nodes.len()];
    for source in graph.nodes.iter().flat_map(|node| &node.inputs) {
        if let Source::Node(i) = source {
            taken[*i] = true;
        }
    }
    let ends: Vec<usize> = (0..graph.nodes.len()).filter(|i| !taken[*i]).collect();
    let [output] = ends[..] else {
        let names: Vec<String> = ends.iter().map(|i| format!("`{}`", graph.nodes[*i].name)).collect();
        return Err(usage!("a model has one output; {} layers feed no other: {}", ends.len(), names.join(", ")));
    };
    match &graph.nodes[output] {
        last if last.output.len() == 1 => Ok(output),
        last => {
            let (name, shape) = (&last.name, &last.output);
            Err(usage!(
                "layer `{name}` has the output {shape:?}; the last must have one axis, the classes: put a Flatten or a \
                 GlobalAveragePooling2D before it"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{Functional, ModelFile};

    #[test]
    fn a_layer_that_does_not_fit_is_named_with_its_input_and_the_reason() {
        let layers = |text: &str| ModelFile::parse(text).expect("a model's file").layers;
        for (layer, input, message) in [
            (
                "type = \"Conv2D\"\nfilters = 4\nkernel_size = [2, 7]",
                [9, 6, 1],
                "layer 1 `x` over [9, 6, 1]: a window of 7 does not fit 6 pixels",
            ),
            (
                "type = \"Conv2D\"\nfilters = 0\nkernel_size = 3",
                [9, 6, 1],
                "over [9, 6, 1]: Conv2D needs at least 1 filter",
            ),
            (
                "type = \"MaxPooling2D\"\npool_size = 10",
                [9, 12, 1],
                "over [9, 12, 1]: a window of 10 does not fit 9 pixels",
            ),
            ("type = \"AveragePooling2D\"\nstrides = 0", [9, 12, 1], "over [9, 12, 1]: window 2 with stride 0"),
            (
                "type = \"Dense\"\nunits = 4",
                [9, 6, 2],
                "layer `x` has the output [9, 6, 4]; the last must have one axis, the classes: put a Flatten or",
            ),
            (
                "type = \"Reshape\"\ntarget_shape = [5, -1]",
                [9, 6, 2],
                "Reshape: an input of [9, 6, 2] cannot have the shape [5, -1]",
            ),
            (
                "type = \"Reshape\"\ntarget_shape = [-1, -1]",
                [9, 6, 2],
                "over [9, 6, 2]: Reshape: target_shape is [-1, -1]",
            ),
            (
                "type = \"ZeroPadding2D\"\npadding = 100000",
                [9, 6, 2],
                "over [9, 6, 2]: ZeroPadding2D: a border of 100000",
            ),
            ("type = \"Add\"", [9, 6, 2], "over [9, 6, 2]: Add takes at least two inputs, it has 1"),
            (
                "type = \"Concatenate\"\naxis = 4\ninputs = [\"input\", \"input\"]",
                [9, 6, 2],
                "over [9, 6, 2] and [9, 6, 2]: Concatenate along axis 4",
            ),
            ("type = \"Softmax\"\naxis = 1", [9, 6, 2], "over [9, 6, 2]: Softmax: axis 1"),
        ] {
            let mut model = Functional::new(input);
            model.layers = layers(&format!("[[layers]]\nname = \"x\"\n{layer}\n"));
            let error = model.graph().expect_err(layer).to_string();
            assert!(error.contains("`x`") && error.contains(message), "{error}");
        }
        let mut model = Functional::new([9, 6, 2]);
        model.layers = layers(
            "[[layers]]\ntype = \"Reshape\"\nname = \"turned\"\ntarget_shape = [9, 2, 6]\n\
             [[layers]]\ntype = \"Multiply\"\nname = \"x\"\ninputs = [\"input\", \"turned\"]\n",
        );
        assert_eq!(
            model.graph().expect_err("other axes").to_string(),
            "layer 2 `x`: Multiply takes inputs whose axes, from the last, are equal or 1; it has [9, 6, 2] and [9, 2, 6]"
        );
        let flat = "[[layers]]\nname = \"flat\"\ntype = \"Flatten\"\n[[layers]]\nname = \"x\"\n";
        for kind in [
            "Conv2D\"\nfilters = 4\nkernel_size = 3",
            "MaxPooling2D\"",
            "GlobalAveragePooling2D\"",
            "ZeroPadding2D\"",
            "SpatialDropout2D\"\nrate = 0.1",
        ] {
            let mut model = Functional::new([4, 4, 2]);
            model.layers = layers(&format!("{flat}type = \"{kind}\n"));
            let error = model.graph().expect_err(kind).to_string();
            assert!(
                error.contains("layer 2 `x`") && error.contains("takes [height, width, channels], its input is [32]"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_model_has_no_more_weights_than_shaders_can_count() {
        let wide = "[[layers]]\ntype = \"Dense\"\nunits = 30000\n";
        let model = |dense: usize| {
            let mut model = Functional::new([1, 1, 30_000]);
            let text = format!("[[layers]]\ntype = \"Flatten\"\n{}", wide.repeat(dense));
            model.layers = ModelFile::parse(&text).expect("a model's file").layers;
            model.graph()
        };
        assert!(model(1).expect("it fits").weights_len() > 900_000_000);
        let error = model(2).expect_err("two of them").to_string();
        assert!(
            error.starts_with("layer 3 ") && error.contains("the model has more than 1073741824 weights"),
            "{error}"
        );
    }
}
