//! What a paragraph is, by its style. Identifiers of styles are translated in localised versions
//! of Word ("berschrift1"), their names in the file are not ("heading 1"); a style that an author
//! made says by its outline level or by what it is based on what it is.

use std::collections::HashMap;

use crate::formats::tree::Tree;

/// What paragraphs of a style are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Title,
    Author,
    Abstract,
    Heading(usize),
    Caption,
    Reference,
    Footnote,
    Code,
    /// The table of contents, which repeats the headings.
    Contents,
    Body,
}

#[derive(Default)]
struct Style {
    name: String,
    based_on: Option<String>,
    outline: Option<usize>,
    list: Option<String>,
    list_level: Option<usize>,
}

/// The styles of a file by identifier.
pub(super) struct Styles {
    styles: HashMap<String, Style>,
}

impl Styles {
    pub(super) fn read(tree: &Tree) -> Self {
        let mut styles = HashMap::new();
        let all = tree.root().find("styles");
        for style in all.into_iter().flat_map(|all| all.children_named("style")) {
            let value = |path: &[&str]| style.path(path).and_then(|element| element.attr("val"));
            let Some(id) = style.attr("styleId") else {
                continue;
            };
            let read = Style {
                name: value(&["name"]).unwrap_or(id).to_lowercase(),
                based_on: value(&["basedOn"]).map(str::to_owned),
                outline: value(&["pPr", "outlineLvl"]).and_then(|level| level.parse().ok()),
                list: value(&["pPr", "numPr", "numId"]).map(str::to_owned),
                list_level: value(&["pPr", "numPr", "ilvl"]).and_then(|level| level.parse().ok()),
            };
            styles.insert(id.to_owned(), read);
        }
        Styles { styles }
    }

    /// What paragraphs of the style `id` are.
    pub(super) fn role(&self, id: &str) -> Role {
        if id.is_empty() {
            return Role::Body;
        }
        // Without a list of styles the identifier is all there is.
        let Some(_) = self.styles.get(id) else {
            return by_name(&id.to_lowercase()).unwrap_or(Role::Body);
        };
        self.chain(id)
            .find_map(|style| {
                by_name(&style.name).or(style
                    .outline
                    .filter(|level| *level < 9)
                    .map(|level| Role::Heading(level + 1)))
            })
            .unwrap_or(Role::Body)
    }

    /// The list and the level in it that a style gives its paragraphs.
    pub(super) fn numbering(&self, id: &str) -> (Option<String>, Option<usize>) {
        let list = self.chain(id).find_map(|style| style.list.clone());
        let level = self.chain(id).find_map(|style| {
            style
                .list_level
                .or(style.outline.filter(|level| *level < 9))
        });
        (list, level)
    }

    /// A style and those it is based on; a circle ends after a while.
    fn chain<'s>(&'s self, id: &str) -> impl Iterator<Item = &'s Style> {
        let first = self.styles.get(id);
        std::iter::successors(first, |style| self.styles.get(style.based_on.as_deref()?)).take(12)
    }
}

fn by_name(name: &str) -> Option<Role> {
    let bare: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
    if let Some(level) = bare
        .strip_prefix("heading")
        .and_then(|level| level.parse().ok())
    {
        return Some(Role::Heading(level));
    }
    Some(match bare.as_str() {
        "title" | "papertitle" | "articletitle" => Role::Title,
        "author" | "authors" | "authorname" | "authornames" => Role::Author,
        "abstract" | "abstracttext" => Role::Abstract,
        "caption" | "figurecaption" | "tablecaption" | "imagecaption" | "figurelegend" => {
            Role::Caption
        }
        "bibliography" | "references" | "reference" | "bibliographyentry" | "referenceitem" => {
            Role::Reference
        }
        "footnotetext" | "endnotetext" => Role::Footnote,
        "sourcecode" | "htmlpreformatted" | "code" | "codeblock" | "macrotext" | "plaintext"
        | "programlisting" => Role::Code,
        "tocheading" | "tableoffigures" => Role::Contents,
        toc if toc
            .strip_prefix("toc")
            .is_some_and(|level| level.parse::<u8>().is_ok()) =>
        {
            Role::Contents
        }
        _ => return None,
    })
}
