//! Panics of the graphics library, which drivers without memory cause, become errors; others stay what they are.

use crate::error::{Advice, Error, Result};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::Mutex;

/// What a panic of the graphics library said.
static MESSAGE: Mutex<Option<String>> = Mutex::new(None);

/// Runs `f`.
///
/// # Errors
/// [`Error::Device`] for a panic in wgpu.
pub(super) fn guarded(f: impl FnOnce() -> Result<()>) -> Result<()> {
    let default = take_hook();
    set_hook(Box::new(move |info| match is_of_wgpu(info) {
        true => *MESSAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(said(info)),
        false => default(info),
    }));
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| {
        match MESSAGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
            Some(text) => {
                let text = format!("the graphics driver failed, for lack of memory perhaps (`ulimit -v`): {text}");
                Err(Error::device(text).advise([Advice::CpuBackend]))
            }
            None => resume_unwind(panic),
        }
    })
}

fn is_of_wgpu(info: &PanicHookInfo<'_>) -> bool {
    info.location().is_some_and(|location| location.file().contains("wgpu"))
}

fn said(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no reason given").to_owned()
}
