//! The runs of a paragraph: its text, and what hangs on it (notes, text boxes, formulas, breaks).

use super::{Reader, is_on};
use crate::formats::inline::Inline;
use crate::formats::math;
use crate::formats::tree::Element;

impl<'t> Reader<'t> {
    /// The text of the runs in `parent`.
    pub(super) fn runs(
        &mut self,
        parent: Element<'t>,
        out: &mut Inline,
        formulas: &mut Vec<Element<'t>>,
        looks: &mut Looks,
    ) {
        for element in parent.elements() {
            match element.name() {
                "r" => self.run(element, out, formulas, looks),
                "oMathPara" => formulas.push(element),
                "oMath" => out.push(&math::text(element)),
                "del" | "moveFrom" | "pPr" | "sdtPr" | "p" => {}
                _ => self.runs(element, out, formulas, looks),
            }
        }
    }

    fn run(
        &mut self,
        run: Element<'t>,
        out: &mut Inline,
        formulas: &mut Vec<Element<'t>>,
        looks: &mut Looks,
    ) {
        let properties = run.child("rPr");
        let has = |name: &str| {
            properties
                .and_then(|list| list.child(name))
                .is_some_and(is_on)
        };
        if has("vanish") {
            return;
        }
        let rise = properties
            .and_then(|list| list.child("vertAlign"))
            .and_then(|rise| rise.attr("val"));
        let size = properties
            .and_then(|list| list.child("sz"))
            .and_then(|size| size.attr("val")?.parse().ok());
        for element in run.elements() {
            match element.name() {
                "t" => {
                    let text = element.raw_text();
                    looks.count(&text, has("b"), size);
                    if rise == Some("superscript") {
                        out.superscript(&text);
                    } else {
                        out.push(&text);
                    }
                }
                "tab" => out.push(" "),
                "br" if element.has("type", &["page"]) => self.breaks += 1,
                "lastRenderedPageBreak" => self.breaks += 1,
                "br" | "cr" => out.line_break(),
                "noBreakHyphen" => out.push("-"),
                "sym" => {
                    let code = element
                        .attr("char")
                        .and_then(|code| u32::from_str_radix(code, 16).ok());
                    // Codes of symbol fonts lie in the private area and mean nothing elsewhere.
                    let known = code
                        .and_then(char::from_u32)
                        .filter(|c| !('\u{e000}'..='\u{f8ff}').contains(c));
                    if let Some(c) = known {
                        out.push(c.encode_utf8(&mut [0; 4]));
                    }
                }
                "footnoteReference" | "endnoteReference" => {
                    let list = &self.notes[usize::from(element.name() == "endnoteReference")];
                    let id = element.attr("id");
                    let at = list.binary_search_by_key(&id, |(other, _)| Some(*other));
                    let note = at.ok().map(|at| list[at].1);
                    self.pending.extend(note);
                }
                "AlternateContent" => {
                    if let Some(choice) = element
                        .child("Choice")
                        .or_else(|| element.child("Fallback"))
                    {
                        self.boxes.extend(choice.find("txbxContent"));
                    }
                }
                "drawing" | "pict" => self.boxes.extend(element.find("txbxContent")),
                "oMath" => out.push(&math::text(element)),
                "oMathPara" => formulas.push(element),
                _ => {}
            }
        }
    }
}

/// How a paragraph's letters are set.
#[derive(Default)]
pub(super) struct Looks {
    letters: usize,
    bold: usize,
    /// Largest size in half points.
    pub(super) size: u32,
}

impl Looks {
    fn count(&mut self, text: &str, is_bold: bool, size: Option<u32>) {
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        self.letters += letters;
        self.bold += if is_bold { letters } else { 0 };
        if letters > 0 {
            self.size = self.size.max(size.unwrap_or(0));
        }
    }

    pub(super) fn is_bold(&self) -> bool {
        self.letters > 0 && self.bold == self.letters
    }
}
