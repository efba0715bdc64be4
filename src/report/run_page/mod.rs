//! A run as one HTML page that needs nothing else: no script, no file, no network.

mod content;
mod filters;
mod layout;
mod mistakes;
mod settings;

pub(crate) use content::{RunPage, Test};
pub(crate) use filters::{feature_maps, filter_pictures, filters};
pub(crate) use mistakes::mistakes;

use super::figures::{Figure, class_ratios, confusion_matrix};
use super::history::{History, compared};
use layout::{Page, Section};
use settings::{differing_settings, model_table, settings_table, tiles};

impl RunPage {
    /// The page as a file, and the figures on it.
    pub(crate) fn render(&self) -> (String, Vec<Figure>) {
        let page = self.page();
        (page.to_html(), page.into_figures())
    }

    fn page(&self) -> Page {
        let mut sections = vec![Section::figures("Training", self.history.figures())];
        if !self.others.is_empty() {
            let own = (self.name.clone(), self.history.clone());
            let others = self.others.iter().map(|(name, _, history)| (name.clone(), history.clone()));
            let runs: Vec<(String, History)> = [own].into_iter().chain(others).collect();
            let mut figures = compared(&runs);
            // Names are those of files, and the run has a figure of its learning rate.
            figures.iter_mut().for_each(|figure| figure.name = format!("compared-{}", figure.name));
            let mut section = Section::figures("Compared", figures);
            section.tables.push(differing_settings(self));
            sections.push(section);
        }
        match &self.test {
            Err(why) => sections.push(Section::text("Test images", why)),
            Ok(test) => {
                let ratios =
                    [confusion_matrix(&test.evaluation, &test.names), class_ratios(&test.evaluation, &test.names)];
                sections.push(Section::figures("Classes", ratios.into()));
                let (maps, others): (Vec<Figure>, Vec<Figure>) =
                    test.pictures.iter().cloned().partition(|figure| figure.name.starts_with("feature-maps"));
                sections.push(Section::figures("Mistakes and filters", others));
                sections.push(Section::figures("Feature maps", maps));
            }
        }
        let mut model = Section::figures("Model", Vec::new());
        model.tables.extend(self.summary.as_ref().map(model_table));
        sections.push(model);
        let mut settings = Section::figures("Settings", Vec::new());
        settings.tables.push(settings_table(&self.description));
        sections.push(settings);
        sections.retain(|section| !section.is_empty());
        Page { title: self.name.clone(), lead: settings::lead(&self.description), tiles: tiles(self), sections }
    }
}
