//! The page's HTML.

use crate::report::figures::{Figure, Table, page_colours};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing from outside may be loaded, and nothing runs.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// What a page that is kept up to date may load beside that: the script and the changes, from where the page is from.
const LIVE_SOURCES: &str = "; script-src 'self'; connect-src 'self'";

/// Where such a page has its script from.
pub(crate) const SCRIPT: &str = "/live.js";

const STYLE: &str = include_str!("page.css");

/// A page of sections.
pub(super) struct Page {
    pub(super) title: String,
    /// A sentence below the title.
    pub(super) lead: String,
    /// Figures of one number, with their names.
    pub(super) tiles: Vec<(String, String)>,
    pub(super) sections: Vec<Section>,
    /// How far the run has come, on a page that is kept up to date.
    pub(super) state: Option<RunState>,
}

/// How far a run has come.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunState {
    /// What a reader is told at once where it changes: `epoch 2/5`.
    pub(crate) status: String,
    /// What changes with each step.
    pub(crate) detail: String,
    /// The share of the steps that are done; none once the run is over.
    pub(crate) share: Option<f64>,
    /// Figures of one number, with their names, before those of the run.
    pub(crate) tiles: Vec<(String, String)>,
}

/// Elements of a page that can take the place of those with the same ids, each as HTML.
pub(crate) type Parts = Vec<(String, String)>;

/// A part of the page with a heading.
pub(super) struct Section {
    title: &'static str,
    text: Option<String>,
    figures: Vec<Figure>,
    /// Tables with their titles.
    pub(super) tables: Vec<(&'static str, Table)>,
}

impl Section {
    pub(super) fn figures(title: &'static str, figures: Vec<Figure>) -> Self {
        Self { title, text: None, figures, tables: Vec::new() }
    }

    pub(super) fn text(title: &'static str, text: &str) -> Self {
        Self { title, text: Some(text.to_owned()), figures: Vec::new(), tables: Vec::new() }
    }

    pub(super) fn title(&self) -> &'static str {
        self.title
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.figures.is_empty() && self.tables.is_empty()
    }

    /// Its name in addresses, which is no figure's.
    fn id(&self) -> String {
        format!("section-{}", self.title.to_lowercase().replace(' ', "-"))
    }
}

impl Page {
    /// The whole document.
    pub(super) fn to_html(&self) -> String {
        let is_live = self.state.is_some();
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content={ (POLICY) @if is_live { (LIVE_SOURCES) } };
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "gpu-cnn " (env!("CARGO_PKG_VERSION")) };
                    (self.document_title())
                    style { (PreEscaped(page_colours())) (PreEscaped(STYLE)) }
                    @if is_live {
                        // No request for an icon.
                        link rel="icon" href="data:,";
                        script src=(SCRIPT) defer {}
                    }
                }
                body { (self.body()) }
            }
        };
        document.into_string() + "\n"
    }

    fn document_title(&self) -> Markup {
        let status = self.state.iter().map(|state| format!("{} – ", state.status));
        html! { title id="document-title" { @for text in status { (text) } (self.title) " – gpu-cnn" } }
    }

    /// What is inside the `body` element.
    pub(super) fn body(&self) -> Markup {
        html! {
            a class="skip" href="#main" { "Skip to the report" }
            header {
                h1 { (self.title) }
                (self.lead())
                @if let Some(state) = &self.state { (state_line(state)) }
                nav aria-label="Sections" {
                    ul { @for section in &self.sections { li { a href={ "#" (section.id()) } { (section.title) } } } }
                }
            }
            main id="main" {
                (self.tiles())
                @for section in &self.sections { (rendered(section)) }
            }
            footer {
                p {
                    "Written by gpu-cnn " (env!("CARGO_PKG_VERSION")) ". "
                    @match self.state {
                        None => "This file needs no network and runs no script.",
                        Some(_) => "Served on this machine alone, by the run itself, until it ends.",
                    }
                }
            }
        }
    }

    fn lead(&self) -> Markup {
        html! { p id="lead" { (self.lead) } }
    }

    fn tiles(&self) -> Markup {
        html! {
            @if !self.tiles.is_empty() {
                dl id="tiles" class="tiles" { @for (name, value) in &self.tiles { div { dt { (name) } dd { (value) } } } }
            }
        }
    }

    /// All that changes while sections and figures are the same.
    pub(super) fn parts(&self) -> Parts {
        let part = |id: &str, html: Markup| (id.to_owned(), html.into_string());
        let mut parts =
            vec![part("document-title", self.document_title()), part("lead", self.lead()), part("tiles", self.tiles())];
        parts.extend(self.state.iter().map(|state| part("state", state_line(state))));
        for section in &self.sections {
            match section.figures.is_empty() {
                true => parts.push(part(&section.id(), rendered(section))),
                false => {
                    parts.extend(section.figures.iter().map(|figure| part(&figure.name, figure_with_table(figure))))
                }
            }
        }
        parts
    }

    pub(super) fn into_figures(self) -> Vec<Figure> {
        self.sections.into_iter().flat_map(|section| section.figures).collect()
    }
}

/// Told by a screen reader are the changes of the status alone: the rest changes every second.
fn state_line(state: &RunState) -> Markup {
    html! {
        div id="state" class="state" {
            p {
                strong role="status" { (state.status) }
                @if !state.detail.is_empty() { span { ": " (state.detail) } }
            }
            @if let Some(share) = &state.share {
                progress max="1" value=(format!("{share:.4}")) aria-label="Share of the run's steps that are done" {}
            }
        }
    }
}

fn rendered(section: &Section) -> Markup {
    html! {
        section id=(section.id()) aria-labelledby={ (section.id()) "-title" } {
            h2 id={ (section.id()) "-title" } { (section.title) }
            @if let Some(text) = &section.text { p { (text) } }
            @for (title, table) in &section.tables {
                @if section.tables.len() > 1 { h3 { (title) } }
                (table_in_frame(title, table))
            }
            @if !section.figures.is_empty() {
                div class="figures" { @for figure in &section.figures { (figure_with_table(figure)) } }
            }
        }
    }
}

fn figure_with_table(figure: &Figure) -> Markup {
    html! {
        figure id=(figure.name) {
            figcaption { h3 { (figure.title) } }
            (figure.inline())
            p class="description" { (figure.description) }
            @if let Some(table) = &figure.table {
                details { summary { "The numbers of “" (figure.title) "”" } (table_in_frame(&figure.title, table)) }
            }
        }
    }
}

/// A table that is scrolled where it is wider than the screen.
fn table_in_frame(title: &str, table: &Table) -> Markup {
    html! {
        div class="frame" role="region" aria-label={ "Table: " (title) } tabindex="0" {
            table {
                thead { tr { @for cell in &table.head { th scope="col" { (cell) } } } }
                tbody {
                    @for row in &table.rows {
                        tr {
                            @for (i, cell) in row.iter().enumerate() {
                                @if i == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        }
                    }
                }
            }
        }
        @if let Some(note) = &table.note { p class="description" { (note) } }
    }
}
