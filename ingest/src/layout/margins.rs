//! Running heads, running feet and page numbers.
//!
//! Each is known by coming back: the same words, with digits made equal, at the same height of
//! many pages; or different words (the section's title) at a height where nearly every page has
//! one line apart from the text; or numbers that count with the pages. Pages are peeled from the
//! edge inwards, so that a line can only be a head if all above it are. A first page often has a
//! foot of its own, and short papers have too few pages to compare: there the wording decides.

use std::collections::HashMap;

use super::row::Row;
use super::strip::{Edge, Strip, strips};
use super::wording;
use crate::{MarginKind, MarginLine};

/// A head or foot comes back on at least this share of the pages.
const SHARE: f32 = 0.3;
/// Most strips that are peeled from an edge.
const DEPTH: usize = 5;
/// Heights that differ by less, in points, are the same.
const SAME_HEIGHT: f32 = 4.0;

/// A page whose margins are being cleared.
pub(super) struct Sheet {
    pub(super) number: u32,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) rows: Vec<Row>,
    /// What has been taken out.
    pub(super) margins: Vec<MarginLine>,
}

/// Moves heads, feet and page numbers from the sheets' rows to their margins.
pub(super) fn clear(sheets: &mut [Sheet]) {
    let body = body_size(sheets);
    let title = sheets
        .first()
        .map_or(String::new(), |sheet| title_words(&sheet.rows, body));
    for edge in [Edge::Top, Edge::Bottom] {
        let peels: Vec<Peel> = sheets.iter().map(|sheet| Peel::new(sheet, edge)).collect();
        let taken = peel(&peels, body, edge, &title);
        for (sheet, (peel, kinds)) in sheets.iter_mut().zip(peels.iter().zip(taken)) {
            take(sheet, peel, &kinds);
        }
    }
}

/// The strips at one edge of a page, outermost first.
struct Peel {
    number: u32,
    strips: Vec<Strip>,
}

impl Peel {
    fn new(sheet: &Sheet, edge: Edge) -> Self {
        Peel {
            number: sheet.number,
            strips: strips(&sheet.rows, sheet.width, sheet.height, edge, DEPTH),
        }
    }
}

/// What each page's outermost strips are; those that are not named stay.
fn peel(peels: &[Peel], body: f32, edge: Edge, title: &str) -> Vec<Vec<MarginKind>> {
    let running = match edge {
        Edge::Top => MarginKind::Header,
        Edge::Bottom => MarginKind::Footer,
    };
    let pages = peels.iter().filter(|peel| !peel.strips.is_empty()).count();
    let least = ((pages as f32 * SHARE).ceil() as usize).max(2);
    let repeats = Repeats::of(peels, least);
    let numbering = Numbering::of(peels);
    let mut taken: Vec<Vec<MarginKind>> = vec![Vec::new(); peels.len()];
    // A slot is a height; which strips are outermost changes as others go.
    for _ in 0..DEPTH {
        let mut progressed = false;
        for (index, (peel, kinds)) in peels.iter().zip(&mut taken).enumerate() {
            while let Some(strip) = peel.strips.get(kinds.len()) {
                let rest = &peel.strips[kinds.len()..];
                let is_number = |strip: &Strip| numbering.accepts(strip, peel.number, pages);
                if is_number(strip) {
                    kinds.push(MarginKind::PageNumber);
                } else if (repeats.accepts(strip)
                    && is_apart(rest, |strip| repeats.accepts(strip) || is_number(strip)))
                    || (index > 0 && strip.gap >= 0.7 * body && names(strip, title))
                {
                    kinds.push(running);
                } else if let Some(count) = imprint(rest, body, index == 0, &is_number) {
                    kinds.extend(std::iter::repeat_n(running, count));
                } else {
                    break;
                }
                progressed = true;
            }
        }
        let slots = slots(peels, &taken, body);
        for (peel, kinds) in peels.iter().zip(&mut taken) {
            let Some(strip) = peel.strips.get(kinds.len()) else {
                continue;
            };
            if strip.gap >= 0.7 * body
                && slots
                    .iter()
                    .any(|slot| (slot - strip.y).abs() < SAME_HEIGHT)
            {
                kinds.push(running);
                progressed = true;
            }
        }
        if !progressed {
            break;
        }
    }
    taken
}

