//! What the page of a run is made of.

use crate::graph::Summary;
use crate::report::figures::Figure;
use crate::report::history::History;
use crate::trainer::Evaluation;
use serde_json::Value;

/// What the page of a run is made of.
pub(crate) struct RunPage {
    /// The run's folder, by its last name.
    pub(crate) name: String,
    /// The content of run.json.
    pub(crate) description: Value,
    pub(crate) history: History,
    pub(crate) summary: Option<Summary>,
    /// What the trained model makes of the test images; or why that is not known.
    pub(crate) test: Result<Test, String>,
    /// Runs to compare with, by name: run.json, and curves.
    pub(crate) others: Vec<(String, Value, History)>,
}

/// What the trained model makes of the test images.
pub(crate) struct Test {
    pub(crate) evaluation: Evaluation,
    /// Names of all classes.
    pub(crate) names: Vec<String>,
    /// Figures of pictures: mistakes, filters, feature maps.
    pub(crate) pictures: Vec<Figure>,
}
