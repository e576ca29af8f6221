//! Tesseract's table of words: one row each of pages, blocks, paragraphs, lines and words, with
//! place, size and confidence
//! (<https://tesseract-ocr.github.io/tessdoc/Command-Line-Usage.html#tsv-output>).

use crate::Rect;

/// Words below this confidence, in percent, are dirt.
const MIN_WORD: f32 = 25.0;
/// Words without a letter or digit need this much.
const MIN_SIGN: f32 = 70.0;
/// Lines below this, over their letters, are figures taken for text.
const MIN_LINE: f32 = 45.0;
/// Rows that are looked at.
const MAX_ROWS: usize = 500_000;

/// A recognised line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its words, a space between each two.
    pub text: String,
    /// Bounding box of its words in points.
    pub rect: Rect,
    /// About the size of the type, in points.
    pub font_size: f32,
    /// Mean over its letters, from 0 to 100.
    pub confidence: f32,
}

/// Lines that tesseract takes for a paragraph.
#[derive(Debug, Clone, PartialEq)]
pub struct Paragraph {
    /// At least one.
    pub lines: Vec<Line>,
}

/// What is recognised of a picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recognised {
    /// In reading order, without what is taken for dirt.
    pub paragraphs: Vec<Paragraph>,
    /// Letters in all, with what is taken for dirt.
    pub letters: usize,
    /// How sure tesseract is of those, in the mean, from 0 to 100. English read as English comes to
    /// over 90, formulas to about 70, Chinese read as English to 30.
    pub confidence: f32,
}

struct Word<'a> {
    text: &'a str,
    /// Block, paragraph and line.
    place: (u32, u32, u32),
    rect: Rect,
    confidence: f32,
}

/// What the table says, pixels times `scale`.
pub(super) fn parse(table: &str, scale: f32) -> Recognised {
    let mut words: Vec<Word<'_>> = table
        .lines()
        .take(MAX_ROWS)
        .filter_map(|row| word(row, scale))
        .collect();
    let letters = words.iter().map(|word| word.text.chars().count()).sum();
    let sum: f32 = words
        .iter()
        .map(|word| word.text.chars().count() as f32 * word.confidence)
        .sum();
    words.retain(|word| !word.is_dirt());
    let mut paragraphs: Vec<Paragraph> = Vec::new();
    let mut before = None;
    for words in words.chunk_by(|a, b| a.place == b.place) {
        let Some(line) = line(words) else { continue };
        let (block, paragraph, _) = words[0].place;
        match paragraphs.last_mut() {
            Some(last) if before == Some((block, paragraph)) => last.lines.push(line),
            _ => paragraphs.push(Paragraph { lines: vec![line] }),
        }
        before = Some((block, paragraph));
    }
    Recognised {
        paragraphs,
        letters,
        confidence: if letters > 0 {
            sum / letters as f32
        } else {
            0.0
        },
    }
}

impl Word<'_> {
    fn is_dirt(&self) -> bool {
        let least = if self.text.chars().any(char::is_alphanumeric) {
            MIN_WORD
        } else {
            MIN_SIGN
        };
        self.confidence < least
    }
}

fn word(row: &str, scale: f32) -> Option<Word<'_>> {
    let mut fields = row.splitn(12, '\t');
    let mut number = || {
        fields
            .next()?
            .trim()
            .parse::<f32>()
            .ok()
            .filter(|n| n.is_finite())
    };
    let [level, _, block, paragraph, line, _] = [(); 6].map(|()| number());
    if level? != 5.0 {
        return None;
    }
    let [left, top, width, height, confidence] = [(); 5].map(|()| number());
    let text = fields.next()?.trim();
    // Without one it is no word.
    let confidence = confidence.filter(|confidence| *confidence >= 0.0)?;
    if text.is_empty() {
        return None;
    }
    let (left, top) = (left?.max(0.0), top?.max(0.0));
    Some(Word {
        text,
        place: (block? as u32, paragraph? as u32, line? as u32),
        rect: Rect {
            x0: left * scale,
            y0: top * scale,
            x1: (left + width?.max(0.0)) * scale,
            y1: (top + height?.max(0.0)) * scale,
        },
        confidence,
    })
}

