//! A page at a moment, and what has changed since another, as server-sent events.

use crate::report::run_page::{LivePage, Parts};
use std::cell::OnceCell;
use std::sync::Arc;

/// The page at a moment.
pub(super) struct Moment {
    page: LivePage,
    pub(super) parts: Arc<Parts>,
    html: OnceCell<Arc<[u8]>>,
    whole: OnceCell<Arc<[u8]>>,
}

impl Moment {
    pub(super) fn new(page: LivePage) -> Self {
        let parts = Arc::new(page.parts());
        Self { page, parts, html: OnceCell::new(), whole: OnceCell::new() }
    }

    /// The document.
    pub(super) fn html(&self) -> Arc<[u8]> {
        Arc::clone(self.html.get_or_init(|| self.page.html().into_bytes().into()))
    }

    /// The event with the whole page.
    pub(super) fn whole(&self) -> Arc<[u8]> {
        Arc::clone(self.whole.get_or_init(|| event("page", &self.page.body()).into_bytes().into()))
    }

    /// The events by which a page of the parts `seen` becomes this one: one for each part that differs, which names it; the whole page
    /// where there are others. None where nothing differs.
    pub(super) fn since(&self, seen: &Parts) -> Option<Arc<[u8]>> {
        let ids = |parts: &Parts| parts.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
        if ids(seen) != ids(&self.parts) {
            // The title is no part of the body.
            let title = self.parts.iter().filter(|(id, _)| id == "document-title");
            let title: String = title.map(|(id, html)| event("part", &(id, html))).collect();
            return Some([&self.whole()[..], title.as_bytes()].concat().into());
        }
        let changed = self.parts.iter().zip(seen).filter(|(new, old)| new.1 != old.1);
        let events: String = changed.map(|((id, html), _)| event("part", &(id, html))).collect();
        (!events.is_empty()).then(|| events.into_bytes().into())
    }
}

/// An event; its data are JSON, of one line.
pub(super) fn event(name: &str, data: &impl serde::Serialize) -> String {
    format!("event: {name}\ndata: {}\n\n", serde_json::to_string(data).unwrap_or_default())
}
