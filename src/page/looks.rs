//! Looking into a model that is trained: what layers make of a picture, their weights, which images it takes for what.

use super::describe::describe;
use super::framing::Framing;
use super::reply::{Reply, tensor};
use crate::backend::Device;
use crate::data::Split;
use crate::error::{Result, usage};
use crate::graph::{Graph, Node, Preset, Source};
use crate::plan::{Profile, Target};
use crate::trainer::{LayerViewer, Mistake, Trainer, shader_digests};
use serde_json::{Value, json};

/// Images with wrong classes that are shown, at most.
const MAX_MISTAKES: usize = 24;

/// What a page looks into a trainer with.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    /// On the CPU, whatever trains: one image takes it a few milliseconds, and an adapter has other things to do.
    viewer: Option<LayerViewer>,
    framing: Option<Framing>,
}

impl Looks {
    /// The answer to one of the calls that only look: `look`, `layer`, `first_filters`, `download` and `shaders`.
    ///
    /// # Errors
    /// If there is no such call, or it asks for what there is not; those of the device.
    pub(crate) async fn call(
        &mut self,
        trainer: &mut Trainer,
        images: &Split,
        head: &Value,
        bytes: &[u8],
    ) -> Result<Reply> {
        match head["call"].as_str() {
            Some("look") => self.look(trainer, images, head, bytes).await,
            Some("layer") => layer(trainer, head["name"].as_str().unwrap_or_default()).await,
            Some("first_filters") => match first_filters(trainer.graph()).map(|node| node.name.clone()) {
                Some(name) => layer(trainer, &name).await,
                None => Ok(Reply::of(Value::Null)),
            },
            Some("download") => {
                Ok(Reply { head: json!({ "name": "model.safetensors" }), bytes: trainer.to_safetensors().await? })
            }
            Some("shaders") => shaders(trainer),
            _ => Err(usage!("there is no call {}", head["call"])),
        }
    }

    async fn look(&mut self, trainer: &mut Trainer, images: &Split, head: &Value, bytes: &[u8]) -> Result<Reply> {
        let seen = match head["frame"].as_bool() {
            Some(true) => {
                let [height, width] = ["height", "width"].map(|key| head[key].as_u64().unwrap_or(0) as usize);
                if width == 0 || height.checked_mul(width) != Some(bytes.len()) {
                    return Err(usage!("{} bytes are no drawing of {height} x {width}", bytes.len()));
                }
                self.framing.get_or_insert_with(|| Framing::of(images)).frame(bytes, width)
            }
            _ => bytes.to_vec(),
        };
        let weights = trainer.inference_weights().await?;
        let graph = trainer.graph();
        let viewer = match &mut self.viewer {
            Some(viewer) => viewer,
            None => self.viewer.insert(LayerViewer::new(graph, &Device::cpu(1), 1).await?),
        };
        viewer.set_weights(&weights)?;
        let (outputs, predictions) = viewer.view(&seen).await?;
        let mut reply = Reply::of(Value::Null);
        let is_shown = |name: &str| outputs.iter().any(|output| output.layer == name);
        let mut layers = Vec::new();
        for output in &outputs {
            let Some(node) = graph.nodes.iter().find(|node| node.name == output.layer) else { continue };
            let mut described = tensor(&output.layer, &output.shape, reply.push(&output.values));
            described["kind"] = json!(node.layer.as_layer().kind());
            let inputs: Vec<&str> = node.inputs.iter().map(|source| source_name(graph, *source, &is_shown)).collect();
            described["inputs"] = json!(inputs);
            layers.push(described);
        }
        // Of two classes there is one probability.
        let probabilities = match predictions[..] {
            [of_one] => vec![1.0 - of_one, of_one],
            _ => predictions,
        };
        reply.head = json!({
            "probabilities": probabilities,
            "image": graph.input,
            "largest_pixel": graph.largest_pixel(),
            "layers": layers,
            "seen_offset": reply.bytes.len(),
        });
        reply.bytes.extend(seen);
        Ok(reply)
    }
}