/// The letters of the first page's large type: the title, which heads repeat.
fn title_words(rows: &[Row], body: f32) -> String {
    let mut words = String::new();
    for row in rows.iter().filter(|row| row.size > 1.15 * body).take(8) {
        words.extend(letters(&row.text).take(500));
    }
    words
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars()
        .filter(|c| c.is_alphabetic())
        .flat_map(char::to_lowercase)
}

/// True where a strip says nothing but what the title does.
fn names(strip: &Strip, title: &str) -> bool {
    let words: String = letters(&strip.text).collect();
    words.len() >= 10 && title.contains(&words)
}

/// True where the first strips, as far as they are of a kind, stand apart from the text, or are too
/// short for text.
fn is_apart(strips: &[Strip], is_kind: impl Fn(&Strip) -> bool) -> bool {
    let last = strips.iter().take_while(|strip| is_kind(strip)).last();
    last.is_some_and(|strip| strip.gap > 0.4 * strip.size)
        || strips
            .first()
            .is_some_and(|strip| strip.text.len() < 45 && strip.cells <= 2)
}

/// Texts, digits made equal, that come back at one height.
struct Repeats<'a> {
    heights: HashMap<&'a str, f32>,
}

impl<'a> Repeats<'a> {
    fn of(peels: &'a [Peel], least: usize) -> Self {
        let mut seen: HashMap<&str, Vec<f32>> = HashMap::new();
        for peel in peels {
            for (depth, strip) in peel.strips.iter().enumerate() {
                let is_twice = peel.strips[..depth]
                    .iter()
                    .any(|other| other.key == strip.key);
                if !strip.key.is_empty() && !is_twice {
                    seen.entry(&strip.key).or_default().push(strip.y);
                }
            }
        }
        let heights = seen
            .into_iter()
            .filter_map(|(key, mut heights)| {
                heights.sort_by(f32::total_cmp);
                let middle = heights[heights.len() / 2];
                let level = heights
                    .iter()
                    .filter(|&&height| (height - middle).abs() < SAME_HEIGHT)
                    .count();
                (level >= least).then_some((key, middle))
            })
            .collect();
        Repeats { heights }
    }

    /// True also where a strip of more cells stands on the text without a gap? No: that is the
    /// head of a table that goes on over pages.
    fn accepts(&self, strip: &Strip) -> bool {
        let is_table = strip.cells > 2 && strip.gap < 0.5 * strip.size;
        !is_table && self.heights.contains_key(strip.key.as_str())
    }
}

/// How the printed page numbers count: what must be added to a page's place in the file.
struct Numbering {
    offsets: Vec<(bool, i64)>,
}

impl Numbering {
    fn of(peels: &[Peel]) -> Self {
        let mut votes: HashMap<(bool, i64), usize> = HashMap::new();
        for peel in peels {
            let mut cast: Vec<(bool, i64)> = Vec::new();
            for strip in &peel.strips {
                let Some((number, is_roman)) = strip.page_number else {
                    continue;
                };
                let vote = (is_roman, i64::from(number) - i64::from(peel.number));
                if !cast.contains(&vote) {
                    cast.push(vote);
                    *votes.entry(vote).or_default() += 1;
                }
            }
        }
        let least = (peels.len() / 10).max(2);
        let offsets = votes
            .into_iter()
            .filter(|(_, count)| *count >= least)
            .map(|(vote, _)| vote)
            .collect();
        Numbering { offsets }
    }

    fn accepts(&self, strip: &Strip, page: u32, pages: usize) -> bool {
        let Some((number, is_roman)) = strip.page_number else {
            return false;
        };
        let offset = i64::from(number) - i64::from(page);
        if self.offsets.contains(&(is_roman, offset)) {
            return true;
        }
        // Too few pages to count: a number alone and apart, at the very edge or in its own form.
        let is_lonely = strip.gap > 0.7 * strip.size && strip.is_at_edge;
        is_lonely && (pages <= 2 || offset == 0 || strip.is_formal_number)
    }
}

