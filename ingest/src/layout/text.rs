//! Blocks written to a page's text: lines under each other, blocks apart, hyphens joined.

use super::block::Piece;
use super::row::{self, Row, union};
use crate::hyphen::{self, Ending, Vocabulary};
use crate::{Block, BlockKind, Page};

/// Deepest indent of program text that is kept, in characters.
const MOST_INDENT: f32 = 60.0;

/// Fills a page's text, lines and blocks.
pub(super) fn write(page: &mut Page, mut rows: Vec<Row>, pieces: &[Piece], words: &Vocabulary) {
    for piece in pieces.iter().filter(|piece| piece.kind != BlockKind::Table) {
        for row in &mut rows[piece.first..piece.end] {
            if row.text.contains('\t') {
                row.text = row.text.replace('\t', " ");
            }
        }
    }
    let mut separator = String::new();
    for (index, piece) in pieces.iter().enumerate() {
        let left = rows[piece.first..piece.end]
            .iter()
            .map(|row| row.rect.x0)
            .fold(f32::MAX, f32::min);
        let mut rect = rows[piece.first].rect;
        let first_line = page.lines.len();
        for at in piece.first..piece.end {
            let row = &rows[at];
            rect = union(rect, row.rect);
            let is_last = at + 1 == piece.end;
            let goes_on = !is_last || pieces.get(index + 1).is_some_and(|next| next.continues);
            let ending = match rows.get(at + 1) {
                Some(next) if goes_on && is_prose(piece.kind) => {
                    hyphen::ending(&row.text, &next.text, words)
                }
                _ => Ending::Keep,
            };
            let length = match ending {
                Ending::DropHyphen => row.text.trim_end_matches(hyphen::is_hyphen).len(),
                Ending::Keep | Ending::KeepHyphen => row.text.len(),
            };
            page.text.push_str(&separator);
            separator.clear();
            if piece.kind == BlockKind::Code && at > piece.first {
                let width = (0.6 * row.size).max(1.0);
                let indent = ((row.rect.x0 - left) / width)
                    .round()
                    .clamp(0.0, MOST_INDENT);
                page.text.extend(std::iter::repeat_n(' ', indent as usize));
            }
            row::push_line(page, row, length);
            if ending == Ending::Keep {
                // The two halves of a sentence are not torn apart.
                separator.push_str(if goes_on { "\n" } else { "\n\n" });
            }
        }
        page.blocks.push(Block {
            kind: piece.kind,
            level: piece.level,
            start: page.lines.get(first_line).map_or(0, |line| line.start),
            end: page.lines.last().map_or(0, |line| line.end),
            first_line,
            end_line: page.lines.len(),
            rect,
            continues: piece.continues,
        });
    }
}

/// Hyphens at line ends belong to the line in program text, formulas and tables.
fn is_prose(kind: BlockKind) -> bool {
    !matches!(
        kind,
        BlockKind::Code | BlockKind::Equation | BlockKind::Table
    )
}
