//! A document's elements and text as one tree, from XML or HTML, in a form that hostile input
//! can't abuse: so many nodes and no more, and no deeper than [`MAX_DEPTH`], below which elements
//! are taken as part of their ancestor. Walking it recursively is therefore safe.
//!
//! Names are local names: prefixes of namespaces vary between files, and the vocabularies read
//! here share no name that means two things. What is broken is read as far as it goes: an end tag
//! that is missing closes with its parent, an unknown entity stays as it is written. Entities that
//! a document type defines are not expanded, so none can explode.

use dom_query::{Document as Dom, NodeData};
use quick_xml::Reader;
use quick_xml::escape::{resolve_html5_entity, unescape_with};
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting that is kept.
pub(super) const MAX_DEPTH: usize = 256;
/// Most elements and texts that are kept.
const MAX_NODES: usize = 3_000_000;

const NONE: u32 = u32::MAX;

struct Node {
    first: u32,
    last: u32,
    next: u32,
    content: Content,
}

enum Content {
    Text(String),
    Element {
        name: Box<str>,
        attributes: Vec<(Box<str>, Box<str>)>,
    },
}

/// All of a document; its root is a nameless element around everything.
pub(super) struct Tree {
    nodes: Vec<Node>,
    /// Nesting past [`MAX_DEPTH`] was flattened.
    pub(super) is_deep: bool,
    /// The file breaks off or is malformed; what comes after is missing.
    pub(super) is_cut: bool,
}

/// An element of a [`Tree`].
#[derive(Clone, Copy)]
pub(super) struct Element<'t> {
    tree: &'t Tree,
    index: u32,
}

/// What stands in an element.
pub(super) enum Child<'t> {
    Text(&'t str),
    Element(Element<'t>),
}

impl Tree {
    fn new() -> Self {
        Tree {
            nodes: vec![Node {
                first: NONE,
                last: NONE,
                next: NONE,
                content: Content::Element {
                    name: "".into(),
                    attributes: Vec::new(),
                },
            }],
            is_deep: false,
            is_cut: false,
        }
    }

    /// Parses XML.
    pub(super) fn of_xml(text: &str) -> Self {
        let mut tree = Tree::new();
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        // The open elements: the node that takes their content, and their name.
        let mut open: Vec<(u32, Box<str>)> = Vec::new();
        loop {
            let parent = open.last().map_or(0, |(node, _)| *node);
            match reader.read_event() {
                Ok(Event::Start(start)) => {
                    let name: Box<str> = start.local_name().into_inner().into();
                    let node = if open.len() < MAX_DEPTH {
                        tree.append(parent, element_of(&start))
                    } else {
                        tree.is_deep = true;
                        parent
                    };
                    open.push((node, name));
                }
                Ok(Event::Empty(start)) => {
                    tree.append(parent, element_of(&start));
                }
                Ok(Event::End(end)) => {
                    let name = end.local_name().into_inner();
                    // An end tag that fits none of the innermost elements is a stray one.
                    let near = open.len().saturating_sub(64);
                    if let Some(at) = open[near..].iter().rposition(|(_, open)| &**open == name) {
                        open.truncate(near + at);
                    }
                }
                Ok(Event::Text(text)) => tree.append_text(parent, &text.xml10_content()),
                Ok(Event::CData(text)) => tree.append_text(parent, &text.xml10_content()),
                Ok(Event::GeneralRef(entity)) => match entity.resolve_char_ref() {
                    Ok(Some(c)) => tree.append_text(parent, c.encode_utf8(&mut [0; 4])),
                    _ => match resolve_html5_entity(&entity) {
                        Some(text) => tree.append_text(parent, text),
                        None => tree.append_text(parent, &format!("&{};", &*entity)),
                    },
                },
                Ok(Event::Eof) => {
                    tree.is_cut |= !open.is_empty();
                    break;
                }
                Ok(_) => {}
                Err(_) => {
                    tree.is_cut = true;
                    break;
                }
            }
            if tree.nodes.len() >= MAX_NODES {
                tree.is_cut = true;
                break;
            }
        }
        tree
    }

    /// Takes over a page that an HTML parser read.
    pub(super) fn of_html(dom: &Dom) -> Self {
        let mut tree = Tree::new();
        // Nodes still to copy, the next one last, each with the node that takes it and its depth.
        let mut todo: Vec<_> = dom
            .root()
            .first_child()
            .map(|node| (node, 0, 0))
            .into_iter()
            .collect();
        while let Some((node, parent, depth)) = todo.pop() {
            if let Some(next) = node.next_sibling() {
                todo.push((next, parent, depth));
            }
            let content = node.query_or(None, |data| match &data.data {
                NodeData::Text { contents } => Some(Content::Text(contents.to_string())),
                NodeData::Element(element) => Some(Content::Element {
                    name: (&*element.name.local).into(),
                    attributes: element
                        .attrs
                        .iter()
                        .map(|attr| ((&*attr.name.local).into(), (&*attr.value).into()))
                        .collect(),
                }),
                _ => None,
            });
            let inside = match content {
                Some(Content::Text(text)) => {
                    tree.append_text(parent, &text);
                    continue;
                }
                Some(element) if depth < MAX_DEPTH => tree.append(parent, element),
                Some(_) => {
                    tree.is_deep = true;
                    parent
                }
                None => continue,
            };
            if tree.nodes.len() >= MAX_NODES {
                tree.is_cut = true;
                break;
            }
            if let Some(child) = node.first_child() {
                todo.push((child, inside, depth + 1));
            }
        }
        tree
    }

    /// The nameless element around everything.
    pub(super) fn root(&self) -> Element<'_> {
        Element {
            tree: self,
            index: 0,
        }
    }

    fn append(&mut self, parent: u32, content: Content) -> u32 {
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            first: NONE,
            last: NONE,
            next: NONE,
            content,
        });
        let last = std::mem::replace(&mut self.nodes[parent as usize].last, index);
        if last == NONE {
            self.nodes[parent as usize].first = index;
        } else {
            self.nodes[last as usize].next = index;
        }
        index
    }

    fn append_text(&mut self, parent: u32, text: &str) {
        let last = self.nodes[parent as usize].last;
        if last != NONE
            && let Content::Text(before) = &mut self.nodes[last as usize].content
        {
            before.push_str(text);
            return;
        }
        self.append(parent, Content::Text(text.to_owned()));
    }
}

