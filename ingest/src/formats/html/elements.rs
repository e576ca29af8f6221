//! What the elements of a web page are, by their names, roles and the classes that publishers,
//! LaTeXML, Pandoc and MediaWiki give them.

use crate::formats::tree::Element;

/// What is part of the site, not of the paper, or can't be seen.
pub(super) fn is_left_out(element: Element<'_>) -> bool {
    let is_hidden = element.attr("hidden").is_some()
        || element.attr("aria-hidden") == Some("true") && element.name() != "math"
        || element.attr("style").is_some_and(|style| {
            let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
            style.to_ascii_lowercase().contains("display:none")
        });
    let is_formula_source = element.name() == "script"
        && element
            .attr("type")
            .is_some_and(|kind| kind.starts_with("math/tex"));
    let is_tag = matches!(
        element.name(),
        "script"
            | "style"
            | "template"
            | "noscript"
            | "nav"
            | "form"
            | "button"
            | "input"
            | "select"
            | "textarea"
            | "svg"
            | "iframe"
            | "object"
            | "canvas"
            | "dialog"
            | "head"
            | "audio"
            | "video"
    );
    is_tag && !is_formula_source
        || is_hidden
        || element.has(
            "role",
            &["navigation", "banner", "search", "dialog", "contentinfo"],
        )
        || element.name() == "footer" && element.find("li").is_none()
        || element.has(
            "class",
            &[
                "mw-editsection",
                "sr-only",
                "visually-hidden",
                "navbox",
                "noprint",
                "anchor",
                "headerlink",
            ],
        )
}

pub(super) fn heading_level(name: &str) -> Option<usize> {
    match name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(usize::from(digit - b'0')),
        _ => None,
    }
}

pub(super) fn is_footnote(element: Element<'_>) -> bool {
    element.has("class", &["ltx_note_outer", "footnote", "footnotes"])
        || element.has(
            "role",
            &["doc-footnote", "doc-endnote", "doc-endnotes", "note"],
        ) && element.name() != "span"
}

pub(super) fn is_byline(element: Element<'_>) -> bool {
    element.has(
        "class",
        &["ltx_authors", "authors", "author-list", "byline"],
    )
}

pub(super) fn is_bibliography(element: Element<'_>) -> bool {
    element.has("role", &["doc-bibliography"])
        || element.has(
            "class",
            &[
                "csl-bib-body",
                "ltx_biblist",
                "ltx_bibliography",
                "references",
                "bibliography",
                "ref-list",
            ],
        ) && !matches!(element.name(), "a" | "span" | "body")
}

pub(super) fn is_display_formula(element: Element<'_>) -> bool {
    let formula = element.find("math");
    let is_display = element.has(
        "class",
        &[
            "ltx_equation",
            "ltx_equationgroup",
            "equation",
            "katex-display",
            "MathJax_Display",
            "disp-formula",
            "display-formula",
        ],
    ) || formula.is_some_and(|math| math.attr("display") == Some("block"))
        && element.name() == "div"
        || element.name() == "script";
    is_display && (formula.is_some() || element.name() == "script") && element.find("p").is_none()
}

/// A table that only places things: whole blocks, headings or tables stand in its cells.
pub(super) fn is_layout(table: Element<'_>) -> bool {
    table.has("role", &["presentation", "none"])
        || table.descendants().any(|inner| {
            matches!(
                inner.name(),
                "table" | "pre" | "blockquote" | "article" | "main"
            ) || heading_level(inner.name()).is_some()
                || matches!(inner.name(), "td" | "th") && inner.children_named("p").nth(2).is_some()
        })
}

pub(super) fn is_block(element: Element<'_>) -> bool {
    match element.name() {
        "math" => element.attr("display") == Some("block"),
        "script" => element
            .attr("type")
            .is_some_and(|kind| kind.contains("mode=display")),
        "span" => element.has("class", &["katex-display"]),
        name => {
            heading_level(name).is_some()
                || matches!(
                    name,
                    "html"
                        | "body"
                        | "div"
                        | "p"
                        | "section"
                        | "article"
                        | "main"
                        | "header"
                        | "footer"
                        | "aside"
                        | "blockquote"
                        | "ul"
                        | "ol"
                        | "menu"
                        | "dl"
                        | "dt"
                        | "dd"
                        | "li"
                        | "table"
                        | "tbody"
                        | "thead"
                        | "tfoot"
                        | "tr"
                        | "td"
                        | "th"
                        | "caption"
                        | "figure"
                        | "figcaption"
                        | "pre"
                        | "address"
                        | "details"
                        | "summary"
                        | "hgroup"
                        | "hr"
                        | "center"
                        | "fieldset"
                )
        }
    }
}

/// True where an element of running text has blocks directly in it or in its only element.
pub(super) fn has_blocks(element: Element<'_>) -> bool {
    matches!(
        element.name(),
        "a" | "span" | "font" | "b" | "strong" | "em" | "i" | "ins" | "label" | "small"
    ) && !is_footnote(element)
        && element
            .elements()
            .any(|inner| is_block(inner) || inner.elements().any(is_block))
}
