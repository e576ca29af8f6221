//! Questions after papers: "which papers from 2012 mention Paxos?", "how many of Ongaro's papers
//! are from 2014?", "what is my oldest paper on consensus?".
//!
//! A question is a head (how it asks), a noun for papers, and constraints up to its last word.

use std::ops::RangeInclusive;

use super::tokens::{Cursor, Token};
use super::{CatalogQuestion, Order};

mod phrases;

const NOUNS: &str = "papers|paper|documents|document|articles|article|publications|publication|\
                     preprints|preprint|pdfs|manuscripts";
const LIST: [&str; 26] = [
    "give me a list of",
    "show me a list of",
    "make a list of",
    "give a list of",
    "a list of",
    "list of",
    "list me",
    "list out",
    "list",
    "show me",
    "show",
    "give me",
    "find me",
    "find",
    "name",
    "enumerate",
    "display",
    "get me",
    "tell me which|what",
    "tell me",
    "i want to see",
    "i want",
    "i need",
    "look up",
    "fetch",
    "get",
];
const NUMBERS: [(&str, usize); 9] = [
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
];
const NAMEABLE_YEARS: RangeInclusive<i32> = 1500..=2100;

/// How a question opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    /// "how many", "which papers", "list": enough by itself once the library is spoken of.
    Asks,
    /// "what is the newest": only with an order.
    Is,
    /// The noun alone, or "are there": only with a property.
    Bare,
}

/// What has been read so far.
#[derive(Debug, Default)]
struct Reading {
    question: CatalogQuestion,
    /// "my papers", "do I have", "in the library".
    speaks_of_the_library: bool,
    /// Something that may just as well be meant of the world.
    is_doubtful: bool,
    has_order: bool,
}

/// The question, where all of it is understood.
pub(super) fn read(tokens: &[Token]) -> Option<CatalogQuestion> {
    let mut cursor = Cursor::new(tokens);
    let mut reading = Reading::default();
    let head = head(&mut cursor, &mut reading)?;
    constraints(&mut cursor, &mut reading)?;
    let Reading {
        mut question,
        speaks_of_the_library,
        is_doubtful,
        has_order,
    } = reading;
    let is_enough = match head {
        Head::Asks => speaks_of_the_library || has_order || !question.is_unrestricted(),
        Head::Is => has_order || speaks_of_the_library && !question.is_unrestricted(),
        Head::Bare => {
            !question.is_unrestricted() || has_order || speaks_of_the_library && tokens.len() > 1
        }
    };
    question.is_certain = speaks_of_the_library || !is_doubtful;
    is_enough.then_some(question)
}

fn head(cursor: &mut Cursor<'_>, reading: &mut Reading) -> Option<Head> {
    let counts = [
        "how many of",
        "how many",
        "count",
        "what is the total number of",
        "what is the number of",
        "what's the number of",
        "the number of",
        "number of",
    ];
    if cursor.eat_any(&counts) {
        reading.question.is_count = true;
        subject(cursor, reading)?;
        return Some(Head::Asks);
    }
    if cursor.eat_any(&["what|which is|are|was|were", "what's"]) {
        subject(cursor, reading)?;
        return Some(Head::Is);
    }
    if cursor.eat_any(&["which of", "what of", "which", "what"]) || cursor.eat_any(&LIST) {
        subject(cursor, reading)?;
        return Some(Head::Asks);
    }
    let has = [
        "do i|we have",
        "have i|we got",
        "does my|our|the|this library have|contain|hold",
    ];
    if cursor.eat_any(&has) {
        reading.speaks_of_the_library = true;
        subject(cursor, reading)?;
        return Some(Head::Bare);
    }
    if cursor.eat("are|is there") {
        reading.is_doubtful = true;
    }
    subject(cursor, reading)?;
    Some(Head::Bare)
}

/// "all of my newest papers", "Ongaro's papers", "the three oldest articles".
fn subject(cursor: &mut Cursor<'_>, reading: &mut Reading) -> Option<()> {
    loop {
        if cursor.eat("my|our") {
            reading.speaks_of_the_library = true;
        } else if !cursor.eat("all|of|the|any|some|every|each|these|those|a|an") {
            break;
        }
    }
    let number = cursor.lower(0);
    let is_order = |word: &str| ["newest", "latest", "oldest", "earliest", "most"].contains(&word);
    if is_order(cursor.lower(1)) {
        let spelt = NUMBERS.iter().find(|(word, _)| *word == number);
        let limit = spelt.map(|(_, n)| *n).or_else(|| number.parse().ok());
        if let Some(limit) = limit.filter(|limit| (1..=50).contains(limit)) {
            reading.question.limit = Some(limit);
            cursor.next();
        }
    }
    if !is_order(cursor.lower(0)) {
        possessive(cursor, reading);
    }
    let order = if cursor.eat_any(&["newest", "latest", "most recent"]) {
        Some(Order::NewestFirst)
    } else if cursor.eat_any(&["oldest", "earliest"]) {
        Some(Order::OldestFirst)
    } else {
        None
    };
    cursor.eat("research|scientific|academic");
    let is_single = cursor.lower(0).ends_with(|c| c != 's');
    if !cursor.eat(NOUNS) {
        return None;
    }
    if let Some(order) = order {
        reading.has_order = true;
        reading.question.order = order;
        if is_single {
            reading.question.limit = Some(1);
        }
    }
    Some(())
}

