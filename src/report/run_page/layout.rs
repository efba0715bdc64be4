//! The page's HTML.

use crate::report::figures::{Figure, Table, page_colours};
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing from outside may be loaded, and nothing runs.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("page.css");

/// A page of sections.
pub(super) struct Page {
    pub(super) title: String,
    /// A sentence below the title.
    pub(super) lead: String,
    /// Figures of one number, with their names.
    pub(super) tiles: Vec<(String, String)>,
    pub(super) sections: Vec<Section>,
}

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

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_none() && self.figures.is_empty() && self.tables.is_empty()
    }

    /// Its name in addresses.
    fn id(&self) -> String {
        self.title.to_lowercase().replace(' ', "-")
    }
}

impl Page {
    /// The whole document.
    pub(super) fn to_html(&self) -> String {
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="generator" content={ "gpu-cnn " (env!("CARGO_PKG_VERSION")) };
                    title { (self.title) " – gpu-cnn" }
                    style { (PreEscaped(page_colours())) (PreEscaped(STYLE)) }
                }
                body {
                    a class="skip" href="#main" { "Skip to the report" }
                    header {
                        h1 { (self.title) }
                        p { (self.lead) }
                        nav aria-label="Sections" {
                            ul { @for section in &self.sections { li { a href={ "#" (section.id()) } { (section.title) } } } }
                        }
                    }
                    main id="main" {
                        dl class="tiles" {
                            @for (name, value) in &self.tiles { div { dt { (name) } dd { (value) } } }
                        }
                        @for section in &self.sections { (rendered(section)) }
                    }
                    footer { p { "Written by gpu-cnn " (env!("CARGO_PKG_VERSION")) ". This file needs no network and runs no script." } }
                }
            }
        };
        document.into_string() + "\n"
    }

    pub(super) fn into_figures(self) -> Vec<Figure> {
        self.sections.into_iter().flat_map(|section| section.figures).collect()
    }
}

fn rendered(section: &Section) -> Markup {
    html! {
        section id=(section.id()) aria-labelledby={ (section.id()) "-title" } {
            h2 id={ (section.id()) "-title" } { (section.title) }
            @if let Some(text) = &section.text { p { (text) } }
            @if !section.figures.is_empty() {
                div class="figures" { @for figure in &section.figures { (figure_with_table(figure)) } }
            }
            @for (title, table) in &section.tables {
                @if section.tables.len() > 1 { h3 { (title) } }
                (table_in_frame(title, table))
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
