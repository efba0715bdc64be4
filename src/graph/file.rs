//! Models as files hold them: TOML, what Keras's `model.to_json()` writes, and Keras's archives.

use super::culprit::shown;
use super::file_layer::layer_of;
use super::functional::names;
use super::keras::{self, Archive, Initializer, Layout, is_hdf5, is_zip};
use super::{FunctionalLayer, Model, Weights};
use crate::bounds::{check_values, read_text};
use crate::error::{Error, Result, usage};
use crate::hint::with_hint;
use serde::Deserialize;
use std::io::Read;
use std::path::Path;
use toml::Spanned;

/// Bytes that tell a file of Keras from a text.
const MAGIC: u64 = 8;

/// A model as a file holds it; the input shape may be left to the data.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFile {
    /// Height, width and channels of an image, where the file fixes them.
    pub input: [Option<usize>; 3],
    /// The layers, with names and inputs where the file gives them.
    pub layers: Vec<FunctionalLayer>,
    /// Tensors whose initial values are not Keras's defaults, as [`super::initialize()`] takes them.
    pub initializers: Vec<(String, Initializer)>,
    /// Where Keras's files have the layers' variables, as [`super::Weights::name_by_layer`] takes it.
    pub layout: Layout,
    /// The weights, if the file has them, too.
    pub weights: Option<Box<Weights>>,
}

/// A TOML file whose layers are not read yet, with their positions in the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    input: Option<[usize; 3]>,
    layers: Vec<Spanned<toml::Table>>,
}

/// The same among other keys.
#[derive(Deserialize)]
struct AmongOthers {
    input: Option<[usize; 3]>,
    layers: Vec<Spanned<toml::Table>>,
}

impl ModelFile {
    /// A file of these layers, over images of any shape.
    pub fn of_layers(layers: Vec<FunctionalLayer>) -> Self {
        Self { input: [None; 3], layers, initializers: Vec::new(), layout: Layout::default(), weights: None }
    }

    /// Parses TOML, or JSON, which begins with a brace.
    ///
    /// # Errors
    /// What the text has that a model has not, with its line or layer.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
            true => Self::parse_json(text),
            false => Self::parse_toml(text),
        }
    }

    fn parse_json(text: &str) -> Result<Self> {
        let read = keras::read(text).map_err(|e| usage!("not a model of Keras: {e}"))?;
        let keras::Architecture { input, layers, initializers, layout } = read;
        Ok(Self { input, layers, initializers, layout, weights: None })
    }

    fn read_archive(bytes: Vec<u8>) -> Result<Self> {
        let archive = Archive::read(bytes)?;
        let Some(config) = &archive.config else {
            return Err(usage!("the file holds weights alone, and no model"));
        };
        let file = Self::parse_json(config)?;
        Ok(Self { weights: Some(Box::new(Weights::of_archive(&archive, file.layout.clone())?)), ..file })
    }

    pub(crate) fn parse_toml(text: &str) -> Result<Self> {
        check_values(text)?;
        let tables = toml::from_str(text);
        Self::of_tables(
            tables.map_err(|e| usage!("not a model: {}", with_short_lines(&with_hint(&e.to_string()))))?,
            text,
        )
    }

    /// Parses the model in TOML that has other keys, too.
    ///
    /// # Errors
    /// What the layers have that a model has not, with their lines.
    pub fn parse_part(text: &str) -> Result<Self> {
        let AmongOthers { input, layers } = toml::from_str(text)
            .map_err(|e| usage!("not a model: {}", with_short_lines(&with_hint(&e.to_string()))))?;
        Self::of_tables(Tables { input, layers }, text)
    }

    fn of_tables(Tables { input, layers }: Tables, text: &str) -> Result<Self> {
        let layer = |(i, table): (usize, Spanned<toml::Table>)| {
            let start = table.span().start;
            let line = || text[..start].matches('\n').count() + 1;
            layer_of(table.into_inner()).map_err(|e| usage!("not a model: layer {}, from line {}: {e}", i + 1, line()))
        };
        let read = layers.into_iter().enumerate().map(layer).collect::<Result<Vec<_>>>()?;
        let (layers, by_layer): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        let mut initializers = Vec::new();
        if by_layer.iter().any(|of_layer| !of_layer.is_empty()) {
            let names = names(&layers).map_err(|e| usage!("not a model: {e}"))?;
            for (name, of_layer) in names.iter().zip(by_layer) {
                initializers.extend(of_layer.into_iter().map(|(tensor, how)| (format!("{name}.{tensor}"), how)));
            }
        }
        let input = input.map_or([None; 3], |input| input.map(Some));
        Ok(Self { input, initializers, ..Self::of_layers(layers) })
    }

    /// Reads a file: TOML, JSON, or what Keras writes (`.keras`, `.h5`), with its weights. One whose name ends in `.json` is no TOML.
    ///
    /// # Errors
    /// If the file cannot be read, or as [`Self::parse`].
    pub fn read(path: &Path) -> Result<Self> {
        let cannot = |e: &dyn std::fmt::Display| usage!("cannot read the model: {e}: {}", path.display());
        let read = || {
            let (mut file, mut bytes) = (std::fs::File::open(path)?, Vec::new());
            file.by_ref().take(MAGIC).read_to_end(&mut bytes)?;
            match is_zip(&bytes) || is_hdf5(&bytes) {
                true => file.read_to_end(&mut bytes).map(|_| bytes),
                false => read_text(file, bytes).map(String::into_bytes),
            }
        };
        Self::from_bytes(read().map_err(|e| cannot(&e))?, path)
    }

    /// What the bytes of a file hold; `path` says whether it is JSON, and is used in messages.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self> {
        if is_zip(&bytes) || is_hdf5(&bytes) {
            return Self::read_archive(bytes).map_err(|e| Error::Usage(format!("{e}, in {}", path.display())));
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| usage!("cannot read the model: it is neither text nor a file of Keras: {}", path.display()))?;
        let is_json = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        let file = if is_json { Self::parse_json(&text) } else { Self::parse(&text) };
        file.map_err(|e| Error::Usage(format!("{e}, in {}", path.display())))
    }

    /// Where the layers say how their tensors begin, as a file has it: a layer's index, the argument and its value.
    ///
    /// # Errors
    /// If two layers have one name.
    pub fn initializer_arguments(&self) -> Result<Vec<(usize, String, serde_json::Value)>> {
        let names = names(&self.layers)?;
        let argument = |(name, how): &(String, Initializer)| {
            let (layer, tensor) = name.rsplit_once('.')?;
            let index = names.iter().position(|known| known == layer)?;
            Some((index, format!("{tensor}_initializer"), how.to_argument()))
        };
        Ok(self.initializers.iter().filter_map(argument).collect())
    }

    /// Height, width and channels of an image; where the file does not fix them, those of `default`.
    pub fn input_or(&self, default: [usize; 3]) -> [usize; 3] {
        std::array::from_fn(|axis| self.input[axis].unwrap_or(default[axis]))
    }

    /// The model over images of shape `input`, which has to be the file's, where the file fixes it.
    ///
    /// # Errors
    /// If the two shapes differ.
    pub fn build(self, input: [usize; 3]) -> Result<Model> {
        match self.input_or(input) {
            own if own != input => Err(usage!("the model takes images of {own:?}, the data has {input:?}")),
            _ => Ok(Model::from_layers(input, self.layers)),
        }
    }
}

