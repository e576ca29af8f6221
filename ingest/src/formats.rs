//! Papers that are no PDFs: Markdown, plain text, web pages, DOCX, JATS and TEI.
//!
//! [`detect`] tells by the bytes what a file is, and by its name only where the bytes leave it
//! open; [`read`] makes a [`Document`] of it, the same in kind as a PDF's: blocks that know what
//! they are, headings with levels, the reference list entry by entry, and metadata as the format
//! marks it. What has no pages is one page without size.
//!
//! Input is foreign, so everything is bounded: what is unpacked, how many elements are kept and
//! how deep ([`tree`]), how much text ([`builder`]). What goes past a limit is left out and said
//! so in a warning. No file can make the reader fetch another one.

mod builder;
mod detect;
mod docx;
mod encoding;
mod facts;
mod html;
mod inline;
mod jats;
mod markdown;
mod math;
mod table;
mod tei;
mod text;
mod tree;
mod wording;

pub use detect::{detect, unsupported};

use builder::Builder;
use tree::Tree;

use crate::{Document, Error, Format};

/// Endings of the names of files that may be papers, without their dot, in lower case.
pub const EXTENSIONS: &[&str] = &[
    "pdf", "md", "markdown", "txt", "text", "html", "htm", "xhtml", "docx", "xml", "nxml", "tei",
];

/// Reads a file of any format but PDF, for which [`crate::extract`] is there.
pub fn read(bytes: &[u8], format: Format) -> Result<Document, Error> {
    if bytes.is_empty() {
        return Err(Error::Empty);
    }
    match format {
        Format::Markdown => Ok(markdown::read(bytes)),
        Format::Text => Ok(text::read(bytes)),
        Format::Html => Ok(html::read(bytes)),
        Format::Docx => docx::read(bytes),
        Format::Jats => jats::read(bytes),
        Format::Tei => tei::read(bytes),
        Format::Pdf => Err(Error::UnsupportedFormat {
            what: "a PDF given to the reader of other formats".to_owned(),
        }),
    }
}

/// Says so where a file's markup was not kept as it stands.
fn warn_of_tree(builder: &mut Builder, tree: &Tree) {
    if tree.is_cut {
        builder.warn(
            "markup_cut",
            "the file breaks off, is malformed or has too many elements; what comes after is left out",
        );
    }
    if tree.is_deep {
        builder.warn(
            "markup_deep",
            "elements are nested too deeply; the innermost ones were read as plain text",
        );
    }
}

/// "Figure 3. ..." and "Table 1: ..." as the captions that they are.
fn is_caption(text: &str) -> bool {
    let Some((word, rest)) = text.split_once(' ') else {
        return false;
    };
    let is_word = [
        "figure",
        "fig.",
        "fig",
        "table",
        "tab.",
        "listing",
        "scheme",
        "algorithm",
    ]
    .iter()
    .any(|one| word.eq_ignore_ascii_case(one));
    let number = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
    is_word
        && (1..=4).contains(&number)
        && rest.as_bytes()[..number].iter().any(u8::is_ascii_digit)
        && rest[number..].starts_with([':', '.', '|', '\u{2014}', '\u{2013}'])
}

#[cfg(test)]
mod tests;
