//! The headings between which a reference list stands.

use super::rows::Row;
use super::split;

/// What reference lists are called, in lower case and without spaces.
const OPENINGS: &[&str] = &[
    "reference",
    "references",
    "references:",
    "referencelist",
    "listofreferences",
    "referencescited",
    "citedreferences",
    "referencesandnotes",
    "referencesandlinks",
    "referencesandrecommendedreading",
    "methodsreferences",
    "referencesandfurtherreading",
    "notesandreferences",
    "bibliography",
    "selectedbibliography",
    "references/bibliography",
    "bibliographyandreferences",
    "bibliographicreferences",
    "bibliographicalreferences",
    "literature",
    "literaturecited",
    "citedliterature",
    "literaturereferences",
    "workscited",
    "literatur",
    "literaturverzeichnis",
    "literaturangaben",
    "literaturhinweise",
    "quellen",
    "quellenverzeichnis",
    "referenzen",
    "références",
    "référencesbibliographiques",
    "bibliographie",
    "referencias",
    "referenciasbibliográficas",
    "bibliografía",
    "literaturacitada",
    "referências",
    "referênciasbibliográficas",
    "bibliografia",
    "riferimenti",
    "riferimentibibliografici",
    "referenties",
    "literatuur",
    "literatuurlijst",
    "literatura",
    "referenser",
    "referencer",
    "referanser",
    "litteratur",
    "litteraturförteckning",
    "kirjallisuus",
    "lähteet",
    "kaynakça",
    "kaynaklar",
    "списоклитературы",
    "литература",
    "参考文献",
    "參考文獻",
    "参考资料",
    "引用文献",
    "引用文獻",
    "文献",
    "참고문헌",
];

/// What follows a reference list, as the heading begins, in lower case.
const CLOSINGS: &[&str] = &[
    "appendix",
    "appendices",
    "acknowledg",
    "supplement",
    "supporting information",
    "supporting material",
    "about the author",
    "author biograph",
    "authors' biograph",
    "biograph",
    "author contribution",
    "author information",
    "author details",
    "authors' information",
    "authors and affiliations",
    "affiliation",
    "contributions",
    "contributors",
    "conflict of interest",
    "conflicts of interest",
    "competing interest",
    "declaration of",
    "disclosure",
    "funding",
    "data availability",
    "code availability",
    "additional information",
    "publisher's note",
    "publisher’s note",
    "figure legends",
    "figure captions",
    "list of figures",
    "list of tables",
    "extended data",
    "methods",
    "online methods",
    "index",
    "glossary",
    "neurips paper checklist",
    "checklist",
    "discussion",
    "received ",
    "manuscript received",
    "anhang",
    "danksagung",
    "annexe",
    "remerciements",
    "apéndice",
    "anexo",
    "附录",
    "附錄",
    "付録",
    "致谢",
    "作者简介",
    "謝辞",
    "부록",
];

/// Longest heading of a reference list, in bytes.
const LONGEST: usize = 60;

/// True where the row is the heading of a reference list.
pub(super) fn opens(text: &str) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let name: String = without_number(text)
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{ad}')
        .flat_map(char::to_lowercase)
        .collect();
    let name = name.trim_matches(|c: char| c.is_ascii_punctuation() || "：。、【】".contains(c));
    OPENINGS.contains(&name)
}

/// The heading without "7", "7.", "VII." or "A." before it.
fn without_number(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_ascii_punctuation() || c == '§');
    let Some((first, rest)) = text.split_once(char::is_whitespace) else {
        return text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    };
    let number = first.trim_end_matches(['.', ')', ':']);
    let is_number = !number.is_empty()
        && number.len() <= 6
        && (number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            || number.bytes().all(|b| b"IVXLC".contains(&b))
            || (number.len() == 1 && first.len() == 2));
    if is_number { rest.trim_start() } else { text }
}

/// How the list's own lines are set, to tell headings from them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typeface {
    /// Size of most lines, in points.
    size: f32,
    /// A heading is at least as large, in points.
    heading: f32,
    /// From one line to the next, in points.
    pitch: f32,
    is_bold: bool,
}

