//! The smallest stretches that passages are made of: a sentence, a whole table or caption where
//! it fits, a row, a line of code, an entry of the reference list.
//!
//! A paragraph that goes on over a page or column break is split into sentences as one text. What
//! stands between its parts (a footnote, a figure's caption) is a unit of its own, and the two
//! halves of the sentence around it are kept in one passage with it where they fit.

use std::ops::Range;

use super::pieces::pieces;
use super::segments::{Outline, Segment};
use crate::{BlockKind, TokenCounter, sentence};

/// A stretch of text that is not parted, no longer than a passage.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) range: Range<usize>,
    pub(super) tokens: usize,
    pub(super) kind: BlockKind,
    pub(super) section: usize,
    pub(super) group: usize,
    /// Index into [`Units::clusters`].
    pub(super) cluster: usize,
    /// Units that start before this byte belong with it.
    until: usize,
}

impl Unit {
    pub(super) fn is_heading(&self) -> bool {
        self.kind == BlockKind::Heading
    }

    /// True where the next passage may repeat it.
    pub(super) fn may_repeat(&self) -> bool {
        matches!(
            self.kind,
            BlockKind::Paragraph | BlockKind::Abstract | BlockKind::ListItem
        )
    }
}

/// Units that belong together: a table and its caption, the halves of a sentence and what stands
/// between them.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) first: usize,
    pub(super) tokens: usize,
}

/// All units of a document, in order.
pub(super) struct Units {
    pub(super) units: Vec<Unit>,
    pub(super) clusters: Vec<Cluster>,
}

impl Units {
    pub(super) fn of(
        outline: &Outline,
        text: &str,
        max: usize,
        counter: &dyn TokenCounter,
    ) -> Self {
        let mut maker = Maker {
            text,
            max,
            counter,
            units: Vec::new(),
        };
        let segments = &outline.segments;
        let captions_above = captions_stand_above(segments, text);
        let mut is_done = vec![false; segments.len()];
        for at in 0..segments.len() {
            if std::mem::replace(&mut is_done[at], true) {
                continue;
            }
            let chain = chain(segments, at);
            for part in &chain {
                is_done[*part] = true;
            }
            maker.chain(segments, &chain);
            if let Some(until) = pair(segments, at, text, captions_above) {
                maker.bind(trim(text, segments[at].range.clone()).start, until);
            }
        }
        // Parts of a paragraph were added before what stands between them.
        let mut units = maker.units;
        units.sort_by_key(|unit| unit.range.start);
        let clusters = cluster(&mut units);
        Units { units, clusters }
    }
}

fn cluster(units: &mut [Unit]) -> Vec<Cluster> {
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut until = 0;
    let mut group = None;
    for (at, unit) in units.iter_mut().enumerate() {
        if group.replace(unit.group) != Some(unit.group) {
            until = 0;
        }
        match clusters.last_mut() {
            Some(cluster) if unit.range.start < until => cluster.tokens += unit.tokens,
            _ => clusters.push(Cluster {
                first: at,
                tokens: unit.tokens,
            }),
        }
        unit.cluster = clusters.len() - 1;
        until = until.max(unit.until);
    }
    clusters
}

/// The segment and those that go on with it, over what stands in between.
fn chain(segments: &[Segment], first: usize) -> Vec<usize> {
    let mut chain = vec![first];
    let kind = segments[first].kind;
    if !is_prose(kind) {
        return chain;
    }
    let mut at = first + 1;
    while let Some(segment) = segments.get(at) {
        if segment.kind == kind && segment.continues {
            chain.push(at);
        } else if !may_interrupt(segment.kind, kind) {
            break;
        }
        at += 1;
    }
    chain
}

fn is_prose(kind: BlockKind) -> bool {
    matches!(
        kind,
        BlockKind::Paragraph
            | BlockKind::Abstract
            | BlockKind::ListItem
            | BlockKind::Footnote
            | BlockKind::Reference
            | BlockKind::Author
    )
}

/// What the page's layout puts between two parts of a block of kind `inside`.
fn may_interrupt(kind: BlockKind, inside: BlockKind) -> bool {
    kind != inside
        && matches!(
            kind,
            BlockKind::Footnote | BlockKind::Caption | BlockKind::Table | BlockKind::Code
        )
}

fn is_of_table(caption: &str) -> bool {
    !caption
        .trim_start()
        .get(..3)
        .is_some_and(|head| head.eq_ignore_ascii_case("fig"))
}

/// True where the paper sets captions above its tables, told by those that leave no doubt.
fn captions_stand_above(segments: &[Segment], text: &str) -> bool {
    let kind = |at: Option<usize>| {
        at.and_then(|at| segments.get(at))
            .map(|segment| segment.kind)
    };
    let (mut above, mut below) = (0, 0);
    for (at, segment) in segments.iter().enumerate() {
        if segment.kind != BlockKind::Caption || !is_of_table(&text[segment.range.clone()]) {
            continue;
        }
        let table = Some(BlockKind::Table);
        match (
            kind(at.checked_sub(1)) == table,
            kind(Some(at + 1)) == table,
        ) {
            (true, false) => below += 1,
            (false, true) => above += 1,
            _ => {}
        }
    }
    above >= below
}