/// Heights at which nearly every page that has a line there has it apart from the text.
fn slots(peels: &[Peel], taken: &[Vec<MarginKind>], body: f32) -> Vec<f32> {
    let pages = peels.len();
    if pages < 4 {
        return Vec::new();
    }
    let mut outer: Vec<&Strip> = peels
        .iter()
        .zip(taken)
        .filter_map(|(peel, kinds)| peel.strips.get(kinds.len()))
        .collect();
    outer.sort_by(|a, b| a.y.total_cmp(&b.y));
    let mut found = Vec::new();
    let mut start = 0;
    for end in 1..=outer.len() {
        // A cluster ends where the next height is further off.
        if end < outer.len() && outer[end].y - outer[end - 1].y < 1.0 {
            continue;
        }
        let height = outer[start + (end - start) / 2].y;
        let from = outer.partition_point(|strip| strip.y <= height - SAME_HEIGHT);
        let to = outer.partition_point(|strip| strip.y < height + SAME_HEIGHT);
        let here = &outer[from..to.max(from)];
        let is_common = end - start >= 3 && here.len() as f32 >= SHARE * pages as f32;
        start = end;
        if !is_common {
            continue;
        }
        let apart = here.iter().filter(|strip| strip.gap >= 0.7 * body).count();
        let mut keys: HashMap<&str, usize> = HashMap::new();
        for strip in here {
            *keys.entry(strip.key.as_str()).or_default() += 1;
        }
        let alike = here
            .iter()
            .filter(|strip| strip.has_outer_number || keys[strip.key.as_str()] > 1)
            .count();
        if apart * 100 >= here.len() * 85 && alike * 2 >= here.len() {
            found.push(height);
        }
    }
    found
}

/// How many of the outermost strips are a publisher's imprint: a small group, apart from the text,
/// with words such as a copyright line has.
fn imprint(
    strips: &[Strip],
    body: f32,
    is_first: bool,
    is_number: &dyn Fn(&Strip) -> bool,
) -> Option<usize> {
    if !is_first {
        return None;
    }
    let first = strips.first()?;
    let mut count = 0;
    let mut is_imprint = false;
    for strip in strips {
        if count > 0 && is_number(strip) {
            return is_imprint.then_some(count);
        }
        if count == 4 || strip.size > 1.02 * body || (strip.size - first.size).abs() > 1.5 {
            return None;
        }
        count += 1;
        is_imprint |= wording::is_imprint(&strip.text);
        if strip.gap > 0.6 * strip.size {
            return is_imprint.then_some(count);
        }
    }
    None
}

fn take(sheet: &mut Sheet, peel: &Peel, kinds: &[MarginKind]) {
    if kinds.is_empty() {
        return;
    }
    let mut kind_of: Vec<Option<MarginKind>> = vec![None; sheet.rows.len()];
    for (strip, kind) in peel.strips.iter().zip(kinds) {
        for &row in &strip.rows {
            kind_of[row] = Some(*kind);
        }
    }
    let mut kinds = kind_of.into_iter();
    let margins = &mut sheet.margins;
    sheet.rows.retain(|row| {
        let Some(kind) = kinds.next().flatten() else {
            return true;
        };
        margins.push(MarginLine {
            kind,
            text: row.text.replace('\t', " "),
            rect: row.rect,
        });
        false
    });
}

/// Size of most letters of the document, in points.
pub(super) fn body_size(sheets: &[Sheet]) -> f32 {
    let mut letters: HashMap<u32, usize> = HashMap::new();
    for row in sheets.iter().flat_map(|sheet| &sheet.rows) {
        let half_points = (row.size * 2.0).round() as u32;
        *letters.entry(half_points).or_default() += row.text.len();
    }
    letters
        .into_iter()
        .max_by_key(|&(size, count)| (count, size))
        .map_or(10.0, |(size, _)| size as f32 / 2.0)
        .max(1.0)
}
