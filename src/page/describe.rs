//! What a model's text describes, or where it is wrong.

use crate::error::{Error, Result, usage};
use crate::graph::{Model, ModelFile, names};
use serde_json::{Value, json};

/// The model of a TOML text over images of shape `image`, which has at least `classes` outputs.
///
/// # Errors
/// What the text has that a model has not; fewer outputs.
pub(super) fn model_of(text: &str, image: [usize; 3], classes: usize) -> Result<Model> {
    let model = Model::from_toml(text, image)?;
    let graph = model.graph()?;
    let (outputs, possible) = (graph.outputs(), graph.classes());
    match possible < classes {
        true => Err(usage!("the model ends in {outputs} units, the images are of {classes} classes")),
        false => Ok(model),
    }
}

/// The summary of the model of `text`, or what is wrong in it, and in which line.
pub(super) fn describe(text: &str, image: [usize; 3], classes: usize) -> Value {
    match model_of(text, image, classes).and_then(|model| model.summary()) {
        Ok(summary) => json!({ "text": text, "summary": summary, "error": null }),
        Err(error) => {
            let error = json!({ "message": error.to_string(), "line": line_of(&error, text) });
            json!({ "text": text, "summary": null, "error": error })
        }
    }
}

/// The line, from 1, that a message is about: one that it names, or the first of the layer that it names.
fn line_of(error: &Error, text: &str) -> Option<usize> {
    let message = error.to_string();
    let number_after = |words: &str| {
        let (_, rest) = message.split_once(words)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<usize>().ok()
    };
    let line_of_layer = |layer: usize| {
        let starts = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("[[layers]]"));
        starts.map(|(line, _)| line + 1).nth(layer)
    };
    let layer_by_name = || {
        let (_, rest) = message.split_once("layer `")?;
        let name = rest.split('`').next()?;
        names(&ModelFile::parse_toml(text).ok()?.layers).ok()?.iter().position(|known| known == name)
    };
    let by_layer = || number_after("layer ").and_then(|number| line_of_layer(number.checked_sub(1)?));
    let last = || message.contains("the model ends in").then(|| text.matches("[[layers]]").count().checked_sub(1))?;
    number_after("line ")
        .or_else(by_layer)
        .or_else(|| layer_by_name().and_then(line_of_layer))
        .or_else(|| last().and_then(line_of_layer))
        .filter(|line| (1..=text.lines().count().max(1)).contains(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = 3\n\n[[layers]]\ntype = \"Flatten\"\n";
    const END: &str = "\n[[layers]]\ntype = \"Dense\"\nunits = 10\nactivation = \"softmax\"\n";

    #[test]
    fn a_model_is_summarised() {
        let text = format!("{HEAD}{END}");
        let found = describe(&text, [28, 28, 1], 10);
        assert_eq!(found["error"], Value::Null);
        assert_eq!(found["summary"]["layers"][0]["output_shape"], json!([26, 26, 4]));
        assert_eq!(found["summary"]["total_params"], json!(4 * 10 + 26 * 26 * 4 * 10 + 10));
    }

    #[test]
    fn errors_are_told_with_their_line() {
        let cases = [
            (format!("{HEAD}{END}foo\n"), "key with no value", 13),
            (format!("{HEAD}{END}extra = 1\n"), "unknown field `extra`", 9),
            (format!("{HEAD}{END}").replace("kernel_size = 3", "kernel_size = 30"), "a window of 30 does not fit", 1),
            (format!("{HEAD}{END}").replace("\"Flatten\"", "\"Dense\"\nunits = 4"), "layer `dense_1`", 10),
            (format!("{HEAD}{END}").replace("units = 10", "units = 9"), "ends in 9 units", 9),
        ];
        for (text, message, line) in cases {
            let error = describe(&text, [28, 28, 1], 10)["error"].clone();
            assert!(error["message"].as_str().is_some_and(|text| text.contains(message)), "{error}");
            assert_eq!(error["line"], json!(line), "{error}\n{text}");
        }
        assert_eq!(describe("", [28, 28, 1], 10)["error"]["line"], json!(1));
    }
}
