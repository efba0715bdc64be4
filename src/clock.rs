//! Time, on every host: in a browser `std::time::Instant` panics.

pub(crate) use web_time::{Duration, Instant};
