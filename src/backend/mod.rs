//! Who replays a plan. A backend knows no layers and a model knows no device: they meet in a plan alone.

mod check;
mod cpu;
mod device;
pub mod gpu;
mod info;
mod interface;
mod request;

pub use check::{Compared, check_dispatches, output_error};
pub use cpu::{Cpu, CpuFloat};
pub use device::{Device, Found};
pub use info::DeviceInfo;
pub use interface::{Answer, Backend, Clock, KernelTimes, median};
pub use request::{DeviceRequest, Trial};
