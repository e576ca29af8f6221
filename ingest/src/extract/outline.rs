//! The file's own table of contents (ISO 32000-2, 12.3.3): a tree of items, each with a title and
//! a place that it leads to. Files link items in rings and to nowhere, so the walk remembers where
//! it was, stops at a number of entries, and never recurses.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::Pdf;
use hayro_syntax::object::{
    Array, Dict, MaybeRef, Name, Object, ObjectIdentifier, String as PdfString,
};

use super::info::text_string;
use crate::OutlineEntry;

/// Entries that are taken.
const MAX_ENTRIES: usize = 5_000;
/// Depth that is told apart; deeper items count as this deep.
const MAX_LEVEL: u8 = 20;
/// Nodes of the tree of named places that are looked at.
const MAX_NODES: usize = 20_000;

/// The entries in the order of the outline; none where the file has none or a broken one.
pub(super) fn read(pdf: &Pdf) -> Vec<OutlineEntry> {
    catch_unwind(AssertUnwindSafe(|| walk(pdf)))
        .ok()
        .flatten()
        .unwrap_or_default()
}

fn walk(pdf: &Pdf) -> Option<Vec<OutlineEntry>> {
    let catalog = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())?;
    let outlines = catalog.get::<Dict<'_>>("Outlines")?;
    let places = Places::new(pdf, &catalog);
    let mut entries = Vec::new();
    let mut seen = HashSet::new();
    // Items still to be visited, the next one last.
    let mut waiting: Vec<(ObjectIdentifier, u8)> = Vec::new();
    waiting.extend(reference(&outlines, "First").map(|first| (first, 1)));
    while let Some((id, level)) = waiting.pop() {
        if entries.len() >= MAX_ENTRIES || !seen.insert(id) {
            continue;
        }
        let Some(item) = pdf.xref().get::<Dict<'_>>(id) else {
            continue;
        };
        let title = item.get::<PdfString<'_>>("Title");
        if let Some(title) = title.and_then(|title| text_string(title.as_bytes())) {
            entries.push(OutlineEntry {
                title,
                level,
                page: places.page_of(&item),
            });
        }
        waiting.extend(reference(&item, "Next").map(|next| (next, level)));
        let below = level.saturating_add(1).min(MAX_LEVEL);
        waiting.extend(reference(&item, "First").map(|first| (first, below)));
    }
    Some(entries)
}

fn reference(dict: &Dict<'_>, key: &str) -> Option<ObjectIdentifier> {
    dict.get_ref(key).map(ObjectIdentifier::from)
}

/// From a place that an item names to a page's number.
struct Places<'a> {
    pages: HashMap<ObjectIdentifier, u32>,
    count: u32,
    named: HashMap<Vec<u8>, Object<'a>>,
}

impl<'a> Places<'a> {
    fn new(pdf: &'a Pdf, catalog: &Dict<'a>) -> Self {
        let pages: HashMap<_, _> = pdf
            .pages()
            .iter()
            .zip(1..)
            .filter_map(|(page, number)| Some((page.raw().obj_id()?, number)))
            .collect();
        let mut named = HashMap::new();
        if let Some(dests) = catalog.get::<Dict<'a>>("Dests") {
            for key in dests.keys().take(MAX_NODES) {
                if let Some(place) = dests.get::<Object<'a>>(key.as_ref()) {
                    named.insert(key.as_ref().to_vec(), place);
                }
            }
        }
        if let Some(names) = catalog.get::<Dict<'a>>("Names")
            && let Some(tree) = names.get::<Dict<'a>>("Dests")
        {
            read_tree(tree, &mut named);
        }
        Places {
            count: u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX),
            pages,
            named,
        }
    }

    fn page_of(&self, item: &Dict<'a>) -> Option<u32> {
        let place = item.get::<Object<'a>>("Dest").or_else(|| {
            let action = item.get::<Dict<'a>>("A")?;
            let is_here = action
                .get::<Name<'_>>("S")
                .is_some_and(|name| name.as_str() == "GoTo");
            is_here.then(|| action.get::<Object<'a>>("D")).flatten()
        })?;
        let place = match place {
            Object::Name(name) => self.named.get(name.as_ref())?.clone(),
            Object::String(name) => self.named.get(name.as_bytes())?.clone(),
            other => other,
        };
        let place = match place {
            Object::Array(place) => place,
            Object::Dict(dict) => dict.get::<Array<'_>>("D")?,
            _ => return None,
        };
        match place.raw_iter().next()? {
            MaybeRef::Ref(page) => self.pages.get(&ObjectIdentifier::from(page)).copied(),
            // Counted from 0, as is right for another file and common in this one.
            MaybeRef::NotRef(Object::Number(index)) => u32::try_from(index.as_i64())
                .ok()
                .and_then(|index| index.checked_add(1))
                .filter(|number| *number <= self.count),
            MaybeRef::NotRef(_) => None,
        }
    }
}

/// A name tree (ISO 32000-2, 7.9.6), flat.
fn read_tree<'a>(root: Dict<'a>, named: &mut HashMap<Vec<u8>, Object<'a>>) {
    let mut waiting = vec![root];
    let mut nodes = 0;
    while let Some(node) = waiting.pop() {
        nodes += 1;
        if nodes > MAX_NODES || named.len() > MAX_NODES {
            return;
        }
        if let Some(kids) = node.get::<Array<'a>>("Kids") {
            waiting.extend(kids.iter::<Dict<'a>>().take(MAX_NODES - nodes));
        }
        if let Some(names) = node.get::<Array<'a>>("Names") {
            let mut items = names.iter::<Object<'a>>();
            while let (Some(name), Some(place)) = (items.next(), items.next()) {
                if let Object::String(name) = name {
                    named.insert(name.as_bytes().to_vec(), place);
                }
                if named.len() > MAX_NODES {
                    return;
                }
            }
        }
    }
}