/// The name of the layer that an input shows: of those that compute nothing, the one before.
fn source_name<'a>(graph: &'a Graph, source: Source, is_shown: &dyn Fn(&str) -> bool) -> &'a str {
    match source {
        Source::Input => "input",
        Source::Node(i) if is_shown(&graph.nodes[i].name) => &graph.nodes[i].name,
        Source::Node(i) => source_name(graph, graph.nodes[i].inputs[0], is_shown),
    }
}

/// The first layer with filters, or else with parameters.
fn first_filters(graph: &Graph) -> Option<&Node> {
    let has_filters = |node: &&Node| graph.parameters[node.parameters.clone()].iter().any(|t| t.shape.len() == 4);
    let with_parameters = || graph.nodes.iter().find(|node| !node.parameters.is_empty());
    graph.nodes.iter().find(has_filters).or_else(with_parameters)
}

/// A layer's arguments and weights.
async fn layer(trainer: &mut Trainer, name: &str) -> Result<Reply> {
    let weights = trainer.inference_weights().await?;
    let graph = trainer.graph();
    let Some(node) = graph.nodes.iter().find(|node| node.name == name) else {
        return Err(usage!("the model has no layer `{name}`"));
    };
    let mut reply = Reply::of(Value::Null);
    let is_own = |tensor: &str| tensor.rsplit_once('.').is_some_and(|(layer, _)| layer == name);
    let mut tensors = Vec::new();
    for (found, range) in graph.weights().filter(|(found, _)| is_own(&found.name)) {
        tensors.push(tensor(&found.name, &found.shape, reply.push(&weights[range])));
    }
    let kind = node.layer.as_layer().kind();
    let args = serde_json::to_value(&node.layer).unwrap_or_default();
    reply.head = json!({ "name": name, "kind": kind, "args": args, "tensors": tensors });
    Ok(reply)
}

/// The shaders by which an adapter trains the model: of the device, or of most browsers' adapters.
fn shaders(trainer: &Trainer) -> Result<Reply> {
    let profile = match trainer.profile() {
        Profile { target: Target::Cpu(_), .. } => Profile::INTEGRATED,
        of_adapter => of_adapter,
    };
    let digests = shader_digests(trainer.graph(), trainer.config(), profile)?;
    Ok(Reply::of(json!({ "profile": profile.name, "shaders": digests })))
}

/// Loss, accuracy and confusion matrix over `test`, with the images of the most confident mistakes.
pub(super) async fn evaluate(trainer: &mut Trainer, test: &Split, class_names: &[String]) -> Result<Reply> {
    let evaluation = trainer.evaluate(test).await?;
    let shown = &evaluation.mistakes[..evaluation.mistakes.len().min(MAX_MISTAKES)];
    let of_mistake = |mistake: &Mistake| {
        let Mistake { label, predicted, probability, .. } = *mistake;
        json!({ "label": label, "predicted": predicted, "probability": probability })
    };
    let head = json!({
        "loss": evaluation.score.loss,
        "accuracy": evaluation.score.accuracy,
        "classes": class_names,
        "confusion": evaluation.confusion,
        "mistakes": shown.iter().map(of_mistake).collect::<Vec<_>>(),
    });
    let bytes = shown.iter().flat_map(|mistake| test.pixels_of(mistake.image)).copied().collect();
    Ok(Reply { head, bytes })
}

/// The first of `test` of each class.
pub(crate) fn samples(test: &Split, class_names: &[String]) -> Reply {
    let first = |class: usize| test.labels.iter().position(|label| usize::from(*label) == class);
    let (classes, firsts): (Vec<&String>, Vec<usize>) =
        class_names.iter().enumerate().filter_map(|(class, name)| Some((name, first(class)?))).unzip();
    let bytes = firsts.into_iter().flat_map(|image| test.pixels_of(image)).copied().collect();
    Reply { head: json!({ "classes": classes, "image": test.image }), bytes }
}

/// What the text of `head`, or of the preset that it names, describes over such images.
pub(crate) fn describe_text(head: &Value, image: [usize; 3], classes: usize) -> Result<Reply> {
    let text = match (head["text"].as_str(), head["model"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(name)) => match Preset::named(name) {
            Some(preset) => preset.to_toml(classes),
            None => return Err(usage!("no such model: {name}")),
        },
        (None, None) => return Err(usage!("neither a text nor the name of a model")),
    };
    Ok(Reply::of(describe(&text, image, classes)))
}
