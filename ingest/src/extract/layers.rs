//! Optional content: layers that a viewer can switch off (ISO 32000-1, 8.11). What the file's
//! default configuration hides is not read.

use std::collections::HashSet;

use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, ObjectIdentifier};

/// The layers that are switched off when the file is opened.
#[derive(Debug, Default)]
pub(super) struct Layers {
    off: HashSet<ObjectIdentifier>,
}

impl Layers {
    /// Reads the default configuration of `pdf`.
    pub(super) fn read(pdf: &Pdf) -> Self {
        let mut off = HashSet::new();
        let properties = pdf
            .xref()
            .get::<Dict<'_>>(pdf.xref().root_id())
            .and_then(|catalog| catalog.get::<Dict<'_>>("OCProperties"));
        let Some(properties) = properties else {
            return Layers { off };
        };
        let Some(config) = properties.get::<Dict<'_>>("D") else {
            return Layers { off };
        };
        let is_off = config
            .get::<Name<'_>>("BaseState")
            .is_some_and(|state| state.as_ref() == b"OFF");
        if is_off {
            off.extend(ids(&properties, "OCGs"));
        }
        for id in ids(&config, "ON") {
            off.remove(&id);
        }
        off.extend(ids(&config, "OFF"));
        Layers { off }
    }

    /// True where the layer, or the combination of layers, `dict` is not shown; `id` is its object.
    pub(super) fn hides(&self, id: Option<ObjectIdentifier>, dict: &Dict<'_>) -> bool {
        if self.off.is_empty() {
            return false;
        }
        let is_off = |id: &ObjectIdentifier| self.off.contains(id);
        let is_combination = dict
            .get::<Name<'_>>("Type")
            .is_some_and(|kind| kind.as_ref() == b"OCMD");
        if !is_combination {
            return id.as_ref().is_some_and(is_off);
        }
        let mut members = ids(dict, "OCGs");
        members.extend(dict.get_ref("OCGs").map(ObjectIdentifier::from));
        if members.is_empty() {
            return false;
        }
        let policy = dict.get::<Name<'_>>("P");
        let is_shown = match policy.as_ref().map(|policy| policy.as_ref()) {
            Some(b"AllOn") => !members.iter().any(is_off),
            Some(b"AnyOff") => members.iter().any(is_off),
            Some(b"AllOff") => members.iter().all(is_off),
            _ => !members.iter().all(is_off),
        };
        !is_shown
    }
}

fn ids(dict: &Dict<'_>, key: &str) -> Vec<ObjectIdentifier> {
    dict.get::<Array<'_>>(key)
        .map(|array| {
            array
                .raw_iter()
                .filter_map(|item| item.as_obj_ref())
                .map(ObjectIdentifier::from)
                .collect()
        })
        .unwrap_or_default()
}
