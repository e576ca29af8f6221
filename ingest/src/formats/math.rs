//! Formulas as text: the LaTeX that the author wrote where the file carries it, else MathML and
//! Office Math written out on one line, `(a+b)/c`, `x_i^2`, `√(x)`.

use super::facts::squeeze;
use super::tree::{Child, Element};

/// A formula given as MathML, Office Math or an element that holds one of them or LaTeX.
pub(super) fn text(formula: Element<'_>) -> String {
    let annotation = formula.descendants().find(|element| {
        element.name() == "tex-math"
            || element.name() == "annotation"
                && element
                    .attr("encoding")
                    .is_some_and(|encoding| encoding.to_ascii_lowercase().contains("tex"))
    });
    if let Some(annotation) = annotation {
        return latex(&annotation.raw_text());
    }
    let math = if formula.name() == "math" {
        Some(formula)
    } else {
        formula.find("math")
    };
    if let Some(alternative) = math.or(Some(formula)).and_then(|math| math.attr("alttext")) {
        return latex(alternative);
    }
    let mut out = String::new();
    write(math.unwrap_or(formula), &mut out);
    squeeze(&out)
}

/// A formula's LaTeX without the document or dollar signs around it.
pub(super) fn latex(source: &str) -> String {
    let body = source
        .split_once("\\begin{document}")
        .map_or(source, |(_, rest)| rest);
    let body = body
        .split_once("\\end{document}")
        .map_or(body, |(body, _)| body);
    let mut body = body.trim();
    for (open, close) in [
        ("$$", "$$"),
        ("$", "$"),
        ("\\[", "\\]"),
        ("\\(", "\\)"),
        ("{\\displaystyle", "}"),
    ] {
        if let Some(inner) = body
            .strip_prefix(open)
            .and_then(|rest| rest.strip_suffix(close))
        {
            body = inner.trim();
        }
    }
    squeeze(body)
}

fn write(element: Element<'_>, out: &mut String) {
    let parts: Vec<Element<'_>> = element.elements().collect();
    let named = |name: &str| element.child(name);
    match (element.name(), parts.as_slice()) {
        ("annotation" | "annotation-xml" | "label" | "rPr" | "ctrlPr", _) => {}
        ("mo", _) => operator(&element.text(), out),
        ("mi" | "mn" | "mtext" | "ms" | "t", _) => out.push_str(&element.raw_text()),
        ("mfrac", [over, under]) => {
            group(*over, out);
            out.push('/');
            group(*under, out);
        }
        ("f", _) => {
            named("num").into_iter().for_each(|over| group(over, out));
            out.push('/');
            named("den").into_iter().for_each(|under| group(under, out));
        }
        ("msup" | "mover", [base, high]) => scripts(*base, None, Some(*high), out),
        ("msub" | "munder", [base, low]) => scripts(*base, Some(*low), None, out),
        ("msubsup" | "munderover", [base, low, high]) => {
            scripts(*base, Some(*low), Some(*high), out);
        }
        ("sSup" | "sSub" | "sSubSup" | "nary" | "limLow" | "limUpp", _) => {
            match element
                .path(&["naryPr", "chr"])
                .and_then(|chr| chr.attr("val"))
            {
                Some(chr) => out.push_str(chr),
                None if element.name() == "nary" => out.push('∫'),
                None => {}
            }
            let (low, high) = (named("sub").or(named("lim")), named("sup"));
            if element.name() == "nary" {
                add_scripts(low, high, out);
                out.push(' ');
            }
            named("e").into_iter().for_each(|base| write(base, out));
            if element.name() != "nary" {
                add_scripts(low, high, out);
            }
        }
        ("msqrt", _) => {
            out.push('√');
            group(element, out);
        }
        ("mroot", [base, _]) => {
            out.push('√');
            group(*base, out);
        }
        ("rad", _) => {
            out.push('√');
            named("e").into_iter().for_each(|base| group(base, out));
        }
        ("d", _) => {
            let mark = |name: &str, usual: &str| {
                let given = element.path(&["dPr", name]).and_then(|chr| chr.attr("val"));
                given.unwrap_or(usual).to_owned()
            };
            out.push_str(&mark("begChr", "("));
            separated(element.children_named("e"), ", ", out);
            out.push_str(&mark("endChr", ")"));
        }
        ("mtable" | "m", _) => {
            separated(
                parts
                    .iter()
                    .copied()
                    .filter(|row| matches!(row.name(), "mtr" | "mlabeledtr" | "mr")),
                "; ",
                out,
            );
        }
        ("mtr" | "mr", _) => separated(parts.iter().copied(), ", ", out),
        _ => {
            for child in element.children() {
                match child {
                    Child::Element(child) => write(child, out),
                    Child::Text(text) if !text.trim().is_empty() => out.push_str(text),
                    Child::Text(_) => {}
                }
            }
        }
    }
}