fn element_of(start: &BytesStart<'_>) -> Content {
    let attributes = start
        .attributes()
        .with_checks(false)
        .filter_map(Result::ok)
        .map(|attribute| {
            let value = unescape_with(&attribute.value, resolve_html5_entity)
                .unwrap_or_else(|_| attribute.value.clone());
            (
                attribute.key.local_name().into_inner().into(),
                (&*value).into(),
            )
        })
        .collect();
    Content::Element {
        name: start.local_name().into_inner().into(),
        attributes,
    }
}

impl<'t> Element<'t> {
    fn node(self) -> &'t Node {
        &self.tree.nodes[self.index as usize]
    }

    /// Local name; empty for the root of the tree.
    pub(super) fn name(self) -> &'t str {
        match &self.node().content {
            Content::Element { name, .. } => name,
            Content::Text(_) => "",
        }
    }

    /// The attribute with this local name.
    pub(super) fn attr(self, name: &str) -> Option<&'t str> {
        match &self.node().content {
            Content::Element { attributes, .. } => attributes
                .iter()
                .find(|(key, _)| &**key == name)
                .map(|(_, value)| &**value),
            Content::Text(_) => None,
        }
    }

    /// True where the attribute's value, or a word of it, is one of `values`, in any case.
    pub(super) fn has(self, name: &str, values: &[&str]) -> bool {
        self.attr(name).is_some_and(|value| {
            value
                .split_ascii_whitespace()
                .any(|word| values.iter().any(|one| word.eq_ignore_ascii_case(one)))
        })
    }

    /// What stands in it, in order.
    pub(super) fn children(self) -> impl Iterator<Item = Child<'t>> {
        let tree = self.tree;
        let mut next = self.node().first;
        std::iter::from_fn(move || {
            let node = tree.nodes.get(next as usize)?;
            let index = std::mem::replace(&mut next, node.next);
            Some(match &node.content {
                Content::Text(text) => Child::Text(text),
                Content::Element { .. } => Child::Element(Element { tree, index }),
            })
        })
    }

    /// The elements in it.
    pub(super) fn elements(self) -> impl Iterator<Item = Element<'t>> {
        self.children().filter_map(|child| match child {
            Child::Element(element) => Some(element),
            Child::Text(_) => None,
        })
    }

    /// The first element in it with this name.
    pub(super) fn child(self, name: &str) -> Option<Element<'t>> {
        self.elements().find(|element| element.name() == name)
    }

    /// All elements in it with this name.
    pub(super) fn children_named(self, name: &str) -> impl Iterator<Item = Element<'t>> {
        self.elements()
            .filter(move |element| element.name() == name)
    }

    /// Down a path of first children.
    pub(super) fn path(self, names: &[&str]) -> Option<Element<'t>> {
        names
            .iter()
            .try_fold(self, |element, name| element.child(name))
    }

    /// All elements below it, in the file's order.
    pub(super) fn descendants(self) -> impl Iterator<Item = Element<'t>> {
        let mut todo: Vec<Element<'t>> = Vec::new();
        let mut inner = Some(self);
        std::iter::from_fn(move || {
            if let Some(parent) = inner.take() {
                let from = todo.len();
                todo.extend(parent.elements());
                todo[from..].reverse();
            }
            let element = todo.pop()?;
            inner = Some(element);
            Some(element)
        })
    }

    /// The first element below it with this name.
    pub(super) fn find(self, name: &str) -> Option<Element<'t>> {
        self.descendants().find(|element| element.name() == name)
    }

    /// All its text as it stands in the file.
    pub(super) fn raw_text(self) -> String {
        let mut text = String::new();
        self.add_raw_text(&mut text);
        text
    }

    fn add_raw_text(self, out: &mut String) {
        for child in self.children() {
            match child {
                Child::Text(text) => out.push_str(text),
                Child::Element(element) if matches!(element.name(), "br" | "break" | "lb") => {
                    out.push('\n');
                }
                Child::Element(element) => element.add_raw_text(out),
            }
        }
    }

    /// All its text, white space as single spaces.
    pub(super) fn text(self) -> String {
        super::facts::squeeze(&self.raw_text())
    }

    /// Its text, if there is any.
    pub(super) fn some_text(self) -> Option<String> {
        Some(self.text()).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_xml_is_read_as_far_as_it_goes() {
        let tree = Tree::of_xml(
            "<a x='1&amp;2'>one &eacute;&#x41;&nope; <b>two</c> & three<d/><![CDATA[<4>]]>",
        );
        assert!(tree.is_cut);
        let a = tree.root().child("a").expect("the root element");
        assert_eq!(a.attr("x"), Some("1&2"));
        assert_eq!(a.text(), "one éA&nope; two & three<4>");
        assert_eq!(
            a.descendants().map(Element::name).collect::<Vec<_>>(),
            ["b", "d"]
        );
    }

    #[test]
    fn deep_nesting_is_flattened() {
        let depth = 100_000;
        let text = format!("{}deep{}", "<n:a>".repeat(depth), "</n:a>".repeat(depth));
        let tree = Tree::of_xml(&text);
        assert!(tree.is_deep && !tree.is_cut);
        assert_eq!(tree.root().text(), "deep");
        assert_eq!(tree.root().descendants().count(), MAX_DEPTH);
    }

    #[test]
    fn entities_of_a_document_type_do_not_explode() {
        let mut text = "<!DOCTYPE a [<!ENTITY b0 \"ha\">".to_owned();
        for n in 1..30 {
            text += &format!("<!ENTITY b{n} \"&b{0};&b{0};\">", n - 1);
        }
        text += "]><a>&b29;</a>";
        assert_eq!(Tree::of_xml(&text).root().text(), "&b29;");
    }
}
