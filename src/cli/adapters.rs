//! `gpu-cnn adapters`: lists the GPU adapters and which one `--adapter auto` selects.

use super::environment::{self, device_request};
use super::options::Format;
use crate::backend::gpu::{Listing, Listings};
use crate::blocking;
use crate::error::Result;
use crate::report::{note, print, print_json, wrapped};
use crate::simd::{self, SimdLevel};
use serde_json::json;
use std::fmt::Write;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What was tried to find adapters, why some were not found, and what to do about it
    #[arg(long)]
    doctor: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &Args) -> Result<()> {
    if args.doctor {
        return super::doctor::run(args.format);
    }
    let request = device_request("auto", 0)?;
    let level = request.simd.map_or(simd::PLAIN, SimdLevel::name);
    let Listings { adapters, auto } = blocking::list_adapters(&request)?;
    let auto = match auto {
        Ok(found) => Some(found.unwrap_or_else(|| "cpu".into())),
        Err(error) => {
            note(&format!("warning: `--adapter auto` fails here: {error}"));
            None
        }
    };
    match args.format {
        Format::Json => print_json(&json!({ "adapters": adapters, "auto": auto, "cpu": { "simd": level } })),
        Format::Text => print(&wrapped(&table(&adapters, level, auto.as_deref()), environment::columns())),
    }
}

/// The adapters as text, one paragraph each, followed by the CPU; `auto` is what `--adapter auto` selects.
fn table(adapters: &[Listing], level: &str, auto: Option<&str>) -> String {
    let mut text = String::new();
    for adapter in adapters {
        let info = &adapter.info;
        let subgroups = match adapter.subgroup_sizes {
            Some([min, max]) if min == max => format!("{min}"),
            Some([min, max]) => format!("{min} to {max}"),
            None => "none".into(),
        };
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        let remark = match &adapter.unusable {
            _ if adapter.auto => "\n  `--adapter auto` takes this one".to_owned(),
            Some(reason) => format!("\n  cannot be used: {reason}"),
            None => String::new(),
        };
        let is_alone = adapters.iter().filter(|other| other.info == *info).count() == 1;
        let number = if is_alone { String::new() } else { format!(" #{}", adapter.number) };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{}{number}\n  backend {}, type {}, driver {}\n  profile {}, subgroups {subgroups}, timestamps {}\n  \
             largest buffer {}, binding {}, workgroup memory {} KiB{remark}",
            info.adapter,
            info.backend,
            info.device_type,
            info.driver,
            adapter.profile,
            if adapter.timestamp_query { "yes" } else { "no" },
            mib(adapter.max_buffer_size),
            mib(adapter.max_storage_buffer_binding_size),
            adapter.max_compute_workgroup_storage_size >> 10,
        );
    }
    let _ = write!(text, "cpu\n  the CPU backend, always available; SIMD level {level}");
    text += if auto == Some("cpu") { "; `--adapter auto` takes this one\n" } else { "\n" };
    text
}