impl Model {
    /// The model that a TOML text describes, over images of shape `input`: height, width, channels.
    ///
    /// # Errors
    /// What the text has that a model has not; an `input` of its own that is another; layers that do not fit each other, that begin
    /// otherwise than by Keras's defaults, or whose numbers come from weights alone.
    pub fn from_toml(text: &str, input: [usize; 3]) -> Result<Self> {
        let file = ModelFile::parse_toml(text)?;
        if let Some((tensor, _)) = file.initializers.first() {
            return Err(usage!("`{tensor}` has an initializer of its own, which is not supported here"));
        }
        let model = file.build(input)?;
        model.graph()?.check_start()?;
        Ok(model)
    }
}

/// The message of a TOML error, which quotes the line it is about, with no more of that line than `shown` gives.
fn with_short_lines(message: &str) -> String {
    let quotes = |line: &str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    let lines = message.lines().map(|line| if quotes(line) { shown(&line) } else { line.to_owned() });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{AnyLayer, Conv2D, Padding};

    #[test]
    fn toml_takes_keras_arguments_and_no_others() {
        let text =
            "[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = [3, 5]\nstrides = 2\npadding = \"same\"\n";
        let file = ModelFile::parse(text).expect("valid");
        let expected = Conv2D::new(4, [3, 5]).strides(2).padding(Padding::Same);
        assert_eq!(file.layers[0].layer, AnyLayer::Conv2D(expected));
        for (text, word) in [
            ("[[layers]]\ntype = \"Dense\"\nunit = 4\n", "unit"),
            ("[[layers]]\ntype = \"Dense\"\nunits = 4\nextra = 1\n", "extra"),
            ("[[layers]]\ntype = \"Dance\"\nunits = 4\n", "Dance"),
            ("[[layers]]\ntype = \"Dense\"\nunits = 4\ninputs = \"a\"\n", "inputs"),
        ] {
            let error = ModelFile::parse(text).expect_err("a wrong argument").to_string();
            assert!(error.contains(word), "{error}");
        }
        let error = |text: &str| ModelFile::parse(text).expect_err("a wrong argument").to_string();
        let text = "input = [28, 28, 1]\n[[layers]]\ntype = \"Conv2D\"\nfilters = 4\nkernel_size = 3\n";
        for (line, message) in [
            ("filter = 3", "layer 1, from line 2: unknown field `filter`"),
            ("filter = 3", "; did you mean `filters`?"),
            ("seed = 3", "unknown field `seed`, expected one of "),
            ("seed = 3", "; all draws follow from the run's seed"),
            ("noise_shape = [1, 1]", "; each element has a draw of its own"),
            ("data_format = \"channels_last\"", "; images are [height, width, channels], as with channels_last"),
            (
                "padding = \"smae\"",
                "padding = \"smae\": unknown variant `smae`, expected `valid` or `same`; did you mean `same`?",
            ),
            ("activation = \"relo\"", "; did you mean `relu`?"),
            ("strides = \"two\"", "strides = \"two\": expected a positive number or [height, width]"),
        ] {
            let found = error(&format!("{text}{line}\n"));
            assert!(found.contains(message), "{found}");
        }
        let long = error(&"[".repeat(100_000));
        assert!(long.starts_with("not a model: TOML parse error at line 1, column 3") && long.len() < 400, "{long}");
        assert!(error("[[layers]]\ntype = \"dense\"\nunits = 4\n").ends_with("; did you mean `Dense`?"));
        assert!(error("[[layers]]\ntype = \"Dense\"\n").ends_with("missing field `units`"));
        let parsed = |text: &str| Model::from_toml(text, [28, 28, 1]).map_err(|error| error.to_string());
        let dense =
            "[[layers]]\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\nunits = 3\nactivation = \"softmax\"\n";
        assert_eq!(parsed(dense).expect("valid").input(), [28, 28, 1]);
        let constant = parsed(&format!("{dense}kernel_initializer = \"ones\"\n")).expect_err("not by default");
        assert!(constant.contains("`dense.kernel` has an initializer of its own"), "{constant}");
        assert!(error("inputs = [4, 4, 1]\n[[layers]]\ntype = \"Flatten\"\n").ends_with("; did you mean `input`?"));
    }

    #[test]
    fn layers_say_how_their_tensors_begin() {
        let conv = "{ type = \"Conv2D\", filters = 4, kernel_size = 3, ";
        let layers = |first: &str| {
            format!(
                "layers = [{conv}{first} }}, {{ type = \"Conv2D\", filters = 2, kernel_size = 1, \
             bias_initializer = \"ones\" }}, {{ type = \"Flatten\" }}]"
            )
        };
        let read = |first: &str| ModelFile::parse(&layers(first)).map(|file| file.initializers);
        let ones = ("conv2d_1.bias".to_owned(), Initializer::Constant(1.0));
        let whitening = ("conv2d.kernel".to_owned(), Initializer::Whitening);
        assert_eq!(read("kernel_initializer = \"whitening\"").expect("valid"), [whitening, ones.clone()]);
        assert_eq!(read("kernel_initializer = \"glorot_uniform\"").expect("valid"), [ones]);
        let object = "name = \"stem\", kernel_initializer = { class_name = \"Constant\", config = { value = 0.5 } }";
        assert_eq!(read(object).expect("valid")[0], ("stem.kernel".to_owned(), Initializer::Constant(0.5)));
        for (text, reason) in [
            ("kernel_initializer = \"orthogonal\"", "kernel_initializer = \"orthogonal\" is not supported"),
            ("bias_initializer = \"dirac\"", "bias_initializer = \"dirac\" is not supported"),
            ("gamma_initializer = \"ones\"", "unknown field `gamma_initializer`"),
        ] {
            let error = read(text).expect_err("wrong").to_string();
            assert!(error.contains("layer 1, from line 1") && error.contains(reason), "{error}");
        }
        let dense = "layers = [{ type = \"Dense\", units = 2, kernel_initializer = \"dirac\" }]";
        let error = ModelFile::parse(dense).expect_err("no Conv2D").to_string();
        assert!(error.contains("kernel_initializer = \"dirac\": only Conv2D starts so"), "{error}");
    }

    #[test]
    fn a_functional_model_reads_as_it_was_written() {
        let text = "input = [4, 4, 1]\n[[layers]]\nname = \"a\"\ntype = \"Flatten\"\n[[layers]]\ntype = \"Dense\"\n\
                    units = 3\nactivation = \"softmax\"\ninputs = [\"a\"]\n";
        let model = ModelFile::parse(text).expect("valid").build([4, 4, 1]).expect("its own input");
        assert!(matches!(model, Model::Functional(_)));
        let json = serde_json::to_string(&model).expect("serialises");
        assert_eq!(serde_json::from_str::<Model>(&json).expect("reads back"), model);
        let twice = serde_json::from_str::<Model>(&json.replace("\"units\":3", "\"units\":3,\"units\":4"));
        assert!(twice.is_err_and(|error| error.to_string().contains("duplicate field `units`")), "{json}");
    }
}