/// "Diego Ongaro's".
fn possessive(cursor: &mut Cursor<'_>, reading: &mut Reading) {
    let mut ahead = *cursor;
    let mut words: Vec<String> = Vec::new();
    while words.len() < 4 {
        let Some(token) = ahead.next().filter(|token| token.begins_upper()) else {
            return;
        };
        let text = token.text.replace('’', "'");
        match text.strip_suffix("'s").or_else(|| {
            text.strip_suffix('\'')
                .filter(|name| name.ends_with(['s', 'z', 'x']))
        }) {
            Some(name) => {
                words.push(name.to_owned());
                reading.question.authors.push(words.join(" "));
                *cursor = ahead;
                return;
            }
            None => words.push(text),
        }
    }
}

fn constraints(cursor: &mut Cursor<'_>, reading: &mut Reading) -> Option<()> {
    while !cursor.is_end() {
        if cursor.eat_any(&[",", "and", "that", "which", "who", "also"]) {
            continue;
        }
        if library(cursor, reading) {
            continue;
        }
        if cursor.eat_any(&["have|has been", "is|are|was|were", "be"]) {
            if cursor.is_end() {
                return None;
            }
            continue;
        }
        let is_published =
            cursor.eat("published|written|released|appeared|presented|dated|printed");
        if years(cursor, reading)? || author(cursor, reading, is_published)? {
            continue;
        }
        if venue(cursor, reading, is_published)? {
            continue;
        }
        if is_published || !(order(cursor, reading) || phrases::mentions(cursor, reading)?) {
            return None;
        }
    }
    Some(())
}

/// What says only that the library is meant.
fn library(cursor: &mut Cursor<'_>, reading: &mut Reading) -> bool {
    let of_the_library = [
        "do i|we|you have",
        "have i|we|you got",
        "i|we have got",
        "i|we have",
        "i've|we've got",
        "does my|our|the|this library have|contain|hold",
        "in|within|of|from my|our|the|this|your library",
        "in|within|of|from my|our|this|your collection",
        "in lectern",
        "of mine",
        "here",
    ];
    if cursor.eat_any(&of_the_library) {
        reading.speaks_of_the_library = true;
        return true;
    }
    // "How many documents are there?" can only mean those that are here.
    if cursor.eat_any(&["are|is there", "there are", "exist"]) {
        let says_nothing_else = cursor.is_end() && reading.question.is_unrestricted();
        reading.speaks_of_the_library |= says_nothing_else && reading.question.is_count;
        reading.is_doubtful = true;
        return true;
    }
    cursor.eat_any(&["in total|all", "altogether", "overall", "at all"])
}

/// "sorted by year", "by date".
fn order(cursor: &mut Cursor<'_>, reading: &mut Reading) -> bool {
    cursor.eat("sorted|ordered|sort|order");
    let found = cursor.eat("by year|date|age");
    if found {
        reading.has_order |= !reading.question.is_count;
        if cursor.eat_any(&["oldest|earliest first", "ascending"]) {
            reading.question.order = Order::OldestFirst;
        } else {
            cursor.eat_any(&["newest|latest first", "descending"]);
        }
    }
    found
}

fn year(token: &str) -> Option<i32> {
    if token.len() != 4 {
        return None;
    }
    token
        .parse()
        .ok()
        .filter(|year| NAMEABLE_YEARS.contains(year))
}

/// Nothing found is `Some(false)`; `None` is what cannot be meant.
fn years(cursor: &mut Cursor<'_>, reading: &mut Reading) -> Option<bool> {
    let mut ahead = *cursor;
    let Some(found) = span_of_years(&mut ahead) else {
        return Some(false);
    };
    *cursor = ahead;
    if reading.question.years.replace(found.clone()).is_some() || found.is_empty() {
        return None;
    }
    Some(true)
}

