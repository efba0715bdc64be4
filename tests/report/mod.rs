//! The pages of runs, their figures, and what layers make of images.

mod browser;
mod layers;
mod live;
mod live_run;
mod pages;
mod view;
