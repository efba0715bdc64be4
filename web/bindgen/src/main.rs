//! Writes the JavaScript module of a WebAssembly file: gpu-cnn-web-bindgen FILE FOLDER NAME

use std::error::Error;
use std::path::PathBuf;
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [file, folder, name] = &arguments[..] else {
        return Err("usage: gpu-cnn-web-bindgen FILE FOLDER NAME".into());
    };
    let mut bindgen = Bindgen::new();
    bindgen.input_path(file).out_name(&name.to_string_lossy()).typescript(false).web(true)?;
    bindgen.remove_name_section(true).remove_producers_section(true);
    Ok(bindgen.generate(folder)?)
}