/// Where the table and caption of which segment `at` is the first end.
fn pair(segments: &[Segment], at: usize, text: &str, captions_above: bool) -> Option<usize> {
    let (first, second) = (&segments[at], segments.get(at + 1)?);
    let is = |at: Option<usize>, kind| {
        at.and_then(|at| segments.get(at))
            .is_some_and(|segment| segment.kind == kind)
    };
    let is_caption = |segment: &Segment| is_of_table(&text[segment.range.clone()]);
    let is_pair = match (first.kind, second.kind) {
        (BlockKind::Caption, BlockKind::Table) => {
            is_caption(first) && (captions_above || !is(at.checked_sub(1), BlockKind::Table))
        }
        (BlockKind::Table, BlockKind::Caption) => {
            let is_of_other = captions_above
                && (is(Some(at + 2), BlockKind::Table)
                    || is(at.checked_sub(1), BlockKind::Caption));
            is_caption(second) && !is_of_other
        }
        _ => false,
    };
    is_pair.then_some(second.range.end)
}

struct Maker<'a> {
    text: &'a str,
    max: usize,
    counter: &'a dyn TokenCounter,
    units: Vec<Unit>,
}

impl Maker<'_> {
    fn chain(&mut self, segments: &[Segment], chain: &[usize]) {
        let segment = &segments[chain[0]];
        match segment.kind {
            BlockKind::Table | BlockKind::Code => self.whole(segment, |text| {
                let mut at = 0;
                let lines = text.split('\n').map(|line| {
                    let start = at;
                    at += line.len() + 1;
                    start..start + line.len()
                });
                lines.collect()
            }),
            BlockKind::Caption | BlockKind::Equation | BlockKind::Heading | BlockKind::Title => {
                self.whole(segment, sentence::split);
            }
            BlockKind::Reference if chain.len() == 1 => self.whole(segment, sentence::split),
            _ => self.sentences(segments, chain),
        }
    }

    /// One unit where it fits, else one for each part that `parts` finds.
    fn whole(&mut self, segment: &Segment, parts: impl Fn(&str) -> Vec<Range<usize>>) {
        let range = trim(self.text, segment.range.clone());
        if range.is_empty() {
            return;
        }
        let tokens = self.counter.count(&self.text[range.clone()]);
        if tokens <= self.max {
            self.push(segment, range, tokens);
            return;
        }
        for part in parts(&self.text[range.clone()]) {
            self.add(segment, range.start + part.start..range.start + part.end);
        }
    }

    /// The sentences of a paragraph whose parts stand in several segments.
    fn sentences(&mut self, segments: &[Segment], chain: &[usize]) {
        let first = &segments[chain[0]];
        if chain.len() == 1 {
            for part in sentence::split(&self.text[first.range.clone()]) {
                self.add(
                    first,
                    first.range.start + part.start..first.range.start + part.end,
                );
            }
            return;
        }
        // All parts as one text, and where each starts in it.
        let mut joined = String::new();
        let mut starts = Vec::with_capacity(chain.len());
        let mut end = None;
        for part in chain {
            let range = &segments[*part].range;
            // Two halves of one word have nothing between them.
            if end.is_some_and(|end| end != range.start) {
                joined.push('\n');
            }
            starts.push(joined.len());
            joined.push_str(&self.text[range.clone()]);
            end = Some(range.end);
        }
        for sentence in sentence::split(&joined) {
            let from = starts.partition_point(|start| *start <= sentence.start) - 1;
            let to = starts.partition_point(|start| *start < sentence.end) - 1;
            let place =
                |part: usize, at: usize| segments[chain[part]].range.start + at - starts[part];
            let end = place(to, sentence.end);
            // Halves next to each other are one stretch; only what stands between parts them.
            let mut start = place(from, sentence.start);
            let began = start;
            let mut is_parted = false;
            for part in from..to {
                let (here, next) = (chain[part], chain[part + 1]);
                if next > here + 1 {
                    self.add(&segments[here], start..segments[here].range.end);
                    start = segments[next].range.start;
                    is_parted = true;
                }
            }
            self.add(&segments[chain[to]], start..end);
            if is_parted {
                self.bind(began, end);
            }
        }
    }

    /// Says that the unit at `start` belongs with all that starts before `until`.
    fn bind(&mut self, start: usize, until: usize) {
        // It is among the last ones added.
        let unit = self
            .units
            .iter_mut()
            .rev()
            .find(|unit| unit.range.start <= start);
        if let Some(unit) = unit.filter(|unit| unit.range.end > start) {
            unit.until = unit.until.max(until);
        }
    }

    /// Adds a stretch, cut where it is too long.
    fn add(&mut self, segment: &Segment, range: Range<usize>) {
        let range = trim(self.text, range);
        if range.is_empty() {
            return;
        }
        let tokens = self.counter.count(&self.text[range.clone()]);
        if tokens <= self.max {
            self.push(segment, range, tokens);
        } else {
            for (range, tokens) in pieces(self.text, range, self.max, self.counter) {
                self.push(segment, range, tokens);
            }
        }
    }

    fn push(&mut self, segment: &Segment, range: Range<usize>, tokens: usize) {
        self.units.push(Unit {
            range,
            tokens,
            kind: segment.kind,
            section: segment.section,
            group: segment.group,
            cluster: 0,
            until: 0,
        });
    }
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    start..start + slice.trim().len()
}