/// Relations and binary operators stand between spaces, brackets and signs do not.
fn operator(text: &str, out: &mut String) {
    let is_spaced = matches!(
        text,
        "=" | "+"
            | "<"
            | ">"
            | "≤"
            | "≥"
            | "≠"
            | "≈"
            | "∼"
            | "∈"
            | "→"
            | "←"
            | "⇒"
            | "∝"
            | "≡"
            | ":="
    ) || matches!(text, "-" | "−")
        && out.ends_with(|c: char| c.is_alphanumeric() || c == ')');
    match text {
        "," | ";" => {
            out.push_str(text);
            out.push(' ');
        }
        // Invisible times, function application and the like.
        "\u{2061}" | "\u{2062}" | "\u{2063}" | "\u{2064}" => {}
        _ if is_spaced => {
            out.push(' ');
            out.push_str(text);
            out.push(' ');
        }
        _ => out.push_str(text),
    }
}

fn scripts(
    base: Element<'_>,
    low: Option<Element<'_>>,
    high: Option<Element<'_>>,
    out: &mut String,
) {
    write(base, out);
    add_scripts(low, high, out);
}

fn add_scripts(low: Option<Element<'_>>, high: Option<Element<'_>>, out: &mut String) {
    for (mark, script) in [('_', low), ('^', high)] {
        let Some(script) = script else { continue };
        let from = out.len();
        out.push(mark);
        group(script, out);
        // An empty script says nothing.
        if out.len() == from + 1 {
            out.truncate(from);
        }
    }
}

/// An operand, in brackets where it is more than one letter or number.
fn group(element: Element<'_>, out: &mut String) {
    let mut inner = String::new();
    match element.name() {
        "msqrt" => element
            .elements()
            .for_each(|child| write(child, &mut inner)),
        _ => write(element, &mut inner),
    }
    let inner = squeeze(&inner);
    let is_simple = inner.chars().count() <= 1
        || inner.chars().all(char::is_alphanumeric)
        || inner.starts_with('(') && inner.find(')') == Some(inner.len() - 1);
    if is_simple {
        out.push_str(&inner);
    } else {
        out.push('(');
        out.push_str(&inner);
        out.push(')');
    }
}

fn separated<'t>(parts: impl Iterator<Item = Element<'t>>, mark: &str, out: &mut String) {
    for (part, index) in parts.zip(0..) {
        if index > 0 {
            out.push_str(mark);
        }
        write(part, out);
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Tree;
    use super::*;
    use expect_test::{Expect, expect};

    fn check(xml: &str, expect: Expect) {
        let tree = Tree::of_xml(xml);
        let formula = tree.root().elements().next().expect("a formula");
        expect.assert_eq(&text(formula));
    }

    #[test]
    fn mathml_is_written_out() {
        check(
            "<math><mrow><mi>x</mi><mo>=</mo><mfrac><mrow><mo>-</mo><mi>b</mi><mo>±</mo><msqrt><msup><mi>b</mi><mn>2</mn></msup><mo>-</mo><mn>4</mn><mi>a</mi></msqrt></mrow><mrow><mn>2</mn><mi>a</mi></mrow></mfrac></mrow></math>",
            expect!["x = (-b±√(b^2 - 4a))/2a"],
        );
    }

    #[test]
    fn latex_is_kept_where_it_is_given() {
        check(
            "<inline-formula><alternatives><tex-math>\\documentclass{minimal}\\begin{document}$$E = mc^2$$\\end{document}</tex-math><math><mi>E</mi></math></alternatives></inline-formula>",
            expect!["E = mc^2"],
        );
        check(
            "<math alttext=\"{\\displaystyle a_{i}}\"><mi>a</mi></math>",
            expect!["a_{i}"],
        );
    }

    #[test]
    fn office_math_is_written_out() {
        check(
            "<m:oMath><m:r><m:t>y=</m:t></m:r><m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub><m:r><m:t>i</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:e></m:nary></m:oMath>",
            expect!["y=∑_i^n x^2"],
        );
    }
}