impl Typeface {
    /// As the first lines of the list show it.
    pub(super) fn of(rows: &[Row<'_>]) -> Self {
        let first = &rows[..rows.len().min(40)];
        let mut sizes: Vec<f32> = first.iter().map(|row| row.size).collect();
        sizes.sort_by(f32::total_cmp);
        let at = |share: f32| {
            let index = (sizes.len() as f32 * share) as usize;
            sizes
                .get(index.min(sizes.len().saturating_sub(1)))
                .copied()
                .unwrap_or(0.0)
        };
        let mut steps: Vec<f32> = first
            .windows(2)
            .filter(|pair| pair[0].run == pair[1].run)
            .map(|pair| pair[1].rect.y0 - pair[0].rect.y0)
            .filter(|step| *step > 1.0)
            .collect();
        steps.sort_by(f32::total_cmp);
        let pitch = steps.get(steps.len() / 3).copied().unwrap_or(at(0.5) * 1.2);
        let bold = first.iter().filter(|row| row.is_bold).count();
        Typeface {
            size: at(0.5),
            // Recognised and bitmap type varies from line to line.
            heading: (1.12 * at(0.5)).max(1.04 * at(0.85)),
            pitch,
            is_bold: 2 * bold > first.len(),
        }
    }

    /// True where the row is of another size than any line of the list would be.
    pub(super) fn is_foreign(&self, row: &Row<'_>) -> bool {
        self.size > 0.0
            && row.is_placed()
            && (row.size > 1.3 * self.size || row.size < 0.7 * self.size)
    }

    /// True where the row is of smaller type than the list.
    pub(super) fn is_small(&self, row: &Row<'_>) -> bool {
        row.is_placed() && row.size < 0.92 * self.size
    }

    /// True where the row begins a footnote: small type after its mark.
    pub(super) fn opens_footnote(&self, row: &Row<'_>) -> bool {
        let mark = row
            .text
            .trim_start_matches(|c: char| c.is_ascii_digit() || "*†‡§".contains(c));
        let marks = row.text.len() - mark.len();
        self.is_small(row)
            && (1..=4).contains(&marks)
            && mark.trim_start().starts_with(char::is_alphabetic)
            && !mark.starts_with(['.', ')'])
    }

    /// From one line to the next, in points.
    pub(super) fn pitch(&self) -> f32 {
        self.pitch
    }
}

/// True where the row is the heading of what follows the list; `last` is the row before it.
pub(super) fn closes(row: &Row<'_>, last: Option<&Row<'_>>, typeface: &Typeface) -> bool {
    let text = without_number(row.text);
    if row.text.len() > 90 || row.text.ends_with(',') || row.text.starts_with('[') {
        return false;
    }
    let Some(first) = text.chars().next() else {
        return false;
    };
    if first.is_lowercase() {
        return false;
    }
    let is_apart = last.is_none_or(|last| {
        last.run != row.run || row.is_parted || row.rect.y0 - last.rect.y0 > 1.35 * typeface.pitch
    });
    let is_large = row.is_placed() && row.size > typeface.heading;
    let stands_out = is_large || (row.is_bold && !typeface.is_bold);
    let lower: String = text.chars().take(40).flat_map(char::to_lowercase).collect();
    let is_named = CLOSINGS.iter().any(|name| lower.starts_with(name));
    let words = text.split_whitespace().count();
    let ends_entry = last.is_none_or(|last| ends_sentence(last.text));
    // "Funding Council. (2010). Report." is an entry.
    let is_entry = (split::has_date(text) && !lower.contains("received "))
        || text.contains(". ")
        || (row.text.contains(", ") && row.text.contains('.'));
    if is_entry {
        return false;
    }
    let is_short = words <= 5 && !text.ends_with('.');
    if is_named && words <= 9 && (stands_out || (is_apart && ends_entry && is_short)) {
        return true;
    }
    // "A Details of the experiments", "B.2 Prompts"
    let is_lettered = row.text.split_whitespace().next().is_some_and(|number| {
        let mut bytes = number.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_uppercase())
            && bytes.all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_caption = is_caption(row.text);
    if is_caption || letters < 4 || words > 12 || !is_apart {
        return false;
    }
    (is_lettered && stands_out && words >= 2)
        || (is_large && row.size > 1.15 * typeface.size && ends_entry)
}

/// True where the line ends as the last line of an entry does.
pub(super) fn ends_sentence(text: &str) -> bool {
    text.ends_with(['.', ')', ']', '”', '"', '/', '。', '．', '>', ';', '?', '!'])
        || text.ends_with(|c: char| c.is_ascii_digit())
        || text
            .rsplit(char::is_whitespace)
            .next()
            .is_some_and(|word| word.contains("://") || word.contains("www."))
}

/// True where the line opens the caption of a figure or table that floats inside the list.
pub(super) fn is_caption(text: &str) -> bool {
    const NAMES: &[&str] = &[
        "Figure",
        "FIGURE",
        "Fig.",
        "Table",
        "TABLE",
        "Algorithm",
        "Listing",
        "Abbildung",
        "Tabelle",
        "Tableau",
        "图",
        "表",
        "図",
    ];
    NAMES.iter().any(|name| {
        text.strip_prefix(name).is_some_and(|rest| {
            let rest = rest.trim_start();
            let number: usize = rest
                .bytes()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            (1..=4).contains(&number)
                && rest
                    .bytes()
                    .take(number)
                    .any(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
                && rest
                    .get(number..)
                    .is_some_and(|after| after.starts_with([':', '.', '|', '：']))
        })
    })
}
