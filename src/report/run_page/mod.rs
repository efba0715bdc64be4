//! A run as one HTML page that needs nothing else: no script, no file, no network.

mod content;
mod different;
mod filters;
mod layout;
mod mistakes;
mod settings;

pub(crate) use content::{RunPage, Test};
pub(crate) use filters::{feature_maps, filter_pictures, filters, weights_of_filters};
pub(crate) use layout::{Parts, RunState, SCRIPT};
pub(crate) use mistakes::mistakes;

use super::figures::{Figure, class_ratios, confusion_matrix};
use super::history::{History, compared};
use layout::{Page, Section};
use settings::{differing_settings, model_table, settings_table, tiles};

/// A page that is kept up to date. Each part is made when it is asked for.
pub(crate) struct LivePage(Page);

impl LivePage {
    /// The whole document.
    pub(crate) fn html(&self) -> String {
        self.0.to_html()
    }

    /// What its `body` element has inside.
    pub(crate) fn body(&self) -> String {
        self.0.body().into_string()
    }

    /// All that changes while sections and figures are the same.
    pub(crate) fn parts(&self) -> Parts {
        self.0.parts()
    }
}

impl RunPage {
    /// The page as a file, and the figures on it.
    pub(crate) fn render(&self) -> (String, Vec<Figure>) {
        let page = self.page();
        (page.to_html(), page.into_figures())
    }

    /// The page of a run that has come to `state`, as it is kept up to date; with the first layer's `filters`, where they are not among
    /// what the model makes of the test images.
    pub(crate) fn render_live(&self, state: RunState, filters: Option<Figure>) -> LivePage {
        let mut page = self.page();
        if self.test.is_err() {
            // After the curves, where there are any yet.
            let at = page.sections.iter().take_while(|section| section.title() == "Training").count();
            page.sections.splice(at..at, filters.map(|filters| Section::figures("Filters", vec![filters])));
        }
        page.tiles.retain(|(name, _)| state.tiles.iter().all(|(now, _)| now != name));
        page.tiles.splice(0..0, state.tiles.clone());
        page.state = Some(state);
        LivePage(page)
    }

    fn page(&self) -> Page {
        let mut sections = Vec::new();
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
        sections.push(Section::figures("Training", self.history.figures()));
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
        let (name, lead) = (self.name.clone(), settings::lead(&self.description));
        if self.others.is_empty() {
            return Page { title: name, lead, tiles: tiles(self), sections, state: None };
        }
        // What is not compared is the first run's.
        let others: Vec<&str> = self.others.iter().map(|(name, ..)| name.as_str()).collect();
        let title = format!("{name} beside {}", others.join(", "));
        Page {
            title,
            lead: format!("{name}: {lead} What follows the comparison is of {name}."),
            tiles: Vec::new(),
            sections,
            state: None,
        }
    }
}