fn span_of_years(cursor: &mut Cursor<'_>) -> Option<RangeInclusive<i32>> {
    let single = |cursor: &mut Cursor<'_>| {
        cursor.eat_any(&["the year", "year"]);
        let found = year(cursor.lower(0));
        cursor.at += usize::from(found.is_some());
        found
    };
    if cursor.eat_any(&["since", "starting in|from|with"]) {
        return Some(single(cursor)?..=i32::MAX);
    }
    if cursor.eat_any(&["after", "newer|later than"]) {
        return Some(single(cursor)?.saturating_add(1)..=i32::MAX);
    }
    if cursor.eat_any(&["before", "older|earlier than", "prior to"]) {
        return Some(i32::MIN..=single(cursor)?.saturating_sub(1));
    }
    if cursor.eat_any(&["until", "till", "up to", "through", "no later than"]) {
        return Some(i32::MIN..=single(cursor)?);
    }
    let is_between = cursor.eat("between");
    if !is_between {
        cursor.eat("from|in|of|for|during|dated");
    }
    cursor.eat_any(&["the years", "years"]);
    if let Some((from, to)) = joined_years(cursor.lower(0)) {
        cursor.at += 1;
        return Some(from..=to);
    }
    let mut decade = *cursor;
    decade.eat("the");
    if let Some(start) = decade
        .lower(0)
        .strip_suffix('s')
        .map(|d| d.trim_end_matches('\''))
        && let Some(start) = year(start).filter(|start| start % 10 == 0)
    {
        *cursor = decade;
        cursor.at += 1;
        // "The 1900s" may be ten years or a hundred.
        return (start % 100 != 0 || start == 2000).then_some(start..=start.saturating_add(9));
    }
    let from = single(cursor)?;
    if is_between {
        cursor.eat("and|to");
        return Some(from..=single(cursor)?);
    }
    let mut ahead = *cursor;
    if ahead.eat_any(&["up to", "to|until|till|through|-|–|\u{2014}"])
        && let Some(to) = single(&mut ahead)
    {
        *cursor = ahead;
        return Some(from..=to);
    }
    let is_open = |ahead: &mut Cursor<'_>| ahead.eat("on") && ahead.is_end();
    if cursor.eat_any(&["onwards", "onward", "or later", "and later", "and after"])
        || is_open(&mut { *cursor })
    {
        cursor.eat("on");
        return Some(from..=i32::MAX);
    }
    if cursor.eat_any(&["or earlier", "and earlier", "and before"]) {
        return Some(i32::MIN..=from);
    }
    Some(from..=from)
}

/// "2010-2014", "2010–14" is not read.
fn joined_years(token: &str) -> Option<(i32, i32)> {
    let (from, to) = token
        .split_once("..")
        .or_else(|| token.split_once(['-', '–', '\u{2014}']))?;
    Some((year(from)?, year(to)?))
}

fn author(cursor: &mut Cursor<'_>, reading: &mut Reading, is_written: bool) -> Option<bool> {
    let mut ahead = *cursor;
    if ahead.eat("did|has|have") {
        let Some(name) = phrases::name(&mut ahead) else {
            return Some(false);
        };
        if !ahead.eat("write|publish|author|co-author|coauthor|written|published|authored") {
            return None;
        }
        reading.is_doubtful = true;
        reading.question.authors.push(name);
        *cursor = ahead;
        return Some(true);
    }
    let by = [
        "authored|co-authored|coauthored by",
        "by the author|authors",
        "by author",
        "by",
    ];
    if !ahead.eat_any(&by) {
        return Some(false);
    }
    if ["year", "date", "age"].contains(&ahead.lower(0)) && !is_written {
        return Some(false);
    }
    loop {
        reading.question.authors.push(phrases::name(&mut ahead)?);
        let mut more = ahead;
        let is_joined = more.eat_any(&[", and", "and|&", ","]);
        if is_joined && !phrases::begins_constraint(&more) && phrases::name(&mut { more }).is_some()
        {
            ahead = more;
            continue;
        }
        *cursor = ahead;
        return Some(true);
    }
}

fn venue(cursor: &mut Cursor<'_>, reading: &mut Reading, is_published: bool) -> Option<bool> {
    let mut ahead = *cursor;
    let is_from = ahead.lower(0) == "from";
    if !ahead.eat("in|at|from") {
        return Some(false);
    }
    let mut named = ahead;
    let is_named = named.eat_any(&[
        "the journal|conference|magazine|workshop",
        "journal|conference",
    ]) && named.lower(0) != "of";
    if is_named {
        ahead = named;
    }
    let name = phrases::venue(&mut ahead)?;
    let is_acronym = name.chars().filter(|c| c.is_uppercase()).count() > 1;
    if is_from && !is_acronym || reading.question.venue.is_some() {
        return None;
    }
    reading.is_doubtful |= !is_published && !is_named;
    reading.question.venue = Some(name);
    *cursor = ahead;
    Some(true)
}