fn line(words: &[Word<'_>]) -> Option<Line> {
    let mut text = String::new();
    let (mut letters, mut confidence) = (0.0, 0.0);
    let mut rect = words.first()?.rect;
    let mut sizes = Vec::new();
    for word in words {
        let joins = text.chars().next_back().is_some_and(crate::extract::is_cjk)
            && word.text.chars().next().is_some_and(crate::extract::is_cjk);
        if !text.is_empty() && !joins {
            text.push(' ');
        }
        text.extend(word.text.chars().filter(|c| !c.is_control()));
        let length = word.text.chars().count() as f32;
        letters += length;
        confidence += length * word.confidence;
        rect.x0 = rect.x0.min(word.rect.x0);
        rect.y0 = rect.y0.min(word.rect.y0);
        rect.x1 = rect.x1.max(word.rect.x1);
        rect.y1 = rect.y1.max(word.rect.y1);
        sizes.push((word.rect.y1 - word.rect.y0) / height_in_ems(word.text));
    }
    let confidence = confidence / letters;
    if confidence < MIN_LINE || !text.chars().any(char::is_alphanumeric) {
        return None;
    }
    sizes.sort_by(f32::total_cmp);
    Some(Line {
        text,
        rect,
        font_size: sizes[sizes.len() / 2].max(1.0),
        confidence,
    })
}

/// How tall the ink of a word is: 0.52 em for the small letters of common text faces, 0.2 more for
/// what rises above them, 0.21 for what hangs below.
fn height_in_ems(word: &str) -> f32 {
    let rises =
        |c: char| c.is_uppercase() || c.is_numeric() || "bdfhijklt()[]{}/|!?'\"".contains(c);
    let hangs = |c: char| "gjpqy()[]{}/|,;".contains(c);
    if word.chars().any(|c| c.is_alphabetic() && !c.is_ascii()) {
        return 0.9;
    }
    let mut height = 0.52;
    if word.chars().any(rises) {
        height += 0.2;
    }
    if word.chars().any(hangs) {
        height += 0.21;
    }
    height
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const HEAD: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n";

    #[test]
    fn words_become_lines_and_paragraphs() {
        let table = HEAD.to_owned()
            + "1\t1\t0\t0\t0\t0\t0\t0\t2550\t3300\t-1\t\n\
               5\t1\t1\t1\t1\t1\t300\t300\t100\t50\t96.1\tTwo\n\
               5\t1\t1\t1\t1\t2\t420\t310\t130\t40\t95.0\twords\n\
               5\t1\t1\t1\t2\t1\t300\t400\t100\t50\t91.0\tbelow\n\
               5\t1\t1\t1\t2\t2\t500\t400\t10\t50\t30.0\t|\n\
               5\t1\t1\t2\t1\t1\t300\t600\t100\t50\t91.0\tapart\n\
               5\t1\t2\t1\t1\t1\t300\t900\t100\t50\t31.0\tdirt\n";
        let recognised = parse(&table, 0.24);
        assert_eq!(recognised.letters, 23);
        let shown: Vec<String> = recognised
            .paragraphs
            .iter()
            .flat_map(|paragraph| {
                paragraph
                    .lines
                    .iter()
                    .map(|line| format!("{} {:?} {:.1}", line.text, line.rect, line.font_size))
                    .chain(["--".to_owned()])
            })
            .collect();
        expect![[r#"
            Two words Rect { x0: 72.0, y0: 72.0, x1: 132.0, y1: 84.0 } 16.7
            below Rect { x0: 72.0, y0: 96.0, x1: 96.0, y1: 108.0 } 16.7
            --
            apart Rect { x0: 72.0, y0: 144.0, x1: 96.0, y1: 156.0 } 12.9
            --"#]]
        .assert_eq(&shown.join("\n"));
    }

    #[test]
    fn nonsense_is_no_table() {
        assert!(parse("", 1.0).paragraphs.is_empty());
        assert!(
            parse("5\t1\t1\n5\t\tx\n\t\t\t\t", 1.0)
                .paragraphs
                .is_empty()
        );
        assert!(
            parse("5\t1\t1\t1\t1\t1\tNaN\t0\t1\t1\t99\tword", 1.0)
                .paragraphs
                .is_empty()
        );
    }
}
